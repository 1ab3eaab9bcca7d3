import { readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Whether a process of another container still lives cannot be told from here; no write takes that long. */
const FOREIGN_MS = 24 * 3_600_000;

let counter = 0;

/** A name beside a file, for writing before a rename: `.tmp-<pid namespace>-<pid>-…`. */
export function besideOf(target: string): string {
  counter += 1;
  return join(dirname(target), `.tmp-${namespace()}-${process.pid}-${Date.now()}-${counter}`);
}

export function isBeside(name: string): boolean {
  return name.startsWith('.tmp-');
}

/** Whether a name is one that a process that is gone has left. */
export async function isLeftover(path: string): Promise<boolean> {
  const [, space, pid] = /\/\.tmp-(\d+)-(\d+)-[^/]*$/.exec(path) ?? [];
  if (pid === undefined) return false;
  if (space !== namespace()) {
    const found = await stat(path).catch(() => undefined);
    return found !== undefined && Date.now() - found.mtimeMs > FOREIGN_MS;
  }
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Numbers of processes mean something within this only: two containers may share a data root. */
function namespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0];
}
