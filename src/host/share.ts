import { link, lstat, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Larger files are not worth reading twice. */
const LARGEST = 32 * 1024 ** 2;

/** Makes files of `fresh` that are equal to those at the same place in `earlier` the same files, by hard links. */
export async function shareFiles(fresh: string, earlier: string): Promise<void> {
  const names = await readdir(fresh, { withFileTypes: true });
  for (const entry of names) {
    const [now, before] = [join(fresh, entry.name), join(earlier, entry.name)];
    if (entry.isDirectory()) await shareFiles(now, before);
    else if (entry.isFile() && (await equal(now, before))) await replaceByLink(now, before);
  }
}

async function equal(a: string, b: string): Promise<boolean> {
  try {
    const [first, second] = await Promise.all([lstat(a), lstat(b)]);
    if (!second.isFile() || first.size !== second.size || first.size > LARGEST || first.mode !== second.mode)
      return false;
    const [x, y] = await Promise.all([readFile(a), readFile(b)]);
    return x.equals(y);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return false;
    throw error;
  }
}

async function replaceByLink(now: string, before: string): Promise<void> {
  const beside = `${now}.shared`;
  try {
    await link(before, beside);
  } catch (error) {
    // Some file systems have no hard links, or too many of one file: the copy serves as well.
    if (['EPERM', 'EMLINK', 'EXDEV', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
  await rename(beside, now);
}
