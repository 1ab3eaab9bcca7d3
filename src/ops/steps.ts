import type { ContainerSpec, NetworkSpec } from '../core/container.ts';
import { chooseSubnet } from '../core/identity.ts';
import { isLinkOf, LAYOUT, socketDirectory } from '../core/layout.ts';
import { LABEL, networkName } from '../core/names.ts';
import type { Desired, HookRecord, Workload } from '../core/state.ts';
import type { ImageStep, Step, StepOf } from '../core/steps.ts';
import { HostctlError } from '../errors.ts';
import type { Context, ImageView } from '../ports.ts';
import { hostOf } from './asked.ts';
import { makeWorkloadDirectories } from './directories.ts';
import { drain } from './drain.ts';
import { driverOf } from './driver.ts';
import { raiseFence } from './fence.ts';
import { runOnce } from './run-once.ts';
import { presentOrigin } from './images.ts';
import { giveUploads, makeMedia, makeUploads } from './media.ts';
import { readKey } from './observe.ts';
import { toolBase } from './proxy.ts';
import { tail, waitAnswers, waitReady } from './ready.ts';
import { orderAtLast } from './order.ts';
import { noteRenewal } from './renewal-timer.ts';
import { restoreRoutes, unroute } from './route.ts';
import type { Run } from './run.ts';
import { copyCertificate } from './tls.ts';
import { watchNew } from './trial.ts';

/** Of what a release command wrote, in the record of the release. */
const LONGEST_LINE = 500;

/** Images come before the plan of the containers, routes are switched for some projects together. */
type Carried = Exclude<Step, ImageStep | { do: 'route' } | { do: 'proxy' }>;

type Handlers = { readonly [K in Carried['do']]: (step: Extract<Carried, { do: K }>, run: Run) => Promise<void> };

/** One handler per step, and no decisions in them: a step without a handler does not compile. */
const handlers: Handlers = {
  network: (step, { ctx }) => makeNetwork(step.network, ctx),
  connect: (step, { ctx }) => ctx.engine.connect(step.network, step.container),
  stop: (step, { ctx }) => ctx.engine.stop(step.container.name, step.timeout),
  run: async ({ workload }, { ctx, desired }) => {
    await makeWorkloadDirectories(workload, ctx);
    await makeUploads(workload, desired.media, ctx);
    await ctx.engine.create(workload.container);
    if (desired.images[workload.app]?.start) await requireShell(workload, ctx);
    await ctx.engine.start(workload.container.name);
  },
  start: async ({ workload }, { ctx, desired }) => {
    await makeWorkloadDirectories(workload, ctx);
    await makeUploads(workload, desired.media, ctx);
    // They may have changed since it was made, which makes no new container.
    await ctx.engine.setLimits(workload.container.name, workload.container.limits);
    await ctx.engine.resume(workload.container.name);
  },
  task: async (step, run) => {
    await waitAnswers(step.workload, hostOf(run.desired), run.ctx);
    run.hooks.push(await runTask(step.workload, step.command, run.ctx));
  },
  ready: async ({ workload }, { ctx, desired, proven }) => {
    proven.set(workload.container.name, await waitReady(workload, hostOf(desired), ctx));
  },
  watch: watchNew,
  media: (step, { ctx }) => makeMedia(step.set, step.workload?.container.name, ctx),
  restore: (_step, { ctx }) => restoreRoutes(ctx),
  fence: (_step, { ctx }) => raiseFence(ctx),
  tls: (step, { ctx, desired }) => copyCertificate(step, desired.site, ctx),
  order: async (step, { ctx }) => {
    await orderAtLast(step.site, ctx);
    await noteRenewal(ctx);
  },
  own: async (step, { ctx }) => giveUploads(step, (await presentOrigin(toolBase(ctx), ctx))!.ref, ctx),
  unroute: (step, { ctx }) => unroute(step.project, ctx),
  limits: (step, { ctx }) => ctx.engine.setLimits(step.container, step.limits),
  retire,
  forget,
  erase,
};

async function retire(step: StepOf<'retire'>, run: Run): Promise<void> {
  const { ctx, history } = run;
  const known = history.releases.flatMap((release) => release.desired.workloads);
  const workload = known.find((item) => item.container.name === step.container.name);
  if (workload && step.container.state === 'running') {
    if (run.reloaded !== undefined && !linkMoved(workload, run.desired)) {
      // Who was connected before the reload may still be led here once.
      const rest = run.reloaded + driverOf(ctx).linger - ctx.clock.ticks();
      if (rest > 0) await ctx.clock.sleep(rest);
    }
    // Since the switch nobody new was led here.
    await drain(workload, step.drain - (ctx.clock.ticks() - (run.switched ?? ctx.clock.ticks())), ctx);
  }
  await ctx.engine.stop(step.container.name, step.timeout);
}

/** Whether even a configuration from before the switch leads to the new copy, or never led anywhere. */
function linkMoved(workload: Workload, desired: Desired): boolean {
  if (workload.listen.kind === 'none') return true;
  return workload.link !== undefined && desired.workloads.some((item) => item.link === workload.link);
}

/** An image may lack the shell that makes variables of secrets; its init would only say so again and again. */
async function requireShell({ project, app, container }: Workload, ctx: Context): Promise<void> {
  try {
    (await ctx.engine.copyFrom(container.name, '/bin/sh')).destroy();
  } catch (error) {
    if (!(error instanceof HostctlError && error.code === 'NOT_IN_IMAGE')) throw error;
    const message = `the image of ${project}/${app} has no /bin/sh, which makes variables of secrets`;
    throw new HostctlError('NO_SHELL', message, {
      hints: ['leave out `env: true`, and let the app read the file that NAME_FILE names'],
      cause: error,
    });
  }
}

