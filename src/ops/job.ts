import { sampleName } from '../core/hostnames.ts';
import { formatLikely, formatNeed } from '../core/memory.ts';
import type { Outcome, Visits } from '../core/results.ts';
import { type Desired, type History, liveWorkload, type Observed, type Workload } from '../core/state.ts';
import { type ProjectPlan, projectSteps, type Step, type StepOf } from '../core/steps.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { type Asked, askedOf, reasonOf, served } from './asked.ts';
import { digestsOf } from './digests.ts';
import { driverOf } from './driver.ts';
import { Ledger } from './ledger.ts';
import { reported } from './progress.ts';
import { attempts, revert } from './revert.ts';
import type { Run } from './run.ts';
import { carryOut } from './steps.ts';
import { Fault } from './trial.ts';
import { Watch } from './watch.ts';

const CONFIRM_MS = 5000;
const CONFIRM_POLL_MS = 50;

/** One project on its way from one release to the next: what comes before the switch, and what follows it. */
export class Job {
  #plan: ProjectPlan;
  readonly #run: Run;
  readonly #history: History;
  readonly #watchEvery: number;
  readonly #ledger: Ledger;
  /** What this deploy started and may stop again. */
  readonly #started: Workload[] = [];
  /** The live release. */
  #release: number | undefined;
  /** When the first container was started, by the clock's ticks. */
  #since: number | undefined;
  #error: unknown;
  #visits: Visits | undefined;
  #digests: Readonly<Record<string, string>> = {};

  /** @param watchEvery milliseconds between two visits during the switch */
  constructor(plan: ProjectPlan, desired: Desired, observed: Observed, ctx: Context, watchEvery: number) {
    this.#plan = plan;
    this.#history = observed.histories[plan.project] ?? { releases: [] };
    this.#run = { ctx, desired, history: this.#history, hooks: [], proven: new Map() };
    this.#watchEvery = watchEvery;
    this.#ledger = new Ledger(plan.project, this.#history, observed, ctx);
    this.#release = this.#history.current?.id;
  }

  get plan(): ProjectPlan {
    return this.#plan;
  }

  get routable(): boolean {
    return this.#error === undefined && this.plan.route !== undefined;
  }

  /** The switch, with all that is to be on record about its release. */
  get route(): StepOf<'route'> {
    const route = this.plan.route!;
    const { hooks } = this.#run;
    const digests = this.#digests;
    return {
      ...route,
      release: {
        ...route.release,
        hooks,
        ...(Object.keys(digests).length > 0 ? { digests } : {}),
      },
    };
  }

  async before(): Promise<void> {
    if (this.#error !== undefined) return;
    const copies: Promise<void>[] = [];
    this.#tellMemory();
    try {
      for (const step of this.plan.before) {
        if (step.do !== 'media') {
          await this.#carryOut(step);
          continue;
        }
        // Files are copied while the container they come from starts. A copy that fails is noticed further down.
        const copy = this.#carryOut(step);
        copy.catch(() => undefined);
        copies.push(copy);
      }
      await Promise.all(copies);
      this.#noteStart();
      const { route, after } = this.plan;
      if (route) this.#digests = await digestsOf(this.#run.desired, this.#run.ctx);
      if (route && after.some((step) => step.do === 'watch')) await this.#ledger.willTry(route.release.id);
    } catch (error) {
      await Promise.allSettled(copies);
      await this.fail(error);
    }
  }

  #tellMemory(): void {
    const { memory, project } = this.#plan;
    if (!memory?.beside) return;
    const likely = formatLikely(memory);
    const text = `${formatNeed(memory)}${likely === '' ? '' : ` (${likely})`}`;
    this.#run.ctx.ui.event({ type: 'note', project, text });
  }

