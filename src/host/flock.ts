import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { HostctlError } from '../errors.ts';

/** What `flock` is told to end with when somebody else has the file. */
const HELD = 75;

/**
 * A kernel lock on a file, which holds for everybody who sees the file, whatever their namespaces. Node.js has no call
 * for it, so a child has it: util-linux' `flock`, which becomes a `cat` that reads from us. However this process ends,
 * its end of the pipe closes, the child ends and the kernel lets go.
 * @param seconds how long the child may wait; it outlives us by no more than that
 * @param lost called when the child ends by itself
 * @returns what lets go, or undefined when somebody else has it
 */
export function holdFile(file: string, seconds: number, lost: () => void): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const child = flock(['--timeout', String(seconds), file, 'cat']);
    let held = false;
    let said = '';
    child.stderr.on('data', (chunk) => (said += String(chunk)));
    child.once('error', (error) => reject(unusable(error.message)));
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.once('close', (code) => {
      if (held) lost();
      else if (code === HELD) resolve(undefined);
      else reject(unusable(said.trim() || `it ended with ${code}`));
    });
    const release = (): Promise<void> => {
      held = false;
      child.ref();
      child.stdin.end();
      return ended;
    };
    // What comes back went through cat: the child has the lock.
    child.stdout.once('data', () => {
      held = true;
      // Work that never ends must not be kept alive by its lock.
      child.unref();
      for (const pipe of child.stdio) (pipe as Socket).unref();
      resolve(release);
    });
    child.stdin.write('\n');
  });
}

/** Whether somebody has a file's lock at this moment. */
export function isHeld(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = flock(['--shared', '--nonblock', file, 'true']);
    child.once('error', (error) => reject(unusable(error.message)));
    child.once('exit', (code) => resolve(code === HELD));
  });
}

/** In a process group of its own, so that Ctrl-C ends us first and it by the pipe. */
function flock(args: readonly string[]): ChildProcessWithoutNullStreams {
  const argv = ['--no-fork', '--conflict-exit-code', String(HELD), ...args];
  const child = spawn('flock', argv, { detached: true });
  // It may end before it has read anything.
  child.stdin.on('error', () => undefined);
  return child;
}

function unusable(reason: string): HostctlError {
  return new HostctlError('NO_FLOCK', `locks need the program flock of util-linux: ${reason}`, {
    hints: ['install the package util-linux', 'hostctl doctor tells whether it is found'],
  });
}
