import type { Health } from './model.ts';
import type { Desired, History, Observed, Release, Trial, Unfinished } from './state.ts';
import type { Step } from './steps.ts';
import { formatDuration } from './units.ts';

/** How long a new copy is watched after the switch when nothing says otherwise, in milliseconds. */
export const USUAL_WATCH_MS = 3000;

/** The trial a deploy that was killed has not brought to its end: the live release is still to prove itself. */
export function pendingTrial(history: History, unfinished: Unfinished | undefined): Trial | undefined {
  const trial = unfinished?.trial;
  return trial !== undefined && trial.release === history.current?.id ? trial : undefined;
}

/** What comes back when a new release fails: the live one, unless that is on trial itself. */
export function fallbackOf(history: History, unfinished: Unfinished | undefined): Release | undefined {
  const pending = pendingTrial(history, unfinished);
  if (!pending) return history.current;
  return history.releases.find((release) => release.id === pending.before);
}

/** What is new since the release that would come back is watched, and what has to do with other limits from now on. */
export function planWatch(
  { project, workloads }: Desired,
  before: readonly Step[],
  switches: boolean,
  history: History,
  observed: Observed,
): Step[] {
  const unfinished = observed.unfinished[project];
  const pending = pendingTrial(history, unfinished) !== undefined;
  if (!switches && !pending) return [];
  const fallback = fallbackOf(history, unfinished);
  const proven = new Set(fallback?.desired.workloads.map((item) => item.container.name));
  const touched = new Set(
    before.flatMap((step) => {
      if (step.do === 'ready') return [step.workload.container.name];
      return step.do === 'limits' ? [step.container] : [];
    }),
  );
  const watched = workloads.filter(
    ({ container, health }) =>
      watchTime(health) > 0 && (touched.has(container.name) || (pending && !proven.has(container.name))),
  );
  if (watched.length === 0) return [];
  const ms = Math.max(...watched.map((item) => watchTime(item.health)));
  const then = fallback ? `; if it fails, release ${fallback.id} comes back` : '';
  return [{ do: 'watch', workloads: watched, ms, why: `for ${formatDuration(ms)}${then}` }];
}

function watchTime(health: Health): number {
  return health.watch ?? USUAL_WATCH_MS;
}
