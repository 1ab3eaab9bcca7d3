import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Outcome } from '../../src/core/results.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.with({ blog: BLOG });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
});

const put = (names: string[] | 'all' = ['blog']) => deploy(names, world, { wait: 0 });

const messageOf = (outcome: Outcome | undefined): string =>
  outcome?.error instanceof Error ? outcome.error.message : '';

describe('deploy', () => {
  test('a first deploy ends with a container that serves its hostname', async () => {
    const [outcome] = await put();
    expect(outcome).toMatchObject({ project: 'blog', release: 1, changed: true });
    expect(world.running('blog')).toEqual([world.servedBy('www.blog.org')]);
    expect([...world.host.entries].find(([path]) => path.endsWith('/files/a.txt'))?.[1].text).toBe('A');
  });

  test('deploying twice changes nothing', async () => {
    await put();
    world.engine.calls.length = 0;
    world.host.writes.length = 0;
    const [outcome] = await put();
    expect(outcome).toMatchObject({ changed: false, release: 1 });
    expect(world.engine.writes).toEqual([]);
    expect(world.host.writes).toEqual([]);
  });

  test('a plan makes no write call and is what a deploy then does', async () => {
    const planned = await plan(['blog'], world);
    expect(world.engine.writes).toEqual([]);
    expect(world.host.writes).toEqual([]);
    await put();
    const done = world.ui.events.flatMap((event) =>
      event.type === 'step' && event.status === 'done' ? [event.step.do] : [],
    );
    const steps = formatPlan(planned)
      .match(/^ {2}\w+/gm)!
      .map((word) => word.trim());
    expect(done.toSorted()).toEqual(steps.toSorted());
  });

  test('a change of the source starts a new container, switches and stops the old one', async () => {
    await put();
    const before = world.servedBy('www.blog.org')!;
    world.source('blog', { 'server.js': 'two' });
    const [outcome] = await put();
    const after = world.servedBy('www.blog.org')!;
    expect(outcome?.release).toBe(2);
    expect(after).not.toBe(before);
    expect(world.running('blog')).toEqual([after]);
    expect(world.engine.boxes.get(before)).toMatchObject({ state: 'exited', restart: 'no' });
  });

  test('a release that never becomes ready leaves the old one serving', async () => {
    await put();
    const before = world.servedBy('www.blog.org');
    world.engine.behaviours.set('hostctl/blog:*', { says: ['cannot find module express'] });
    world.source('blog', { 'server.js': 'broken' });
    const [outcome] = await put();
    expect(outcome?.error).toBeInstanceOf(HostctlError);
    expect(outcome?.error).toMatchObject({ code: 'NOT_READY', exit: 5 });
    expect(messageOf(outcome)).toContain('cannot find module express');
    expect(outcome).toMatchObject({ error: { hints: ['release 1 of blog is still serving', expect.any(String)] } });
    expect(world.servedBy('www.blog.org')).toBe(before);
    expect(world.running('blog')).toEqual([before]);
  });

  test('a first release that ends at once fails with 1, since nothing is serving', async () => {
    world.engine.behaviours.set('hostctl/blog:*', { ends: 3 });
    const [outcome] = await put();
    expect(outcome?.error).toMatchObject({ code: 'NOT_READY', exit: 1 });
    expect(messageOf(outcome)).toContain('exit code 3');
  });

  test('limits change in place', async () => {
    await put();
    const before = world.servedBy('www.blog.org')!;
    world.define('blog', BLOG.replace('source: /src/blog }', 'source: /src/blog, limits: { memory: 64M } }'));
    await put();
    expect(world.servedBy('www.blog.org')).toBe(before);
    expect(world.engine.boxes.get(before)?.limits.memory).toBe(64 * 1024 ** 2);
  });

  test('the definition of another project may be broken', async () => {
    world.define('broken', 'hostnames: [');
    const [outcome] = await put();
    expect(outcome?.error).toBeUndefined();
    await expect(put(['broken'])).rejects.toThrow('1 problem in 1 file');
  });

  test('one project that fails does not stop the others', async () => {
    world.define('shop', BLOG.replaceAll('blog', 'shop'));
    world.source('shop', { 'package.json': '{}', 'files/a.txt': 'B' });
    world.engine.behaviours.set('hostctl/shop:*', { ends: 1 });
    const outcomes = await put('all');
    expect(outcomes.find((item) => item.project === 'blog')?.error).toBeUndefined();
    expect(outcomes.find((item) => item.project === 'shop')?.error).toMatchObject({ code: 'NOT_READY' });
    expect(world.servedBy('www.blog.org')).toBeDefined();
    expect(world.servedBy('www.shop.org')).toBeUndefined();
  });

  test('a configuration the proxy refuses is not loaded', async () => {
    await put();
    const before = { served: world.servedBy('www.blog.org'), live: await world.host.readLink('proxy/live') };
    world.engine.failOn = { call: /^exec hostctl-proxy nginx -q -t/, error: new HostctlError('PROXY_REFUSED', 'no') };
    world.define('blog', BLOG.replace('www.blog.org', 'new.blog.org'));
    const [outcome] = await put();
    expect(outcome?.error).toMatchObject({ code: 'PROXY_REFUSED' });
    expect(await world.host.readLink('proxy/live')).toBe(before.live);
    expect(world.servedBy('www.blog.org')).toBe(before.served);
  });

  test('a deploy of a project that is being deployed is told who does it', async () => {
    const unlock = await world.host.lock('blog', 'deploy');
    await expect(put()).rejects.toMatchObject({ code: 'LOCKED', exit: 4 });
    await unlock();
    await expect(put()).resolves.toHaveLength(1);
  });

  test('with --all, a project somebody newer deploys is left to them; the others go on', async () => {
    world.define('shop', BLOG.replaceAll('blog', 'shop'));
    world.source('shop', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
    const unlock = await world.host.lock('blog', 'rollback to release 1');
    const older = deploy('all', world, { wait: 60_000 });
    await new Promise((resolve) => setImmediate(resolve));
    const newer = deploy(['blog'], world, { wait: 60_000 });
    await vi.waitFor(() => expect(world.host.waiting.get('blog')).toHaveLength(1));
    await vi.waitFor(() => expect(world.running('shop')).toHaveLength(1));
    await unlock();
    expect((await older).map(({ project, error }) => [project, (error as HostctlError | undefined)?.code])).toEqual([
      ['blog', 'SUPERSEDED'],
      ['shop', undefined],
    ]);
    expect((await older)[0]!.error).toMatchObject({ exit: 4 });
    expect(await newer).toMatchObject([{ project: 'blog', release: 1, changed: true }]);
  });

  test('what is no longer kept is removed: containers, records, copies of media', async () => {
    for (const version of ['1', '2', '3', '4', '5', '6']) {
      world.source('blog', { 'server.js': version, 'files/a.txt': version });
      await put();
    }
    const records = await world.host.list('projects/blog/releases');
    expect(records).toEqual(['3.json', '4.json', '5.json', '6.json']);
    expect([...world.engine.boxes.keys()].filter((name) => name.startsWith('blog-'))).toHaveLength(4);
    expect((await world.host.list('media/blog')).filter((name) => !name.endsWith('.live'))).toHaveLength(4);
  });
});

describe('what changes shape', () => {
  const put2 = (...names: string[]) => deploy(names, world, { wait: 0 });

  test('a hostname moves from one project to another, in one step or not at all', async () => {
    await put();
    world.source('shop', { 'package.json': '{}', 'files/a.txt': 'B' });
    world.define('blog', BLOG.replace('www.blog.org', 'old.blog.org'));
    world.define('shop', BLOG.replaceAll('src/blog', 'src/shop'));
    const taken = { code: 'ROUTE_TAKEN', hints: ['hostctl deploy blog shop moves it in one step'] };
    expect((await put2('shop'))[0]?.error).toMatchObject(taken);
    await expect(plan(['shop'], world)).rejects.toMatchObject(taken);
    await put2('blog', 'shop');
    expect(world.servedBy('www.blog.org')).toMatch(/^shop-web-/);
    expect(world.servedBy('old.blog.org')).toMatch(/^blog-web-/);
  });

  test('replicas come and go, and leave no links behind', async () => {
    const links = async () => (await world.host.list('links')).length;
    for (const [replicas, count] of [
      [1, 1],
      [3, 3],
      [2, 2],
    ] as const) {
      world.define('blog', BLOG.replace('source: /src/blog }', `source: /src/blog, replicas: ${replicas} }`));
      await put();
      expect(world.running('blog')).toHaveLength(count);
      expect(await links()).toBe(count);
    }
  });

  test('from a socket to a port and back; the network goes when nothing that is kept needs it', async () => {
    await put();
    world.define('blog', BLOG.replace('source: /src/blog }', 'source: /src/blog, port: 3000 }'));
    await put();
    expect(world.engine.nets.has('hostctl_blog')).toBe(true);
    expect(await world.host.list('links')).toEqual([]);
    world.define('blog', BLOG);
    for (const version of ['1', '2', '3', '4']) {
      world.source('blog', { 'server.js': version });
      await put();
    }
    expect(world.engine.nets.has('hostctl_blog')).toBe(false);
    expect(world.servedBy('www.blog.org')).toBe(world.running('blog')[0]);
  });

  test('what was stopped by hand is started by a deploy, without a new release', async () => {
    await put();
    await world.engine.stop(world.running('blog')[0]!);
    const [outcome] = await put();
    expect(outcome).toMatchObject({ release: 1, changed: true });
    expect(world.running('blog')).toHaveLength(1);
  });

  test('limits go back when another app of the release fails', async () => {
    const two = (memory: string, image: string): string =>
      `hostnames: [two.org]\napps:\n  web: { runtime: node, source: /src/blog, limits: { memory: ${memory} } }\n  job: { image: "${image}" }\n`;
    await world.engine.pull('job:1');
    world.define('two', two('64M', 'job:1'));
    await put2('two');
    await world.engine.pull('job:2');
    world.engine.behaviours.set('job:2', { ends: 1 });
    world.define('two', two('128M', 'job:2'));
    const [outcome] = await put2('two');
    expect(outcome?.error).toMatchObject({ code: 'NOT_READY' });
    const web = world.running('two').find((name) => name.includes('-web-'))!;
    expect(world.engine.boxes.get(web)?.limits.memory).toBe(64 * 1024 ** 2);
  });

  test('what another hostctl on this engine built for a project of that name stays', async () => {
    await put();
    world.engine.imageIds.set('hostctl/blog:other', {
      id: 'sha256:other',
      labels: { 'hostctl.project': 'blog', 'hostctl.instance': 'other' },
      digests: [],
      size: 1,
      tags: ['hostctl/blog:other'],
    });
    for (const version of ['1', '2', '3', '4', '5']) {
      world.source('blog', { 'server.js': version });
      await put();
    }
    expect(world.engine.imageIds.has('hostctl/blog:other')).toBe(true);
    expect([...world.engine.imageIds.keys()].filter((ref) => ref.startsWith('hostctl/blog:')).length).toBe(5);
  });
});

describe('a project with several apps', () => {
  const SHOP = `
hostnames: [shop.org]
apps:
  web: { runtime: node, source: /src/shop, needs: [db] }
  worker: { runtime: node, source: /src/shop, command: [node, worker.js], needs: [db], egress: false }
  db: { image: "postgres:17", port: 5432, volumes: { data: /var/lib/postgresql/data }, egress: false }
`;

  beforeEach(() => {
    world.define('shop', SHOP);
    world.source('shop', { 'package.json': '{}' });
  });

  test('what is needed starts first, all share one closed network, and no uid is shared', async () => {
    await put(['shop']);
    const started = world.engine.calls
      .filter((call) => call.startsWith('start shop-'))
      .map((call) => call.split('-')[1]);
    expect(started).toEqual(['db', 'web', 'worker']);
    expect(world.engine.nets.get('hostctl_shop')).toMatchObject({ internal: true });
    const boxes = [...world.engine.boxes.values()].filter((box) => box.spec.labels['hostctl.project'] === 'shop');
    expect(new Set(boxes.map((box) => box.spec.uid)).size).toBe(3);
    const networks = Object.fromEntries(
      boxes.map((box) => [box.spec.labels['hostctl.app'], box.spec.networks.map((use) => use.name)]),
    );
    expect(networks).toEqual({
      db: ['hostctl_shop'],
      web: ['hostctl_shop', 'hostctl.egress'],
      worker: ['hostctl_shop'],
    });
  });

  test('an app whose volume only one copy may write to is stopped first, and comes back when the new one fails', async () => {
    await put(['shop']);
    const before = world.running('shop');
    world.define('shop', SHOP.replace('postgres:17', 'postgres:18'));
    world.engine.behaviours.set('postgres:18', { ends: 1 });
    await world.engine.pull('postgres:18');
    const planned = formatPlan(await plan(['shop'], world));
    expect(planned).toContain('one copy at a time may write to its volume: short interruption');
    const [outcome] = await put(['shop']);
    expect(outcome?.error).toMatchObject({ exit: 5 });
    expect(world.running('shop')).toEqual(before);
  });

  test('a deploy that was killed after stopping the only copy brings it back when the next attempt fails', async () => {
    await put(['shop']);
    const db = world.running('shop').find((name) => name.includes('-db-'))!;
    world.define('shop', SHOP.replace('postgres:17', 'postgres:18'));
    world.engine.behaviours.set('postgres:18', { ends: 1 });
    // What a kill between `stop` and everything after it leaves behind.
    await world.host.write('projects/shop/unfinished.json', JSON.stringify({ stopped: [db], limited: [] }));
    await world.engine.stop(db);
    await put(['shop']);
    expect(world.running('shop')).toContain(db);
  });
});

describe('release commands', () => {
  beforeEach(() => {
    world.define('blog', BLOG.replace('source: /src/blog }', 'source: /src/blog, release: [sh, -c, "exit 0"] }'));
  });

  test('run once, from the new image, before the switch', async () => {
    await put();
    const order = world.engine.calls
      .filter((call) => /^(wait|exec hostctl-proxy)/.test(call))
      .map((call) => call.split(' ')[0]);
    expect(order[0]).toBe('wait');
    world.engine.calls.length = 0;
    await put();
    expect(world.engine.calls.some((call) => call.startsWith('wait'))).toBe(false);
  });

  test('one that fails leaves the old release serving, and runs again with the next attempt', async () => {
    world.define('blog', BLOG);
    await put();
    const before = world.servedBy('www.blog.org');
    world.define(
      'blog',
      BLOG.replace('source: /src/blog }', 'source: /src/blog, env: { A: b }, release: [sh, -c, "exit 4"] }'),
    );
    const [failed] = await put();
    expect(failed?.error).toMatchObject({ code: 'RELEASE_COMMAND' });
    expect(world.servedBy('www.blog.org')).toBe(before);
    world.engine.calls.length = 0;
    await put();
    expect(world.engine.calls.some((call) => call.startsWith('wait'))).toBe(true);
  });
});

describe('rollback', () => {
  test('brings back the earlier container with its settings, and forward again', async () => {
    await put();
    const first = world.servedBy('www.blog.org')!;
    world.define(
      'blog',
      BLOG.replace('source: /src/blog }', 'source: /src/blog, env: { COLOUR: red }, limits: { memory: 99M } }'),
    );
    await put();
    const second = world.servedBy('www.blog.org')!;
    const outcome = await rollback('blog', undefined, 0, world);
    expect(outcome).toMatchObject({ release: 3, changed: true });
    expect(world.servedBy('www.blog.org')).toBe(first);
    expect(world.running('blog')).toEqual([first]);
    await rollback('blog', 2, 0, world);
    expect(world.servedBy('www.blog.org')).toBe(second);
  });

  test('makes the container anew when it is gone, from the image it had', async () => {
    await put();
    const first = world.servedBy('www.blog.org')!;
    world.source('blog', { 'server.js': 'two' });
    await put();
    await world.engine.remove(first);
    await rollback('blog', 1, 0, world);
    expect(world.servedBy('www.blog.org')).toBe(first);
  });

  test('says so when there is nothing to go back to', async () => {
    await expect(rollback('blog', undefined, 0, world)).rejects.toMatchObject({ code: 'NOT_DEPLOYED', exit: 2 });
    await put();
    await expect(rollback('blog', undefined, 0, world)).rejects.toMatchObject({ code: 'NO_RELEASE', exit: 2 });
    await expect(rollback('blog', 7, 0, world)).rejects.toThrow('has no release 7');
  });
});
