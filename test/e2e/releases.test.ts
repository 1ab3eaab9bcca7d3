import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LABEL } from '../../src/core/names.ts';
import { ask, Traffic } from './support/http.ts';
import { someBase } from './support/images.ts';
import { DRIVERS, Lab } from './support/lab.ts';

const server = (text: string): string =>
  `require('http').createServer((q, r) => r.end(${JSON.stringify(text)} + process.env.COLOUR)).listen(process.env.PORT)`;

describe.each(DRIVERS)('releases, under %s', (driver) => {
  let lab: Lab;
  const define = (colour: string, memory: string, more = ''): void =>
    lab.define(
      'site',
      `hostnames: [site.org]\napps:\n  web: { runtime: node, source: ../site, stop: 1s, env: { COLOUR: ${colour} }, limits: { memory: ${memory} }, release: [node, -e, "console.log('migrated ${colour}')"] }\nmedia:\n  /file.txt: { from: ../file.txt }\n${more}`,
    );
  const page = async (path = '/'): Promise<string> => (await ask(lab, 'site.org', path)).body;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    lab.write('site/package.json', '{"main":"server.js","scripts":{"start":"node server.js"}}');
    lab.write('site/package-lock.json', '{"lockfileVersion":3,"packages":{"":{}}}');
    lab.write('site/server.js', server('one '));
    lab.write('file.txt', 'file one');
    define('red', '64M');
    await lab.ok('deploy site');
    lab.write('site/server.js', server('two '));
    lab.write('file.txt', 'file two');
    define('blue', '96M', 'http: { redirects: { /old: /new } }\n');
    await lab.ok('deploy site');
  });
  afterAll(() => lab.close());

  test('one is shown with what its release command did', async () => {
    const text = await lab.ok('releases site 2');
    expect(text).toMatch(/^release 2 of site, .* by /);
    expect(text).toMatch(/web: node -e console.log\('migrated blue'\) ended with 0 after /);
    expect(text).toContain('  migrated blue\n');
    const { release } = JSON.parse(await lab.ok('releases site 1 --json')) as {
      release: { hooks: unknown; desired: { images: Record<string, { id: string }> } };
    };
    expect(release.hooks).toMatchObject([{ app: 'web', code: 0, log: ['migrated red'] }]);
    expect(release.desired.images['web']!.id).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('two are compared, and what does not come back is said', async () => {
    const text = await lab.ok('releases diff site 1 2');
    expect(text).toMatch(/^web +env COLOUR +differs$/m);
    expect(text).toMatch(/^web +limits +64M, 0.5 cpus, 100 pids → 96M, 0.5 cpus, 100 pids$/m);
    expect(text).toMatch(/^ +http.redirects +is new$/m);
    expect(text).toMatch(/release 2 ran web: node -e .*what it did to a database stays/);
    expect(text).not.toMatch(/\b(red|blue) →|→ (red|blue)\b/);
    const { diff } = JSON.parse(await lab.ok('releases diff site 1 --json')) as { diff: { from: number; to: number } };
    expect(diff).toMatchObject({ from: 1, to: 2 });
    expect((await lab.hostctl('releases diff site 1 9')).code).toBe(2);
  });

  test('a rollback is live at once, all of it, and no request fails', async () => {
    const traffic = new Traffic(lab, 'site.org', '/', 100);
    const since = performance.now();
    const rolled = lab.hostctl('rollback site');
    while ((await page()) !== 'one red') await setTimeout(5);
    const live = Math.round(performance.now() - since);
    const { code, err } = await rolled;
    const load = await traffic.stop();
    expect(code).toBe(0);
    expect(err).toMatch(/release 2 ran web: node -e .*; what it did to a database stays/);
    expect(load.failed).toBe(0);
    expect(await page('/file.txt')).toBe('file one');
    expect((await ask(lab, 'site.org', '/old')).status).toBe(200);
    const [now] = await lab.running('site');
    expect(now!.HostConfig.Memory).toBe(64 * 1024 ** 2);
    process.stdout.write(`${driver}: a rollback was live after ${live} ms, ${load.requests} requests, 0 failed\n`);
  });
});

