import { createHash } from 'node:crypto';
import { HostctlError } from '../errors.ts';

/**
 * Numbers derived from names, so that the same definition gets the same uid and subnet on every host. Two names that
 * fall on one number are told apart by hashing again; the choice is written down (label and identity record), because
 * what was chosen depends on what was taken then.
 */

/** uid and gid of the proxy; outside the range of the apps. */
export const PROXY_UID = 19_999;
const FIRST_UID = 20_000;
/** Up to 59999, where Debian's range of ordinary users ends. */
const UIDS = 40_000;

/** What is remembered of a project as long as any of its data exists. */
export interface Identity {
  /** App → uid (and gid). */
  readonly uids: Readonly<Record<string, number>>;
}

/** The uid of an app: its own preference, or the next that nobody has. */
export function chooseUid(project: string, app: string, taken: ReadonlySet<number>): number {
  const chosen = choose(`${project}/${app}`, UIDS, (number) => {
    const uid = FIRST_UID + number;
    return taken.has(uid) ? undefined : uid;
  });
  if (chosen === undefined) throw new Error(`all ${UIDS} uids are taken`);
  return chosen;
}

/** A subnet of the pool that overlaps none of the taken ones. `key` is what it is for. */
export function chooseSubnet(pool: string, prefix: number, key: string, taken: readonly string[]): string {
  const range = parseCidr(pool);
  const size = 2 ** (32 - prefix);
  const others = taken.filter((cidr) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(cidr)).map(parseCidr);
  const chosen = choose(key, (range.end - range.start) / size, (number) => {
    const start = range.start + number * size;
    const end = start + size;
    return others.some((other) => start < other.end && other.start < end) ? undefined : formatCidr(start, prefix);
  });
  if (chosen !== undefined) return chosen;
  throw new HostctlError('POOL_FULL', `no free subnet of size /${prefix} is left in ${pool} for ${key}`, {
    hints: ['docker network ls shows what takes it', 'or choose another range under network.pool in hostctl.yaml'],
  });
}

/** First acceptable of the numbers a key leads to; tries hashes first, then everything, so that it ends. */
function choose<T>(key: string, count: number, accept: (number: number) => T | undefined): T | undefined {
  const first = numberOf(key, count);
  for (let attempt = 0; attempt < 16; attempt += 1) {
    const chosen = accept(attempt === 0 ? first : numberOf(`${key}#${attempt}`, count));
    if (chosen !== undefined) return chosen;
  }
  for (let step = 1; step < count; step += 1) {
    const chosen = accept((first + step) % count);
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

function numberOf(key: string, count: number): number {
  return createHash('sha256').update(key).digest().readUIntBE(0, 6) % count;
}

export interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** First address and the one behind the last, as numbers. */
export function parseCidr(cidr: string): Range {
  const [address, prefix] = cidr.split('/') as [string, string];
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  const start = Math.floor(number / size) * size;
  return { start, end: start + size };
}

function formatCidr(start: number, prefix: number): string {
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
  return `${parts.join('.')}/${prefix}`;
}
