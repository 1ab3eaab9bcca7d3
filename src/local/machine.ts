import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { HostctlError } from '../errors.ts';
import type { Machine, RunOptions } from '../ports.ts';

/** Programs and facts of the machine hostctl runs on. */
export class LocalMachine implements Machine {
  readonly root = process.getuid?.() === 0;
  readonly pid = process.pid;
  readonly node = process.versions.node;
  readonly #env: NodeJS.ProcessEnv;

  readonly self: readonly string[];

  constructor(env: NodeJS.ProcessEnv, self: readonly string[]) {
    this.#env = env;
    this.self = self;
  }

  /** Programs of the administrator are there even when the caller's PATH does not say so. */
  get #path(): string {
    return [this.#env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  }

  systemd(): Promise<boolean> {
    return succeeds(access('/run/systemd/system'));
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      const child = spawn(argv[0]!, argv.slice(1), {
        env: { ...this.#env, PATH: this.#path, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(options.within === undefined ? {} : { timeout: options.within }),
      });
      let output = '';
      const take = (chunk: Buffer): void => {
        const text = chunk.toString('utf8');
        output += text;
        for (const line of text.split('\n')) if (line.trim() !== '') options.onLine?.(line.trimEnd());
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('error', (error) => resolve({ code: 127, output: error.message }));
      child.on('close', (code) => resolve({ code: code ?? 1, output }));
    });
  }

  detach(argv: readonly string[], log: string): void {
    const file = openSync(log, 'a');
    spawn(argv[0]!, argv.slice(1), { env: this.#env, detached: true, stdio: ['ignore', file, file] }).unref();
  }

  stream(argv: readonly string[], onLine: (line: string) => void): Readable {
    const child = spawn(argv[0]!, argv.slice(1), { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = new PassThrough();
    const errors: string[] = [];
    child.stdout.pipe(out, { end: false });
    child.stderr.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString('utf8').split('\n')) {
        if (line.trim() === '') continue;
        errors.push(line.trimEnd());
        onLine(line.trimEnd());
      }
    });
    child.on('error', (error) => out.destroy(error));
    child.on('close', (code) => {
      if (code === 0) out.end();
      // Destroyed rather than ended: whoever reads must not take half a stream for the whole.
      else out.destroy(new HostctlError('PROGRAM_FAILED', `${argv[0]} ended with ${code}: ${whatWentWrong(errors)}`));
    });
    return out;
  }

  async has(program: string): Promise<boolean> {
    for (const dir of this.#path.split(delimiter)) {
      if (await succeeds(access(join(dir, program), constants.X_OK))) return true;
    }
    return false;
  }

  temporary(): Promise<string> {
    return mkdtemp(join(tmpdir(), 'hostctl-'));
  }

  discard(dir: string): Promise<void> {
    return rm(dir, { recursive: true, force: true });
  }

  async read(path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8');
    } catch {
      return undefined;
    }
  }

  listens(port: number): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, timeout: 1000 });
      const done = (answer: boolean): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.on('connect', () => done(true));
      socket.on('error', () => done(false));
      socket.on('timeout', () => done(false));
    });
  }
}

/** The lines a program marks as errors, or its last ones. */
function whatWentWrong(lines: readonly string[]): string {
  const marked = lines.filter((line) => /^(E|Err|error|fatal):/i.test(line));
  return (marked.length > 0 ? marked : lines.slice(-5)).join('; ');
}

async function succeeds(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}
