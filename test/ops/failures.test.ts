import { beforeEach, describe, expect, test } from 'vitest';
import { formatPlan } from '../../src/core/steps.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { remove } from '../../src/ops/remove.ts';
import { releases, rollback } from '../../src/ops/rollback.ts';
import { status } from '../../src/ops/status.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const withApp = (more: string): string => BLOG.replace('source: /src/blog }', `source: /src/blog, ${more} }`);
const db = (version: string): string => `apps:\n  db: { image: "postgres:${version}", volumes: { data: /data } }\n`;

let world: World;

beforeEach(async () => {
  world = await World.with({ blog: BLOG, shop: db('17') });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  for (const version of ['17', '18', '19']) await world.engine.pull(`postgres:${version}`);
});

const put = (...names: string[]) => deploy(names.length > 0 ? names : ['blog'], world, { wait: 0 });
const version = (text: string): void => world.source('blog', { 'server.js': text });
const stateOf = (name: string) => world.engine.boxes.get(name)!;
/** Visitors of all but this container get 502 from now on. */
const breakRoutes = (but?: string): void => {
  const visit = world.prober.visit.bind(world.prober);
  world.prober.visit = async (request) =>
    but !== undefined && world.servedBy(request.host) === but ? visit(request) : { ok: true, status: 502, ms: 1 };
};

describe('a volume that one copy may write to', () => {
  test('never gets two writers, whatever earlier deploys left written down', async () => {
    await put('shop');
    const [first] = world.running('shop');
    world.define('shop', db('18'));
    await put('shop');
    const [second] = world.running('shop');
    // A deploy that was killed after its switch.
    await world.host.write('projects/shop/unfinished.json', JSON.stringify({ stopped: [first], limited: [] }));
    world.define('shop', db('19'));
    world.engine.behaviours.set('postgres:19', { ends: 1 });
    expect((await put('shop'))[0]?.error).toMatchObject({ code: 'NOT_READY' });
    expect(world.running('shop')).toEqual([second]);
  });

  test('is not given to a copy that never went live', async () => {
    await put('shop');
    const [first] = world.running('shop');
    world.define('shop', db('18'));
    await put('shop');
    // As if that deploy had been killed before its switch.
    await world.host.link('projects/shop/current', 'releases/1.json');
    await world.host.remove('projects/shop/releases/2.json');
    await world.host.write('projects/shop/unfinished.json', JSON.stringify({ stopped: [first], limited: [] }));
    world.define('shop', db('19'));
    world.engine.behaviours.set('postgres:19', { ends: 1 });
    await put('shop');
    expect(world.running('shop')).toEqual([first]);
  });
});

