import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it that are missing; tells whether it was missing itself. Node's own way says ENOENT
 * where the disk is full; one by one, the kernel's word is heard.
 */
export async function makeFolders(path: string, mode: number): Promise<boolean> {
  const made = await makeOne(path, mode);
  if (made !== undefined) return made;
  await makeFolders(dirname(path), mode);
  if ((await makeOne(path, mode)) === undefined) throw new Error(`${dirname(path)} leads nowhere`);
  return true;
}

/** Undefined when the directory above is missing. */
async function makeOne(path: string, mode: number): Promise<boolean | undefined> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}
