import { describe, expect, test } from 'vitest';
import { byLevel, byNeeds } from '../../src/core/needs.ts';
import { planStarts, type StartOptions, timing } from '../../src/core/starts.ts';
import type { ContainerView, Desired, History, Observed, Release, Workload } from '../../src/core/state.ts';

const workload = (app: string, name: string, more: Partial<Workload> = {}): Workload =>
  ({
    project: 'shop',
    app,
    spec: name,
    container: { name, env: {}, networks: [], mounts: [], limits: { memory: 1, cpus: 1, pids: 1 }, stopTimeout: 7 },
    health: { expect: [200], within: 1 },
    needs: [],
    overlap: true,
    drain: 5000,
    volumes: [],
    ...more,
  }) as unknown as Workload;
const container = (app: string, name: string, state: ContainerView['state'] = 'running'): ContainerView =>
  ({ name, state, labels: { 'hostctl.app': app } }) as unknown as ContainerView;
const desired = (...workloads: Workload[]): Desired => ({ project: 'shop', workloads, media: [], images: {} });
const history = (...all: Workload[][]): History => {
  const releases = all.map(
    (workloads, index) => ({ id: all.length - index, desired: desired(...workloads) }) as Release,
  );
  return { ...(releases[0] ? { current: releases[0] } : {}), releases };
};

/** Every step in one line. */
function steps(
  wanted: readonly Workload[],
  mine: readonly ContainerView[],
  past: History,
  options: StartOptions = {},
  stopped: readonly string[] = [],
): string[] {
  const observed = { unfinished: { shop: { stopped, limited: [] } } } as unknown as Observed;
  return planStarts(desired(...wanted), mine, past, observed, options).map((step) => {
    const name = 'workload' in step && step.workload ? step.workload.container.name : '';
    const more = step.do === 'stop' ? `${step.container.name} ${step.timeout}` : name;
    return `${step.do} ${more} (${step.why})`;
  });
}

const A = workload('web', 'a');
const B = workload('web', 'b');

describe('an app is started', () => {
  test.each<[string, Workload[], ContainerView[], History, string[]]>([
    ['not where it runs', [A], [container('web', 'a')], history([A]), []],
    ['for the first time', [A], [], history(), ['run a (not running yet)', 'ready a (keeps running)']],
    [
      'anew where its container is gone',
      [A],
      [],
      history([A]),
      ['run a (its container is gone)', 'ready a (keeps running)'],
    ],
    [
      'once more where a replica is added',
      [A, workload('web', 'a-2', { spec: 'a', replica: 2 })],
      [container('web', 'a')],
      history([A]),
      ['run a-2 (one more replica)', 'ready a-2 (keeps running)'],
    ],
    [
      'again where it was stopped',
      [A],
      [container('web', 'a', 'exited')],
      history([A]),
      ['start a (stopped)', 'ready a (keeps running)'],
    ],
    [
      'again where it is paused',
      [A],
      [container('web', 'a', 'paused')],
      history([A]),
      ['start a (is paused)', 'ready a (keeps running)'],
    ],
    [
      'again where an attempt did not get there',
      [B],
      [container('web', 'b', 'exited')],
      history([A]),
      ['start b (an earlier attempt did not become ready)', 'ready b (keeps running)'],
    ],
    [
      'again where an attempt still runs',
      [B],
      [container('web', 'b')],
      history([A]),
      ['start b (an earlier attempt did not become ready)', 'ready b (keeps running)'],
    ],
    [
      'anew where it was never started',
      [A],
      [container('web', 'a', 'created')],
      history([A]),
      ['run a (its container is gone)', 'ready a (keeps running)'],
    ],
    [
      'again where it runs and is of an earlier release',
      [A],
      [container('web', 'a')],
      history([B], [A]),
      ['start a (an interrupted deploy was about to stop it)'],
    ],
  ])('%s', (_, wanted, mine, past, expected) => {
    expect(steps(wanted, mine, past)).toEqual(expected);
  });

  test('again where a deploy that was killed was about to stop it', () => {
    expect(steps([A], [container('web', 'a')], history([A]), {}, ['a'])).toEqual([
      'start a (an interrupted deploy was about to stop it)',
    ]);
    expect(steps([A], [container('web', 'a')], history([A]), {}, ['b'])).toEqual([]);
  });

  test('with what an earlier release kept, when that comes back', () => {
    expect(steps([A], [container('web', 'a', 'exited')], history([B], [A]), { rollbackOf: 1 })).toEqual([
      'start a (kept since release 1)',
      'ready a (keeps running)',
    ]);
  });

  test.each([
    [{ path: '/up', command: ['x'] }, 'answers /up'],
    [{ command: ['pg_isready', '-q'] }, 'pg_isready -q succeeds'],
    [{}, 'keeps running'],
  ])('and asked whether it is ready: %j', (health, why) => {
    const web = workload('web', 'a', { health: { expect: [200], within: 1, ...health } });
    expect(steps([web], [], history())[1]).toBe(`ready a (${why})`);
  });
});

