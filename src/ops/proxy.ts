import type { Base } from '../core/base.ts';
import type { ContainerSpec } from '../core/container.ts';
import { LAYOUT } from '../core/layout.ts';
import { LABEL } from '../core/names.ts';
import { partContainer } from '../core/proxy-part.ts';
import type { ContainerView, Observed } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { trustFile } from '../proxy/traefik-tls.ts';
import { driverOf, partNames, partsOf } from './driver.ts';
import { makeDataRoot, PROXY_FILE } from './directories.ts';
import { presentOrigin } from './images.ts';
import { generationOf, liveSites } from './observe.ts';
import { confirm, publish, writeGeneration } from './generation.ts';
import { restoreRoutes } from './route.ts';

/** The bases the proxy's containers are made from. */
export function proxyBases(ctx: Context): Base[] {
  const names = partsOf(ctx).map((part) => part.base);
  return [...new Set(names)].map((name) => baseNamed(name, ctx));
}

/** The proxy's containers as they should be, the edge last; images are named even when they are not on the engine yet. */
export async function proxySpecs(observed: Observed, secure: boolean, ctx: Context): Promise<ContainerSpec[]> {
  const specs = partsOf(ctx, secure).map(async (part) => {
    const base = baseNamed(part.base, ctx);
    const image = (await presentOrigin(base, ctx)) ?? { ref: base.name, id: 'pending' };
    return partContainer(part, ctx.workspace, image, observed.engine.cpus, secure);
  });
  return Promise.all(specs);
}

/** A small image with a shell that every host has, for containers that run once. */
export function toolBase(ctx: Context): Base {
  return baseNamed('nginx', ctx);
}

function baseNamed(name: string, ctx: Context): Base {
  return ctx.templates.bases.find((candidate) => candidate.name === name)!;
}

/**
 * Starts the proxy, or puts a new one in its place, with the configuration and the networks the live releases need. What
 * another driver left is stopped only when everything that takes its place is ready to start, and removed at the end.
 */
export async function startProxy(step: StepOf<'proxy'>, observed: Observed, ctx: Context): Promise<void> {
  await makeDataRoot(ctx);
  await writeTrust(ctx);
  const specs = await proxySpecs(observed, step.secure, ctx);
  const edge = specs.at(-1)!;
  await writeFirst(step, observed, ctx);
  for (const spec of specs.slice(0, -1)) await startPart(spec, observed, ctx);
  const old = step.replaces.filter((name) => publishes(observed, name));
  if (old.length > 0) await takeOver(edge, old, observed, ctx);
  else await startPart(edge, observed, ctx);
  await confirmOrReturn(old, edge, ctx);
  await restoreRoutes(ctx);
  for (const name of step.replaces) {
    await ctx.engine.stop(name, edge.stopTimeout);
    await ctx.engine.remove(name);
  }
}

/** A configuration the parts can start with, unless there is one of this driver that may serve meanwhile. */
async function writeFirst(step: StepOf<'proxy'>, observed: Observed, ctx: Context): Promise<void> {
  const link = LAYOUT.live[ctx.workspace.proxy.driver];
  if ((await ctx.host.readLink(link)) !== undefined && step.replaces.length === 0) return;
  const generation = await generationOf(liveSites(observed.histories), observed.engine.cpus, ctx);
  await writeGeneration(generation, ctx);
  await ctx.host.link(link, `generations/${generation.name}`);
  await publish(generation.name, ctx);
}

/** For a proxy that asks a private certificate authority itself. */
async function writeTrust(ctx: Context): Promise<void> {
  const { trust } = ctx.workspace.tls;
  if (trust !== undefined && driverOf(ctx).storage) {
    await ctx.host.write(`${LAYOUT.acme}/${trustFile(trust)}`, trust, PROXY_FILE);
  }
}

function publishes(observed: Observed, name: string): boolean {
  return observed.containers.some((item) => item.name === name && item.labels[LABEL.port] !== undefined);
}

