import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ignore } from './ignore.ts';

/** One thing in a source directory. Sockets, devices and pipes are not listed. */
export interface Entry {
  /** Relative to the directory, with slashes. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly executable: boolean;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  /** Where a link leads, as written. */
  readonly target?: string;
}

/** Everything below a directory that is not ignored, in one fixed order. */
export async function walk(dir: string, ignore: Ignore): Promise<Entry[]> {
  const found: Entry[] = [];
  await walkInto(dir, '', ignore, found);
  return found;
}

async function walkInto(dir: string, at: string, ignore: Ignore, found: Entry[]): Promise<void> {
  const names = await readdir(join(dir, at));
  for (const name of names.toSorted()) {
    const path = at === '' ? name : `${at}/${name}`;
    const stats = await lstat(join(dir, path));
    const excluded = ignore.excludes(path);
    if (stats.isDirectory()) {
      if (ignore.prunes(path)) continue;
      if (!excluded) found.push({ path, kind: 'folder', executable: true, size: 0, mtime: stats.mtimeMs });
      await walkInto(dir, path, ignore, found);
    } else if (excluded) {
      continue;
    } else if (stats.isSymbolicLink()) {
      const target = await readlink(join(dir, path));
      found.push({ path, kind: 'link', executable: false, size: 0, mtime: stats.mtimeMs, target });
    } else if (stats.isFile()) {
      const executable = (stats.mode & 0o100) !== 0;
      found.push({ path, kind: 'file', executable, size: stats.size, mtime: stats.mtimeMs });
    }
  }
}
