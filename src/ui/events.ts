import type { ChalkInstance } from 'chalk';
import type { EventView } from '../core/journal.ts';
import { formatDuration } from '../core/units.ts';
import { formatTable } from './table.ts';

export function formatEvents(events: readonly EventView[], paint: ChalkInstance): string {
  if (events.length === 0) return 'Nothing was done yet, or nothing since then.\n';
  const rows = events.map((event) => [
    event.at.replace('T', ' ').slice(0, 19),
    event.who,
    event.project,
    event.doing,
    outcomeText(event, paint),
    releases(event),
    event.ms === null ? '-' : formatDuration(event.ms),
  ]);
  return formatTable(['AT (UTC)', 'WHO', 'PROJECT', 'DID', 'OUTCOME', 'RELEASE', 'TOOK'], rows);
}

function outcomeText({ outcome, code }: EventView, paint: ChalkInstance): string {
  const text = code === null ? outcome : `${outcome}: ${code}`;
  if (outcome === 'ok') return paint.green(text);
  return outcome === 'running' || outcome === 'refused' ? text : paint.red(text);
}

/** `3 → 4`; only `3` while it stays. */
function releases({ before, after, ms }: EventView): string {
  const from = before === null ? '-' : String(before);
  return ms === null || before === after ? from : `${from} → ${after ?? '-'}`;
}
