import pLimit from 'p-limit';
import type { Outcome } from '../core/results.ts';
import type { Desired, Observed } from '../core/state.ts';
import { type OwnCertificate, type ProjectPlan, projectSteps, type Step, stepsOf, type StepOf } from '../core/steps.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { Budget } from './budget.ts';
import { Job } from './job.ts';
import type { Recorder } from './journal.ts';
import { needOf } from './memory.ts';
import { HOST_WAIT_MS, liveSites, observe, observeSettled } from './observe.ts';
import { planAll } from './prepare.ts';
import { reported } from './progress.ts';
import { startProxy } from './proxy.ts';
import { Router } from './router.ts';
import { bareRun } from './run.ts';
import { carryOut } from './steps.ts';

/** Projects worked on at once: more gains nothing on two cores, and the engine answers slower. */
const PARALLEL = 4;
/** Between two visits during a switch; many projects at once share what is asked of the proxy. */
const WATCH_MS = 25;

/** A project and what it should become. */
export interface Target {
  readonly project: string;
  readonly desired: (observed: Observed) => Promise<Desired>;
}

export interface ExecuteOptions {
  readonly rollbackOf?: number;
  /** Certificates the projects bring with them. */
  readonly own?: ReadonlyMap<string, OwnCertificate>;
  /** Milliseconds to wait for a lock. */
  readonly wait: number;
  /** Of a deploy: when it began, in microseconds since the machine started. An older one gives way to a newer one. */
  readonly turn?: number;
  readonly recorder: Recorder;
  readonly doing: string;
}

/** Locks, looks, plans and carries out. A project that fails does not stop the others. */
export async function execute(targets: readonly Target[], ctx: Context, options: ExecuteOptions): Promise<Outcome[]> {
  const locks = await lockAll(targets, ctx, options);
  const failures = new Map(locks.failures);
  try {
    const observed = await observeSettled(ctx);
    const desired: Desired[] = [];
    for (const target of targets.filter((item) => !failures.has(item.project))) {
      try {
        desired.push(await target.desired(observed));
      } catch (error) {
        failures.set(target.project, error);
      }
    }
    for (const [project, error] of takenRoutes(desired, observed)) failures.set(project, error);
    const sound = desired.filter((item) => !failures.has(item.project));
    const { rollbackOf, own } = options;
    const more = { ...(rollbackOf === undefined ? {} : { rollbackOf }), ...(own ? { own } : {}) };
    const plan = await planAll(sound, observed, more, ctx);
    const failed = [...failures].map(([project, error]): Outcome => ({ project, changed: false, error }));
    const finished = sound.every((item) => observed.unfinished[item.project] === undefined);
    if (finished && stepsOf(plan).length === 0)
      return [...failed, ...plan.projects.map((item) => unchanged(item, observed))];
    for (const item of plan.projects) {
      if (projectSteps(item).length > 0 || observed.unfinished[item.project])
        await options.recorder.begin(item.project);
    }
    if (plan.overcommitted !== undefined) ctx.ui.event({ type: 'warning', text: plan.overcommitted });
    await prepareHost(plan.host, observed, ctx);
    const every = WATCH_MS * Math.max(1, plan.projects.length / 2);
    const jobs = plan.projects.map((item, index) => new Job(item, sound[index]!, observed, ctx, every));
    await runJobs(unitsOf(jobs, sound, observed), ctx);
    return [...failed, ...jobs.map((job) => job.outcome())];
  } finally {
    await locks.release();
  }
}

/** A hostname may be moved in the definitions while its old project still serves it; the proxy can only have one owner. */
export function takenRoutes(desired: readonly Desired[], observed: Observed): Map<string, HostctlError> {
  const changing = new Set(desired.map((item) => item.project));
  const others = liveSites(observed.histories).filter((site) => !changing.has(site.project));
  const owners = new Map(others.flatMap((site) => site.hostnames.map((host) => [host.name, site.project] as const)));
  const taken = desired.flatMap(({ project, site }) => {
    const host = site?.hostnames.find((item) => owners.has(item.name));
    return host ? [{ project, name: host.name, owner: owners.get(host.name)! }] : [];
  });
  return new Map(
    taken.map(({ project, name, owner }) => [
      project,
      new HostctlError('ROUTE_TAKEN', `${quote(name)} is still served by the live release of ${owner}`, {
        exit: EXIT.definition,
        hints: [`hostctl deploy ${owner} ${project} moves it in one step`],
      }),
    ]),
  );
}

