import { relative } from 'node:path';

/** An absolute path of this machine as a definition in `dir` names it. */
export function pathFrom(dir: string, path: string): string {
  const from = relative(dir, path) || '.';
  if (from.startsWith('../../../')) return path;
  return from.startsWith('.') ? from : `./${from}`;
}
