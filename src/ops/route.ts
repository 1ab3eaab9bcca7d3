import { liveLinks } from '../core/host-plan.ts';
import { LAYOUT, linkTarget } from '../core/layout.ts';
import type { Site } from '../core/routes.ts';
import { withoutReplica } from '../core/stand-in.ts';
import type { Observed, Release, Workload } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { driverOf } from './driver.ts';
import { loadSites } from './generation.ts';
import { liveSites, observe, siteNow } from './observe.ts';

type RouteStep = StepOf<'route'>;

/** A host full of sites may switch all of them at once, each by its own command. */
const PROXY_WAIT_MS = 5 * 60_000;

/**
 * The switch: sockets by one rename each, everything else by one configuration that was checked before it is loaded.
 * Until a project's release is marked as current, a crash leaves the earlier one in force.
 */
export async function switchRoutes(steps: readonly RouteStep[], ctx: Context): Promise<void> {
  await withProxy(`routing ${steps.map((step) => step.release.project).join(', ')}`, ctx, async () => {
    const releases = steps.map((step) => step.release);
    for (const release of releases) await writeRelease(release, ctx);
    const { histories } = await observe(ctx);
    const before = liveSites(histories);
    const moved: Link[] = [];
    try {
      for (const link of steps.flatMap(linksOf)) await moveLink(link, moved, ctx);
      await loadSites(sitesWith(releases, histories), ctx);
      for (const { project, id } of releases) {
        await moveLink({ path: LAYOUT.current(project), target: `releases/${id}.json` }, moved, ctx);
      }
    } catch (error) {
      await switchBack(moved, before, error, ctx);
      throw error;
    }
  });
}

/** Undoes a switch that failed. When even that fails, the error says so: visitors may be led to either copy. */
async function switchBack(
  moved: readonly Link[],
  before: readonly Site[],
  error: unknown,
  ctx: Context,
): Promise<void> {
  const broken: unknown[] = [];
  const attempt = (work: Promise<void>): Promise<unknown> => work.catch((reason: unknown) => broken.push(reason));
  for (const { path, target } of moved.toReversed()) await attempt(putBack(path, target, ctx));
  await attempt(loadSites(before, ctx));
  if (broken.length === 0) return;
  const [what, why] = [error, broken[0]].map((item) => (item as Error).message);
  throw new HostctlError(
    'HALF_SWITCHED',
    `${what}; the routes could not be put back either, so the old copy and the new one are both left running: ${why}`,
    {
      ...(error instanceof HostctlError ? { exit: error.exit } : {}),
      hints: ['run the same command again'],
      cause: error,
    },
  );
}

interface Link {
  readonly path: string;
  /** Undefined: there was none. */
  readonly target: string | undefined;
}

/** Every link of a release, and where it leads once that is live. */
function linksOf(step: Pick<RouteStep, 'links' | 'media'>): { path: string; target: string }[] {
  return [
    ...step.media.map((set) => ({ path: `${LAYOUT.media}/${set.link}`, target: set.root.split('/')[1]! })),
    ...step.links.map((item) => ({ path: `${LAYOUT.links}/${item.link}`, target: linkTarget(item.socket!) })),
  ];
}

/** Points a link somewhere else, and remembers where it led. */
async function moveLink(link: { path: string; target: string }, moved: Link[], ctx: Context): Promise<void> {
  moved.push({ path: link.path, target: await ctx.host.readLink(link.path) });
  await ctx.host.link(link.path, link.target);
}

async function putBack(path: string, target: string | undefined, ctx: Context): Promise<void> {
  if ((await ctx.host.readLink(path)) === target) return;
  await (target === undefined ? ctx.host.remove(path) : ctx.host.link(path, target));
}

/** Points every link where its live release says, and makes sure that their routes are loaded. */
export async function restoreRoutes(ctx: Context): Promise<void> {
  await withProxy('restoring the routes of the live releases', ctx, () => loadLive(ctx));
}