function unchanged(plan: ProjectPlan, observed: Observed): Outcome {
  const id = observed.histories[plan.project]?.current?.id;
  return { project: plan.project, changed: false, ...(id === undefined ? {} : { release: id }) };
}

async function lockAll(
  targets: readonly Target[],
  ctx: Context,
  options: ExecuteOptions,
): Promise<{ failures: Map<string, unknown>; release: () => Promise<void> }> {
  const failures = new Map<string, unknown>();
  const unlocks: (() => Promise<void>)[] = [];
  const until = ctx.clock.ticks() + options.wait;
  // In one order everywhere, so that two deploys never wait for each other.
  for (const { project } of targets.toSorted((a, b) => (a.project < b.project ? -1 : 1))) {
    try {
      unlocks.push(await ctx.host.lock(project, options.doing, Math.max(0, until - ctx.clock.ticks()), options.turn));
    } catch (error) {
      failures.set(project, error);
    }
  }
  const release = async (): Promise<void> => {
    for (const unlock of unlocks) await unlock();
  };
  if (failures.size === targets.length && targets.length > 0) {
    await release();
    throw [...failures.values()][0];
  }
  return { failures, release };
}

async function prepareHost(steps: readonly Step[], observed: Observed, ctx: Context): Promise<void> {
  if (steps.length === 0) return;
  const unlock = await ctx.host.lock('the host', 'preparing the proxy', HOST_WAIT_MS);
  try {
    for (const step of steps) {
      await reported('host', step, ctx, async () => {
        if (step.do === 'proxy') return startProxy(step, await observe(ctx), ctx);
        return carryOut(step as StepOf<'network'>, bareRun(ctx));
      });
    }
  } finally {
    await unlock();
  }
}

/** Projects between which a hostname moves are switched together; every other one by itself. */
function unitsOf(jobs: readonly Job[], desired: readonly Desired[], observed: Observed): Job[][] {
  const units = new Map<string, Job[]>();
  for (const [index, job] of jobs.entries()) {
    const names = desired[index]!.site?.hostnames.map((host) => host.name) ?? [];
    const others = liveSites(observed.histories).filter(({ hostnames }) =>
      hostnames.some((host) => names.includes(host.name)),
    );
    const touched = [job.plan.project, ...others.map((site) => site.project)];
    const unit = [...new Set(touched.flatMap((project) => units.get(project) ?? [])), job];
    for (const project of [...touched, ...unit.map((item) => item.plan.project)]) units.set(project, unit);
  }
  return [...new Set(units.values())];
}

/** Every unit goes at its own pace: nobody waits for a neighbour that does not become ready. */
async function runJobs(units: readonly Job[][], ctx: Context): Promise<void> {
  const limit = pLimit(PARALLEL);
  const router = new Router(ctx);
  const budget = new Budget(ctx);
  await Promise.all(
    units.map(async (unit) => {
      const giveBack = await roomFor(unit, budget);
      try {
        await Promise.all(unit.map((job) => limit(() => job.before())));
        await router.route(unit.filter((job) => job.routable));
        await Promise.all(unit.map((job) => limit(() => job.after())));
      } finally {
        giveBack();
      }
    }),
  );
}

/** Waits for the memory a unit starts in; what does not fit fails before anything of it is done. */
async function roomFor(unit: readonly Job[], budget: Budget): Promise<() => void> {
  try {
    return await budget.take(needOf(unit.map((job) => job.plan)));
  } catch (error) {
    for (const job of unit) await job.fail(error);
    return () => undefined;
  }
}
