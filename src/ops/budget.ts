import { formatNeed, type MemoryNeed } from '../core/memory.ts';
import { formatSize } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { freeMemory } from './memory.ts';

/** Gives projects that are deployed at once the memory they start in: who does not fit beside the others waits for them. */
export class Budget {
  readonly #ctx: Context;
  /** Bytes that deploys which are under way may still take. */
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /**
   * Ends when there is room, with what gives it back. Memory is looked at each time: what was started before may have
   * grown. Fails with MEMORY_SHORT when it would not fit even alone.
   */
  async take(need: MemoryNeed | undefined): Promise<() => void> {
    if (!need) return () => undefined;
    for (;;) {
      const free = await freeMemory(this.#ctx);
      const now = { ...need, free: free ?? need.free };
      const fits = need.needs + need.reserve + this.#taken <= now.free;
      if (!fits && this.#taken > 0) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      if (!fits) this.#short({ ...now, fits });
      this.#taken += need.needs;
      return () => this.#giveBack(need.needs);
    }
  }

  #giveBack(bytes: number): void {
    this.#taken -= bytes;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #short(need: MemoryNeed): void {
    const text = `the deploy ${formatNeed(need)}`;
    if (this.#ctx.workspace.whenShort !== 'ignore') throw shortOf(need, this.#ctx);
    this.#ctx.ui.event({ type: 'warning', text });
  }
}

function shortOf(need: MemoryNeed, ctx: Context): HostctlError {
  const uses = need.likely === undefined ? '' : `: what runs now uses ${formatSize(need.likely)}`;
  const gap = need.beside && ctx.workspace.whenShort === 'refuse';
  return new HostctlError('MEMORY_SHORT', `the deploy ${formatNeed(need)}`, {
    exit: EXIT.unhealthy,
    hints: [
      `lower limits.memory where it is never reached${uses}`,
      ...(gap
        ? ['`memory: { when-short: stop-first }` in hostctl.yaml stops the old copy first, with a short gap']
        : []),
      'hostctl status shows what everything uses',
    ],
  });
}
