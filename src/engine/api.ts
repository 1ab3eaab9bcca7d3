import { Agent } from 'node:http';
import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import type { z } from 'zod';
import { EXIT, HostctlError } from '../errors.ts';
import { formatPath, type PathKey } from '../core/problems.ts';
import { formatDuration } from '../core/units.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** Without the version: `/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Sent as the request's body instead. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the answer must be complete (for streams: must begin). */
  readonly deadline?: number;
  /** Milliseconds a stream may be silent before it counts as lost; absent for those that may be for ever. */
  readonly silence?: number;
  readonly signal?: AbortSignal;
}

/** The engine answered, but not with success. */
export class EngineError extends HostctlError {
  readonly status: number;

  constructor(call: Call, status: number, message: string) {
    super('ENGINE', `the engine refused ${call.method} ${call.path}: ${message}`, { exit: EXIT.failed });
    this.name = 'EngineError';
    this.status = status;
  }
}

/** Where the engine of this system listens, the one `setup` can install and start. */
export const SYSTEM_ENGINES = new Set(['unix:///var/run/docker.sock', 'unix:///run/docker.sock']);

const DEADLINE = 60_000;
/** How long an engine that has answered before may be away: a restart with many containers takes its time. */
const AWAY = 30_000;
const AWAY_POLL = 250;
/** How a connection ends that nobody meant to end. */
const DROPPED = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_CONSTANT']);
/** And how one is refused while nobody listens. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED']);
const HANGS = 'hostctl doctor tells whether the engine hangs; restarting it helps then';
/** Every status is handed to us; dockerode's own messages lose the engine's words on streams. */
const ANY_STATUS = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [index + 100, true]));

type Dial = (options: Record<string, unknown>, done: (error: Error | null, answer: never) => void) => void;

interface Answer extends Readable {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  setTimeout(ms: number, silent: () => void): void;
}

/** docker-modem prints its options on every request, shown or not; an agent takes a millisecond to print. */
class QuietAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}

/**
 * The engine's HTTP API through dockerode's transport, with what dockerode leaves open closed here: a deadline on every
 * call, bodies that are read to their end or fail, errors of our own.
 */
export class EngineApi {
  readonly #dial: Dial;
  readonly #endpoint: string;
  readonly #patience: number;
  readonly #modem: { version?: string };
  /** When the engine that answered before was first missed, on the monotonic clock. */
  #missedSince: number | undefined;

