import { join, resolve } from 'node:path';
import { EXIT, HostctlError } from '../errors.ts';
import type { Files } from '../ports.ts';
import { findWorkspace } from './load.ts';

/** The directory with hostctl.yaml: the one that is named, or the nearest from here upwards. */
export async function chooseWorkspace(files: Files, named: string | undefined, cwd: string): Promise<string> {
  if (named === undefined) return findWorkspace(files, cwd);
  const dir = resolve(cwd, named);
  if ((await files.kind(join(dir, 'hostctl.yaml'))) === 'file') return dir;
  throw new HostctlError('NO_WORKSPACE', `there is no hostctl.yaml in ${dir}`, {
    exit: EXIT.definition,
    hints: ['--workspace and HOSTCTL_WORKSPACE name the directory it lies in', 'hostctl init writes one'],
  });
}
