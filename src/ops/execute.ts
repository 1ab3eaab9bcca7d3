import pLimit from 'p-limit';
import { LAYOUT } from '../core/layout.ts';
import type { Desired, History, Observed, Workload } from '../core/state.ts';
import { type Plan, type ProjectPlan, projectSteps, type Step, stepsOf, type StepOf } from '../core/steps.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { observe } from './observe.ts';
import { planAll } from './prepare.ts';
import { reported } from './progress.ts';
import { startProxy } from './proxy.ts';
import { switchRoutes } from './route.ts';
import { carryOut, hostOf, type Run } from './steps.ts';
import { type Visits, Watch } from './watch.ts';

/** Projects worked on at once: more gains nothing on two cores, and the engine answers slower. */
const PARALLEL = 4;
const WATCH_MS = 25;
const CONFIRM_MS = 5000;
const CONFIRM_POLL_MS = 50;

/** A project and what it should become. */
export interface Target {
  readonly project: string;
  readonly desired: (observed: Observed) => Promise<Desired>;
}

export interface ExecuteOptions {
  readonly rollbackOf?: number;
  /** Milliseconds to wait for a lock. */
  readonly wait: number;
  readonly doing: string;
  /** Sees the plan before anything is done; returns whether to go on. */
  readonly approve?: (plan: Plan) => Promise<boolean>;
}

/** What became of one project. */
export interface Outcome {
  readonly project: string;
  readonly release?: number;
  readonly changed: boolean;
  readonly visits?: Visits;
  readonly error?: unknown;
}

