import { randomBytes } from 'node:crypto';
import { type Begin, type End, eventsOf, type EventView, kindOf, type Notice, noticeOf } from '../core/journal.ts';
import { LAYOUT } from '../core/layout.ts';
import { JSON_VERSION, type Outcome } from '../core/results.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';

/** What one command does to some projects, written down as it begins and ends, and told to who wants to know. */
export class Recorder {
  readonly #doing: string;
  readonly #ctx: Context;
  /** On both clocks: one that is written down, one that nobody can set. */
  readonly #since: number;
  readonly #ticks: number;
  readonly #begun = new Map<string, Begin>();

  constructor(doing: string, ctx: Context) {
    this.#doing = doing;
    this.#ctx = ctx;
    this.#since = ctx.clock.now();
    this.#ticks = ctx.clock.ticks();
  }

  /** From here on something is changed. */
  async begin(project: string): Promise<void> {
    const begin = await this.#newBegin(project);
    this.#begun.set(project, begin);
    await this.#write(begin);
  }

  /** What never began and did not fail changed nothing, and is not worth a line. */
  async end(project: string, error?: unknown): Promise<void> {
    const begun = this.#begun.get(project);
    if (!begun && error === undefined) return;
    const begin = begun ?? (await this.#newBegin(project));
    const { code, exit, outcome } = describe(error);
    const after = await liveRelease(project, this.#ctx);
    const ms = Math.round(this.#ctx.clock.ticks() - this.#ticks);
    const end: End = { ...begin, phase: 'end', outcome, code, exit, after, ms };
    await this.#write(end);
    await notify(end, this.#ctx);
  }

  async #newBegin(project: string): Promise<Begin> {
    return {
      phase: 'begin',
      id: randomBytes(6).toString('hex'),
      at: new Date(this.#since).toISOString(),
      who: this.#ctx.who,
      pid: this.#ctx.machine.pid,
      doing: this.#doing,
      project,
      before: await liveRelease(project, this.#ctx),
    };
  }

  /** A full disk must not stop a deploy that needs none of it. */
  async #write(line: Begin | End): Promise<void> {
    try {
      await this.#ctx.host.append(JSON.stringify(line));
    } catch (error) {
      const text = `not written to the audit log: ${(error as Error).message}`;
      this.#ctx.ui.event({ type: 'warning', project: line.project, text });
    }
  }
}

/** Records what a command does to one project. The work says when it begins to change something. */
export async function recorded<T>(
  project: string,
  doing: string,
  ctx: Context,
  work: (begin: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const recorder = new Recorder(doing, ctx);
  try {
    const result = await work(() => recorder.begin(project));
    await recorder.end(project);
    return result;
  } catch (error) {
    await recorder.end(project, error);
    throw error;
  }
}

/** What changes one project while nobody else does. */
export interface Change {
  readonly project: string;
  readonly doing: string;
  /** Default: that of the project. */
  readonly lock?: string;
  /** Milliseconds to wait for the lock. */
  readonly wait: number;
}

/** Records what is done while a lock is held. */
export function recordedAlone<T>(change: Change, ctx: Context, work: () => Promise<T>): Promise<T> {
  const { project, doing, lock = project, wait } = change;
  return recorded(project, doing, ctx, async (begin) => {
    const unlock = await ctx.host.lock(lock, doing, wait);
    try {
      await begin();
      return await work();
    } finally {
      await unlock();
    }
  });
}

/** Records what becomes of several projects. The work says when it begins to change one. */
export async function recordedAll(
  projects: readonly string[],
  doing: string,
  ctx: Context,
  work: (recorder: Recorder) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const recorder = new Recorder(doing, ctx);
  try {
    const outcomes = await work(recorder);
    await Promise.all(outcomes.map(({ project, error }) => recorder.end(project, error)));
    return outcomes;
  } catch (error) {
    await Promise.all(projects.map((project) => recorder.end(project, error)));
    throw error;
  }
}

/** What happened, oldest first. @param since milliseconds since 1970 */
export async function events(project: string | undefined, since: number, ctx: Context): Promise<EventView[]> {
  const [lines, locks] = await Promise.all([ctx.host.journal(), ctx.host.locks()]);
  return eventsOf(lines, locks).filter(
    (event) => (project === undefined || event.project === project) && Date.parse(event.at) >= since,
  );
}

function describe(error: unknown): Pick<End, 'outcome' | 'code' | 'exit'> {
  if (error === undefined) return { outcome: 'ok', code: null, exit: EXIT.done };
  if (!(error instanceof HostctlError)) return { outcome: 'failed', code: 'BUG', exit: EXIT.failed };
  const { code, exit } = error;
  if (exit === EXIT.locked) return { outcome: 'refused', code, exit };
  return { outcome: exit === EXIT.reverted ? 'reverted' : 'failed', code, exit };
}

async function liveRelease(project: string, ctx: Context): Promise<number | null> {
  // Also of a data root that cannot be read: that is for the command itself to say.
  const link = await ctx.host.readLink(LAYOUT.current(project)).catch(() => undefined);
  const id = Number.parseInt(link?.replace('releases/', '') ?? '', 10);
  return Number.isNaN(id) ? null : id;
}

/** Nobody who cannot be told changes what has become of a command. */
async function notify(end: End, ctx: Context): Promise<void> {
  const { notify: wanted, instance } = ctx.workspace;
  const kind = kindOf(end);
  if (!wanted || kind === undefined || !wanted.on.includes(kind)) return;
  const notice: Notice = noticeOf(end, kind, instance, JSON_VERSION);
  const text = `${JSON.stringify(notice)}\n`;
  const attempt = (what: string, sending: Promise<void> | undefined): Promise<void> | undefined =>
    sending?.catch((error: unknown) => {
      const text = `${what} was not told: ${(error as Error).message}`;
      ctx.ui.event({ type: 'warning', project: end.project, text });
    });
  const { webhook, command } = wanted;
  await Promise.all([
    attempt('the webhook', webhook === undefined ? undefined : ctx.notifier.post(webhook, text)),
    attempt(command?.[0] ?? '', command && ctx.notifier.run(command, text)),
  ]);
}
