import { sampleName } from '../core/hostnames.ts';
import { LAYOUT } from '../core/layout.ts';
import { formatLikely, formatNeed } from '../core/memory.ts';
import type { Outcome, Visits } from '../core/results.ts';
import { type Desired, type History, liveWorkload, type Observed, type Workload } from '../core/state.ts';
import { type ProjectPlan, projectSteps, type Step, type StepOf } from '../core/steps.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { driverOf } from './driver.ts';
import { reported } from './progress.ts';
import { switchRoutes, unroute } from './route.ts';
import { carryOut, hostOf, type Run } from './steps.ts';
import { type Asked, served, Watch } from './watch.ts';

const CONFIRM_MS = 5000;
const CONFIRM_POLL_MS = 50;

/** One project on its way from one release to the next: what comes before the switch, and what follows it. */
export class Job {
  #plan: ProjectPlan;
  readonly #run: Run;
  readonly #history: History;
  readonly #watchEvery: number;
  /** What this deploy started and may stop again. */
  readonly #started: Workload[] = [];
  /** Containers of the live release that ran, or tried to, before anything was done. */
  readonly #alive: ReadonlySet<string>;
  /** Containers of the live release that were stopped, or given other limits. */
  readonly #stopped: Set<string>;
  readonly #limited: Set<string>;
  /** Whether the data root still says so. */
  #unfinished: boolean;
  #switched = false;
  /** When the first container was started, in milliseconds since 1970. */
  #since: number | undefined;
  #error: unknown;
  #watch: Watch | undefined;
  #visits: Visits | undefined;