/** Carries out one step. */
export async function carryOut(step: Carried, run: Run): Promise<void> {
  const handler = handlers[step.do] as (step: Carried, run: Run) => Promise<void>;
  await handler(step, run);
}

/** Makes a network; when another deploy took the subnet in between, with the next one that is free. */
async function makeNetwork(spec: NetworkSpec, ctx: Context): Promise<void> {
  try {
    await ctx.engine.createNetwork(spec);
  } catch (error) {
    if (!(error instanceof HostctlError && /overlap/i.test(error.message))) throw error;
    const taken = (await ctx.engine.networks()).flatMap((item) => item.subnets);
    const prefix = Number(spec.subnet.split('/')[1]);
    await ctx.engine.createNetwork({
      ...spec,
      subnet: chooseSubnet(ctx.workspace.pool, prefix, spec.name, [...taken, spec.subnet]),
    });
  }
}

/** Runs a command once in a container like the app's, from the same image. */
async function runTask(workload: Workload, command: readonly string[], ctx: Context): Promise<HookRecord> {
  const name = `${workload.container.name}-task`;
  const socket = workload.socketDir === undefined ? undefined : `/${LAYOUT.sockets}/${workload.socketDir}`;
  const spec: ContainerSpec = {
    ...workload.container,
    name,
    command,
    labels: { ...workload.container.labels, [LABEL.role]: 'task' },
    mounts: workload.container.mounts.filter((mount) => socket === undefined || !mount.source.endsWith(socket)),
    // It must not be found under the app's name.
    networks: workload.container.networks.map((use) => ({ ...use, aliases: [] })),
    restart: 'no',
  };
  const since = ctx.clock.ticks();
  return runOnce(spec, ctx, async (code) => {
    const ms = Math.round(ctx.clock.ticks() - since);
    const log = await tail(name, ctx, { of: workload });
    if (code === 0)
      return { app: workload.app, command, code, ms, log: log.map((line) => line.slice(0, LONGEST_LINE)) };
    throw new HostctlError(
      'RELEASE_COMMAND',
      [
        `the release command of ${workload.project}/${workload.app} ended with ${code}: ${command.join(' ')}`,
        ...log.map((line) => `  ${line}`),
      ].join('\n'),
    );
  });
}

/** Removes what no release that is kept needs. */
async function forget(step: StepOf<'forget'>, { ctx }: Run): Promise<void> {
  const key = await readKey(ctx);
  for (const name of step.containers) {
    // Before the container: killed in between, the next deploy still knows of it.
    await ctx.host.remove(LAYOUT.secretFilesOf(step.project, name));
    await ctx.host.remove(`${LAYOUT.sockets}/${socketDirectory(key, name)}`);
    await ctx.engine.remove(name);
  }
  for (const link of step.links) await ctx.host.remove(`${LAYOUT.links}/${link}`);
  for (const root of step.media) await ctx.host.remove(`${LAYOUT.media}/${root}`);
  for (const path of step.secretFiles) await ctx.host.remove(path);
  for (const { name, version } of step.secrets) {
    await ctx.host.remove(LAYOUT.secretVersion(step.project, name, version));
  }
  if (step.network !== undefined) await ctx.engine.removeNetwork(step.network);
  const images = await imagesOf(step.project, ctx);
  const old = images.flatMap((image) => image.tags).filter((tag) => !step.keepImages.includes(tag));
  for (const tag of old) await ctx.engine.removeImage(tag);
  // Last: as long as they are there, the next deploy knows that something is left to forget.
  for (const id of step.releases) await ctx.host.remove(LAYOUT.release(step.project, id));
}

/** Images built for a project by this hostctl; another one on the same engine may have a project of that name. */
async function imagesOf(project: string, ctx: Context): Promise<ImageView[]> {
  const images = await ctx.engine.images(`${LABEL.project}=${project}`);
  return images.filter((image) => image.labels[LABEL.instance] === ctx.workspace.instance);
}

/** Removes what is left of a project; its data only when that was asked for. */
async function erase(step: StepOf<'erase'>, { ctx, history }: Run): Promise<void> {
  const { project } = step;
  const links = (await ctx.host.list(LAYOUT.links)).filter((link) => isLinkOf(project, link));
  for (const link of links) await ctx.host.remove(`${LAYOUT.links}/${link}`);
  await ctx.engine.removeNetwork(networkName(ctx.workspace.instance, project));
  for (const image of await imagesOf(project, ctx)) {
    for (const tag of image.tags) await ctx.engine.removeImage(tag);
  }
  const copies = history.releases
    .flatMap((release) => release.desired.media)
    .filter((set) => set.version !== undefined);
  for (const set of copies) {
    await ctx.host.remove(`${LAYOUT.media}/${set.link}`);
    await ctx.host.remove(`${LAYOUT.media}/${set.root}`);
  }
  await ctx.host.remove(LAYOUT.current(project));
  await ctx.host.remove(LAYOUT.unfinished(project));
  await ctx.host.remove(LAYOUT.maintenance(project));
  await ctx.host.remove(LAYOUT.secretFiles(project));
  await ctx.host.remove(LAYOUT.releases(project));
  if (!step.data) return;
  await ctx.host.remove(LAYOUT.mediaOf(project));
  await ctx.host.remove(LAYOUT.certificates(project));
  await ctx.host.remove(`${LAYOUT.projects}/${project}`);
}
