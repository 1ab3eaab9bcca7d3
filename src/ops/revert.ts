import { uploadsPath } from '../core/layout.ts';
import type { Release, Workload } from '../core/state.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { appOf, type Asked, askedOf, reasonOf, served } from './asked.ts';
import type { Ledger } from './ledger.ts';
import { liveSites, observe } from './observe.ts';
import { lastEnd, lastWords, tail } from './ready.ts';
import { switchRoutes, unroute } from './route.ts';
import type { Run } from './run.ts';
import { carryOut } from './steps.ts';
import type { Fault } from './trial.ts';

/** What a release that never stopped may take to answer again. */
const BACK_MS = 10_000;
const POLL_MS = 50;

/** Does as much as can be done, and remembers in words what could not. */
type Attempt = (what: string, work: () => Promise<void>) => Promise<void>;

export function attempts(): { broken: string[]; attempt: Attempt } {
  const broken: string[] = [];
  const attempt: Attempt = async (what, work) => {
    await work().catch((reason: unknown) => broken.push(`${what}: ${(reason as Error).message}`));
  };
  return { broken, attempt };
}

export interface Reverted {
  readonly error: HostctlError;
  /** The live release now. */
  readonly release?: number;
}

/**
 * Takes a release away that is live and must not stay. Routes go first, because visitors wait for them; what failed is kept
 * for a look at it. Nothing watches what comes back, so that two bad releases never take turns.
 */
export async function revert(fault: Fault, release: number | undefined, ledger: Ledger, run: Run): Promise<Reverted> {
  const { ctx, desired } = run;
  const { project } = desired;
  const before = ledger.fallback;
  const owner = await newOwner(before, project, ctx);
  if (owner !== undefined) {
    const why = `it stays live: ${owner} answers a hostname of release ${before!.id} by now`;
    return { error: say(await blame(fault, run), EXIT.failed, [why]), ...(release === undefined ? {} : { release }) };
  }
  await routeBack(before, project, ctx);
  // How it ended is told between two starts, so before it is stopped.
  const error = await blame(fault, run);
  const broken = await putBack(ledger, run);
  if (!before) return { error: say(error, EXIT.failed, [...broken, `no release of ${project} is serving`]) };
  const silent = await whySilent(before, ledger, ctx);
  const now = `release ${before.id} of ${project} ${silent ?? (ledger.wanted.size > 0 ? 'is serving again' : 'is live again, and stays stopped, as it was')}`;
  const exit = silent === undefined ? EXIT.reverted : EXIT.failed;
  return { error: say(error, exit, [...broken, now]), release: before.id };
}

/** Everything but the routes. Returns what could not be done, in words. */
async function putBack(ledger: Ledger, run: Run): Promise<string[]> {
  const { ctx } = run;
  const { broken, attempt } = attempts();
  for (const { container } of goners(ledger, run)) {
    await attempt(`could not stop ${container.name}`, () => ctx.engine.stop(container.name, container.stopTimeout));
  }
  for (const { container } of comers(ledger)) {
    const { name, limits } = container;
    if (ledger.limited.has(name))
      await attempt(`could not give ${name} its limits back`, () => ctx.engine.setLimits(name, limits));
    await attempt(`could not start ${name} again`, () => ctx.engine.resume(name));
  }
  await attempt('could not give uploads back', () => ownersBack(ledger.fallback, run));
  if (broken.length === 0) await attempt('could not write that down', () => ledger.settled());
  return broken;
}

/** Containers that shall run when the earlier release is live again. */
function comers({ fallback, wanted }: Ledger): Workload[] {
  return (fallback?.desired.workloads ?? []).filter((item) => wanted.has(item.container.name));
}

/** A neighbour whose live release answers what the earlier release answered. */
async function newOwner(before: Release | undefined, project: string, ctx: Context): Promise<string | undefined> {
  const names = new Set(before?.desired.site?.hostnames.map((host) => host.name));
  if (names.size === 0) return undefined;
  const { histories } = await observe(ctx);
  const others = liveSites(histories).filter((site) => site.project !== project);
  return others.find((site) => site.hostnames.some((host) => names.has(host.name)))?.project;
}

