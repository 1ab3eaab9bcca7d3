import type { Visits } from '../core/results.ts';
import type { Answer, Context } from '../ports.ts';

/** What a visitor of a project asks for. */
export interface Asked {
  readonly project: string;
  readonly host: string;
  readonly path: string;
  /** Statuses the definition expects besides 2xx and 3xx. */
  readonly expect: readonly number[];
  /** Whether the site has https, or may have it. */
  readonly secure?: boolean;
}

/** Whether a visitor got an answer of the app, rather than none or one that says it is broken. */
export function served(answer: Answer, asked: Asked): boolean {
  return answer.ok && (answer.status < 500 || asked.expect.includes(answer.status));
}

/** Asks the public route again and again until stopped: the proof that nobody noticed the switch. */
export class Watch {
  #requests = 0;
  #failed = 0;
  #max = 0;
  #firstFailure: string | undefined;
  #stopped = false;
  readonly #loop: Promise<void>;

  /** @param every milliseconds between two requests */
  constructor(asked: Asked, every: number, ctx: Context) {
    this.#loop = this.#run(asked, every, ctx);
  }

  async #run(asked: Asked, every: number, ctx: Context): Promise<void> {
    while (!this.#stopped) {
      const answer = await ctx.prober.visit({ ...asked, timeout: 30_000 });
      this.#requests += 1;
      this.#max = Math.max(this.#max, answer.ms);
      if (!served(answer, asked)) {
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