  /** @param watchEvery milliseconds between two visits during the switch */
  constructor(plan: ProjectPlan, desired: Desired, observed: Observed, ctx: Context, watchEvery: number) {
    this.#plan = plan;
    this.#history = observed.histories[plan.project] ?? { releases: [] };
    this.#run = { ctx, desired, history: this.#history };
    this.#watchEvery = watchEvery;
    const alive = observed.containers.filter((item) => item.state === 'running' || item.state === 'restarting');
    const live = (name: string): boolean => liveWorkload(name, this.#history) !== undefined;
    this.#alive = new Set(alive.map((item) => item.name).filter(live));
    const unfinished = observed.unfinished[plan.project];
    this.#unfinished = unfinished !== undefined;
    this.#stopped = new Set(unfinished?.stopped.filter(live));
    this.#limited = new Set(unfinished?.limited.filter(live));
  }

  get plan(): ProjectPlan {
    return this.#plan;
  }

  get routable(): boolean {
    return this.#error === undefined && this.plan.route !== undefined;
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
    const startedIn = this.#run.ctx.clock.now() - this.#since;
    this.#plan = { ...this.#plan, route: { ...route, release: { ...route.release, startedIn } } };
  }

  /** Visits start before the switch when there is something to visit under the name that will be asked for. */
  watchOld(): void {
    const host = this.#asked()?.host;
    const known = this.#history.current?.desired.site?.hostnames.some((item) => sampleName(item) === host);
    if (known && this.#alive.size > 0) this.#startWatch();
  }

  async after(): Promise<void> {
    if (this.#error !== undefined) return;
    const { ctx } = this.#run;
    try {
      if (this.plan.route) {
        this.#switched = true;
        if (this.plan.route.reload) this.#run.reloaded = ctx.clock.ticks();
        await this.#confirm();
      }
      await this.#finish();
      this.#startWatch();
      for (const step of this.plan.after) await this.#carryOut(step);
      await this.#settle();
    } catch (error) {
      this.#error ??= error;
    }
    this.#visits = await this.#watch?.stop();
  }

  /** Until no visitor can be answered as before. */
  async #settle(): Promise<void> {
    const { ctx, reloaded } = this.#run;
    if (reloaded === undefined) return;
    const rest = reloaded + driverOf(ctx).pooled - ctx.clock.ticks();
    if (rest > 0) await ctx.clock.sleep(rest);
  }

  /** Puts back what served before, and keeps what failed for a look at it. */
  async fail(error: unknown): Promise<void> {
    this.#visits = await this.#watch?.stop();
    if (error instanceof HostctlError && error.code === 'HALF_SWITCHED') {
      this.#error = error;
      return;
    }
    const { engine } = this.#run.ctx;
    const broken: string[] = [];
    const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
      await work().catch((reason: unknown) => broken.push(`${what}: ${(reason as Error).message}`));
    };
    for (const { container } of this.#started) {
      await attempt(`could not stop ${container.name}`, () => engine.stop(container.name, container.stopTimeout));
    }
    for (const name of this.#stopped) await attempt(`could not start ${name} again`, () => engine.resume(name));
    for (const name of this.#limited) {
      const { limits } = liveWorkload(name, this.#history)!.container;
      await attempt(`could not give ${name} its limits back`, () => engine.setLimits(name, limits));
    }
    if (broken.length === 0) await attempt('could not write that down', () => this.#finish());
    this.#error = error instanceof HostctlError ? this.#withWhatServes(error, broken) : error;
  }

  outcome(): Outcome {
    const release = this.#switched ? this.plan.route?.release.id : this.#history.current?.id;
    return {
      project: this.plan.project,
      changed: projectSteps(this.plan).length > 0,
      ...(release === undefined ? {} : { release }),
      ...(this.#visits && this.#visits.requests > 0 ? { visits: this.#visits } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #withWhatServes(error: HostctlError, broken: readonly string[]): HostctlError {
    const { current } = this.#history;
    const { project } = this.plan;
    const state = this.#alive.size > 0 ? 'is still serving' : 'stays stopped, as it was';
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
    if (workload && !this.#started.includes(workload) && !this.#alive.has(workload.container.name)) {
      this.#started.push(workload);
    }
    if (step.do === 'run' || step.do === 'start') this.#since ??= ctx.clock.now();
    if (step.do === 'limits') await this.#remember(this.#limited, step.container);
    if (step.do === 'stop') {
      // From here on visitors notice: the count must not begin after it.
      this.watchOld();
      await this.#remember(this.#stopped, step.container.name);
    }
    await reported(this.plan.project, step, ctx, () => carryOut(step as StepOf<'run'>, this.#run));
  }

  /** Written down before it happens: a deploy that is killed in between must not forget to make it good. */
  async #remember(names: Set<string>, name: string): Promise<void> {
    if (!liveWorkload(name, this.#history)) return;
    names.add(name);
    this.#unfinished = true;
    const unfinished = { stopped: [...this.#stopped], limited: [...this.#limited] };
    await this.#run.ctx.host.write(LAYOUT.unfinished(this.plan.project), `${JSON.stringify(unfinished)}\n`);
  }

  async #finish(): Promise<void> {
    if (this.#unfinished) await this.#run.ctx.host.remove(LAYOUT.unfinished(this.plan.project));
    this.#unfinished = false;
  }

  #startWatch(): void {
    const asked = this.#asked();
    if (asked && this.plan.route) this.#watch ??= new Watch(asked, this.#watchEvery, this.#run.ctx);
  }

  /** What a visitor asks for, if the project answers visitors at all. */
  #asked(): Asked | undefined {
    const { desired } = this.#run;
    const target = desired.site?.routes.toReversed().find((item) => item.target.to === 'app')?.target;
    if (target?.to !== 'app') return undefined;
    const health = desired.workloads.find((item) => item.app === target.app)?.health;
    return {
      project: this.plan.project,
      host: hostOf(desired, this.#history.current?.desired),
      path: health?.path ?? '/',
      expect: health?.expect ?? [],
      ...(desired.site?.tls ? { secure: true } : {}),
    };
  }

  /** The proxy itself must serve the new release; if it does not, the earlier one comes back. */
  async #confirm(): Promise<void> {
    const asked = this.#asked();
    if (!asked) return;
    const { ctx } = this.#run;
    const until = ctx.clock.ticks() + CONFIRM_MS;
    for (;;) {
      const answer = await ctx.prober.visit({ ...asked, timeout: CONFIRM_MS });
      if (served(answer, asked)) return;
      if (ctx.clock.ticks() > until) {
        const reason = answer.ok ? `answered ${answer.status}` : answer.reason;
        const exit = this.#history.current ? EXIT.reverted : EXIT.failed;
        const message = `${asked.host}${asked.path} does not work through the proxy: ${reason}`;
        await this.#routeBack();
        await this.fail(new HostctlError('NOT_CONFIRMED', message, { exit }));
        throw this.#error;
      }
      await ctx.clock.sleep(CONFIRM_POLL_MS);
    }
  }

  async #routeBack(): Promise<void> {
    const before = this.#history.current;
    if (!before) {
      await unroute(this.plan.project, this.#run.ctx);
    } else {
      const links = before.desired.workloads.filter((item) => item.link !== undefined);
      const media = before.desired.media.filter((item) => item.link !== undefined);
      const why = 'the new release does not serve';
      await switchRoutes([{ do: 'route', release: before, links, media, reload: true, why }], this.#run.ctx);
    }
    this.#switched = false;
  }
}
