import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LockView } from '../core/lock.ts';
import { formatDuration } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import { besideOf, isBeside } from './beside.ts';
import { holdFile, isHeld } from './flock.ts';

/** What a lock tells about who holds it, or waits for it. */
interface Holder {
  /** user@machine */
  readonly who: string;
  readonly doing: string;
  /** ISO 8601. */
  readonly since: string;
  /** As its holder sees it: in a container it is a number of that. */
  readonly pid: number;
}

/** A deploy among those of a project: the later it began, the newer. */
interface Turn extends Holder {
  readonly turn: number;
  /** Turns count from the start of the machine. */
  readonly boot: string;
}

/** What stands in a lock's file. Only who holds the lock writes there. */
interface LockRecord {
  readonly holder?: Holder;
  /** The newest deploy that has had the lock. */
  readonly newest?: Turn;
}

export interface LockRequest {
  readonly name: string;
  readonly doing: string;
  /** Milliseconds. */
  readonly wait?: number;
  /** Of a deploy: when it began, on a clock all processes share. One that is not the newest any more is superseded. */
  readonly turn?: number;
}

/** Who only looks has a lock for some milliseconds, and so has who is ended while it waits. */
const LEAST_WAIT_MS = 100;
/** Between two looks for a newer deploy that waits, too. */
const LOOK_MS = 1000;
const READS = 20;
const READ_MS = 10;
/** Below the locks' directory. */
const WAITING = 'waiting';

/** The locks of a data root, one file each; deploys that wait have one, too, in a directory of their own. */
export class FileLocks {
  readonly #dir: string;
  readonly #who: string;
  readonly #lost: (error: HostctlError) => void;

  /** @param lost called when a lock that is held ends by itself: whoever goes on then is not alone */
  constructor(dir: string, who: string, lost: (error: HostctlError) => void) {
    this.#dir = dir;
    this.#who = who;
    this.#lost = lost;
  }

