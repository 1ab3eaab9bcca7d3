import { LAYOUT } from '../core/layout.ts';
import { LABEL } from '../core/names.ts';
import type { Outcome, Visits } from '../core/results.ts';
import { type Desired, type History, limitsOf, type Observed, type Workload } from '../core/state.ts';
import { type ProjectPlan, projectSteps, type Step, type StepOf } from '../core/steps.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { reported } from './progress.ts';
import { switchRoutes } from './route.ts';
import { carryOut, hostOf, type Run } from './steps.ts';
import { Watch } from './watch.ts';

const CONFIRM_MS = 5000;
const CONFIRM_POLL_MS = 50;

/** One project on its way from one release to the next: what comes before the switch, and what follows it. */
export class Job {
  readonly plan: ProjectPlan;
  readonly #run: Run;
  readonly #history: History;
  readonly #watchEvery: number;
  readonly #started: Workload[] = [];
  readonly #limited: string[] = [];
  #error: unknown;
  #watch: Watch | undefined;
  #visits: Visits | undefined;

  /** @param watchEvery milliseconds between two visits during the switch */
  constructor(plan: ProjectPlan, desired: Desired, observed: Observed, ctx: Context, watchEvery: number) {
    this.plan = plan;
    this.#history = observed.histories[plan.project] ?? { releases: [] };
    this.#run = { ctx, desired, history: this.#history };
    this.#watchEvery = watchEvery;
  }

  get routable(): boolean {
    return this.#error === undefined && this.plan.route !== undefined;
  }

  async before(): Promise<void> {
    if (projectSteps(this.plan).length === 0) return;
    const copies: Promise<void>[] = [];
    try {
      await this.#writeIdentity();
      for (const step of this.plan.before) {
        // Files are copied while the container they come from starts.
        if (step.do === 'media') copies.push(this.#carryOut(step));
        else await this.#carryOut(step);
      }
      await Promise.all(copies);
    } catch (error) {
      await Promise.allSettled(copies);
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
      await this.#run.ctx.host.remove(LAYOUT.paused(this.plan.project));
    } catch (error) {
      this.#error ??= error;
    }
    this.#visits = await this.#watch?.stop();
  }

  /** Puts back what served before, and keeps what failed for a look at it. */
  async fail(error: unknown): Promise<void> {
    this.#error = error;
    this.#visits = await this.#watch?.stop();
    const { ctx } = this.#run;
    for (const { container } of this.#started) {
      await ctx.engine.stop(container.name, container.stopTimeout).catch(() => undefined);
    }
    for (const name of await this.#paused()) await ctx.engine.resume(name);
    for (const name of this.#limited) {
      const before = limitsOf(name, this.#history);
      if (before) await ctx.engine.setLimits(name, before);
    }
    await ctx.host.remove(LAYOUT.paused(this.plan.project));
    if (error instanceof HostctlError) this.#error = this.#withWhatServes(error);
  }

  outcome(): Outcome {
    const live = this.#history.current?.id;
    const release = this.#error === undefined ? (this.plan.route?.release.id ?? live) : live;
    return {
      project: this.plan.project,
      changed: projectSteps(this.plan).length > 0,
      ...(release === undefined ? {} : { release }),
      ...(this.#visits && this.#visits.requests > 0 ? { visits: this.#visits } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #withWhatServes(error: HostctlError): HostctlError {
    const { current } = this.#history;
    const { project } = this.plan;
    return new HostctlError(error.code, error.message, {
      exit: error.exit === EXIT.unhealthy && !current ? EXIT.failed : error.exit,
      hints: [
        current ? `release ${current.id} of ${project} is still serving` : `no release of ${project} is serving`,
        ...error.hints,
      ],
      cause: error,
    });
  }

  async #carryOut(step: Step): Promise<void> {
    const workload = step.do === 'run' || step.do === 'start' || step.do === 'ready' ? step.workload : undefined;
    if (workload && !this.#started.includes(workload)) this.#started.push(workload);
    if (step.do === 'limits') this.#limited.push(step.container);
    if (step.do === 'stop') {
      // From here on visitors notice: the count must not begin after it.
      this.watchOld();
      await this.#pause(step.container.name);
    }
    await reported(this.plan.project, step, this.#run.ctx, () => carryOut(step as StepOf<'run'>, this.#run));
  }

  /** Written down before it is stopped: a deploy that is killed in between must not forget to bring it back. */
  async #pause(name: string): Promise<void> {
    const names = [...new Set([...(await this.#paused()), name])];
    await this.#run.ctx.host.write(LAYOUT.paused(this.plan.project), `${JSON.stringify(names)}\n`);
  }

  async #paused(): Promise<string[]> {
    return JSON.parse((await this.#run.ctx.host.read(LAYOUT.paused(this.plan.project))) ?? '[]') as string[];
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
    const target = desired.site?.routes.toReversed().find((item) => item.target.to === 'app')?.target;
    if (target?.to !== 'app') return undefined;
    const health = desired.workloads.find((item) => item.app === target.app)?.health;
    return { host: hostOf(desired), path: health?.path ?? '/' };
  }

  /** The proxy itself must serve the new release; if it does not, the earlier one comes back. */
  async #confirm(): Promise<void> {
    const asked = this.#asked();
    if (!asked) return;
    const { ctx } = this.#run;
    const until = ctx.clock.now() + CONFIRM_MS;
    for (;;) {
      const answer = await ctx.prober.visit({ ...asked, timeout: CONFIRM_MS });
      if (answer.ok && answer.status < 500) return;
      if (ctx.clock.now() > until) {
        const reason = answer.ok ? `answered ${answer.status}` : answer.reason;
        await this.#routeBack();
        const message = `http://${asked.host}${asked.path} does not work through the proxy: ${reason}`;
        await this.fail(new HostctlError('NOT_CONFIRMED', message, { exit: EXIT.unhealthy }));
        throw this.#error;
      }
      await ctx.clock.sleep(CONFIRM_POLL_MS);
    }
  }

  async #routeBack(): Promise<void> {
    const before = this.#history.current;
    if (!before) return;
    const links = before.desired.workloads.filter((item) => item.link !== undefined);
    const media = before.desired.media.filter((item) => item.link !== undefined);
    const why = 'the new release does not serve';
    await switchRoutes([{ do: 'route', release: before, links, media, stale: [], reload: true, why }], this.#run.ctx);
  }

  /** The uids of a project are on record before anything belongs to them. */
  async #writeIdentity(): Promise<void> {
    const { ctx, desired } = this.#run;
    const path = LAYOUT.identity(desired.project);
    const text = await ctx.host.read(path);
    const uids = text === undefined ? {} : (JSON.parse(text) as { uids: Record<string, number> }).uids;
    for (const workload of desired.workloads) uids[workload.app] = Number(workload.container.labels[LABEL.uid]);
    const wanted = `${JSON.stringify({ uids }, undefined, 2)}\n`;
    if (wanted !== text) await ctx.host.write(path, wanted);
  }
}
