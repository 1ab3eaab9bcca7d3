import type { Visits } from '../core/results.ts';
import type { Context } from '../ports.ts';

/** Asks the public route again and again until stopped: the proof that nobody noticed the switch. */
export class Watch {
  #requests = 0;
  #failed = 0;
  #max = 0;
  #firstFailure: string | undefined;
  #stopped = false;
  readonly #loop: Promise<void>;

  /** @param every milliseconds between two requests */
  constructor(host: string, path: string, every: number, ctx: Context) {
    this.#loop = this.#run(host, path, every, ctx);
  }

  async #run(host: string, path: string, every: number, ctx: Context): Promise<void> {
    while (!this.#stopped) {
      const answer = await ctx.prober.visit({ host, path, timeout: 30_000 });
      this.#requests += 1;
      this.#max = Math.max(this.#max, answer.ms);
      if (!answer.ok || answer.status >= 500) {
        this.#failed += 1;
        this.#firstFailure ??= answer.ok ? `answered ${answer.status}` : answer.reason;
      }
      await ctx.clock.sleep(every);
    }
  }

  async stop(): Promise<Visits> {
    this.#stopped = true;
    await this.#loop;
    return {
      requests: this.#requests,
      failed: this.#failed,
      max: Math.round(this.#max),
      ...(this.#firstFailure === undefined ? {} : { firstFailure: this.#firstFailure }),
    };
  }
}
