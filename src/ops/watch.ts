import type { Visits } from '../core/results.ts';
import type { Context } from '../ports.ts';
import { type Asked, reasonOf, served } from './asked.ts';

/** Visits since a moment of interest; times are in milliseconds by the clock's ticks. */
interface Lately {
  requests: number;
  failed: number;
  /** When the first of the failures began that no answer has followed. */
  silentSince?: number;
  lastFailure: string;
}

/** Asks the public route again and again until stopped: the proof that nobody noticed the switch. */
export class Watch {
  readonly asked: Asked;
  #requests = 0;
  #failed = 0;
  #max = 0;
  #firstFailure: string | undefined;
  #stopped = false;
  #lately: Lately = { requests: 0, failed: 0, lastFailure: '' };
  /** When the visit began that is under way. */
  #askedAt = 0;
  readonly #loop: Promise<void>;

  /** @param every milliseconds between two requests */
  constructor(asked: Asked, every: number, ctx: Context) {
    this.asked = asked;
    this.#loop = this.#run(every, ctx);
  }

  /** From here on `lately` counts anew. */
  mark(): void {
    this.#lately = { requests: 0, failed: 0, lastFailure: '' };
  }

  get lately(): Readonly<Lately> & { readonly askedAt: number } {
    return { ...this.#lately, askedAt: this.#askedAt };
  }

  async #run(every: number, ctx: Context): Promise<void> {
    while (!this.#stopped) {
      const lately = this.#lately;
      this.#askedAt = ctx.clock.ticks();
      const answer = await ctx.prober.visit({ ...this.asked, timeout: 30_000 });
      this.#requests += 1;
      lately.requests += 1;
      this.#max = Math.max(this.#max, answer.ms);
      if (served(answer, this.asked)) {
        delete lately.silentSince;
      } else {
        this.#failed += 1;
        lately.failed += 1;
        lately.silentSince ??= this.#askedAt;
        lately.lastFailure = reasonOf(answer);
        this.#firstFailure ??= lately.lastFailure;
      }
      await ctx.clock.sleep(every);
      // Between two visits none is under way.
      this.#askedAt = ctx.clock.ticks();
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
