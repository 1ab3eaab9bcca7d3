import { describe, expect, test } from 'vitest';
import type { MemoryFacts } from '../../src/core/memory.ts';
import { committed, memoryNeed, runningCopies } from '../../src/core/memory-plan.ts';
import type { ContainerView, Desired, Observed, Workload } from '../../src/core/state.ts';
import type { ProjectPlan, Step } from '../../src/core/steps.ts';

const MIB = 1024 ** 2;

const workload = (app: string, name: string, mib: number, within = 30_000): Workload =>
  ({
    project: 'shop',
    app,
    container: { name, limits: { memory: mib * MIB, cpus: 1, pids: 1 } },
    health: { expect: [200], within },
  }) as unknown as Workload;
const container = (app: string, name: string, more: Partial<ContainerView> = {}): ContainerView => ({
  id: name,
  name,
  image: '',
  imageId: '',
  state: 'running',
  status: '',
  created: 0,
  labels: { 'hostctl.project': 'shop', 'hostctl.role': 'app', 'hostctl.app': app },
  networks: [],
  ...more,
});
const observed = (containers: readonly ContainerView[], startedIn?: number): Observed =>
  ({
    engine: { memory: 2000 * MIB },
    containers,
    histories: { shop: { releases: [], ...(startedIn === undefined ? {} : { current: { startedIn } }) } },
  }) as unknown as Observed;
const run = (item: Workload): Step => ({ do: 'run', workload: item, why: '' });
const start = (item: Workload): Step => ({ do: 'start', workload: item, why: '' });
const stop = (item: ContainerView): Step => ({ do: 'stop', container: item, timeout: 1, why: '' });
const retire = (item: ContainerView, drain: number): Step => ({
  do: 'retire',
  container: item,
  drain,
  timeout: 1,
  why: '',
});
const task = (item: Workload): Step => ({ do: 'task', workload: item, command: ['x'], why: '' });
const watch = (ms: number): Step => ({ do: 'watch', workloads: [], ms, why: '' });
const plan = (before: readonly Step[], after: readonly Step[] = []): ProjectPlan => ({
  project: 'shop',
  before,
  after,
});
const facts = (free: number, used: Readonly<Record<string, number>> = {}): MemoryFacts => ({
  free: free * MIB,
  used: Object.fromEntries(Object.entries(used).map(([name, mib]) => [name, mib * MIB])),
});

const NEW = workload('web', 'web-new', 100);
const OLD = container('web', 'web-old');

describe('what a plan needs', () => {
  test('is nothing where nothing is started, or runs already', () => {
    expect(memoryNeed(plan([]), observed([OLD]), facts(500))).toBeUndefined();
    expect(memoryNeed(plan([stop(OLD), task(NEW)]), observed([OLD]), facts(500))).toBeUndefined();
    const again = plan([run(NEW), start(NEW)]);
    expect(memoryNeed(again, observed([container('web', 'web-new')]), facts(500))).toBeUndefined();
  });

  test.each<[ContainerView['state']]>([['exited'], ['created'], ['restarting'], ['paused']])(
    'is the limit of a container that is started and is %s so far',
    (state) => {
      const world = observed([container('web', 'web-new', { state })]);
      expect(memoryNeed(plan([start(NEW)]), world, facts(500))).toEqual({
        needs: 100 * MIB,
        beside: false,
        measured: false,
        free: 500 * MIB,
        reserve: 100 * MIB,
        fits: true,
      });
    },
  );

  test('are the limits of all, and of the largest release command beside them', () => {
    const other = workload('api', 'api-new', 50);
    const steps = [run(NEW), start(other), task(NEW), task(other)];
    expect(memoryNeed(plan(steps), observed([]), facts(500))?.needs).toBe(250 * MIB);
  });

  test('is less by what copies use that are stopped before', () => {
    const need = (used: Readonly<Record<string, number>>) =>
      memoryNeed(plan([stop(OLD), run(NEW)]), observed([OLD]), facts(500, used));
    expect(need({ 'web-old': 40 })).toMatchObject({ needs: 60 * MIB, beside: false });
    expect(need({ 'web-old': 140 })).toMatchObject({ needs: 0 });
    expect(need({ other: 40 })).toMatchObject({ needs: 100 * MIB });
  });

  test.each([
    [200, true],
    [200 - 1 / MIB, false],
  ])('leaves a twentieth of the host to others: with %f it fits: %j', (free, fits) => {
    expect(memoryNeed(plan([run(NEW)]), observed([]), facts(free))).toMatchObject({ reserve: 100 * MIB, fits });
  });

  test('is probably what the copies before use, where that is known', () => {
    const world = observed([OLD, container('web', 'web-old-2'), container('api', 'api-old'), container('job', 'job')]);
    const two = [run(NEW), run(workload('web', 'web-new-2', 100)), run(workload('api', 'api-new', 70))];
    const likely = (used: Readonly<Record<string, number>>) => memoryNeed(plan(two), world, facts(500, used))?.likely;
    expect(likely({ 'web-old': 10, 'web-old-2': 30, 'api-old': 5, job: 99 })).toBe(45 * MIB);
    expect(likely({ 'web-old': 10 })).toBe(90 * MIB);
    expect(likely({ 'web-old': 0 })).toBe(70 * MIB);
    expect(likely({ job: 99 })).toBeUndefined();
    const odd = memoryNeed(plan([run(NEW)]), world, { free: 1, used: { 'web-old': 1, 'web-old-2': 2 } });
    expect(odd?.likely).toBe(2);
  });
});

