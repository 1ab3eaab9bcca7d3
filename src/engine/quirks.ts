import { EXIT, HostctlError } from '../errors.ts';

/** What is known to be wrong with some engines, as data; the adapter acts on it, nobody asks for a version number. */
export interface Quirks {
  /**
   * Engines before 20.10.27 can lock up for good when containers of one bridge network come and go at once
   * (moby#46661). There, the calls that touch networks are made one at a time.
   */
  readonly serialNetwork: boolean;
}

export function quirksOf(version: string): Quirks {
  return { serialNetwork: isBefore(version, [20, 10, 27]) };
}

/** `20.10.24+dfsg1` < `20.10.27`. A version that cannot be read counts as old: slower, but safe. */
export function isBefore(version: string, limit: readonly number[]): boolean {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  if (!match) return true;
  const parts = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  for (const [index, least] of limit.entries()) {
    if (parts[index] !== least) return parts[index]! < least;
  }
  return false;
}

const OLDEST_API = [1, 41];

/** @param spoken newest version of the API an engine knows */
export function refuseOld(spoken: string): void {
  if (!isBefore(spoken, OLDEST_API)) return;
  const message = `the Docker Engine speaks version ${spoken} of its API; hostctl needs ${OLDEST_API.join('.')}, which is Docker 20.10`;
  throw new HostctlError('ENGINE_OLD', message, { exit: EXIT.unreachable, hints: ['update Docker Engine'] });
}