describe('a failure', () => {
  test('of a copy of files is the deploy’s failure, and nothing more', async () => {
    world.define('blog', BLOG.replace('/src/blog/files', '"image:web:/nowhere"'));
    const candidate = world.prober.candidate.bind(world.prober);
    let asked = 0;
    world.prober.candidate = async (target) => {
      asked += 1;
      return asked < 5 ? { ok: false, reason: 'nothing listens yet', ms: 1 } : candidate(target);
    };
    const [outcome] = await put();
    expect(String(outcome?.error)).toContain('/nowhere');
    expect(world.running('blog')).toEqual([]);
  });

  test('while the old copy is brought back is told, and takes no other project along', async () => {
    await put('shop');
    const [first] = world.running('shop');
    world.define('shop', db('18'));
    world.engine.behaviours.set('postgres:18', { ends: 1 });
    world.engine.failOn = {
      call: new RegExp(`^resume ${first}`),
      error: new HostctlError('ENGINE', 'no such container'),
    };
    const [shop, blog] = (await put('shop', 'blog')).toSorted((a, b) => (a.project < b.project ? 1 : -1));
    expect(shop?.error).toMatchObject({ code: 'NOT_READY' });
    expect(shop?.error).toMatchObject({
      hints: expect.arrayContaining([`could not start ${first} again: no such container`]) as unknown,
    });
    expect(blog).toMatchObject({ project: 'blog', release: 1 });
    expect(world.servedBy('www.blog.org')).toBe(world.running('blog')[0]);
    // The next deploy still knows.
    world.define('shop', db('17'));
    await put('shop');
    expect(world.running('shop')).toEqual([first]);
    expect(stateOf(first!).restart).toBe('always');
  });

  test('of a definition stays with its project', async () => {
    await put('shop');
    world.define('bad', 'hostnames: [a b]\n');
    const planned = await plan('all', world);
    expect(planned.projects.map((item) => item.project)).toEqual(['blog', 'shop']);
    expect(planned.broken).toMatchObject([{ project: 'bad', error: { code: 'DEFINITION', exit: 2 } }]);
    const outcomes = await deploy('all', world, { wait: 0 });
    expect(outcomes.find((item) => item.project === 'bad')?.error).toMatchObject({ code: 'DEFINITION', exit: 2 });
    expect(world.servedBy('www.blog.org')).toBe(world.running('blog')[0]);
    await expect(put('bad')).rejects.toMatchObject({ code: 'DEFINITION' });
  });

  test('of a base stops only who is built on it', async () => {
    world.define('php', 'hostnames: [php.org]\napps:\n  web: { runtime: php, source: /src/php }\n');
    world.source('php', { 'index.php': '' });
    for (const ref of world.engine.imageIds.keys()) if (ref.includes('base-php')) world.engine.imageIds.delete(ref);
    world.engine.pull = async (ref) => {
      throw new HostctlError('PULL_FAILED', `no ${ref}`);
    };
    world.engine.failOn = {
      call: /^(build|importImage) hostctl/,
      error: new HostctlError('BUILD_FAILED', 'no network'),
    };
    const outcomes = await put('blog', 'php');
    expect(outcomes.find((item) => item.project === 'php')?.error).toBeInstanceOf(HostctlError);
    expect(world.servedBy('www.blog.org')).toBe(world.running('blog')[0]);
  });

  test('to become ready leaves a live copy alone that the engine was starting again', async () => {
    await put();
    const [live] = world.running('blog');
    stateOf(live!).state = 'restarting';
    world.engine.behaviours.set('hostctl/blog:*', { ends: 1 });
    await put();
    expect(stateOf(live!).restart).toBe('always');
  });

  test('says that what was stopped before is stopped still', async () => {
    await put();
    await world.engine.stop(world.running('blog')[0]!);
    version('two');
    world.engine.behaviours.set('hostctl/blog:*', { ends: 1 });
    expect((await put())[0]?.error).toMatchObject({
      hints: expect.arrayContaining(['release 1 of blog stays stopped, as it was']) as unknown,
    });
  });

  test('after the switch names the release that serves', async () => {
    await put();
    const [old] = world.running('blog');
    version('two');
    world.engine.failOn = { call: new RegExp(`^stop ${old}`), error: new HostctlError('ENGINE', 'it hangs') };
    expect((await put())[0]).toMatchObject({ release: 2, error: { code: 'ENGINE' } });
  });

  test('of the check keeps the configuration that is live', async () => {
    await put();
    const live = (await world.host.readLink('proxy/live'))!;
    version('two');
    const generation = world.prober.generation.bind(world.prober);
    let asked = 0;
    world.prober.generation = async () => ((asked += 1) === 1 ? undefined : generation());
    world.engine.failOn = { call: / -t /, error: new HostctlError('ENGINE', 'killed') };
    await put();
    expect(await world.host.readLink('proxy/live')).toBe(live);
    expect(await world.host.list(`proxy/${live}/sites`)).toEqual(['blog.conf']);
  });

  test('of the disk in the middle of a switch leaves what served', async () => {
    await put();
    const before = world.servedBy('www.blog.org');
    version('two');
    const link = world.host.link.bind(world.host);
    world.host.link = async (path, target) => {
      if (path.endsWith('blog/current')) throw new HostctlError('DISK_FULL', 'no space');
      return link(path, target);
    };
    expect((await put())[0]?.error).toMatchObject({ code: 'DISK_FULL' });
    expect(world.servedBy('www.blog.org')).toBe(before);
    expect(world.running('blog')).toEqual([before]);
  });

  test('does not pile up what it leaves', async () => {
    await put();
    world.engine.behaviours.set('hostctl/blog:*', { ends: 1 });
    for (const text of ['a', 'b', 'c', 'd', 'e']) {
      world.source('blog', { 'server.js': text, 'files/a.txt': text });
      await put();
    }
    expect([...world.engine.boxes.keys()].filter((name) => name.startsWith('blog-'))).toHaveLength(2);
    expect([...world.engine.imageIds.keys()].filter((ref) => ref.startsWith('hostctl/blog:'))).toHaveLength(2);
    expect(await world.host.list('sockets')).toHaveLength(2);
  });
});

