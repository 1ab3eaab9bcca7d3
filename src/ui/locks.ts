import type { LockView } from '../core/lock.ts';
import { formatDuration } from '../core/units.ts';
import { formatTable } from './table.ts';

/** @param now milliseconds since 1970 */
export function formatLocks(locks: readonly LockView[], now: number): string {
  if (locks.length === 0) return 'Nothing is locked.\n';
  const rows = locks.map(({ name, state, who, doing, since, pid }) => [
    name,
    state,
    who ?? '-',
    since?.replace('T', ' ').slice(0, 19) ?? '-',
    since === null ? '-' : formatDuration(Math.max(0, now - Date.parse(since))),
    doing ?? '-',
    pid === null ? '-' : String(pid),
  ]);
  return formatTable(['LOCK', 'STATE', 'WHO', 'SINCE (UTC)', 'FOR', 'DOING', 'PROCESS'], rows);
}
