import { LAYOUT } from '../core/layout.ts';
import { type History, liveWorkload, type Observed, type Release, type Trial, type Unfinished } from '../core/state.ts';
import { fallbackOf, pendingTrial } from '../core/trial.ts';
import type { Context } from '../ports.ts';

/**
 * What a deploy does to the release that serves, written down before it happens: one that is killed in between must not
 * forget to make it good.
 */
export class Ledger {
  /** Containers of the live release that ran, or tried to, before anything was done. */
  readonly alive: ReadonlySet<string>;
  /** The release that comes back when the new one fails after the switch, and those of its containers that shall run then. */
  readonly fallback: Release | undefined;
  readonly wanted: ReadonlySet<string>;
  /** Containers of the live release that were stopped, or given other limits. */
  readonly stopped: Set<string>;
  readonly limited: Set<string>;
  readonly #ours: (name: string) => boolean;
  readonly #project: string;
  readonly #ctx: Context;
  /** Left by a deploy that was killed while its release was watched. */
  readonly #pending: Trial | undefined;
  #trial: Trial | undefined;
  /** Whether the data root says so. */
  #written: boolean;

  constructor(project: string, history: History, observed: Observed, ctx: Context) {
    this.#project = project;
    this.#ctx = ctx;
    this.#ours = (name) => liveWorkload(name, history) !== undefined;
    const unfinished = observed.unfinished[project];
    this.#written = unfinished !== undefined;
    this.#pending = pendingTrial(history, unfinished);
    this.#trial = this.#pending;
    const running = observed.containers.filter((item) => item.state === 'running' || item.state === 'restarting');
    this.alive = new Set(running.map((item) => item.name).filter(this.#ours));
    this.fallback = fallbackOf(history, unfinished);
    this.wanted = this.#pending ? new Set(this.#pending.alive) : this.alive;
    this.stopped = new Set(unfinished?.stopped.filter(this.#ours));
    this.limited = new Set(unfinished?.limited.filter(this.#ours));
  }

  /** Whether what comes back has to start first. */
  get backFromStop(): boolean {
    return this.stopped.size > 0 || this.#pending !== undefined;
  }

  async willStop(name: string): Promise<void> {
    if (!this.#ours(name)) return;
    this.stopped.add(name);
    await this.#write();
  }

  async willLimit(name: string): Promise<void> {
    if (!this.#ours(name)) return;
    this.limited.add(name);
    await this.#write();
  }

  /** From the switch on this release has to prove itself. */
  async willTry(release: number): Promise<void> {
    const before = this.fallback?.id;
    this.#trial = { release, ...(before === undefined ? {} : { before }), alive: [...this.wanted] };
    await this.#write();
  }

  /** What was there before the switch is there again; a release that an earlier deploy left on trial still is on it. */
  async undone(): Promise<void> {
    if (!this.#pending) return this.settled();
    this.stopped.clear();
    this.limited.clear();
    this.#trial = this.#pending;
    await this.#write();
  }

  /** Nothing is left to make good. */
  async settled(): Promise<void> {
    if (this.#written) await this.#ctx.host.remove(LAYOUT.unfinished(this.#project));
    this.#written = false;
  }

  async #write(): Promise<void> {
    this.#written = true;
    const unfinished: Unfinished = {
      stopped: [...this.stopped],
      limited: [...this.limited],
      ...(this.#trial ? { trial: this.#trial } : {}),
    };
    await this.#ctx.host.write(LAYOUT.unfinished(this.#project), `${JSON.stringify(unfinished)}\n`);
  }
}
