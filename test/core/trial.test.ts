import { describe, expect, test } from 'vitest';
import type { Desired, History, Observed, Release, Unfinished, Workload } from '../../src/core/state.ts';
import type { Step } from '../../src/core/steps.ts';
import { fallbackOf, pendingTrial, planWatch } from '../../src/core/trial.ts';

const workload = (name: string, watch?: number): Workload =>
  ({
    app: name,
    container: { name },
    health: { expect: [200], within: 1, ...(watch === undefined ? {} : { watch }) },
  }) as unknown as Workload;
const desired = (...workloads: Workload[]): Desired => ({ project: 'shop', workloads, media: [], images: {} });
const release = (id: number, ...workloads: Workload[]): Release =>
  ({ id, project: 'shop', desired: desired(...workloads) }) as Release;
const history = (...releases: Release[]): History => ({
  ...(releases[0] ? { current: releases[0] } : {}),
  releases,
});
const onTrial = (id: number, before?: number): Unfinished => ({
  stopped: [],
  limited: [],
  trial: { release: id, alive: [], ...(before === undefined ? {} : { before }) },
});
const NEW = release(2, workload('new'));
const OLD = release(1, workload('old'));

describe('a release that is live', () => {
  test('is on trial while a deploy that was killed says so of it', () => {
    const both = history(NEW, OLD);
    expect(pendingTrial(both, undefined)).toBeUndefined();
    expect(pendingTrial(both, { stopped: [], limited: [] })).toBeUndefined();
    expect(pendingTrial(both, onTrial(1))).toBeUndefined();
    expect(pendingTrial(both, onTrial(2, 1))).toEqual({ release: 2, before: 1, alive: [] });
    expect(pendingTrial({ releases: [] }, undefined)).toBeUndefined();
  });

  test('is what comes back, unless it is on trial itself', () => {
    const both = history(NEW, OLD);
    expect(fallbackOf(both, undefined)).toBe(NEW);
    expect(fallbackOf(both, onTrial(1))).toBe(NEW);
    expect(fallbackOf(both, onTrial(2, 1))).toBe(OLD);
    expect(fallbackOf(both, onTrial(2))).toBeUndefined();
    expect(fallbackOf({ releases: [] }, undefined)).toBeUndefined();
  });
});

describe('what is watched', () => {
  const watch = (
    wanted: Desired,
    before: readonly Step[],
    switches: boolean,
    past: History,
    unfinished?: Unfinished,
  ) => {
    const observed = { unfinished: unfinished ? { shop: unfinished } : {} } as unknown as Observed;
    return planWatch(wanted, before, switches, past, observed).map((step) =>
      step.do === 'watch' ? [step.workloads.map((item) => item.container.name).join(' '), step.ms, step.why] : step.do,
    );
  };
  const ready = (name: string): Step => ({ do: 'ready', workload: workload(name), why: '' });
  const limits: Step = { do: 'limits', container: 'b', limits: { memory: 1, cpus: 1, pids: 1 }, why: '' };
  const two = desired(workload('a'), workload('b', 8000));

  test('is what is new or has other limits, for as long as one of them wants', () => {
    expect(watch(two, [ready('a'), limits], true, history(OLD))).toEqual([
      ['a b', 8000, 'for 8s; if it fails, release 1 comes back'],
    ]);
    expect(watch(two, [ready('a')], true, history(OLD))).toEqual([
      ['a', 3000, 'for 3s; if it fails, release 1 comes back'],
    ]);
    expect(watch(two, [limits], true, history())).toEqual([['b', 8000, 'for 8s']]);
  });

  test('is nothing where nothing switches, or nothing is new, or nobody wants it', () => {
    expect(watch(two, [ready('a')], false, history(OLD))).toEqual([]);
    expect(watch(two, [], true, history(OLD))).toEqual([]);
    expect(watch(two, [{ do: 'run', workload: workload('a'), why: '' }], true, history(OLD))).toEqual([]);
    expect(watch(desired(workload('a', 0)), [ready('a')], true, history(OLD))).toEqual([]);
  });

  test('is what the release before has not, while the live one is on trial', () => {
    const live = release(2, workload('a'), workload('old'));
    const wanted = desired(workload('a'), workload('old'));
    expect(watch(wanted, [], false, history(live, OLD), onTrial(2, 1))).toEqual([
      ['a', 3000, 'for 3s; if it fails, release 1 comes back'],
    ]);
    expect(watch(wanted, [], false, history(live), onTrial(2))).toEqual([['a old', 3000, 'for 3s']]);
    expect(watch(wanted, [], false, history(live, OLD), onTrial(1))).toEqual([]);
  });
});
