import { spawn } from 'node:child_process';
import type { Notifier } from '../core/journal.ts';
import { formatDuration } from '../core/units.ts';

/** A deploy is over when somebody is told of it, so that may not take long. */
const WITHIN_MS = 5000;
/** A program gets nothing of the environment hostctl was started in, which may hold secrets of a CI runner. */
const CLEAN = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/** Tells others by HTTP and by programs of this machine. */
export class LocalNotifier implements Notifier {
  /** The reason of a failure names no URL: the path of a webhook is often its password. */
  async post(url: string, notice: string): Promise<void> {
    let status: number;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'hostctl', connection: 'close' },
        body: notice,
        redirect: 'manual',
        signal: AbortSignal.timeout(WITHIN_MS),
      });
      status = answer.status;
      await answer.body?.cancel();
    } catch (error) {
      throw new Error(`${new URL(url).host}: ${reasonOf(error as Error)}`, { cause: error });
    }
    if (status >= 300) throw new Error(`${new URL(url).host} answered ${status}`);
  }

  run(argv: readonly string[], notice: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(argv[0]!, argv.slice(1), {
        cwd: '/',
        env: CLEAN,
        stdio: ['pipe', 'ignore', 'ignore'],
        timeout: WITHIN_MS,
        killSignal: 'SIGKILL',
      });
      // One that does not read what it is told may be right all the same.
      child.stdin.on('error', () => undefined);
      child.on('error', (error) => reject(new Error(error.message)));
      child.on('exit', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(signal ? tooLong() : `it ended with ${code}`));
      });
      child.stdin.end(notice);
    });
  }
}

function reasonOf(error: Error): string {
  if (error.name === 'TimeoutError') return tooLong();
  const { cause } = error;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : error.message;
}

function tooLong(): string {
  return `no end within ${formatDuration(WITHIN_MS)}`;
}
