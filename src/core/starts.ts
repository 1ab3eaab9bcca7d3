import { explainChange } from './change.ts';
import { LABEL } from './names.ts';
import { byLevel } from './needs.ts';
import {
  type ContainerView,
  type Desired,
  type History,
  liveWorkload,
  type Observed,
  wasLive,
  type Workload,
} from './state.ts';
import type { Step } from './steps.ts';

/** The steps of one app, by what they must come before. */
interface Start {
  readonly starts: readonly Step[];
  readonly tasks: readonly Step[];
  readonly ready: readonly Step[];
}

export interface StartOptions {
  /** Set when an earlier release is brought back: its release commands are not run again. */
  readonly rollbackOf?: number;
  /** Set when there is too little memory for two copies of anything. */
  readonly stopFirst?: boolean;
}

/** What has to run. Apps that nothing holds back start together; those that need them follow when they are ready. */
export function planStarts(
  desired: Desired,
  mine: readonly ContainerView[],
  history: History,
  observed: Observed,
  options: StartOptions,
): Step[] {
  const stopped = new Set(observed.unfinished[desired.project]?.stopped);
  return byLevel(desired.workloads).flatMap((level) => {
    const apps = [...new Set(level.map((item) => item.app))];
    const parts = apps.map((app) =>
      planApp(
        level.filter((item) => item.app === app),
        desired,
        mine,
        history,
        stopped,
        options,
      ),
    );
    return [
      ...parts.flatMap((part) => part.starts),
      ...parts.flatMap((part) => part.tasks),
      ...parts.flatMap((part) => part.ready),
    ];
  });
}

function planApp(
  workloads: readonly Workload[],
  desired: Desired,
  mine: readonly ContainerView[],
  history: History,
  stopped: ReadonlySet<string>,
  { rollbackOf, stopFirst }: StartOptions,
): Start {
  const containerOf = (workload: Workload): ContainerView | undefined =>
    mine.find((item) => item.name === workload.container.name);
  const first = workloads[0]!;
  const starts = workloads.flatMap((workload): Step[] => {
    const container = containerOf(workload);
    // One that a killed deploy left running may have other limits, or no restart policy.
    const settled = liveWorkload(workload.container.name, history) && !stopped.has(workload.container.name);
    if (container?.state === 'running' && settled) return [];
    // One that was never started was perhaps never checked either: making it again finds it and checks it.
    if (!container || container.state === 'created')
      return [{ do: 'run', workload, why: whyRun(workload, history, desired.images) }];
    return [{ do: 'start', workload, why: whyStart(container, history, rollbackOf) }];
  });
  // Running is not enough: a deploy that was killed leaves containers behind that nobody has asked yet.
  const unproven = workloads.filter(
    (workload) => containerOf(workload)?.state !== 'running' || !wasLive(workload.container.name, history),
  );
  const wanted = new Set(desired.workloads.map((item) => item.container.name));
  const old = mine.filter((item) => item.labels[LABEL.app] === first.app && !wanted.has(item.name));
  const beside = first.overlap && !stopFirst;
  const stops = beside || unproven.length === 0 ? [] : planStops(old, history, first.overlap);
  const isNew = unproven.some((workload) => !wasLive(workload.container.name, history));
  const runsTask = first.release !== undefined && isNew && rollbackOf === undefined;
  return {
    starts: [...stops, ...starts],
    tasks: runsTask ? [{ do: 'task', workload: first, command: first.release, why: 'before the switch' }] : [],
    ready: unproven.map((workload) => ({ do: 'ready', workload, why: whyReady(workload) })),
  };
}

/** @param overlap whether only memory forbids a second copy */
function planStops(old: readonly ContainerView[], history: History, overlap: boolean): Step[] {
  const reason = overlap ? 'too little memory for two copies' : 'one copy at a time may write to its volume';
  return old
    .filter((item) => item.state === 'running' && wasLive(item.name, history))
    .map((item) => ({
      do: 'stop',
      container: item,
      timeout: timing(item, history).timeout,
      why: `${reason}: short interruption`,
    }));
}

function whyReady(workload: Workload): string {
  const { path, command } = workload.health;
  if (path !== undefined) return `answers ${path}`;
  return command ? `${command.join(' ')} succeeds` : 'keeps running';
}

function whyStart(container: ContainerView, history: History, rollbackOf: number | undefined): string {
  if (rollbackOf !== undefined) return `kept since release ${rollbackOf}`;
  if (!wasLive(container.name, history)) return 'an earlier attempt did not become ready';
  if (container.state === 'running') return 'an interrupted deploy was about to stop it';
  return container.state === 'exited' ? 'stopped' : `is ${container.state}`;
}

function whyRun(workload: Workload, history: History, images: Desired['images']): string {
  const before = history.current?.desired.workloads.find((item) => item.app === workload.app);
  if (!before) return `not running yet${dataLeft(workload, history)}`;
  if (before.spec === workload.spec) {
    const known = liveWorkload(workload.container.name, history);
    return known ? 'its container is gone' : 'one more replica';
  }
  return explainChange(before, workload, history.current?.desired.images[workload.app], images[workload.app]);
}

/** A renamed app starts with empty volumes; what the old name wrote stays where it is. */
function dataLeft(workload: Workload, history: History): string {
  const volumes = (items: readonly Workload[]): string[] => items.flatMap((item) => item.volumes);
  const left = volumes(history.current?.desired.workloads ?? []).filter((volume) => !workload.volumes.includes(volume));
  if (left.length === 0 || workload.volumes.length === 0) return '';
  return `; its volumes are new, ${[...new Set(left)].join(', ')} stays as it is`;
}

/** How long a container may take to finish: as its own release said. */
export function timing(container: ContainerView, history: History): { drain: number; timeout: number } {
  const known = history.releases
    .flatMap((release) => release.desired.workloads)
    .find((item) => item.container.name === container.name);
  return { drain: known?.drain ?? 10_000, timeout: known?.container.stopTimeout ?? 20 };
}
