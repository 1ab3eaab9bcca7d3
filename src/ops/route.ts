import { join } from 'node:path';
import { liveLinks } from '../core/host-plan.ts';
import { LAYOUT, linkTarget } from '../core/layout.ts';
import type { Site } from '../core/routes.ts';
import { withoutReplica } from '../core/stand-in.ts';
import type { Observed, Release, Workload } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import type { Generation } from '../proxy/driver.ts';
import { PROXY_FILE } from './directories.ts';
import { driverOf, edgeName, runInPart } from './driver.ts';
import { generationOf, liveSites, observe, siteNow } from './observe.ts';

type RouteStep = StepOf<'route'>;

const CONFIRM_MS = 10_000;
const CONFIRM_POLL_MS = 20;
/** Loaded before this one, kept for a look back. */
const OLD_GENERATIONS = 3;
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

/** Makes a configuration live: written beside, checked by the proxy itself, switched, loaded, confirmed. */
async function loadSites(sites: readonly Site[], ctx: Context): Promise<void> {
  const { cpus } = await ctx.engine.info();
  const generation = await generationOf(sites, cpus, ctx);
  const link = LAYOUT.live[ctx.workspace.proxy.driver];
  const before = await ctx.host.readLink(link);
  const wanted = `generations/${generation.name}`;
  if (before === wanted && (await ctx.prober.generation()) === generation.name) return;
  await writeGeneration(generation, ctx);
  try {
    await check(generation, ctx);
  } catch (error) {
    // Unless it is the one a proxy that is started again has to find.
    if (before !== wanted) await ctx.host.remove(`${LAYOUT.generations}/${generation.name}`);
    throw error;
  }
  await ctx.host.link(link, wanted);
  try {
    await load(generation.name, ctx);
  } catch (error) {
    if (before !== undefined) {
      await ctx.host.link(link, before);
      await load(before.replace('generations/', ''), ctx).catch(() => undefined);
    }
    throw error;
  }
  await removeOldGenerations([generation.name, before], ctx);
}

export async function writeGeneration(generation: Generation, ctx: Context): Promise<void> {
  const root = `${LAYOUT.generations}/${generation.name}`;
  const owner = { mode: 0o750, uid: 0, gid: PROXY_FILE.gid };
  for (const path of [root, `${root}/sites`]) await ctx.host.makeDirectory(path, owner);
  for (const file of generation.files) await ctx.host.write(`${root}/${file.path}`, file.text, PROXY_FILE);
}

/** The proxy's own check, in its own container; a warning counts, since nginx only warns of a name given twice. */
async function check(generation: Generation, ctx: Context): Promise<void> {
  const { code, output } = await runInPart(driverOf(ctx).check(generation.name), ctx);
  if (code === 0 && !output.includes('[warn]')) return;
  throw new HostctlError(
    'PROXY_REFUSED',
    `the proxy refused the new configuration, the old one stays: ${output.trim()}`,
  );
}

async function load(name: string, ctx: Context): Promise<void> {
  const { code, output } = await runInPart(driverOf(ctx).load, ctx);
  if (code !== 0)
    throw new HostctlError('PROXY_REFUSED', `the proxy did not load the new configuration: ${output.trim()}`);
  await publish(name, ctx);
  await confirm(name, ctx);
  await ctx.clock.sleep(driverOf(ctx).overlap);
}

/** Puts the file a driver watches in its place; one that is the same is not written again. */
export async function publish(name: string, ctx: Context): Promise<void> {
  const { publish: file } = driverOf(ctx);
  if (!file) return;
  const text = await ctx.host.read(`${LAYOUT.generations}/${name}/${file.file}`);
  if (text === undefined) return;
  const { existing } = ctx.workspace.proxy;
  if (existing) {
    const at = join(existing.directory, `hostctl-${ctx.workspace.instance}.yml`);
    if (text !== (await ctx.files.read(at))) await ctx.files.write(at, text);
  } else if (text !== (await ctx.host.read(file.at))) await ctx.host.write(file.at, text, PROXY_FILE);
}

/** Waits until the proxy says that it has loaded a generation. */
export async function confirm(name: string, ctx: Context): Promise<void> {
  const until = ctx.clock.ticks() + CONFIRM_MS;
  while (ctx.clock.ticks() < until) {
    if ((await ctx.prober.generation()) === name) return refuseFaults(ctx);
    await ctx.clock.sleep(CONFIRM_POLL_MS);
  }
  throw new HostctlError(
    'PROXY_SILENT',
    `the proxy did not confirm the new configuration within ${CONFIRM_MS / 1000}s`,
    {
      exit: 7,
      hints: [`docker logs ${edgeName(ctx)}`],
    },
  );
}

/** Routes that were taken in and do not work would fall through to another site's wildcard. */
async function refuseFaults(ctx: Context): Promise<void> {
  const faults = await ctx.prober.faults();
  if (faults.length > 0) {
    throw new HostctlError('PROXY_REFUSED', `the proxy cannot use all of the new configuration: ${faults.join('; ')}`);
  }
}

async function removeOldGenerations(used: readonly (string | undefined)[], ctx: Context): Promise<void> {
  const old = await oldGenerations(used, ctx);
  for (const name of old.slice(0, Math.max(0, old.length - OLD_GENERATIONS))) {
    await ctx.host.remove(`${LAYOUT.generations}/${name}`);
  }
}

/** Configurations that no proxy has loaded. @param used others that stay */
export async function oldGenerations(used: readonly (string | undefined)[], ctx: Context): Promise<string[]> {
  const names = await ctx.host.list(LAYOUT.generations);
  const links = await Promise.all(Object.values(LAYOUT.live).map((link) => ctx.host.readLink(link)));
  const keep = new Set([...used, ...links].map((name) => name?.replace('generations/', '')));
  return names.filter((name) => !keep.has(name));
}