/** Locks, looks, plans and carries out. A project that fails does not stop the others. */
export async function execute(targets: readonly Target[], ctx: Context, options: ExecuteOptions): Promise<Outcome[]> {
  const locks = await lockAll(targets, ctx, options);
  try {
    const locked = targets.filter((target) => !locks.failures.has(target.project));
    const observed = await observe(ctx);
    const desired = await Promise.all(locked.map((target) => target.desired(observed)));
    const more = options.rollbackOf === undefined ? {} : { rollbackOf: options.rollbackOf };
    const plan = await planAll(desired, observed, more, ctx);
    const failed = [...locks.failures].map(([project, error]): Outcome => ({ project, changed: false, error }));
    if (stepsOf(plan).length === 0) return [...failed, ...plan.projects.map((item) => unchanged(item, observed))];
    if (options.approve && !(await options.approve(plan))) {
      throw new HostctlError('CANCELLED', 'nothing was changed');
    }
    await prepareHost(plan.host, observed, ctx);
    const jobs = plan.projects.map((item, index) => new Job(item, desired[index]!, observed, ctx, plan.projects.length));
    return [...failed, ...(await runJobs(jobs, ctx))];
  } finally {
    await locks.release();
  }
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
  // In one order everywhere, so that two deploys never wait for each other.
  for (const { project } of targets.toSorted((a, b) => (a.project < b.project ? -1 : 1))) {
    try {
      unlocks.push(await ctx.host.lock(project, options.doing, options.wait));
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
  const unlock = await ctx.host.lock('the host', 'preparing the proxy', 5 * 60_000);
  try {
    for (const step of steps) {
      await reported('host', step, ctx, async () => {
        if (step.do === 'proxy') return startProxy(await observe(ctx), ctx);
        return carryOut(step as StepOf<'network'>, { ctx, desired: { project: '', workloads: [], media: [], images: {} }, history: { releases: [] } });
      });
    }
  } finally {
    await unlock();
  }
}

/** Everything before the switch, then one switch for all, then what follows it. */
async function runJobs(jobs: readonly Job[], ctx: Context): Promise<Outcome[]> {
  const limit = pLimit(PARALLEL);
  await Promise.all(jobs.map((job) => limit(() => job.before())));
  await routeAll(jobs.filter((job) => job.routable), ctx);
  await Promise.all(jobs.map((job) => limit(() => job.after())));
  return jobs.map((job) => job.outcome());
}

/** One proxy update for all; when the proxy refuses it, one by one, so that only the guilty project fails. */
async function routeAll(jobs: readonly Job[], ctx: Context): Promise<void> {
  if (jobs.length === 0) return;
  for (const job of jobs) job.watchOld();
  const route = (some: readonly Job[]): Promise<void> => switchRoutes(some.map((job) => job.plan.route!), ctx);
  try {
    await route(jobs);
  } catch (error) {
    if (jobs.length === 1) return jobs[0]!.fail(error);
    for (const job of jobs) await route([job]).catch((reason: unknown) => job.fail(reason));
  }
}

/** One project on its way from one release to the next. */
class Job {
  readonly plan: ProjectPlan;
  readonly #run: Run;
  readonly #history: History;
  readonly #watchEvery: number;
  readonly #stopped: string[] = [];
  readonly #started: Workload[] = [];
  #error: unknown;
  #watch: Watch | undefined;
  #visits: Visits | undefined;

  constructor(plan: ProjectPlan, desired: Desired, observed: Observed, ctx: Context, jobs: number) {
    this.plan = plan;
    this.#history = observed.histories[plan.project] ?? { releases: [] };
    this.#run = { ctx, desired, history: this.#history };
    this.#watchEvery = WATCH_MS * Math.max(1, jobs / 2);
  }

  get routable(): boolean {
    return this.#error === undefined && this.plan.route !== undefined;
  }

  async before(): Promise<void> {
    if (projectSteps(this.plan).length > 0) await writeIdentity(this.#run.desired, this.#run.ctx);
    try {
      for (const step of this.plan.before) await this.#carryOut(step);
    } catch (error) {
      await this.fail(error);
    }
  }

  /** Visits start before the switch when there is something to visit. */
  watchOld(): void {
    if (this.#history.current?.desired.site) this.#startWatch();
  }

  async after(): Promise<void> {
    if (this.#error !== undefined) return;
    try {
      if (this.plan.route) await this.#confirm();
      this.#startWatch();
      for (const step of this.plan.after) await this.#carryOut(step);
    } catch (error) {
      this.#error = error;
    }
    this.#visits = await this.#watch?.stop();
  }

  /** Puts back what served before, and keeps what failed for a look at it. */
  async fail(error: unknown): Promise<void> {
    this.#error = error;
    const { ctx } = this.#run;
    this.#visits = await this.#watch?.stop();
    for (const workload of this.#started) {
      await ctx.engine.stop(workload.container.name, workload.container.stopTimeout).catch(() => undefined);
    }
    for (const name of this.#stopped) await ctx.engine.resume(name);
    const serving = this.#history.current !== undefined;
    if (error instanceof HostctlError) {
      const still = serving ? `release ${this.#history.current?.id} of ${this.plan.project} is still serving` : 'no release is serving';
      this.#error = new HostctlError(error.code, error.message, {
        exit: error.exit === EXIT.unhealthy && !serving ? EXIT.failed : error.exit,
        hints: [still, ...error.hints],
        cause: error,
      });
    }
  }

  outcome(): Outcome {
    const changed = projectSteps(this.plan).length > 0;
    const release = this.#error === undefined ? (this.plan.route?.release.id ?? this.#history.current?.id) : this.#history.current?.id;
    return {
      project: this.plan.project,
      changed,
      ...(release === undefined ? {} : { release }),
      ...(this.#visits && this.#visits.requests > 0 ? { visits: this.#visits } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  async #carryOut(step: Step): Promise<void> {
    if (step.do === 'run' || step.do === 'start') this.#started.push(step.workload);
    if (step.do === 'stop') this.#stopped.push(step.container.name);
    await reported(this.plan.project, step, this.#run.ctx, () => carryOut(step as StepOf<'run'>, this.#run));
  }

  #startWatch(): void {
    const asked = this.#asked();
    if (asked && this.plan.route && !this.#watch) {
      this.#watch = new Watch(asked.host, asked.path, this.#watchEvery, this.#run.ctx);
    }
  }

  /** What a visitor asks for, if the project answers visitors at all. */
  #asked(): { host: string; path: string } | undefined {
    const { desired } = this.#run;
    const route = desired.site?.routes.toReversed().find((item) => item.target.to === 'app');
    if (!route || route.target.to !== 'app') return undefined;
    const { app } = route.target;
    const health = desired.workloads.find((item) => item.app === app)?.health;
    return { host: hostOf(desired), path: health?.path ?? route.path };
  }

  /** The proxy itself must serve the new release; if it does not, the earlier one comes back. */
  async #confirm(): Promise<void> {
    const { ctx } = this.#run;
    const asked = this.#asked();
    if (!asked) return;
    const until = ctx.clock.now() + CONFIRM_MS;
    for (;;) {
      const answer = await ctx.prober.visit({ ...asked, timeout: CONFIRM_MS });
      if (answer.ok && answer.status < 500) return;
      if (ctx.clock.now() > until) {
        const reason = answer.ok ? `answered ${answer.status}` : answer.reason;
        await this.#routeBack();
        const error = new HostctlError('NOT_CONFIRMED', `http://${asked.host}${asked.path} does not work through the proxy: ${reason}`, {
          exit: EXIT.unhealthy,
        });
        await this.fail(error);
        throw this.#error;
      }
      await ctx.clock.sleep(CONFIRM_POLL_MS);
    }
  }

  async #routeBack(): Promise<void> {
    const before = this.#history.current;
    if (!before) return;
    const links = before.desired.workloads.filter((item) => item.link !== undefined);
    await switchRoutes([{ do: 'route', release: before, links, reload: true, why: 'the new release does not serve' }], this.#run.ctx);
  }
}

/** The uids of a project are on record before anything belongs to them. */
async function writeIdentity(desired: Desired, ctx: Context): Promise<void> {
  const known = (await observe(ctx)).identities[desired.project]?.uids ?? {};
  const uids = { ...known };
  for (const workload of desired.workloads) uids[workload.app] = Number(workload.container.labels['hostctl.uid']);
  if (JSON.stringify(uids) === JSON.stringify(known)) return;
  await ctx.host.write(LAYOUT.identity(desired.project), `${JSON.stringify({ uids }, undefined, 2)}\n`);
}