  /**
   * @param endpoint `unix:///var/run/docker.sock`
   * @param patience milliseconds to wait for an engine that answered before and restarts
   */
  constructor(endpoint: string, patience = AWAY) {
    const socketPath = endpoint.replace(/^unix:\/\//, '');
    // A connection of its own per call: a kept one that the engine closes in between would look like a lost answer.
    const docker = new Docker({ socketPath, agent: new QuietAgent({ keepAlive: false }) } as Docker.DockerOptions);
    const modem = docker.modem as unknown as { dial: Dial; version?: string };
    this.#modem = modem;
    this.#dial = modem.dial.bind(modem);
    this.#endpoint = endpoint;
    this.#patience = patience;
  }

  /** All calls from here on speak this version, such as `1.41`. */
  pin(version: string): void {
    this.#modem.version = `v${version}`;
  }

  /** The answer as JSON, of the shape that is asked for; undefined when it has no body and none is. */
  async json<T>(call: Call, shape?: z.ZodType<T>): Promise<T> {
    const text = await this.text(call);
    const value = text === '' ? undefined : parsed(text, call);
    if (!shape) return value as T;
    const checked = shape.safeParse(value);
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    throw unreadable(call, `${formatPath(issue!.path as PathKey[]) || 'the answer'}: ${issue!.message}`);
  }

  async text(call: Call): Promise<string> {
    return this.#guard(call, async (signal) => readAll(await this.#answer(call, signal)));
  }

  /** The newest version of the API the engine speaks. */
  async version(): Promise<string> {
    const call = { method: 'GET', path: '/_ping', deadline: 10_000 } as const;
    const version = await this.#guard(call, async (signal) => {
      const answer = await this.#answer(call, signal);
      await readAll(answer);
      return answer.headers['api-version'];
    });
    if (version !== undefined) return version;
    throw new HostctlError('ENGINE_UNREACHABLE', `what answers at ${this.#endpoint} is no Docker Engine`, {
      exit: EXIT.unreachable,
      hints: ['look where `engine` of hostctl.yaml or DOCKER_HOST points'],
    });
  }

  /** The answer's body as it comes; the deadline only covers its beginning, `silence` what follows. */
  async open(call: Call): Promise<Readable> {
    const beginning = new AbortController();
    const timer = setTimeout(() => beginning.abort(timeout()), call.deadline ?? DEADLINE);
    try {
      const signal = call.signal ? AbortSignal.any([call.signal, beginning.signal]) : beginning.signal;
      const answer = await this.#translate(call, () => this.#answer(call, signal));
      if (call.silence !== undefined) answer.setTimeout(call.silence, () => answer.destroy(this.#lost(call)));
      const body = new PassThrough();
      answer.on('error', (error) => body.destroy(this.#plain(error, call) as Error));
      body.on('close', () => answer.destroy());
      return answer.pipe(body);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A raw connection to a process inside a container. */
  async hijack(call: Call): Promise<Duplex> {
    return this.#translate(call, async () => {
      const answer: unknown = await this.#request(call, undefined, { hijack: true, openStdin: true });
      return answer as Duplex;
    });
  }

  async #guard<T>(call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const attempt = (): Promise<T> => {
      const deadline = AbortSignal.timeout(call.deadline ?? DEADLINE);
      const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline;
      return this.#translate(call, () => work(signal));
    };
    for (;;) {
      try {
        const result = await attempt();
        this.#missedSince = undefined;
        return result;
      } catch (error) {
        // Whether a lost call was carried out nobody knows; "already so" is success, so it may be made again.
        if (call.stream !== undefined || !this.#mayReturn(error)) throw error;
        await sleep(AWAY_POLL);
      }
    }
  }

  /** Whether the engine was there and may be restarting. All calls together wait for it once. */
  #mayReturn(error: unknown): boolean {
    const { code = '' } = ((error as HostctlError).cause ?? {}) as { code?: string };
    if (this.#modem.version === undefined || !(DROPPED.has(code) || NOBODY.has(code))) return false;
    this.#missedSince ??= performance.now();
    return performance.now() - this.#missedSince < this.#patience;
  }

  async #answer(call: Call, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#request(call, signal, {});
    if (answer.statusCode < 400) return answer;
    const text = await readAll(answer);
    throw new EngineError(call, answer.statusCode, messageOf(text) || `HTTP ${answer.statusCode}`);
  }

  #request(call: Call, signal: AbortSignal | undefined, more: Record<string, unknown>): Promise<Answer> {
    const query = Object.fromEntries(Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined));
    return new Promise((resolve, reject) => {
      this.#dial(
        {
          // docker-modem drops the last character of a path that holds a question mark and has no options.
          path: `${call.path}?`,
          method: call.method,
          options: { _query: query, _body: call.body ?? {} },
          isStream: true,
          statusCodes: ANY_STATUS,
          ...(call.headers ? { headers: { ...call.headers } } : {}),
          ...(call.stream ? { file: call.stream } : {}),
          ...(signal ? { abortSignal: signal } : {}),
          ...more,
        },
        (error, answer) => (error ? reject(error) : resolve(answer)),
      );
    });
  }

  async #translate<T>(call: Call, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#plain(error, call);
    }
  }

  #lost(call: Call): HostctlError {
    const message = `the Docker Engine has said nothing for ${formatDuration(call.silence!)} during ${call.method} ${call.path}`;
    return new HostctlError('ENGINE_UNREACHABLE', message, { exit: EXIT.unreachable, hints: [HANGS] });
  }

  #plain(error: unknown, call: Call): unknown {
    if (error instanceof HostctlError) return error;
    if (call.signal?.aborted) return call.signal.reason;
    const { code = '', name = '' } = error as { code?: string; name?: string };
    const unreachable = (message: string, hints: string[]): HostctlError =>
      new HostctlError('ENGINE_UNREACHABLE', message, { exit: EXIT.unreachable, hints, cause: error });
    const where = this.#endpoint;
    const ours = SYSTEM_ENGINES.has(where);
    const elsewhere = 'that is where `engine` of hostctl.yaml or DOCKER_HOST points';
    if (code === 'ENOENT')
      return unreachable(`there is no Docker Engine at ${where}`, [
        ours ? 'hostctl setup installs and starts one' : elsewhere,
      ]);
    if (code === 'ECONNREFUSED')
      return unreachable(`the Docker Engine at ${where} is not running`, [
        ours ? 'hostctl setup starts it' : elsewhere,
      ]);
    if (code === 'EACCES') {
      return unreachable(`you may not use the Docker Engine at ${where}`, [
        'run hostctl as root, or join the group docker',
      ]);
    }
    if (name === 'TimeoutError' || name === 'AbortError' || code === 'ABORT_ERR') {
      const waited = formatDuration(call.deadline ?? DEADLINE);
      return unreachable(`the Docker Engine did not answer ${call.method} ${call.path} within ${waited}`, [HANGS]);
    }
    if (DROPPED.has(code)) {
      return unreachable(`the Docker Engine dropped the connection during ${call.method} ${call.path}`, [
        'run the same command again',
      ]);
    }
    // Bytes that are no HTTP.
    if (code.startsWith('HPE_')) return unreadable(call, (error as Error).message);
    return error;
  }
}

function parsed(text: string, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(call, 'it is no JSON');
  }
}

/** An answer that no engine gives: something else listens there, or sits in between. */
function unreadable(call: Call, why: string): HostctlError {
  return new HostctlError(
    'ENGINE_ANSWER',
    `what the engine answered to ${call.method} ${call.path} makes no sense: ${why}`,
    {
      hints: ['is it a Docker Engine that listens there? hostctl doctor tells which engines hostctl was tested with'],
    },
  );
}

function timeout(): DOMException {
  return new DOMException('deadline', 'TimeoutError');
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function messageOf(text: string): string {
  try {
    const parsed = JSON.parse(text) as { message?: unknown };
    return typeof parsed.message === 'string' ? parsed.message.trim() : text.trim();
  } catch {
    return text.trim();
  }
}
