import { compareReleases, whatStays } from '../core/release-diff.ts';
import type { Outcome, ReleaseDiff, ReleaseView } from '../core/results.ts';
import { secretsOf } from '../core/secrets.ts';
import { type Desired, type History, liveWorkload, type Observed, type Release, wasLive } from '../core/state.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { containersOf } from './containers.ts';
import { execute } from './execute.ts';
import { recordedAll } from './journal.ts';
import { observe } from './observe.ts';
import { secretGone } from './secret-store.ts';

/** Brings back an earlier release, settings and all. Without a number: the one before the live one. */
export async function rollback(project: string, to: number | undefined, wait: number, ctx: Context): Promise<Outcome> {
  const seen = await observe(ctx);
  const wanted = findRelease(project, to, seen);
  for (const text of await whatIsLeft(seen.histories[project]!, wanted, ctx))
    ctx.ui.event({ type: 'note', project, text });
  const target = {
    project,
    desired: (observed: Observed) => restored(findRelease(project, wanted.id, observed), observed, ctx),
  };
  const doing = `rollback to release ${wanted.id}`;
  const [outcome] = await recordedAll([project], doing, ctx, (recorder) =>
    execute([target], ctx, { wait, doing, recorder, rollbackOf: wanted.id }),
  );
  return outcome!;
}

function liveOf(project: string, observed: Observed): Release {
  const live = observed.histories[project]?.current;
  if (live) return live;
  throw new HostctlError('NOT_DEPLOYED', `${quote(project)} is not deployed on this host`, { exit: EXIT.definition });
}

function findRelease(project: string, id: number | undefined, observed: Observed): Release {
  const live = liveOf(project, observed);
  const history = observed.histories[project]!;
  const earlier = history.releases.filter((release) => release.id !== live.id);
  // A rollback's own origin is not "the one before": undoing a rollback goes forward again.
  const found =
    id === undefined
      ? earlier.find((release) => release.id < live.id)
      : history.releases.find((release) => release.id === id);
  // Who gives the same command again wants it finished, neither undone nor refused.
  const again = id === undefined ? isCutOff(live, history, observed) : live.rollbackOf === id;
  if (again) return live;
  if (found) return found;
  const known = earlier.map((release) => release.id);
  const what = id === undefined ? 'earlier release' : `release ${id}`;
  throw new HostctlError('NO_RELEASE', `${quote(project)} has no ${what} to go back to`, {
    exit: EXIT.definition,
    hints: [known.length > 0 ? `kept: ${known.join(', ')}` : 'releases are kept from the second deploy on'],
  });
}

/** What the rollback will not bring back. */
async function whatIsLeft(history: History, to: Release, ctx: Context): Promise<string[]> {
  const volumes = [...new Set(to.desired.workloads.flatMap((item) => item.volumes))];
  const owners = await Promise.all(volumes.map((path) => ctx.host.owner(path)));
  const gone = volumes.filter((_, index) => owners[index] === undefined);
  return [
    ...whatStays(history.current!, to, history),
    ...(gone.length > 0 ? [`purged, and so empty again: ${gone.join(', ')}`] : []),
  ];
}

/** What differs from one release to another; without the second: from that one to the live one. */
export async function diffReleases(
  project: string,
  a: number,
  b: number | undefined,
  ctx: Context,
): Promise<ReleaseDiff> {
  const observed = await observe(ctx);
  const live = liveOf(project, observed);
  const from = onRecord(project, a, observed);
  const to = onRecord(project, b ?? live.id, observed);
  const history = observed.histories[project]!;
  const [newer, older] = from.id > to.id ? [from, to] : [to, from];
  return {
    project,
    from: from.id,
    to: to.id,
    changes: compareReleases(from, to),
    stays: newer === older ? [] : whatStays(newer, older, history),
  };
}

/** One release, with all that is on record of it. */
export async function oneRelease(project: string, id: number, ctx: Context): Promise<Release> {
  return onRecord(project, id, await observe(ctx));
}

function onRecord(project: string, id: number, observed: Observed): Release {
  liveOf(project, observed);
  const found = observed.histories[project]!.releases.find((release) => release.id === id);
  if (found) return found;
  throw new HostctlError('NO_RELEASE', `${quote(project)} has no release ${id} on record`, {
    exit: EXIT.definition,
    hints: [`hostctl releases ${project} lists them`],
  });
}

/** Whether a rollback was killed between its switch and its end: what it replaced still runs, or is to be made good. */
function isCutOff(live: Release, history: History, observed: Observed): boolean {
  if (live.rollbackOf === undefined) return false;
  const running = containersOf(live.project, observed).filter((item) => item.state === 'running');
  const replaced = running.some((item) => wasLive(item.name, history) && !liveWorkload(item.name, history));
  return replaced || observed.unfinished[live.project] !== undefined;
}

/** A release's own state; an image whose tag now means something else is named by its id. */
async function restored(release: Release, observed: Observed, ctx: Context): Promise<Desired> {
  const { desired } = release;
  requireVersions(desired, observed);
  const moved = new Map<string, string>();
  for (const [app, image] of Object.entries(desired.images)) {
    if (image.id === undefined) continue;
    const now = await ctx.engine.image(image.ref);
    if (now?.id !== image.id) moved.set(app, image.id);
  }
  if (moved.size === 0) return desired;
  return {
    ...desired,
    workloads: desired.workloads.map((workload) => {
      const image = moved.get(workload.app);
      return image === undefined ? workload : { ...workload, container: { ...workload.container, image } };
    }),
  };
}

/** The versions of its secrets come back with a release; what was removed by hand cannot. */
function requireVersions({ project, workloads }: Desired, observed: Observed): void {
  for (const { secrets } of workloads)
    for (const [name, version] of Object.entries(secrets?.versions ?? {}))
      if (!observed.secrets[project]?.[name]?.includes(version)) throw secretGone(project, name, version);
}

/** The releases of a project that are on record, newest first. */
export async function releases(project: string, ctx: Context): Promise<ReleaseView[]> {
  const observed = await observe(ctx);
  const live = liveOf(project, observed);
  return observed.histories[project]!.releases.map((release) => ({
    id: release.id,
    live: release.id === live.id,
    at: release.at,
    by: release.by,
    ...(release.rollbackOf === undefined ? {} : { rollbackOf: release.rollbackOf }),
    images: Object.fromEntries(Object.entries(release.desired.images).map(([app, image]) => [app, image.ref])),
    secrets: secretsOf(release.desired),
  }));
}
