import { join, normalize, resolve } from 'node:path';
import type { Look } from '../look.ts';
import { fitsGlob } from './glob.ts';

export type Found =
  | { readonly files: readonly string[] }
  /** Why it may not be read. */
  | { readonly refused: string };

/** No pattern of a person leads to more. */
const MOST_FILES = 1000;

/**
 * The files an `Include` means, in the order Apache reads them.
 * @param base directory a relative path starts from
 * @param root nothing outside of it is read, wherever `..` or a symbolic link lead
 */
export function findIncluded(pattern: string, base: string, root: string, look: Look): Found {
  const path = normalize(resolve(base, pattern));
  if (!within(path, root)) return { refused: `lies outside of ${root}: name the directory with --root` };
  const files = matching(path, look).flatMap((match) => filesBelow(match, look, 0));
  const realRoot = look.real(root);
  const strays = files.filter((file) => {
    const real = look.real(file);
    return real === undefined || realRoot === undefined || !within(real, realRoot);
  });
  if (strays.length > 0) return { refused: `${strays[0]} leads out of ${root}: name the directory with --root` };
  if (files.length > MOST_FILES) return { refused: `means more than ${MOST_FILES} files` };
  return { files };
}

/** Whether a path is a directory or below it. */
function within(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

function matching(path: string, look: Look): string[] {
  let found = ['/'];
  for (const segment of path.split('/').filter((part) => part !== '')) {
    if (!/[*?[]/.test(segment)) found = found.map((parent) => join(parent, segment));
    else {
      found = found.flatMap((parent) =>
        look
          .list(parent)
          .filter((name) => fitsGlob(segment, name) && !name.startsWith('.'))
          .map((name) => join(parent, name)),
      );
    }
  }
  return found.filter((match) => look.kind(match) !== undefined);
}

function filesBelow(path: string, look: Look, depth: number): string[] {
  if (look.kind(path) === 'file') return [path];
  if (depth > 5) return [];
  return look.list(path).flatMap((name) => filesBelow(join(path, name), look, depth + 1));
}
