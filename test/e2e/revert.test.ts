import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, Traffic } from './support/http.ts';
import { DRIVERS, Lab, type Result } from './support/lab.ts';

/** A Node app that says its version, and does something else so many milliseconds after somebody asked for `/break`. */
const app = (version: string, then = '', after = 1500): string => `
  const http = require('node:http');
  let status = 200;
  http.createServer((q, r) => {
    if (q.url === '/break') setTimeout(() => { ${then} }, ${after});
    r.statusCode = status;
    r.end(${JSON.stringify(version)});
  }).listen(process.env.PORT);
`;
const ENDS = 'console.log("lost the database"); process.exit(3)';
const GREEDY = 'const all = []; for (;;) all.push(Buffer.alloc(8 * 1024 ** 2, 1))';

describe.each(DRIVERS)('after the switch, under %s', (driver) => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.open({ driver, settings: 'bases: { from: debian }\ndefaults: { watch: 5s }\n' });
    for (const name of ['site', 'single', 'first']) {
      lab.write(`${name}/package.json`, '{"main":"server.js","scripts":{"start":"node server.js"}}');
      lab.write(`${name}/package-lock.json`, '{"lockfileVersion":3,"packages":{"":{}}}');
      lab.write(`${name}/server.js`, app('one'));
    }
    const define = (name: string, more = ''): void =>
      lab.define(
        name,
        `hostnames: [${name}.org]\napps:\n  web: { runtime: node, source: ../${name}, stop: 1s, limits: { memory: 64M }${more} }\n`,
      );
    define('site');
    define('first');
    define('single', ', volumes: { data: /data }');
    await lab.ok('deploy site single');
  });
  afterAll(() => lab.close());

  const body = async (name: string): Promise<string> => (await ask(lab, `${name}.org`, '/')).body;
  /** Deploys; a version called `bad` does what it has in mind once visitors are led to it. */
  const put = async (name: string, text?: string): Promise<Result> => {
    if (text !== undefined) lab.write(`${name}/server.js`, text);
    const deployed = lab.hostctl(`deploy ${name}`);
    const done = new AbortController();
    void deployed.then(() => done.abort());
    while (!done.signal.aborted && (await body(name)) !== 'bad') await setTimeout(20);
    await ask(lab, `${name}.org`, '/break');
    return deployed;
  };
  const taken = (name: string) => ({
    code: 6,
    err: expect.stringMatching(new RegExp(`release \\d+ of ${name} is serving again`)) as string,
  });

  test.each([
    ['ends a second and a half later', app('bad', ENDS), /ended and was started again after the switch/],
    [
      'needs more memory than it may have',
      app('bad', GREEDY),
      /after the switch.*killed for needing more than its 64M/,
    ],
    [
      'answers errors from then on',
      app('bad', 'status = 500'),
      /site\.org\/ stopped working after the switch: answered 500/,
    ],
    ['hangs from then on', app('bad', 'for (;;);'), /site\.org\/ stopped working after the switch: /],
  ])('one that %s is taken back', async (what, text, reason) => {
    const before = await lab.running('site');
    const traffic = new Traffic(lab, 'site.org', '/', 50);
    const since = Date.now();
    const result = await put('site', text);
    const took = Date.now() - since;
    const load = await traffic.stop();
    expect(result).toMatchObject(taken('site'));
    const { err, out } = result;
    expect(err).toMatch(reason);
    expect(err).toMatch(/hostctl logs site --container site-web-\w+/);
    expect(await body('site')).toBe('one');
    expect((await lab.running('site')).map((item) => `${item.Id} ${item.State.StartedAt}`)).toEqual(
      before.map((item) => `${item.Id} ${item.State.StartedAt}`),
    );
    // What visitors saw is said, and is no more than the time the bad one was live and failing.
    const [, requests, failed] = /during it (\d+) requests, (\d+) failed/.exec(out)!.map(Number);
    expect(failed).toBeLessThan(requests!);
    expect(load.failed / load.requests).toBeLessThan(0.5);
    process.stdout.write(
      `${driver}: ${what}: reverted in ${took} ms; ${load.requests} requests, ${load.failed} failed\n`,
    );
  });

  test('none of the requests fails that are made before it fails and after the earlier one is back', async () => {
    const deployed = put('site', app('bad', ENDS));
    const statuses: { body: string; status: number }[] = [];
    const done = new AbortController();
    void deployed.then(() => done.abort());
    while (!done.signal.aborted) {
      const { status, body: text } = await ask(lab, 'site.org', '/');
      statuses.push({ status, body: text });
      await setTimeout(10);
    }
    expect(await deployed).toMatchObject(taken('site'));
    const firstBad = statuses.findIndex((item) => item.status !== 200);
    const lastBad = statuses.findLastIndex((item) => item.status !== 200);
    const good = [...statuses.slice(0, Math.max(firstBad, 0)), ...statuses.slice(lastBad + 1)];
    expect(good.some((item) => item.body === 'bad')).toBe(true);
    expect(statuses.at(-1)).toEqual({ status: 200, body: 'one' });
    process.stdout.write(
      `${driver}: ${statuses.length} requests, of which ${statuses.filter((item) => item.status !== 200).length} failed, all within ${lastBad - firstBad + 1} in a row\n`,
    );
  });

  test('the same again is tried again, and ends the same; a good one goes through', async () => {
    expect(await put('site')).toMatchObject(taken('site'));
    expect(await body('site')).toBe('one');
    expect((await put('site', app('two'))).code).toBe(0);
    expect(await body('site')).toBe('two');
    expect([...(await lab.inspectAll()).keys()].filter((name) => name.startsWith('site-'))).toHaveLength(2);
  });

  test('one whose old copy was stopped first is taken back, too: the old one starts again', async () => {
    const [before] = await lab.running('single');
    expect(await put('single', app('bad', ENDS))).toMatchObject(taken('single'));
    expect(await body('single')).toBe('one');
    expect((await lab.running('single')).map((item) => item.Id)).toEqual([before!.Id]);
  });

  test('at a first deploy there is nothing to go back to, and it says so', async () => {
    const { code, err } = await put('first', app('bad', ENDS));
    expect(code).toBe(1);
    expect(err).toMatch(/lost the database/);
    expect(err).toMatch(/no release of first is serving/);
    expect(await lab.running('first')).toEqual([]);
    expect((await put('first', app('good'))).code).toBe(0);
    expect(await body('first')).toBe('good');
  });

  test('killed while it is watched, the same command goes on', async () => {
    lab.write('site/server.js', app('bad', ENDS));
    const child = lab.start('deploy site');
    while ((await body('site')) !== 'bad') await setTimeout(20);
    // It is live once its record is, a moment after the first visitor got there.
    const current = join(lab.data, 'projects/site/current');
    while (readlinkSync(current) !== 'releases/3.json') await setTimeout(20);
    child.kill('SIGKILL');
    expect(await lab.running('site')).toHaveLength(2);
    const again = lab.hostctl('deploy site');
    await setTimeout(1000);
    await ask(lab, 'site.org', '/break');
    expect(await again).toMatchObject(taken('site'));
    expect(await body('site')).toBe('two');
    expect(await lab.running('site')).toHaveLength(1);
  });
});