  /** Waits as long as was asked for, and returns what gives the lock back. */
  async take({ name, doing, wait = 0, turn }: LockRequest): Promise<() => Promise<void>> {
    const file = join(this.#dir, fileOf(name));
    // Node.js says what is wrong with a file in codes.
    await (await open(file, 'a', 0o600)).close();
    const until = performance.now() + wait;
    const holder = { who: this.#who, doing, since: new Date().toISOString(), pid: process.pid };
    const mine = turn === undefined ? undefined : { ...holder, turn, boot: await bootId() };
    let leave: (() => Promise<void>) | undefined;
    try {
      for (;;) {
        const left = until - performance.now();
        const most = leave || turn === undefined ? LOOK_MS : LEAST_WAIT_MS;
        const release = await this.#hold(name, file, Math.min(most, Math.max(left, LEAST_WAIT_MS)));
        if (!release && left <= LEAST_WAIT_MS) throw locked(name, await holderOf(file));
        const newer = mine && (await this.#newer(name, file, mine));
        if (newer) {
          await release?.();
          throw superseded(name, newer);
        }
        if (release) return await enter(file, holder, mine, release);
        if (mine) leave ??= await this.#wait(name, mine);
      }
    } finally {
      await leave?.();
    }
  }

  /** Locks that are held and deploys that wait, at this moment. */
  async views(): Promise<LockView[]> {
    const files = (await namesIn(this.#dir)).filter((file) => file !== WAITING);
    const held = files.map(async (file): Promise<LockView[]> => {
      const at = join(this.#dir, file);
      if (!(await isHeld(at))) return [];
      return [{ name: nameOf(file), state: 'held', ...told((await readRecord(at)).holder) }];
    });
    const waiting = (await this.#waiting()).map(async ({ name, at }): Promise<LockView[]> => {
      const turn = await livingTurn(at);
      return turn ? [{ name, state: 'waiting', ...told(turn) }] : [];
    });
    return (await Promise.all([...held, ...waiting])).flat();
  }

  async #hold(name: string, file: string, ms: number): Promise<(() => Promise<void>) | undefined> {
    return holdFile(file, ms / 1000, () =>
      this.#lost(
        new HostctlError('LOCK_LOST', `the process that held the lock of ${name} ended, so this one stopped at once`, {
          hints: ['run the same command again'],
        }),
      ),
    );
  }

  /** A newer deploy that waits for the project, or has had it already. */
  async #newer(name: string, file: string, mine: Turn): Promise<Holder | undefined> {
    const { newest } = await readRecord(file);
    if (newest && newest.boot === mine.boot && newest.turn > mine.turn) return newest;
    for (const item of await this.#waiting()) {
      if (item.name !== name || item.turn <= mine.turn) continue;
      const turn = await livingTurn(item.at);
      if (turn) return turn;
    }
    return undefined;
  }

  /** Takes a place among those that wait. It appears when its lock is held already, so one without a lock is dead. */
  async #wait(name: string, mine: Turn): Promise<() => Promise<void>> {
    const at = join(this.#dir, WAITING, `${fileOf(name)}.${mine.turn}.${randomBytes(6).toString('hex')}`);
    const beside = besideOf(at);
    await writeFile(beside, JSON.stringify(mine), { mode: 0o600 });
    const release = await this.#hold(name, beside, LOOK_MS);
    await rename(beside, at);
    return async () => {
      await rm(at, { force: true });
      await release?.();
    };
  }

  async #waiting(): Promise<{ name: string; turn: number; at: string }[]> {
    const dir = join(this.#dir, WAITING);
    return (await namesIn(dir))
      .filter((file) => !isBeside(file))
      .map((file) => {
        const [name = '', turn] = file.split('.');
        return { name, turn: Number(turn), at: join(dir, file) };
      });
  }
}

/** Writes down who has the lock. That it is held does not depend on it: the disk may be full. */
async function enter(
  file: string,
  holder: Holder,
  mine: Turn | undefined,
  release: () => Promise<void>,
): Promise<() => Promise<void>> {
  const newest = mine ?? (await readRecord(file)).newest;
  const write = (record: LockRecord): Promise<void> => writeFile(file, JSON.stringify(record)).catch(() => undefined);
  const rest = newest ? { newest } : {};
  await write({ holder, ...rest });
  return async () => {
    await write(rest);
    await release();
  };
}

async function readRecord(file: string): Promise<LockRecord> {
  return (await readJson<LockRecord>(file)) ?? {};
}

/** Who has just taken it may not have written that down yet. */
async function holderOf(file: string): Promise<Holder | undefined> {
  for (let reads = 0; reads < READS; reads += 1) {
    const { holder } = await readRecord(file);
    if (holder) return holder;
    await new Promise((resolve) => setTimeout(resolve, READ_MS));
  }
  return undefined;
}

/** A deploy that waits; what one that is gone has left is cleared away. */
async function livingTurn(at: string): Promise<Turn | undefined> {
  const turn = await readJson<Turn>(at);
  if (turn && (await isHeld(at))) return turn;
  await rm(at, { force: true });
  return undefined;
}

/** Undefined when it is not there, or not all of it is. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** No project's name holds a dot. */
function fileOf(name: string): string {
  return name.replaceAll(' ', '.');
}

function nameOf(file: string): string {
  return file.replaceAll('.', ' ');
}

function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim());
}

function told(holder: Holder | undefined): Omit<LockView, 'name' | 'state'> {
  const { who, doing, since, pid } = holder ?? {};
  return { who: who ?? null, doing: doing ?? null, since: since ?? null, pid: pid ?? null };
}

function locked(name: string, holder: Holder | undefined): HostctlError {
  const by = holder ? atIt(holder) : 'another hostctl is at it';
  return new HostctlError('LOCKED', `${name} is locked: ${by}`, {
    exit: EXIT.locked,
    hints: ['try again when it has finished, or add --wait 5m', 'hostctl lock status shows who waits'],
  });
}

function superseded(name: string, newer: Holder): HostctlError {
  return new HostctlError('SUPERSEDED', `a newer deploy of ${name} takes the place of this one: ${atIt(newer)}`, {
    exit: EXIT.locked,
    hints: ['nothing of this one went live'],
  });
}

/** `root@server has been at it for 12s, since 2026-11-22 18:03:12 UTC (deploy, process 4711)` */
function atIt({ who, doing, since, pid }: Holder): string {
  const length = formatDuration(Math.max(0, Date.now() - Date.parse(since)));
  const at = since.replace('T', ' ').slice(0, 19);
  return `${who} has been at it for ${length}, since ${at} UTC (${doing}, process ${pid})`;
}