async function routeBack(before: Release | undefined, project: string, ctx: Context): Promise<void> {
  if (!before) return unroute(project, ctx);
  const links = before.desired.workloads.filter((item) => item.link !== undefined);
  const media = before.desired.media.filter((item) => item.link !== undefined);
  await switchRoutes([{ do: 'route', release: before, links, media, reload: true, why: 'the new one failed' }], ctx);
}

/** Containers of the release that failed, and of one before it that nobody had seen last either. */
function goners(ledger: Ledger, { desired, history }: Run): Workload[] {
  const all = [...desired.workloads, ...(history.current?.desired.workloads ?? [])];
  const stay = new Set(comers(ledger).map((item) => item.container.name));
  const gone = all.filter(({ container }) => !stay.has(container.name));
  return [...new Map(gone.map((item) => [item.container.name, item])).values()];
}

/** Uploads belong to whom the earlier release says. */
async function ownersBack(before: Release | undefined, run: Run): Promise<void> {
  for (const set of before?.desired.media ?? []) {
    if (set.source.kind !== 'uploads') continue;
    const { project, workloads } = before!.desired;
    const { app } = set.source;
    const uid = workloads.find((item) => item.app === app)?.container.uid ?? 0;
    const owner = await run.ctx.host.owner(uploadsPath(set.root, set.alias));
    if (owner === undefined || owner === uid) continue;
    await carryOut({ do: 'own', set, project, uid, why: `written by ${app} again` }, run);
  }
}

/** In what way a release that is live again does not serve; undefined when it does. */
async function whySilent({ desired }: Release, ledger: Ledger, ctx: Context): Promise<string | undefined> {
  const back = comers(ledger);
  if (back.length === 0) return undefined;
  const asked = askedOf(desired);
  const limit = ledger.backFromStop ? Math.max(...back.map((item) => item.health.within)) : BACK_MS;
  const until = ctx.clock.ticks() + limit;
  for (;;) {
    const why = asked ? await whyUnanswered(asked, ctx) : await whyDown(back, ctx);
    if (why === undefined || ctx.clock.ticks() > until) return why;
    await ctx.clock.sleep(POLL_MS);
  }
}

async function whyUnanswered(asked: Asked, ctx: Context): Promise<string | undefined> {
  const answer = await ctx.prober.visit({ ...asked, timeout: BACK_MS });
  return served(answer, asked) ? undefined : `is live again, but does not answer either: ${reasonOf(answer)}`;
}

async function whyDown(back: readonly Workload[], ctx: Context): Promise<string | undefined> {
  for (const { container } of back) {
    const state = await ctx.engine.inspect(container.name);
    if (!state?.running) return `is live again, but ${container.name} does not run`;
  }
  return undefined;
}

/** What became of the new release, with the last words of the container that is to blame. */
async function blame(fault: Fault, { ctx, desired }: Run): Promise<HostctlError> {
  const asked = desired.workloads.find((item) => item.app === appOf(desired));
  const workload = fault.workload ?? asked;
  const text = workload && (await words(fault, workload, ctx).catch(() => undefined));
  const hints = workload ? [`hostctl logs ${desired.project} --container ${workload.container.name}`] : [];
  return new HostctlError(fault.code, text ?? fault.message, { hints });
}

async function words(fault: Fault, workload: Workload, ctx: Context): Promise<string> {
  const { name } = workload.container;
  if (fault.workload) return lastWords(workload, fault.message, [], await lastEnd(name, ctx), ctx);
  const log = await tail(name, ctx, { of: workload });
  return [fault.message, ...(log.length > 0 ? [`last words of ${name}:`, ...log.map((line) => `  ${line}`)] : [])].join(
    '\n',
  );
}

function say(error: HostctlError, exit: number, hints: readonly string[]): HostctlError {
  return new HostctlError(error.code, error.message, { exit, hints: [...hints, ...error.hints], cause: error });
}