describe('a switch that the proxy does not confirm', () => {
  test('is put back, with an exit code of its own', async () => {
    await put();
    const before = world.servedBy('www.blog.org');
    version('two');
    breakRoutes(before);
    expect((await put())[0]).toMatchObject({ release: 1, error: { code: 'NOT_CONFIRMED', exit: 6 } });
    expect(world.servedBy('www.blog.org')).toBe(before);
  });

  test('says so when what is put back does not answer either', async () => {
    await put();
    version('two');
    breakRoutes();
    expect((await put())[0]).toMatchObject({
      release: 1,
      error: {
        code: 'NOT_CONFIRMED',
        exit: 1,
        hints: expect.arrayContaining([
          'release 1 of blog is live again, but does not answer either: answered 502',
        ]) as unknown,
      },
    });
  });

  test('is taken away when nothing was there before, and tried again by the next deploy', async () => {
    const visit = world.prober.visit.bind(world.prober);
    breakRoutes();
    expect((await put())[0]?.error).toMatchObject({ code: 'NOT_CONFIRMED', exit: 1 });
    expect(world.servedBy('www.blog.org')).toBeUndefined();
    expect((await put())[0]?.error).toMatchObject({ code: 'NOT_CONFIRMED' });
    world.prober.visit = visit;
    expect((await put())[0]?.error).toBeUndefined();
    expect(world.servedBy('www.blog.org')).toBe(world.running('blog')[0]);
  });

  test('may have been loaded all the same: the new copy stays until nobody is led there any more', async () => {
    await put();
    const [before, first] = [world.servedBy('www.blog.org'), await world.prober.generation()];
    version('two');
    world.define('blog', BLOG.replace('hostnames: [', 'hostnames: [blog.net, '));
    world.prober.generation = () => Promise.resolve(first);
    const [link, stop] = [world.host.link.bind(world.host), world.engine.stop.bind(world.engine)];
    const at: Record<string, number> = {};
    world.host.link = async (path, target) => {
      at[target] = world.clock.now();
      return link(path, target);
    };
    world.engine.stop = async (name) => {
      at[name] = world.clock.now();
      return stop(name);
    };
    const outcome = (await put())[0];
    expect(outcome).toMatchObject({ release: 1, error: { code: 'PROXY_SILENT' } });
    expect(world.running('blog')).toEqual([before]);
    const stopped = Object.keys(at).find((name) => name.startsWith('blog-web'))!;
    expect(at[stopped]! - at[`generations/${first}`]!).toBeGreaterThanOrEqual(5000);
  });

  test('may answer what the definition expects', async () => {
    world.define('blog', withApp('health: { expect: [503] }'));
    world.engine.behaviours.set('hostctl/blog:*', { answers: 503 });
    expect((await put())[0]).toMatchObject({ release: 1, visits: { failed: 0 } });
  });
});

describe('limits', () => {
  test('that were raised after a failed attempt are those of the next', async () => {
    world.define('blog', withApp('limits: { memory: 64M }'));
    world.engine.behaviours.set('hostctl/blog:*', { ends: 137 });
    await put();
    world.engine.behaviours.delete('hostctl/blog:*');
    world.define('blog', withApp('limits: { memory: 512M }'));
    await put();
    expect(stateOf(world.running('blog')[0]!).limits.memory).toBe(512 * 1024 ** 2);
  });
});

describe('names', () => {
  test('that look alike once joined stay apart', async () => {
    world.define('shop', BLOG.replace('www.blog.org', 'shop.org').replace('web:', 'api-web:'));
    world.define('shop-api', BLOG.replace('www.blog.org', 'api.org'));
    await put('shop');
    await put('shop-api');
    expect(world.servedBy('shop.org')).toBe(world.running('shop')[0]);
    expect(world.servedBy('api.org')).toBe(world.running('shop-api')[0]);
    expect(await world.host.list('links')).toHaveLength(2);
  });

  test('two instances do not share a data root', async () => {
    await put();
    await world.host.write('instance', 'other\n');
    await expect(put()).rejects.toMatchObject({ code: 'DATA_ROOT' });
  });
});

