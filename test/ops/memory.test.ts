import { beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/results.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { EXIT, HostctlError } from '../../src/errors.ts';
import { build } from '../../src/ops/builds.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { doctor } from '../../src/ops/doctor.ts';
import { status } from '../../src/ops/status.ts';
import { planJson } from '../../src/ui/describe.ts';
import { formatStatus } from '../../src/ui/status.ts';
import { Chalk } from 'chalk';
import { World } from '../support/world.ts';

const MIB = 1024 ** 2;

const project = (name: string, more = ''): string =>
  `hostnames: [${name}.org]\napps:\n  web: { runtime: static, source: /src/${name}, drain: 8s, limits: { memory: 300M }${more} }\n`;

let world: World;

/** The engine in memory has 8 GiB, of which 409.6M stay free. */
const free = (mib: number): void => {
  world.machine.texts.set('/proc/meminfo', `MemTotal: 8388608 kB\nMemAvailable: ${mib * 1024} kB\n`);
};

const open = async (settings: Parameters<typeof World.with>[1] = {}, names = ['shop']): Promise<void> => {
  world = await World.with(Object.fromEntries(names.map((name) => [name, project(name)])), settings);
  for (const name of names) world.source(name, { 'index.html': 'one' });
  free(4096);
};

const change = (...names: string[]): void => {
  for (const name of names) world.source(name, { 'index.html': 'two' });
};

const put = (...names: string[]) => deploy(names, world, { wait: 0 });
const planned = async (): Promise<string[]> => formatPlan(await plan(['shop'], world)).split('\n');
const memoryLine = async (): Promise<string | undefined> =>
  (await planned()).find((line) => line.startsWith('  memory'))?.trim();
const hintsOf = (outcome: Outcome | undefined): readonly string[] =>
  outcome?.error instanceof HostctlError ? outcome.error.hints : [];
const warnings = (): string[] => world.ui.events.flatMap((event) => (event.type === 'warning' ? [event.text] : []));

beforeEach(() => open());

describe('a plan', () => {
  test('says nothing of a first copy that fits, and all of a second one', async () => {
    expect(await memoryLine()).toBeUndefined();
    await put('shop');
    expect(formatPlan(await plan(['shop'], world))).toBe('Up to date.\n');
    change('shop');
    world.engine.memoryInUse = 41 * MIB;
    expect(await memoryLine()).toBe('memory  needs 300M for about 8s, 4G free  (what runs now uses 41M)');
    const json = planJson(await plan(['shop'], world)) as { projects: { memory: unknown }[] };
    expect(json.projects[0]!.memory).toEqual({
      needs: 300 * MIB,
      likely: 41 * MIB,
      beside: true,
      seconds: 8,
      measured: true,
      free: 4096 * MIB,
      reserve: Math.round((8 * 1024 * MIB) / 20),
      fits: true,
    });
  });

  test('counts every replica, and the release command, which has a container of its own', async () => {
    await put('shop');
    change('shop');
    world.define('shop', project('shop', ', release: "true", replicas: 3'));
    expect(await memoryLine()).toBe('memory  needs 1.2G for about 8s, 4G free  (what runs now uses 3M)');
  });

  test('says how long it may take where no start is on record', async () => {
    await put('shop');
    const path = 'projects/shop/releases/1.json';
    const { startedIn, ...record } = JSON.parse((await world.host.read(path))!) as { startedIn?: number };
    expect(startedIn).toBeGreaterThanOrEqual(0);
    await world.host.write(path, JSON.stringify(record));
    change('shop');
    expect(await memoryLine()).toMatch(/^memory {2}needs 300M for up to 1.1m, /);
  });

  test('says no time for a replica that stays', async () => {
    await put('shop');
    world.define('shop', project('shop', ', replicas: 2'));
    expect(await memoryLine()).toBe('memory  needs 300M, 4G free  (what runs now uses 1M)');
  });

  test('says nothing where free memory cannot be read', async () => {
    await put('shop');
    change('shop');
    world.machine.texts.delete('/proc/meminfo');
    expect(await memoryLine()).toBeUndefined();
    expect((await put('shop'))[0]?.error).toBeUndefined();
  });
});

describe('a deploy that may not fit', () => {
  test('is refused before anything of it is done, and the old release serves on', async () => {
    await put('shop');
    const before = world.servedBy('shop.org');
    change('shop');
    free(709);
    expect(await memoryLine()).toMatch(
      /^memory {2}needs 300M for about 8s, 709M free: too little, as 409.6M must be left/,
    );
    const starts = world.engine.writes.length;
    const [outcome] = await put('shop');
    expect(outcome?.error).toMatchObject({ code: 'MEMORY_SHORT', exit: EXIT.unhealthy });
    expect(hintsOf(outcome)).toEqual([
      'release 1 of shop is still serving',
      'lower limits.memory where it is never reached: what runs now uses 1M',
      '`memory: { when-short: stop-first }` in hostctl.yaml stops the old copy first, with a short gap',
      'hostctl status shows what everything uses',
    ]);
    expect(world.servedBy('shop.org')).toBe(before);
    expect(world.engine.writes.slice(starts).filter((call) => !call.startsWith('build'))).toEqual([]);
    free(710);
    expect((await put('shop'))[0]?.error).toBeUndefined();
  });

  test('is refused the first time, too: nothing serves, and the exit code says so', async () => {
    free(600);
    expect(await memoryLine()).toBe('memory  needs 300M, 600M free: too little, as 409.6M must be left');
    const [outcome] = await put('shop');
    expect(outcome?.error).toMatchObject({ code: 'MEMORY_SHORT', exit: EXIT.failed });
    expect(hintsOf(outcome).join()).not.toContain('stop-first');
    expect(world.running('shop')).toEqual([]);
  });

  test('stops the old copy first where hostctl.yaml says so, and only then', async () => {
    await open({ memory: { 'when-short': 'stop-first' } });
    await put('shop');
    const [old] = world.running('shop');
    change('shop');
    expect((await planned()).join()).not.toContain('stop ');
    world.engine.memoryInUse = 200 * MIB;
    free(600);
    expect(await planned()).toContainEqual(`  stop    ${old}  (too little memory for two copies: short interruption)`);
    world.engine.calls.length = 0;
    const [outcome] = await put('shop');
    expect(outcome).toMatchObject({ release: 2 });
    expect(outcome?.error).toBeUndefined();
    const calls = world.engine.calls;
    const started = calls.findIndex((call) => call.startsWith('start shop-web'));
    expect(calls.indexOf(`stop ${old}`)).toBeGreaterThan(-1);
    expect(calls.indexOf(`stop ${old}`)).toBeLessThan(started);
    // How a release was started is no part of what it is.
    free(4096);
    expect(formatPlan(await plan(['shop'], world))).toBe('Up to date.\n');
  });

  test('is refused where stopping first would not make room either', async () => {
    await open({ memory: { 'when-short': 'stop-first' } });
    await put('shop');
    change('shop');
    free(600);
    const before = world.running('shop');
    expect((await put('shop'))[0]?.error).toMatchObject({ code: 'MEMORY_SHORT', exit: EXIT.unhealthy });
    expect(world.running('shop')).toEqual(before);
  });

  test('goes on with a warning where hostctl.yaml says so', async () => {
    await open({ memory: { 'when-short': 'ignore' } });
    await put('shop');
    change('shop');
    free(100);
    expect((await put('shop'))[0]?.error).toBeUndefined();
    expect(warnings()).toEqual(['the deploy needs 300M for about 8s, 100M free: too little, as 409.6M must be left']);
  });
});

describe('projects that are deployed at once', () => {
  /** Index of the calls that begin and end the start of a project. */
  const span = (name: string): [number, number] => {
    const mine = world.engine.calls.flatMap((call, index) =>
      new RegExp(`^(create|start|stop|remove) ${name}-web`).test(call) ? [index] : [],
    );
    return [mine[0]!, mine.at(-1)!];
  };

  test('start side by side while they fit, and one after the other when they do not', async () => {
    await open({}, ['a', 'b', 'c']);
    await put('a', 'b', 'c');
    const spans = async (mib: number): Promise<[number, number][]> => {
      free(mib);
      world.engine.calls.length = 0;
      for (const { error } of await put('a', 'b', 'c')) expect(error).toBeUndefined();
      return ['a', 'b', 'c'].map(span).toSorted((one, other) => one[0] - other[0]);
    };
    change('a', 'b', 'c');
    const wide = await spans(4096);
    expect(wide[1]![0]).toBeLessThan(wide[0]![1]);
    for (const name of ['a', 'b', 'c']) world.source(name, { 'index.html': 'three' });
    const narrow = await spans(800);
    expect(narrow[1]![0]).toBeGreaterThan(narrow[0]![1]);
    expect(narrow[2]![0]).toBeGreaterThan(narrow[1]![1]);
  });

  test('that do not fit even alone fail by themselves', async () => {
    await open({}, ['a', 'b']);
    world.define('b', project('b').replace('300M', '6G'));
    const outcomes = await put('a', 'b');
    expect(outcomes.find((item) => item.project === 'a')?.error).toBeUndefined();
    expect(outcomes.find((item) => item.project === 'b')?.error).toMatchObject({ code: 'MEMORY_SHORT' });
  });
});

describe('limits that are more than the host has', () => {
  const large = async (): Promise<void> => {
    await open({}, ['a', 'b']);
    for (const name of ['a', 'b']) world.define(name, project(name).replace('300M', '4.5G'));
    free(7168);
    await put('a');
    world.ui.events.length = 0;
  };
  const TEXT = /^all apps and the proxy together may use 9\.\dG, and this host has 8G$/;

  test('are warned of once when something is started, and not for nothing', async () => {
    await large();
    expect(await plan(['a'], world)).not.toHaveProperty('overcommitted');
    expect((await plan(['b'], world)).overcommitted).toMatch(TEXT);
    await put('a', 'b');
    expect(warnings()).toEqual([expect.stringMatching(TEXT)]);
    world.ui.events.length = 0;
    await put('a', 'b');
    expect(warnings()).toEqual([]);
  });

  test('stand in status and doctor', async () => {
    await large();
    const paint = new Chalk({ level: 0 });
    expect(formatStatus(await status([], world), paint)).not.toContain('together may use');
    expect((await doctor(world)).find(({ check }) => check === 'memory')).toMatchObject({ state: 'ok' });
    await put('b');
    const found = await status([], world);
    expect(found.memory).toMatchObject({ total: 8192 * MIB, free: 7168 * MIB });
    expect(formatStatus(found, paint)).toMatch(
      /\n! all apps and the proxy together may use 9\.\dG, and this host has 8G\n/,
    );
    expect((await doctor(world)).find(({ check }) => check === 'memory')).toMatchObject({ state: 'warning' });
  });
});

describe('a build', () => {
  const options = { tag: 'hostctl/x:1', dockerfile: 'Dockerfile', labels: {}, args: {} };
  const context = async () => world.files.context('/src/shop', new Map());

  test('may use half of the host, or what hostctl.yaml says', async () => {
    await build(await context(), options, undefined, world, () => undefined);
    expect(world.engine.builds.at(-1)).toMatchObject({ caps: { memory: 4096 * MIB, cpus: 1 } });
    await open({ builds: { memory: '1G', cpus: 0.5 } });
    await build(await context(), options, undefined, world, () => undefined);
    expect(world.engine.builds.at(-1)).toMatchObject({ caps: { memory: 1024 * MIB, cpus: 0.5 } });
  });

  test('that needs BuildKit is told to have no limits', async () => {
    await build(await context(), options, 'flags of RUN (line 2)', world, () => undefined);
    expect(world.engine.builds.at(-1)).not.toHaveProperty('caps');
    expect(warnings()).toEqual([
      'hostctl/x:1 is built without limits of memory and cpus: only BuildKit can build flags of RUN (line 2)',
    ]);
  });

  test('without limits is ended when it leaves the host too little memory', async () => {
    const hungry = async (mib: number): Promise<void> => {
      world.engine.building = async ({ signal }) => {
        free(mib);
        for (let turn = 0; turn < 50; turn += 1) {
          if (signal?.aborted) return;
          await new Promise((done) => setImmediate(done));
        }
      };
      free(4096);
      await build(await context(), options, 'flags of RUN (line 2)', world, () => undefined);
    };
    await hungry(410);
    await expect(hungry(409)).rejects.toMatchObject({
      code: 'BUILD_MEMORY',
      message: 'building hostctl/x:1 was ended: it left the host less than 409.6M of memory',
    });
    expect(await world.host.locks()).toEqual([]);
    world.engine.failOn = { call: /^build/, error: new HostctlError('BUILD_FAILED', 'no network') };
    await expect(hungry(4096)).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  });

  test('waits for another one on this host', async () => {
    const unlock = await world.host.lock('the builds', 'building y');
    const building = build(await context(), options, undefined, world, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(world.engine.builds).toEqual([]);
    await unlock();
    await building;
    expect(world.engine.builds).toHaveLength(1);
    expect(await world.host.locks()).toEqual([]);
  });
});
