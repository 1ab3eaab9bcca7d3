import { relative } from 'node:path';

/** An absolute path of this machine as a definition in `dir` names it. */
export function pathFrom(dir: string, path: string): string {
  const from = relative(dir, path) || '.';
  if (from.startsWith('../../../')) return path;
  return from.startsWith('.') ? from : `./${from}`;
}

const SYSTEM = /^\/(?:$|(?:bin|boot|dev|etc|lib|lib64|proc|root|run|sbin|sys|usr|var\/run|var\/lib\/docker)(?:\/|$))/;

/** Whether a path, as it is written, is a part of the machine that no app has to do with. */
export function isSystem(path: string): boolean {
  return SYSTEM.test(path);
}