  /** How long it took until all were ready goes on record: the next plan says it. */
  #noteStart(): void {
    const { route } = this.#plan;
    if (!route || this.#since === undefined) return;
    const startedIn = Math.round(this.#run.ctx.clock.ticks() - this.#since);
    this.#plan = { ...this.#plan, route: { ...route, release: { ...route.release, startedIn } } };
  }

  /** Visits start before the switch when there is something to visit under the name that will be asked for. */
  watchOld(): void {
    const host = this.#asked()?.host;
    const known = this.#history.current?.desired.site?.hostnames.some((item) => sampleName(item) === host);
    if (known && this.#ledger.alive.size > 0) this.#startWatch();
  }

  async after(): Promise<void> {
    if (this.#error !== undefined) return;
    const { ctx } = this.#run;
    try {
      if (this.plan.route) {
        this.#release = this.plan.route.release.id;
        this.#run.switched = ctx.clock.ticks();
        if (this.plan.route.reload) this.#run.reloaded = this.#run.switched;
        await this.#confirm();
      }
      this.#startWatch();
      const watched = this.plan.after.some((step) => step.do === 'watch');
      if (!watched) await this.#ledger.settled();
      for (const step of this.plan.after) {
        await this.#carryOut(step);
        if (step.do === 'watch') await this.#ledger.settled();
      }
      await this.#settle();
    } catch (error) {
      this.#error = error instanceof Fault ? await this.#revert(error) : error;
    }
    this.#visits = await this.#run.visits?.stop();
  }

  /** Until no visitor can be answered as before. */
  async #settle(): Promise<void> {
    const { ctx, reloaded } = this.#run;
    if (reloaded === undefined) return;
    const rest = reloaded + driverOf(ctx).pooled - ctx.clock.ticks();
    if (rest > 0) await ctx.clock.sleep(rest);
  }

  async #revert(fault: Fault): Promise<unknown> {
    try {
      const { error, release } = await revert(fault, this.#release, this.#ledger, this.#run);
      this.#release = release;
      return error;
    } catch (error) {
      if (!(error instanceof HostctlError)) return error;
      const hints = [`it was to bring the earlier release back: ${fault.message}`, ...error.hints];
      return new HostctlError(error.code, error.message, { exit: error.exit, hints, cause: error });
    }
  }

  /** Before the switch: puts back what was changed, and keeps what failed for a look at it. */
  async fail(error: unknown): Promise<void> {
    this.#visits = await this.#run.visits?.stop();
    if (error instanceof HostctlError && error.code === 'HALF_SWITCHED') {
      this.#error = error;
      return;
    }
    const { engine } = this.#run.ctx;
    const { broken, attempt } = attempts();
    for (const { container } of this.#started) {
      await attempt(`could not stop ${container.name}`, () => engine.stop(container.name, container.stopTimeout));
    }
    for (const name of this.#ledger.stopped) {
      await attempt(`could not start ${name} again`, () => engine.resume(name));
    }
    for (const name of this.#ledger.limited) {
      const { limits } = liveWorkload(name, this.#history)!.container;
      await attempt(`could not give ${name} its limits back`, () => engine.setLimits(name, limits));
    }
    if (broken.length === 0) await attempt('could not write that down', () => this.#ledger.undone());
    this.#error = error instanceof HostctlError ? this.#withWhatServes(error, broken) : error;
  }

  outcome(): Outcome {
    return {
      project: this.plan.project,
      changed: projectSteps(this.plan).length > 0,
      ...(this.#release === undefined ? {} : { release: this.#release }),
      ...(this.#visits && this.#visits.requests > 0 ? { visits: this.#visits } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #withWhatServes(error: HostctlError, broken: readonly string[]): HostctlError {
    const { current } = this.#history;
    const { project } = this.plan;
    const state = this.#ledger.alive.size > 0 ? 'is still serving' : 'stays stopped, as it was';
    const serving = current ? `release ${current.id} of ${project} ${state}` : `no release of ${project} is serving`;
    return new HostctlError(error.code, error.message, {
      exit: error.exit === EXIT.unhealthy && !current ? EXIT.failed : error.exit,
      hints: [...(broken.length > 0 ? broken : [serving]), ...error.hints],
      cause: error,
    });
  }

  async #carryOut(step: Step): Promise<void> {
    const { ctx } = this.#run;
    const workload = step.do === 'run' || step.do === 'start' || step.do === 'ready' ? step.workload : undefined;
    // What was live and alive is left to the engine, which starts it again and again.
    if (workload && !this.#started.includes(workload) && !this.#ledger.alive.has(workload.container.name)) {
      this.#started.push(workload);
    }
    if (step.do === 'run' || step.do === 'start') this.#since ??= ctx.clock.ticks();
    if (step.do === 'limits') await this.#ledger.willLimit(step.container);
    if (step.do === 'stop') {
      // From here on visitors notice: the count must not begin after it.
      this.watchOld();
      await this.#ledger.willStop(step.container.name);
    }
    await reported(this.plan.project, step, ctx, () => carryOut(step as StepOf<'run'>, this.#run));
  }

  #startWatch(): void {
    const asked = this.#asked();
    const watched = this.plan.route ?? this.plan.after.find((step) => step.do === 'watch');
    if (asked && watched) this.#run.visits ??= new Watch(asked, this.#watchEvery, this.#run.ctx);
  }

  #asked(): Asked | undefined {
    return askedOf(this.#run.desired, this.#history.current?.desired);
  }

  /** The proxy itself must serve the new release. */
  async #confirm(): Promise<void> {
    const asked = this.#asked();
    if (!asked) return;
    const { ctx } = this.#run;
    const until = ctx.clock.ticks() + CONFIRM_MS;
    for (;;) {
      const answer = await ctx.prober.visit({ ...asked, timeout: CONFIRM_MS });
      if (served(answer, asked)) return;
      if (ctx.clock.ticks() > until) {
        const message = `${asked.host}${asked.path} does not work through the proxy: ${reasonOf(answer)}`;
        throw new Fault('NOT_CONFIRMED', message);
      }
      await ctx.clock.sleep(CONFIRM_POLL_MS);
    }
  }
}