describe('beside each other', () => {
  test('a deploy whose image another one removed while it waited for the lock makes it again', async () => {
    for (const text of ['1', '2', '3', '4', '5']) {
      version(text);
      await put();
    }
    version('mine');
    const lock = world.host.lock.bind(world.host);
    let waits = true;
    world.host.lock = async (name, doing) => {
      if (name === 'blog' && waits) {
        waits = false;
        version('theirs');
        await put();
        version('mine');
      }
      return lock(name, doing);
    };
    expect((await deploy(['blog'], world, { wait: 1000 }))[0]?.error).toBeUndefined();
  });

  test('a removal takes what was deployed while it asked, and no switch brings its routes back', async () => {
    world.define('shop', BLOG.replace('www.blog.org', 'shop.org'));
    await put('blog', 'shop');
    version('two');
    await put();
    const stop = world.engine.stop.bind(world.engine);
    world.engine.stop = async (name) => {
      world.engine.stop = stop;
      world.define('shop', BLOG.replace('www.blog.org', 'other.org'));
      await put('shop');
      return stop(name);
    };
    await remove('blog', true, world);
    expect(world.running('blog')).toEqual([]);
    expect(world.servedBy('www.blog.org')).toBeUndefined();
    expect(world.servedBy('other.org')).toBe(world.running('shop')[0]);
  });

  test('an upgrade that changes the configuration reloads, and makes no release of it', async () => {
    await put();
    await world.host.link('proxy/live', 'generations/000000000000');
    expect(formatPlan(await plan(['blog'], world))).toBe(
      'host\n  restore the routes of the live releases  (the proxy has others loaded)\n',
    );
    await put();
    expect(await world.host.list('projects/blog/releases')).toEqual(['1.json']);
    expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
  });
});

describe('what users lose sight of', () => {
  test('going back and forth does not push other releases out', async () => {
    for (const text of ['one', 'two', 'three']) {
      version(text);
      await put();
    }
    for (let round = 0; round < 6; round += 1) await rollback('blog', undefined, 0, world);
    const kept = await releases('blog', world);
    expect(new Set(kept.map((release) => release.images['web'])).size).toBe(3);
    expect(kept).toHaveLength(3);
  });

  test('a renamed app says that its volumes are new', async () => {
    await put('shop');
    world.define('shop', db('17').replace('db:', 'store:'));
    expect(formatPlan(await plan(['shop'], world))).toContain(
      '(not running yet; its volumes are new, projects/shop/volumes/db/data stays as it is)',
    );
  });

  test('a project whose definition is gone is told of', async () => {
    await put('shop', 'blog');
    expect((await status([], world)).orphans).toEqual([]);
    world.files.texts.delete('/work/projects/shop.yaml');
    expect((await status([], world)).orphans).toEqual(['shop']);
    expect((await status(['blog'], world)).orphans).toEqual([]);
  });

  test('uploads change hands after the switch, and not when it fails', async () => {
    const site = (app: string, answers: string): string =>
      `hostnames: [up.org]\napps:\n  ${app}: { runtime: node, source: /src/blog, path: /, env: { A: ${answers} } }\nmedia:\n  /up: { from: ./up, writable-by: ${app}, mount: /app/up }\n`;
    world.define('up', site('web', 'a'));
    await put('up');
    const owner = () => world.host.owner('media/up/up.uploads/up');
    const before = await owner();
    world.define('up', site('site', 'b'));
    expect(formatPlan(await plan(['up'], world))).toContain('own     /up  (now written by site)');
    world.engine.behaviours.set('hostctl/up:*', { ends: 1 });
    await put('up');
    expect(await owner()).toBe(before);
    expect(world.engine.calls.some((call) => call === 'create up-own')).toBe(false);
    world.engine.behaviours.delete('hostctl/up:*');
    await put('up');
    expect(world.engine.calls.some((call) => call === 'create up-own')).toBe(true);
  });

  test('uploads that only a failed deploy of a renamed app made are given to the one that lives', async () => {
    const site = (app: string): string =>
      `apps:\n  ${app}: { image: "postgres:17" }\nmedia:\n  /up: { from: ./up, writable-by: ${app}, mount: /up }\nhostnames: [up.org]\n`;
    world.engine.behaviours.set('postgres:17', { ends: 1 });
    world.define('up', site('one'));
    await put('up');
    const first = await world.host.owner('media/up/up.uploads/up');
    world.engine.behaviours.delete('postgres:17');
    world.define('up', site('two'));
    await put('up');
    expect(world.running('up')[0]).toMatch(/^up-two-/);
    expect(first).toBeGreaterThan(0);
    expect(world.engine.calls).toContain('create up-own');
  });

  test('a plan made while another deploy switches waits for it', async () => {
    await put();
    const live = (await world.host.readLink('proxy/live'))!;
    await world.host.link('proxy/live', 'generations/000000000000');
    const lock = world.host.lock.bind(world.host);
    world.host.lock = async (name, doing) => {
      if (name === 'the proxy') await world.host.link('proxy/live', live);
      return lock(name, doing);
    };
    expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
  });
});
