/** What was done on a host, by whom, and how it ended: a line of JSON when it begins and one when it has ended. */
import type { LockView } from './lock.ts';

/** A file that only grows. */
export interface Journal {
  /** Adds a line, whole or not at all; puts the file aside when it is full, and keeps few of those. */
  append(line: string): Promise<void>;
  /** All lines that are kept, oldest first. What a power cut tore is not there. */
  journal(): Promise<string[]>;
}

export interface Begin {
  readonly phase: 'begin';
  /** The same in the line of its end. */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  /** user@machine */
  readonly who: string;
  readonly pid: number;
  /** `deploy`, `rollback to release 3`, `stop web`, … */
  readonly doing: string;
  /** `host` for what all projects share. */
  readonly project: string;
  /** The live release then. */
  readonly before: number | null;
}

export interface End extends Omit<Begin, 'phase'> {
  readonly phase: 'end';
  readonly outcome: Exclude<EventOutcome, 'running' | 'unfinished'>;
  /** Code of the error, as in `docs/errors.md`. */
  readonly code: string | null;
  /** What hostctl ends with when it is about this project only. */
  readonly exit: number;
  /** The live release afterwards. */
  readonly after: number | null;
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * `refused`: somebody else was at it, or newer · `reverted`: the release before serves again · `unfinished`: it began, its
 * end was not written down, and it holds no lock
 */
type EventOutcome = 'ok' | 'failed' | 'refused' | 'reverted' | 'running' | 'unfinished';

/** One line of `hostctl events`. */
export interface EventView extends Omit<Begin, 'phase' | 'id'> {
  readonly outcome: EventOutcome;
  readonly code: string | null;
  readonly exit: number | null;
  readonly after: number | null;
  readonly ms: number | null;
}

/** Begins and ends, put together in the order of their begin. */
export function eventsOf(lines: readonly string[], locks: readonly LockView[]): EventView[] {
  const found = new Map<string, EventView>();
  for (const line of lines) {
    const entry = parse(line);
    if (!entry) continue;
    const { id, phase, ...rest } = entry;
    const open = { outcome: outcomeOf(rest, locks), code: null, exit: null, after: null, ms: null };
    if (phase === 'end' || !found.has(id)) found.set(id, { ...open, ...rest });
  }
  return [...found.values()].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Of what has not ended: it goes on while its process holds a lock. */
function outcomeOf({ who, pid }: Pick<Begin, 'who' | 'pid'>, locks: readonly LockView[]): EventOutcome {
  return locks.some((lock) => lock.who === who && lock.pid === pid) ? 'running' : 'unfinished';
}

function parse(line: string): Begin | End | undefined {
  try {
    const entry = JSON.parse(line) as Begin | End;
    return typeof entry.id === 'string' && typeof entry.at === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}

// ---- telling somebody

export const NOTIFIED = ['failure', 'revert', 'success'] as const;
export type Notified = (typeof NOTIFIED)[number];

/** Who is told of what, from hostctl.yaml. */
export interface Notify {
  readonly on: readonly Notified[];
  /** An http or https URL that a notice is posted to. */
  readonly webhook?: string;
  /** A program that gets it as its input. */
  readonly command?: readonly string[];
}

/** Delivers a notice. Fails with a reason that holds no secret. */
export interface Notifier {
  post(url: string, notice: string): Promise<void>;
  run(argv: readonly string[], notice: string): Promise<void>;
}

/** What is sent: no message of an error, since that may quote what an app wrote. */
export interface Notice extends Omit<End, 'phase' | 'id' | 'pid' | 'outcome'> {
  readonly version: number;
  readonly event: Notified;
  readonly instance: string;
  /** One sentence, where chat programs look for it. */
  readonly text: string;
}

/** What an end is for those who want to be told; undefined for what somebody else's work refused. */
export function kindOf({ outcome }: Pick<End, 'outcome'>): Notified | undefined {
  const kinds = { ok: 'success', failed: 'failure', reverted: 'revert', refused: undefined } as const;
  return kinds[outcome];
}

export function noticeOf(end: End, event: Notified, instance: string, version: number): Notice {
  const { phase: _, id: __, pid: ___, outcome: ____, ...rest } = end;
  const serves = end.after === null ? 'nothing is live' : `release ${end.after} is live`;
  const how = {
    success: 'is done',
    failure: `failed (${end.code})`,
    revert: `was taken back (${end.code})`,
  }[event];
  return { version, event, instance, text: `${end.project}: ${end.doing} by ${end.who} ${how}; ${serves}`, ...rest };
}
