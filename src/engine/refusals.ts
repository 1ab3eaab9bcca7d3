/** What the engine refuses with: which of it is no failure, and which has better words. */
import type { Limits } from '../core/model.ts';
import { formatSize } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import { EngineError } from './api.ts';

export function isStatus(error: unknown, status: number): error is EngineError {
  return error instanceof EngineError && error.status === status;
}

/** What is gone already is as good as removed, and what is not there inspects as undefined. */
export async function missing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** New limits. Below what is used, the kernel refuses. */
export function limits(error: unknown, name: string, wanted: Limits): never {
  const busy = /memory limit|memory\.\S+: device or resource busy/;
  if (!isStatus(error, 500) || !busy.test(error.message)) throw error;
  const used = /current usage: (\d+)/.exec(error.message)?.[1];
  const now = used === undefined ? '' : `: it uses ${formatSize(Number(used))}`;
  throw new HostctlError('MEMORY_IN_USE', `${name} cannot be limited to ${formatSize(wanted.memory)} now${now}`, {
    hints: ['raise limits.memory', 'where it needs less after a start: hostctl stop, then deploy'],
    cause: error,
  });
}

/** A copy out of a container. The same status means that there is no such container. */
export function copy(error: unknown, name: string, path: string): never {
  if (!isStatus(error, 404) || !/could not find the file/i.test(error.message)) throw error;
  throw new HostctlError('NOT_IN_IMAGE', `${path} is not in the image of ${name}`, { cause: error });
}