/**
 * Changes something that all routes are made from, such as a certificate, and loads them. When the proxy refuses them it
 * is changed back before anybody else loads routes: a neighbour must not be refused for it.
 * @param change returns what undoes it
 */
export async function loadWith(doing: string, change: () => Promise<() => Promise<void>>, ctx: Context): Promise<void> {
  await withProxy(doing, ctx, async () => {
    const undo = await change();
    try {
      await loadLive(ctx);
    } catch (error) {
      await undo();
      await loadLive(ctx).catch(() => undefined);
      throw error;
    }
  });
}

/**
 * Lets the other replicas answer for one that is about to be stopped, until routes are loaded the next time.
 * @param replicas all of its app, in order
 * @returns false when there is no other that could
 */
export async function routeAround(workload: Workload, replicas: readonly Workload[], ctx: Context): Promise<boolean> {
  let around = false;
  await withProxy(`routing ${workload.project} around ${workload.container.name}`, ctx, async () => {
    const sites = liveSites((await observe(ctx)).histories).map((site) => {
      const others = site.project === workload.project ? withoutReplica(site, workload, replicas) : undefined;
      around ||= others !== undefined;
      return others ?? site;
    });
    if (around) await loadSites(sites, ctx);
  });
  return around;
}

async function loadLive(ctx: Context): Promise<void> {
  const { histories, links, mediaLinks } = await observe(ctx);
  const wanted = liveLinks(histories);
  for (const [link, target] of Object.entries(wanted.links)) {
    if (links[link] !== target) await ctx.host.link(`${LAYOUT.links}/${link}`, target);
  }
  for (const [link, target] of Object.entries(wanted.mediaLinks)) {
    if (mediaLinks[link] !== target) await ctx.host.link(`${LAYOUT.media}/${link}`, target);
  }
  await loadSites(liveSites(histories), ctx);
}

/** Takes a project's routes away: no release of it is live any more. */
export async function unroute(project: string, ctx: Context): Promise<void> {
  await withProxy(`removing the routes of ${project}`, ctx, async () => {
    const { histories } = await observe(ctx);
    await loadSites(
      liveSites(histories).filter((site) => site.project !== project),
      ctx,
    );
    // Before another project's switch can bring them back.
    await ctx.host.remove(LAYOUT.current(project));
  });
}

/**
 * Writes down something all routes of a project depend on, or removes it, and loads them with it. When the proxy does
 * not take it, what was there before comes back.
 */
export async function changeRecord(
  path: string,
  change: (before: string | undefined) => string | undefined,
  doing: string,
  ctx: Context,
): Promise<void> {
  const put = (text: string | undefined): Promise<void> =>
    text === undefined ? ctx.host.remove(path) : ctx.host.write(path, text);
  await withProxy(doing, ctx, async () => {
    const before = await ctx.host.read(path);
    await put(change(before));
    try {
      await loadSites(liveSites((await observe(ctx)).histories), ctx);
      // Who says that a site is closed, or open, means it.
      await ctx.clock.sleep(driverOf(ctx).pooled);
    } catch (error) {
      await put(before);
      await loadSites(liveSites((await observe(ctx)).histories), ctx).catch(() => undefined);
      throw error;
    }
  });
}

async function withProxy(doing: string, ctx: Context, work: () => Promise<void>): Promise<void> {
  const unlock = await ctx.host.lock('the proxy', doing, PROXY_WAIT_MS);
  try {
    await work();
  } finally {
    await unlock();
  }
}

async function writeRelease(release: Release, ctx: Context): Promise<void> {
  await ctx.host.write(LAYOUT.release(release.project, release.id), `${JSON.stringify(release, undefined, 2)}\n`);
}

/** What the proxy should route once these releases are live; other projects as they are at this moment. */
function sitesWith(releases: readonly Release[], histories: Observed['histories']): Site[] {
  const changing = new Set(releases.map((release) => release.project));
  const others = liveSites(histories).filter((site) => !changing.has(site.project));
  return [...others, ...releases.flatMap(({ project, desired }) => siteNow(desired, histories[project]))];
}
