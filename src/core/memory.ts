import { formatDuration, formatSize } from './units.ts';

/** What a host had when it was looked at. */
export interface MemoryFacts {
  /** Bytes programs can still get: what the kernel calls available. */
  readonly free: number;
  /** Bytes in use, by container. */
  readonly used: Readonly<Record<string, number>>;
}

/** What the new containers of a project take while the old ones still run. */
export interface MemoryNeed {
  /** Bytes, at most: their limits together, less what copies that are stopped before give back. */
  readonly needs: number;
  /** Bytes the copies use whose place they take; absent where there are none. */
  readonly likely?: number;
  /** Whether they run beside a copy of the same app. */
  readonly beside: boolean;
  /** Milliseconds until the old copies are gone; absent when all of them stay. */
  readonly ms?: number;
  /** Whether `ms` is made from what the last release took, not from the longest that is allowed. */
  readonly measured: boolean;
  readonly free: number;
  /** Bytes that are left to the host and to running apps that grow. */
  readonly reserve: number;
  readonly fits: boolean;
}

/** Share of a host's memory that a start leaves free. */
const RESERVE = 1 / 20;

/** Bytes of a host's memory that a start leaves free. @param total all of it */
export function reserveOf(total: number): number {
  return Math.round(total * RESERVE);
}

/** `MemAvailable` of /proc/meminfo in bytes: what is free, and what the kernel can drop at once. */
export function readAvailable(text: string | undefined): number | undefined {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(text ?? '');
  return found ? Number(found[1]) * 1024 : undefined;
}

/** `needs 256M for about 12s, 1.1G free`. */
export function formatNeed(need: MemoryNeed): string {
  const short = need.fits ? '' : `: too little, as ${formatSize(need.reserve)} must be left`;
  return `needs ${formatSize(need.needs)}${formatTime(need)}, ${formatSize(need.free)} free${short}`;
}

/** What the copies use that run now, for a person who wonders about the limit; empty where there are none. */
export function formatLikely({ likely }: MemoryNeed): string {
  return likely === undefined ? '' : `what runs now uses ${formatSize(likely)}`;
}

function formatTime({ ms, measured }: MemoryNeed): string {
  if (ms === undefined) return '';
  return ` for ${measured ? 'about' : 'up to'} ${formatDuration(Math.max(1000, Math.round(ms / 1000) * 1000))}`;
}

/** Memory limits of everything together, against what the host has. */
export interface Commitment {
  /** Bytes. */
  readonly limits: number;
  readonly total: number;
}

/** A sentence where all limits together are more than there is. */
export function overcommitted({ limits, total }: Commitment): string | undefined {
  return limits > total
    ? `all apps and the proxy together may use ${formatSize(limits)}, and this host has ${formatSize(total)}`
    : undefined;
}
