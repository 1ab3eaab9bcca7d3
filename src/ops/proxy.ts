import type { Base } from '../core/base.ts';
import type { ContainerSpec } from '../core/container.ts';
import { proxyContainer } from '../core/host-plan.ts';
import { LAYOUT } from '../core/layout.ts';
import { LABEL, proxyName } from '../core/names.ts';
import type { ContainerView, Observed } from '../core/state.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { drivers } from '../proxy/index.ts';
import { makeDataRoot } from './directories.ts';
import { presentOrigin } from './images.ts';
import { ensureKey, generationOf, liveSites } from './observe.ts';
import { confirm, restoreRoutes, writeGeneration } from './route.ts';

/** The base the proxy's container is made from. */
export function proxyBase(ctx: Context): Base {
  const driver = drivers[ctx.workspace.proxy.driver];
  return ctx.templates.bases.find((candidate) => candidate.name === driver.base)!;
}

/** The proxy's container as it should be; its image is named even when it is not on the engine yet. */
export async function proxySpec(observed: Observed, ctx: Context): Promise<ContainerSpec> {
  const driver = drivers[ctx.workspace.proxy.driver];
  const base = proxyBase(ctx);
  const image = (await presentOrigin(base, ctx)) ?? { ref: base.name, id: 'pending' };
  return proxyContainer(ctx.workspace, image, driver.start, observed.engine.cpus);
}

/** Starts the proxy, or puts a new one in its place, with the configuration and the networks the live releases need. */
export async function startProxy(observed: Observed, ctx: Context): Promise<void> {
  await makeDataRoot(ctx);
  await ensureKey(ctx);
  const spec = await proxySpec(observed, ctx);
  const generation = await generationOf(liveSites(observed.histories), observed.engine.cpus, ctx);
  if ((await ctx.host.readLink(LAYOUT.live)) === undefined) {
    await writeGeneration(generation, ctx);
    await ctx.host.link(LAYOUT.live, `generations/${generation.name}`);
  }
  const before = observed.containers.find((item) => item.name === spec.name);
  if (before && before.labels[LABEL.spec] === spec.labels[LABEL.spec] && before.state !== 'created') {
    await ctx.engine.resume(spec.name).catch((error: unknown) => refuseStart(error, ctx));
  } else {
    if (before) {
      await refuseTaken(before, spec, ctx);
      await ctx.engine.stop(spec.name, spec.stopTimeout);
      await ctx.engine.remove(spec.name);
    }
    await ctx.engine.create(spec);
    for (const network of neededNetworks(observed)) await ctx.engine.connect(network, spec.name);
    try {
      await ctx.engine.start(spec.name);
    } catch (error) {
      await ctx.engine.remove(spec.name);
      refuseStart(error, ctx);
    }
  }
  const live = (await ctx.host.readLink(LAYOUT.live))!;
  await confirm(live.replace('generations/', ''), ctx);
  await restoreRoutes(ctx);
}

/** The engine's words for a taken port begin with its own affairs and do not say what to do. */
function refuseStart(error: unknown, ctx: Context): never {
  const taken = error instanceof HostctlError && /address already in use|port is already allocated/.test(error.message);
  throw taken ? portTaken(ctx, error) : error;
}

/** Another port is tried before the proxy that serves on the old one is given up. */
async function refuseTaken(before: ContainerView, spec: ContainerSpec, ctx: Context): Promise<void> {
  const moves = before.state === 'running' && before.labels[LABEL.port] !== spec.labels[LABEL.port];
  if (moves && (await ctx.machine.listens(ctx.workspace.proxy.http))) throw portTaken(ctx);
}

function portTaken(ctx: Context, cause?: unknown): HostctlError {
  const { http } = ctx.workspace.proxy;
  return new HostctlError('PORT_TAKEN', `port ${http} is taken by another program, so the proxy cannot start`, {
    hints: [`find it with "ss -ltnp sport = :${http}"`, 'or choose another port under proxy.http in hostctl.yaml'],
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
  const name = proxyName(ctx.workspace.instance);
  const running = observed.containers.some((item) => item.name === name && item.state === 'running');
  return running && (await ctx.prober.generation()) !== undefined;
}
