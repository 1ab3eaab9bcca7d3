import type { Context } from '../ports.ts';
import type { Job } from './job.ts';
import { reportedTogether } from './progress.ts';
import { switchRoutes } from './route.ts';

/** Switches units of jobs as they become ready: those that do while a switch is under way share the next one. */
export class Router {
  readonly #ctx: Context;
  #waiting: (readonly Job[])[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Ends when the unit is switched, or its jobs have failed. */
  async route(unit: readonly Job[]): Promise<void> {
    if (unit.length === 0) return;
    for (const job of unit) job.watchOld();
    this.#waiting.push(unit);
    // Whoever comes first takes all that wait by then; for the others nothing is left to do.
    this.#turn = this.#turn.then(async () => {
      const units = this.#waiting;
      this.#waiting = [];
      if (units.length > 0) await this.#routeAll(units);
    });
    await this.#turn;
  }

  /** One update of the proxy for all; when it refuses that, unit by unit, so that only the guilty one fails. */
  async #routeAll(units: readonly (readonly Job[])[]): Promise<void> {
    try {
      await this.#switch(units.flat());
    } catch (error) {
      if (units.length > 1) for (const unit of units) await this.#routeAll([unit]);
      else for (const job of units.flat()) await job.fail(error);
    }
  }

  async #switch(jobs: readonly Job[]): Promise<void> {
    const steps = jobs.map((job) => job.route);
    await reportedTogether(
      steps.map((step) => ({ project: step.release.project, step })),
      this.#ctx,
      () => switchRoutes(steps, this.#ctx),
    );
  }
}
