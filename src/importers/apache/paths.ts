import { relative } from 'node:path';
import { here, type Site } from './site.ts';

/** A path of the Apache machine as the definition names it: where `--source` says it is, or as it was. */
export function pathFor(site: Pick<Site, 'sources' | 'dir'>, path: string): string {
  const local = here(site, path);
  if (local === path) return path;
  const from = relative(site.dir, local);
  if (from.startsWith('../../')) return local;
  return from.startsWith('.') ? from : `./${from}`;
}

/** What is said of a path that is not on this machine. */
export function missingNote(site: Pick<Site, 'sources' | 'look' | 'notes'>, path: string): string {
  if (site.look.kind(here(site, path)) !== undefined) return '';
  const hint = 'what is not on this machine: copy it here, or say with --source FROM=DIR where it is';
  if (!site.notes.includes(hint)) site.notes.push(hint);
  return '; not on this machine';
}
