import type { PruneItem } from '../core/results.ts';
import { formatSize } from '../core/units.ts';
import { count } from '../errors.ts';
import { formatTable } from './table.ts';

/** What goes, or went, and what that frees. @param done whether it went */
export function formatPrune(items: readonly PruneItem[], done: boolean): string {
  if (items.length === 0) return 'There is nothing to remove.\n';
  const bytes = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
  const size = bytes > 0 ? `, up to ${formatSize(bytes)} of images` : '';
  if (done) return `removed ${count(items.length, 'thing')}${size}\n`;
  const rows = items.map((item) => [
    item.kind,
    item.project ?? '',
    item.name,
    item.size ? formatSize(item.size) : '',
    item.why,
  ]);
  return `${formatTable(['KIND', 'PROJECT', 'NAME', 'SIZE', 'WHY'], rows)}${count(items.length, 'thing')}${size}\n`;
}