describe('prune', () => {
  let lab: Lab;
  let other: Lab;

  beforeAll(async () => {
    lab = await Lab.open();
    other = await Lab.open();
    for (const each of [lab, other]) {
      each.write('shop/index.html', 'shop');
      each.define(
        'shop',
        'hostnames: [shop.org]\napps:\n  web: { runtime: static, source: ../shop, volumes: { data: { at: /data, shared: true } } }\nmedia:\n  /up: { from: ./up, writable-by: web, mount: /up }\n',
      );
      await each.ok('deploy shop');
    }
  });
  afterAll(async () => {
    await lab.close();
    await other.close();
  });

  const docker = (...words: string[]): string => execFileSync('docker', words, { encoding: 'utf8' }).trim();

  test('takes what hostctl left, and nothing that is data, foreign, or another instance’s', async () => {
    const { instance } = lab;
    const base = await someBase(lab);
    const id = `hostctl-prune-${instance}`;
    // Names and labels as like hostctl's own as another program's can be.
    docker('create', '--name', `shop-web-1234567-${instance}`, '--label', 'hostctl.project=shop', base, 'true');
    docker(
      'create',
      '--name',
      id,
      '--label',
      `${LABEL.instance}=${instance}x`,
      '--label',
      'hostctl.project=shop',
      base,
      'true',
    );
    docker('volume', 'create', `${instance}_shop`);
    docker('network', 'create', `${instance}_shopx`);
    docker('tag', base, `hostctl/shop:${instance}`);
    try {
      const data = join(lab.data, 'projects/shop/volumes/web/data');
      writeFileSync(join(data, 'kept.txt'), 'data');
      const upload = join(lab.data, 'media/shop/up.uploads/up/up.txt');
      writeFileSync(upload, 'upload');
      const gone = join(lab.data, 'projects/gone/volumes/web/data');
      mkdirSync(gone, { recursive: true });
      const others = (await other.inspectAll()).size;

      lab.write('shop/index.html', 'shop, broken');
      const file = join(lab.dir, 'projects/shop.yaml');
      const good = readFileSync(file, 'utf8');
      writeFileSync(file, good.replace('source: ../shop,', 'source: ../shop, command: [sh, -c, "exit 3"],'));
      expect((await lab.hostctl('deploy shop')).code).toBe(5);
      writeFileSync(file, good);
      lab.write('shop/index.html', 'shop');

      const dry = await lab.ok('prune --dry-run');
      expect(dry).toMatch(/^container +shop +shop-web-\w{7} +stopped, and of no release$/m);
      expect(dry).toMatch(/^image +shop +hostctl\/shop:\w{12} +\S+ +no release is made from it$/m);
      const before = (await lab.inspectAll()).size;
      expect((await lab.hostctl('prune')).code).toBe(2);
      expect((await lab.inspectAll()).size).toBe(before);

      const since = performance.now();
      expect(await lab.ok('prune --yes')).toMatch(/^removed \d+ things, up to \S+ of images$/m);
      process.stdout.write(`a prune took ${Math.round(performance.now() - since)} ms\n`);
      expect((await lab.inspectAll()).size).toBe(before - 1);
      expect(await lab.ok('prune --dry-run')).toBe('There is nothing to remove.\n');
      expect(await lab.ok('plan shop')).toBe('Up to date.\n');

      expect(readFileSync(join(data, 'kept.txt'), 'utf8')).toBe('data');
      expect(readFileSync(upload, 'utf8')).toBe('upload');
      expect(existsSync(gone)).toBe(true);
      expect(docker('inspect', '--format', '{{.Name}}', `shop-web-1234567-${instance}`, id).split('\n')).toHaveLength(
        2,
      );
      expect(docker('volume', 'ls', '--quiet', '--filter', `name=${instance}_shop`)).toBe(`${instance}_shop`);
      expect(docker('network', 'ls', '--format', '{{.Name}}', '--filter', `name=${instance}_shopx`)).toBe(
        `${instance}_shopx`,
      );
      expect(docker('image', 'ls', '--quiet', `hostctl/shop:${instance}`)).not.toBe('');
      expect((await other.inspectAll()).size).toBe(others);
      for (const each of [lab, other]) expect((await ask(each, 'shop.org', '/')).status).toBe(200);
      expect(await other.ok('plan shop')).toBe('Up to date.\n');
    } finally {
      docker('rm', '--force', `shop-web-1234567-${instance}`, id);
      docker('volume', 'rm', `${instance}_shop`);
      docker('network', 'rm', `${instance}_shopx`);
      docker('image', 'rm', `hostctl/shop:${instance}`);
    }
  });

  test('beside deploys harms none of them', async () => {
    for (const round of [1, 2, 3]) {
      lab.write('shop/index.html', `round ${round}`);
      const deployed = lab.hostctl('deploy shop');
      const pruned = await Promise.all([lab.hostctl('prune --yes'), lab.hostctl('prune --yes')]);
      const { code, err } = await deployed;
      expect({ code, err, pruned }).toMatchObject({ code: 0, pruned: [{ code: 0 }, { code: 0 }] });
      expect((await ask(lab, 'shop.org', '/')).body).toBe(`round ${round}`);
    }
    expect((await lab.hostctl('rollback shop')).code).toBe(0);
    expect((await ask(lab, 'shop.org', '/')).body).toBe('round 2');
  });
});