describe('copies beside each other', () => {
  test('are those of the same app of this project that run', () => {
    const others = [
      container('api', 'api-old'),
      container('web', 'web-stopped', { state: 'exited' }),
      container('web', 'web-task', {
        labels: { 'hostctl.project': 'shop', 'hostctl.role': 'task', 'hostctl.app': 'web' },
      }),
      container('web', 'blog-web', {
        labels: { 'hostctl.project': 'blog', 'hostctl.role': 'app', 'hostctl.app': 'web' },
      }),
      container('', 'none', { labels: { 'hostctl.project': 'shop', 'hostctl.role': 'app' } }),
    ];
    expect(runningCopies(plan([run(NEW)]), observed([...others, OLD]))).toEqual([OLD]);
    expect(runningCopies(plan([start(NEW)]), observed([...others, OLD]))).toEqual([OLD]);
    expect(runningCopies(plan([stop(OLD)]), observed([OLD]))).toEqual([]);
    expect(memoryNeed(plan([run(NEW)]), observed(others), facts(500))?.beside).toBe(false);
    expect(memoryNeed(plan([run(NEW)]), observed([OLD]), facts(500))?.beside).toBe(true);
  });

  const last = (after: readonly Step[], startedIn?: number) => {
    const steps = [run(workload('web', 'web-new', 1, 20_000)), run(workload('web', 'web-new-2', 1, 30_000))];
    const { ms, measured } = memoryNeed(plan(steps, after), observed([OLD], startedIn), facts(500))!;
    return { ms, measured };
  };

  test('last until the new ones are ready and the old ones are drained', () => {
    expect(last([retire(OLD, 8000)])).toEqual({ ms: 38_000, measured: false });
    expect(last([retire(OLD, 8000)], 5000)).toEqual({ ms: 13_000, measured: true });
    expect(last([watch(15_000), retire(OLD, 8000)], 5000)).toEqual({ ms: 20_000, measured: true });
    expect(last([watch(3000), retire(OLD, 8000)], 0)).toEqual({ ms: 8000, measured: true });
  });

  test('have no time where none of them goes', () => {
    expect(last([], 5000)).toEqual({ ms: undefined, measured: false });
    expect(last([retire(container('api', 'api-old'), 8000)], 5000)).toEqual({ ms: undefined, measured: false });
  });
});

test('all limits together are those of what is live, changed or not, and of the proxy', () => {
  const desired = (project: string, ...mib: number[]): Desired =>
    ({
      project,
      workloads: mib.map((size, index) => workload('web', `${project}-${index}`, size)),
    }) as unknown as Desired;
  const world = {
    engine: { memory: 2000 * MIB },
    histories: {
      shop: { current: { desired: desired('shop', 100, 100) }, releases: [] },
      blog: { current: { desired: desired('blog', 30) }, releases: [] },
      gone: { releases: [] },
    },
  } as unknown as Observed;
  expect(committed(world, [], 7 * MIB)).toEqual({ limits: 237 * MIB, total: 2000 * MIB });
  expect(committed(world, [desired('shop', 10), desired('new', 1)], 0)).toEqual({
    limits: 41 * MIB,
    total: 2000 * MIB,
  });
});
