import { beforeEach, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { status } from '../../src/ops/status.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const shop = (version: string, more = ''): string =>
  `hostnames: [shop.org]\napps:\n  web: { image: "shop:${version}", port: 80, volumes: { data: /data }${more} }\n`;

let world: World;

beforeEach(async () => {
  world = await World.with({ blog: BLOG, shop: shop('1') });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  for (const version of ['1', '2', '3']) world.engine.addImage(`shop:${version}`);
});

const put = async (name = 'blog') => (await deploy([name], world, { wait: 0 }))[0]!;
/** The next version of the blog, as it behaves. */
const next = (text: string, lasts?: number): void => {
  world.source('blog', { 'server.js': text });
  const bad = { answers: 200, says: ['out of luck'], ends: 3, ...(lasts === undefined ? {} : { lasts }) };
  const create = world.engine.create.bind(world.engine);
  world.engine.create = async (spec) => {
    if (!spec.name.startsWith('blog-')) return create(spec);
    if (lasts !== undefined) world.engine.behaviours.set(spec.image, bad);
    world.engine.create = create;
    return create(spec);
  };
};
/** Visitors of the second release get this status, whenever so many milliseconds after the switch are bad ones. */
function breaksAfterSwitch(before: string | undefined, status: number, isBad: (ms: number) => boolean): void {
  const visit = world.prober.visit.bind(world.prober);
  let since: number | undefined;
  world.prober.visit = async (request) => {
    const switched = (await world.host.readLink(LAYOUT.current('blog'))) === 'releases/2.json';
    if (!switched || world.servedBy('www.blog.org') === before) return visit(request);
    since ??= world.clock.now();
    return isBad(world.clock.now() - since) ? { ok: true, status, ms: 1 } : visit(request);
  };
}
const hints = (error: unknown): readonly string[] => (error as HostctlError).hints;
const stateOf = (name: string) => world.engine.boxes.get(name)!;

describe('a release that was good and then is not', () => {
  test('goes again, and the earlier one serves as before', async () => {
    await put();
    const before = world.servedBy('www.blog.org');
    next('two', 1500);
    const outcome = await put();
    expect(outcome).toMatchObject({ release: 1, error: { code: 'NOT_STABLE', exit: 6 } });
    expect((outcome.error as Error).message).toMatch(
      /^blog-web-\w+ ended and was started again after the switch(?: \(exit code 3\))?\nits last words:\n(?: {2}out of luck\n?)+$/,
    );
    expect(hints(outcome.error)).toContain('release 1 of blog is serving again');
    expect(world.servedBy('www.blog.org')).toBe(before);
    expect(world.running('blog')).toEqual([before]);
    expect(stateOf(before!).restart).toBe('always');
    expect(await world.host.read(LAYOUT.unfinished('blog'))).toBeUndefined();
    expect((await status(['blog'], world)).apps).toMatchObject([{ release: 1, state: 'running' }]);
  });

  test('keeps the old copy running until it has been watched for its time', async () => {
    await put();
    const before = world.servedBy('www.blog.org')!;
    next('two');
    const stops: number[] = [];
    let switched = 0;
    const stop = world.engine.stop.bind(world.engine);
    world.engine.stop = async (name) => {
      if (name === before) stops.push(world.clock.now() - switched);
      return stop(name);
    };
    const link = world.host.link.bind(world.host);
    world.host.link = async (path, target) => {
      if (path === LAYOUT.current('blog')) switched = world.clock.now();
      return link(path, target);
    };
    expect((await put()).error).toBeUndefined();
    expect(stops).toHaveLength(1);
    expect(stops[0]).toBeGreaterThanOrEqual(3000);
  });

  test('is kept for a look, and goes with the next good one', async () => {
    await put();
    next('two', 500);
    await put();
    const failed = [...world.engine.boxes.values()].find((box) => box.log.includes('out of luck'))!;
    expect(failed.state).toBe('exited');
    expect(failed.restart).toBe('no');
    next('three');
    expect(await put()).toMatchObject({ release: 2 });
    expect([...world.engine.boxes.keys()]).not.toContain(failed.spec.name);
  });

  test('is tried and reverted once by each deploy, and never in a circle', async () => {
    await put();
    next('two', 500);
    await put();
    const switches = (): number =>
      world.host.writes.filter((item) => item.startsWith('link projects/blog/current')).length;
    const before = switches();
    expect(await put()).toMatchObject({ release: 1, error: { exit: 6 } });
    expect(switches() - before).toBe(2);
    expect(world.running('blog')).toHaveLength(1);
  });

  test('that answers no visitor any more goes as well, when the proxy itself is there', async () => {
    await put();
    const before = world.servedBy('www.blog.org');
    next('two');
    breaksAfterSwitch(before, 502, (ms) => ms >= 500);
    const outcome = await put();
    expect(outcome).toMatchObject({ release: 1, error: { code: 'NOT_STABLE', exit: 6 } });
    expect((outcome.error as Error).message).toContain('www.blog.org/ stopped working after the switch: answered 502');
    expect(outcome.visits!.failed).toBeGreaterThan(0);
  });

  test('is not blamed for a proxy that is gone for a while', async () => {
    await put();
    next('two');
    const visit = world.prober.visit.bind(world.prober);
    const generation = world.prober.generation.bind(world.prober);
    let switched: number | undefined;
    const gone = (): boolean => {
      const since = world.clock.now() - (switched ?? world.clock.now());
      return since > 200 && since < 2500;
    };
    world.prober.visit = async (request) => {
      if ((await world.host.readLink(LAYOUT.current('blog'))) === 'releases/2.json') switched ??= world.clock.now();
      return gone() ? { ok: false, reason: 'connection refused', ms: 1 } : visit(request);
    };
    world.prober.generation = async () => (gone() ? undefined : generation());
    const outcome = await put();
    expect(outcome).toMatchObject({ release: 2 });
    expect(outcome.error).toBeUndefined();
    expect(outcome.visits!.failed).toBeGreaterThan(10);
  });

  test('that hiccups stays', async () => {
    await put();
    next('two');
    const visit = world.prober.visit.bind(world.prober);
    let asked = 0;
    world.prober.visit = async (request) => {
      asked += 1;
      return asked % 10 === 0 ? { ok: true, status: 503, ms: 1 } : visit(request);
    };
    expect((await put()).error).toBeUndefined();
  });

  test('that answers only now and then does not', async () => {
    await put();
    const before = world.servedBy('www.blog.org');
    next('two');
    // Never for as long as a second on end.
    breaksAfterSwitch(before, 503, (ms) => ms % 1200 >= 600);
    const { error } = await put();
    expect(error).toMatchObject({ code: 'NOT_STABLE', exit: 6 });
    expect((error as Error).message).toMatch(/\d+ of \d+ visits failed, the last one with: answered 503/);
  });
});

describe('what comes back', () => {
  test('is started again when only one copy may run, and says so when it does not answer either', async () => {
    await put('shop');
    const [first] = world.running('shop');
    world.define('shop', shop('2'));
    world.engine.behaviours.set('shop:2', { answers: 200, lasts: 1000 });
    expect(await put('shop')).toMatchObject({ release: 1, error: { code: 'NOT_STABLE', exit: 6 } });
    expect(world.running('shop')).toEqual([first]);
    expect(stateOf(first!).restart).toBe('always');

    world.engine.behaviours.set('shop:1', { answers: 500 });
    const { error } = await put('shop');
    expect(error).toMatchObject({ code: 'NOT_STABLE', exit: 1 });
    expect(hints(error)).toContain('release 1 of shop is live again, but does not answer either: answered 500');
    expect(world.running('shop')).toEqual([first]);
  });

  test('has its limits back', async () => {
    world.define('shop', shop('1', ', limits: { memory: 256M }'));
    await put('shop');
    world.define('shop', shop('1', ', limits: { memory: 64M }'));
    world.engine.behaviours.set('shop:1', { answers: 200, lasts: 1000, ends: 137 });
    const [box] = world.running('shop').map(stateOf);
    box!.started = world.clock.now();
    const { error } = await put('shop');
    expect(error).toMatchObject({ code: 'NOT_STABLE' });
    expect(box!.limits.memory).toBe(256 * 1024 ** 2);
    expect(await world.host.readLink(LAYOUT.current('shop'))).toBe('releases/1.json');
  });

  test('is nothing after a first deploy: the site goes, and is told to be gone', async () => {
    next('one', 1000);
    const { error, release } = await put();
    expect(release).toBeUndefined();
    expect(error).toMatchObject({ code: 'NOT_STABLE', exit: 1 });
    expect(hints(error)).toContain('no release of blog is serving');
    expect(world.servedBy('www.blog.org')).toBeUndefined();
    expect(world.running('blog')).toEqual([]);
    world.engine.behaviours.delete([...world.engine.imageIds.keys()].find((ref) => ref.startsWith('hostctl/blog:'))!);
    expect((await put()).error).toBeUndefined();
    expect(world.servedBy('www.blog.org')).toBe(world.running('blog')[0]);
  });

  test('stays stopped if it was', async () => {
    await put();
    const [first] = world.running('blog');
    await world.engine.stop(first!);
    next('two', 1000);
    const { error } = await put();
    expect(error).toMatchObject({ code: 'NOT_STABLE', exit: 6 });
    expect(hints(error)).toContain('release 1 of blog is live again, and stays stopped, as it was');
    expect(world.running('blog')).toEqual([]);
  });

  test('has its uploads back', async () => {
    const site = (app: string): string =>
      `hostnames: [up.org]\napps:\n  ${app}: { image: "shop:${app === 'web' ? 1 : 2}", port: 80, path: / }\nmedia:\n  /up: { from: ./up, writable-by: ${app}, mount: /app/up }\n`;
    world.define('up', site('web'));
    await put('up');
    world.define('up', site('site'));
    world.engine.behaviours.set('shop:2', { answers: 200, lasts: 1000 });
    const owns: string[] = [];
    const create = world.engine.create.bind(world.engine);
    world.engine.create = async (spec) => {
      if (spec.name === 'up-own') {
        owns.push(spec.entrypoint![2]!.split(':')[0]!);
        const at = world.host.entries.get('media/up/up.uploads/up')!;
        const uid = Number(owns.at(-1));
        world.host.entries.set('media/up/up.uploads/up', { owner: { ...at.owner!, uid } });
      }
      return create(spec);
    };
    expect((await put('up')).error).toMatchObject({ exit: 6 });
    const uids = JSON.parse((await world.host.read(LAYOUT.identity('up')))!) as { uids: Record<string, number> };
    expect(owns).toEqual([String(uids.uids['site']), String(uids.uids['web'])]);
  });

  test('is not what a neighbour answers by now: then the new release stays', async () => {
    world.define('shop', shop('1'));
    await put('shop');
    // The hostname moves to the blog, and what is left of the shop does not last.
    world.define('shop', shop('2').replace('shop.org', 'other.org'));
    world.define('blog', BLOG.replace('www.blog.org', 'shop.org'));
    world.engine.behaviours.set('shop:2', { answers: 200, lasts: 1500 });
    const outcomes = await deploy(['blog', 'shop'], world, { wait: 0 });
    const { error } = outcomes.find((item) => item.project === 'shop')!;
    expect(error).toMatchObject({ code: 'NOT_STABLE', exit: 1 });
    expect(hints(error)).toContain('it stays live: blog answers a hostname of release 1 by now');
    expect(world.servedBy('shop.org')).toBe(world.running('blog')[0]);
    expect(world.servedBy('other.org')).toBe(
      world.running('shop').find((name) => stateOf(name).spec.image === 'shop:2'),
    );
  });

  test('after a rollback is the release that was rolled back', async () => {
    await put();
    next('two');
    await put();
    const [live] = world.running('blog');
    const first = [...world.engine.boxes.values()].find((box) => box.state === 'exited')!;
    world.engine.behaviours.set(first.spec.image, { answers: 200, lasts: 1000 });
    expect(await rollback('blog', undefined, 0, world)).toMatchObject({ release: 2, error: { exit: 6 } });
    expect(world.running('blog')).toEqual([live]);
  });
});

describe('how long', () => {
  test('is said by the app, else by the workspace, and can be not at all', async () => {
    await put();
    next('two');
    const watch = async (): Promise<string | undefined> =>
      /watch .*/.exec(formatPlan(await plan(['blog'], world)))?.[0];
    expect(await watch()).toMatch(/^watch {3}blog-web-\w+ {2}\(for 3s; if it fails, release 1 comes back\)$/);
    world.define('blog', BLOG.replace('source: /src/blog', 'source: /src/blog, health: { watch: 1m }'));
    expect(await watch()).toContain('(for 1m;');
    Object.assign(world.workspace, { watch: 0 });
    expect(await watch()).toContain('(for 1m;');
    world.define('blog', BLOG);
    expect(await watch()).toBeUndefined();
  });

  test('a change that makes no new copy is not watched', async () => {
    await put();
    world.define('blog', BLOG.replace('[www.blog.org]', '[www.blog.org, blog.org]'));
    expect(formatPlan(await plan(['blog'], world))).not.toContain('watch');
  });
});

describe('killed while a release is watched', () => {
  /** A deploy that ends, as by kill -9, at the first change after its switch. */
  async function killed(): Promise<string> {
    await put();
    const before = world.servedBy('www.blog.org')!;
    next('two');
    const stop = world.engine.stop.bind(world.engine);
    world.engine.stop = async () => {
      throw new Error('killed');
    };
    const remove = world.host.remove.bind(world.host);
    world.host.remove = async () => {
      throw new Error('killed');
    };
    await put();
    world.engine.stop = stop;
    world.host.remove = remove;
    world.host.held.clear();
    expect(await world.host.readLink(LAYOUT.current('blog'))).toBe('releases/2.json');
    return before;
  }

  test('the same deploy watches it, and then the old copy stops', async () => {
    const before = await killed();
    expect(formatPlan(await plan(['blog'], world))).toMatch(
      /^blog\n {2}watch {3}blog-web-\w+ {2}\(for 3s; if it fails, release 1 comes back\)\n {2}retire {2}blog-web-\w+ {2}\(replaced\)\n$/,
    );
    expect(await put()).toMatchObject({ release: 2 });
    expect(world.running('blog')).not.toContain(before);
    expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
  });

  test('and bad, the same deploy brings the earlier one back', async () => {
    const before = await killed();
    const bad = world.running('blog').find((name) => name !== before);
    world.engine.behaviours.set(stateOf(bad!).spec.image, { answers: 200, lasts: 1000 });
    expect(await put()).toMatchObject({ release: 1, error: { code: 'NOT_STABLE', exit: 6 } });
    expect(world.servedBy('www.blog.org')).toBe(before);
    expect(world.running('blog')).toEqual([before]);
  });

  test('and followed by another bad one, the last good one comes back', async () => {
    const before = await killed();
    next('three', 1000);
    expect(await put()).toMatchObject({ release: 1, error: { code: 'NOT_STABLE', exit: 6 } });
    expect(world.servedBy('www.blog.org')).toBe(before);
    expect(world.running('blog')).toEqual([before]);
  });

  test('and followed by one that never gets ready, it is still on trial', async () => {
    await killed();
    world.source('blog', { 'server.js': 'three' });
    world.engine.behaviours.set('hostctl/blog:*', { ends: 1 });
    expect(await put()).toMatchObject({ release: 2, error: { code: 'NOT_READY' } });
    expect(JSON.parse((await world.host.read(LAYOUT.unfinished('blog')))!)).toMatchObject({
      trial: { release: 2, before: 1 },
    });
  });
});
