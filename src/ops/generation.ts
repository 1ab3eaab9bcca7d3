import { join } from 'node:path';
import { LAYOUT } from '../core/layout.ts';
import type { Site } from '../core/routes.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import type { Generation } from '../proxy/driver.ts';
import { PROXY_FILE } from './directories.ts';
import { driverOf, edgeName, runInPart } from './driver.ts';
import { generationOf } from './observe.ts';

const CONFIRM_MS = 10_000;
const CONFIRM_POLL_MS = 20;
/** Loaded before this one, kept for a look back. */
const OLD_GENERATIONS = 3;

/** Makes a configuration live: written beside, checked by the proxy itself, switched, loaded, confirmed. */
export async function loadSites(sites: readonly Site[], ctx: Context): Promise<void> {
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
      // It may have been loaded all the same, only late: who came meanwhile is still led where it says.
      await ctx.clock.sleep(driverOf(ctx).linger);
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