describe('its release command', () => {
  const migrating = workload('web', 'b', { release: ['migrate'] });
  test('runs once for all replicas, between their start and the question', () => {
    const second = workload('web', 'b-2', { spec: 'b', release: ['migrate'], replica: 2 });
    expect(steps([migrating, second], [], history())).toEqual([
      'run b (not running yet)',
      'run b-2 (not running yet)',
      'task b (before the switch)',
      'ready b (keeps running)',
      'ready b-2 (keeps running)',
    ]);
  });

  test('does not run again for what was live, nor for a rollback', () => {
    const lives = history([migrating]);
    expect(steps([migrating], [container('web', 'b', 'exited')], lives)).toEqual([
      'start b (stopped)',
      'ready b (keeps running)',
    ]);
    expect(steps([migrating], [], history([A]), { rollbackOf: 1 }).some((line) => line.startsWith('task'))).toBe(false);
    expect(steps([migrating], [container('web', 'b')], history([A]))[1]).toBe('task b (before the switch)');
  });
});

describe('the copy before is stopped first', () => {
  const alone = workload('web', 'b', { overlap: false });
  const old = container('web', 'a');
  test('where only one may write', () => {
    expect(steps([alone], [old], history([A]))[0]).toBe(
      'stop a 7 (one copy at a time may write to its volume: short interruption)',
    );
    expect(steps([B], [old], history([A])).some((line) => line.startsWith('stop'))).toBe(false);
  });

  test('where there is too little memory for both', () => {
    expect(steps([B], [old], history([A]), { stopFirst: true })[0]).toBe(
      'stop a 7 (too little memory for two copies: short interruption)',
    );
  });

  test('only if it runs, was live, is of this app, and is not wanted itself', () => {
    const stops = (mine: ContainerView[], past: History, wanted = [alone]): string[] =>
      steps(wanted, mine, past).filter((line) => line.startsWith('stop'));
    expect(stops([container('web', 'a', 'exited')], history([A]))).toEqual([]);
    expect(stops([old], history([workload('web', 'other')]))).toEqual([]);
    expect(stops([container('api', 'a')], history([A]))).toEqual([]);
    expect(stops([container('web', 'b')], history([alone]))).toEqual([]);
    expect(stops([old, container('web', 'b')], history([alone], [A]))).toEqual([]);
  });
});

describe('several apps', () => {
  test('start together, and what needs them when they are ready', () => {
    const web = workload('web', 'w', { needs: ['db', 'cache'] });
    const lines = steps([web, workload('db', 'd'), workload('cache', 'c')], [], history());
    expect(lines.map((line) => line.split(' (')[0])).toEqual([
      'run d',
      'run c',
      'ready d',
      'ready c',
      'run w',
      'ready w',
    ]);
  });

  test('come in the order of their needs', () => {
    const item = (app: string, ...needs: string[]) => ({ app, needs });
    const [a, b, c, d] = [item('a', 'b'), item('b', 'c'), item('c'), item('d', 'elsewhere')];
    expect(byLevel([a, b, c, d])).toEqual([[c, d], [b], [a]]);
    expect(byNeeds([a, b, c, d])).toEqual([c, d, b, a]);
    expect(byLevel([])).toEqual([]);
    // Circles were refused; if there is one, nothing is lost.
    expect(byLevel([item('x', 'y'), item('y', 'x')])).toHaveLength(1);
  });
});

test('an app under a new name starts with empty volumes, and is told where the old ones are', () => {
  const before = workload('old', 'o', { volumes: ['v/old/data', 'v/old/more'] });
  const lines = (more: Partial<Workload>): string =>
    steps([workload('web', 'a', more)], [], history([before, before]))[0]!;
  expect(lines({ volumes: ['v/web/data'] })).toBe(
    'run a (not running yet; its volumes are new, v/old/data, v/old/more stays as it is)',
  );
  expect(lines({ volumes: ['v/web/data', 'v/old/data'] })).toBe(
    'run a (not running yet; its volumes are new, v/old/more stays as it is)',
  );
  expect(lines({ volumes: ['v/old/more', 'v/old/data'] })).toBe('run a (not running yet)');
  expect(lines({})).toBe('run a (not running yet)');
});

test('a container has the time to finish that its own release gave it', () => {
  const past = history([B], [workload('web', 'a', { drain: 1 })]);
  expect(timing(container('web', 'a'), past)).toEqual({ drain: 1, timeout: 7 });
  expect(timing(container('web', 'b'), past)).toEqual({ drain: 5000, timeout: 7 });
  expect(timing(container('web', 'c'), past)).toEqual({ drain: 10_000, timeout: 20 });
});