async function startPart(spec: ContainerSpec, observed: Observed, ctx: Context): Promise<void> {
  const before = observed.containers.find((item) => item.name === spec.name);
  if (before && before.labels[LABEL.spec] === spec.labels[LABEL.spec] && before.state !== 'created') {
    await ctx.engine.resume(spec.name).catch((error: unknown) => refuseStart(error, ctx));
    return;
  }
  if (before) {
    await refuseTaken(before, spec, ctx);
    await ctx.engine.stop(spec.name, spec.stopTimeout);
    await ctx.engine.remove(spec.name);
  }
  await createPart(spec, observed, ctx);
  await startNew(spec, ctx);
}

async function createPart(spec: ContainerSpec, observed: Observed, ctx: Context): Promise<void> {
  await ctx.engine.create(spec);
  for (const network of neededNetworks(observed)) await ctx.engine.connect(network, spec.name);
}

async function startNew(spec: ContainerSpec, ctx: Context): Promise<void> {
  try {
    await ctx.engine.start(spec.name);
  } catch (error) {
    await ctx.engine.remove(spec.name);
    refuseStart(error, ctx);
  }
}

/** The ports change hands: the new edge is made while the old one serves, and the old one comes back when it cannot start. */
async function takeOver(edge: ContainerSpec, old: readonly string[], observed: Observed, ctx: Context): Promise<void> {
  const before = observed.containers.find((item) => old.includes(item.name));
  if (before) await refuseTaken(before, edge, ctx);
  if (observed.containers.some((item) => item.name === edge.name)) await ctx.engine.remove(edge.name);
  await createPart(edge, observed, ctx);
  for (const name of old) await ctx.engine.stop(name, edge.stopTimeout);
  try {
    await startNew(edge, ctx);
  } catch (error) {
    for (const name of old) await ctx.engine.resume(name);
    throw error;
  }
}

async function confirmOrReturn(old: readonly string[], edge: ContainerSpec, ctx: Context): Promise<void> {
  const live = (await ctx.host.readLink(LAYOUT.live[ctx.workspace.proxy.driver]))!;
  try {
    await confirm(live.replace('generations/', ''), ctx);
  } catch (error) {
    if (old.length > 0) {
      await ctx.engine.stop(edge.name, edge.stopTimeout);
      for (const name of old) await ctx.engine.resume(name);
    }
    throw error;
  }
}

/** The engine's words for a taken port begin with its own affairs and do not say what to do. */
function refuseStart(error: unknown, ctx: Context): never {
  const taken = error instanceof HostctlError && /address already in use|port is already allocated/.test(error.message);
  if (!taken) throw error;
  const { https } = ctx.workspace.proxy;
  throw portTaken(new RegExp(`:${https}\\b`).test(error.message) ? 'https' : 'http', ctx, error);
}

/** Another port is tried before the proxy that serves on the old one is given up. */
async function refuseTaken(before: ContainerView, spec: ContainerSpec, ctx: Context): Promise<void> {
  if (before.state !== 'running') return;
  for (const scheme of ['http', 'https'] as const) {
    const label = scheme === 'http' ? LABEL.port : LABEL.https;
    const wanted = spec.labels[label];
    const moves = wanted !== undefined && before.labels[label] !== wanted;
    if (moves && (await ctx.machine.listens(Number(wanted)))) throw portTaken(scheme, ctx);
  }
}

function portTaken(scheme: 'http' | 'https', ctx: Context, cause?: unknown): HostctlError {
  const port = ctx.workspace.proxy[scheme];
  return new HostctlError('PORT_TAKEN', `port ${port} is taken by another program, so the proxy cannot start`, {
    hints: [`find it with "ss -ltnp sport = :${port}"`, `or choose another port under proxy.${scheme} in hostctl.yaml`],
    cause,
  });
}

/** Networks of the projects the proxy speaks TCP with. */
function neededNetworks(observed: Observed): string[] {
  const wanted = Object.values(observed.histories).flatMap(({ current }) =>
    current?.desired.network?.proxy ? [current.desired.network.name] : [],
  );
  return wanted.filter((name) => observed.networks.some((network) => network.name === name));
}

/** Whether the proxy runs and answers. */
export async function proxyAnswers(observed: Observed, ctx: Context): Promise<boolean> {
  const runs = (name: string): boolean =>
    observed.containers.some((item) => item.name === name && item.state === 'running');
  return partNames(ctx).every(runs) && (await ctx.prober.generation()) !== undefined;
}
