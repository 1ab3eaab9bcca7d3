import { LAYOUT } from '../core/layout.ts';
import { proxyName } from '../core/names.ts';
import type { Site } from '../core/routes.ts';
import type { Release } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import type { Generation } from '../proxy/driver.ts';
import { drivers } from '../proxy/index.ts';
import { PROXY_FILE } from './directories.ts';
import { generationOf, liveSites, observe } from './observe.ts';

type RouteStep = StepOf<'route'>;

const CONFIRM_MS = 10_000;
const CONFIRM_POLL_MS = 20;
/** Loaded before this one, kept for a look back. */
const OLD_GENERATIONS = 3;
const PROXY_WAIT_MS = 60_000;

/**
 * The switch: sockets by one rename each, everything else by one configuration that was checked before it is loaded.
 * Until a project's release is marked as current, a crash leaves the earlier one in force.
 */
export async function switchRoutes(steps: readonly RouteStep[], ctx: Context): Promise<void> {
  await withProxy(`routing ${steps.map((step) => step.release.project).join(', ')}`, ctx, async () => {
    const releases = steps.map((step) => step.release);
    for (const release of releases) await writeRelease(release, ctx);
    const sites = await sitesWith(releases, ctx);
    const undo = await pointLinks(steps, ctx);
    try {
      await loadSites(sites, ctx);
    } catch (error) {
      await undo();
      throw error;
    }
    for (const release of releases) {
      await ctx.host.link(LAYOUT.current(release.project), `releases/${release.id}.json`);
    }
    for (const link of steps.flatMap((step) => step.stale)) await ctx.host.remove(`${LAYOUT.links}/${link}`);
  });
}

/** Takes a project's routes away. */
export async function unroute(project: string, ctx: Context): Promise<void> {
  await withProxy(`removing the routes of ${project}`, ctx, async () => {
    const { histories } = await observe(ctx);
    await loadSites(
      liveSites(histories).filter((site) => site.project !== project),
      ctx,
    );
  });
}

/** Writes what the live releases ask for and makes sure that it is loaded. */
export async function reloadProxy(ctx: Context): Promise<void> {
  await withProxy('loading the proxy configuration', ctx, async () => {
    const { histories } = await observe(ctx);
    await loadSites(liveSites(histories), ctx);
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
async function sitesWith(releases: readonly Release[], ctx: Context): Promise<Site[]> {
  const { histories } = await observe(ctx);
  const changing = new Set(releases.map((release) => release.project));
  const others = liveSites(histories).filter((site) => !changing.has(site.project));
  return [...others, ...releases.flatMap((release) => (release.desired.site ? [release.desired.site] : []))];
}

/** Points every link at its new container or files; returns what puts the old targets back. */
async function pointLinks(steps: readonly RouteStep[], ctx: Context): Promise<() => Promise<void>> {
  const wanted = steps.flatMap((step) => [
    ...step.media.map((set) => ({ path: `${LAYOUT.media}/${set.link}`, target: set.root.split('/')[1]! })),
    ...step.links.map((item) => ({
      path: `${LAYOUT.links}/${item.link}`,
      target: `../sockets/${item.socketDir}/app.sock`,
    })),
  ]);
  const before: { path: string; target: string }[] = [];
  for (const { path, target } of wanted) {
    const old = await ctx.host.readLink(path);
    if (old !== undefined) before.push({ path, target: old });
    await ctx.host.link(path, target);
  }
  return async () => {
    for (const { path, target } of before) await ctx.host.link(path, target);
  };
}

/** Makes a configuration live: written beside, checked by the proxy itself, switched, loaded, confirmed. */
async function loadSites(sites: readonly Site[], ctx: Context): Promise<void> {
  const { cpus } = await ctx.engine.info();
  const generation = await generationOf(sites, cpus, ctx);
  const before = await ctx.host.readLink(LAYOUT.live);
  const wanted = `generations/${generation.name}`;
  if (before === wanted && (await ctx.prober.generation()) === generation.name) return;
  await writeGeneration(generation, ctx);
  await check(generation, ctx);
  await ctx.host.link(LAYOUT.live, wanted);
  try {
    await load(generation.name, ctx);
  } catch (error) {
    if (before !== undefined) {
      await ctx.host.link(LAYOUT.live, before);
      await load(before.replace('generations/', ''), ctx).catch(() => undefined);
    }
    throw error;
  }
  await removeOldGenerations(generation.name, before, ctx);
}

export async function writeGeneration(generation: Generation, ctx: Context): Promise<void> {
  const root = `${LAYOUT.generations}/${generation.name}`;
  const owner = { mode: 0o750, uid: 0, gid: PROXY_FILE.gid };
  for (const path of [root, `${root}/sites`]) await ctx.host.makeDirectory(path, owner);
  for (const file of generation.files) await ctx.host.write(`${root}/${file.path}`, file.text, PROXY_FILE);
}

/** The proxy's own check, in its own container; a warning counts, since nginx only warns of a name given twice. */
async function check(generation: Generation, ctx: Context): Promise<void> {
  const driver = drivers[ctx.workspace.proxy.driver];
  const { code, output } = await ctx.engine.exec(proxyName(ctx.workspace.instance), driver.check(generation.name));
  if (code === 0 && !output.includes('[warn]')) return;
  await ctx.host.remove(`${LAYOUT.generations}/${generation.name}`);
  throw new HostctlError(
    'PROXY_REFUSED',
    `the proxy refused the new configuration, the old one stays: ${output.trim()}`,
  );
}

async function load(name: string, ctx: Context): Promise<void> {
  const driver = drivers[ctx.workspace.proxy.driver];
  const { code, output } = await ctx.engine.exec(proxyName(ctx.workspace.instance), driver.load);
  if (code !== 0)
    throw new HostctlError('PROXY_REFUSED', `the proxy did not load the new configuration: ${output.trim()}`);
  await confirm(name, ctx);
}

/** Waits until the proxy says that it has loaded a generation. */
export async function confirm(name: string, ctx: Context): Promise<void> {
  const until = ctx.clock.now() + CONFIRM_MS;
  while (ctx.clock.now() < until) {
    if ((await ctx.prober.generation()) === name) return;
    await ctx.clock.sleep(CONFIRM_POLL_MS);
  }
  throw new HostctlError(
    'PROXY_SILENT',
    `the proxy did not confirm the new configuration within ${CONFIRM_MS / 1000}s`,
    {
      exit: 7,
      hints: [`docker logs ${proxyName(ctx.workspace.instance)}`],
    },
  );
}

async function removeOldGenerations(live: string, before: string | undefined, ctx: Context): Promise<void> {
  const names = await ctx.host.list(LAYOUT.generations);
  const keep = new Set([live, before?.replace('generations/', '')]);
  const old = names.filter((name) => !keep.has(name));
  for (const name of old.slice(0, Math.max(0, old.length - OLD_GENERATIONS))) {
    await ctx.host.remove(`${LAYOUT.generations}/${name}`);
  }
}
