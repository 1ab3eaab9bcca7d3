import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Lab } from './lab.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** One request to the lab's proxy, path sent as written. Status 0: closed without an answer. */
export function ask(lab: Lab, host: string, path: string, options: Ask = {}): Promise<Reply> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        host: lab.address,
        port: lab.port,
        path,
        method: options.method ?? 'GET',
        headers: { Host: host, ...options.headers },
        agent: options.agent ?? false,
        timeout: 30_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', () => resolve({ status: 0, headers: {}, body: '' }));
      },
    );
    outgoing.on('error', (error) => resolve({ status: 0, headers: {}, body: error.message }));
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.end(options.body);
  });
}

/** Bytes as they are, for what no client library would send; the status of the answer, 0 for none. */
export function askRaw(lab: Lab, bytes: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const socket = connect(lab.port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ status: Number(/^HTTP\/1\.[01] (\d+)/.exec(text)?.[1] ?? 0), text }));
  });
}

export interface Load {
  readonly requests: number;
  /** Status → how often; 0 stands for no answer. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly errors: readonly string[];
}

/** Requests at a fixed rate, whatever the answers do, half of them on kept connections, until stopped. */
export class Traffic {
  readonly #timer: NodeJS.Timeout;
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 32 });
  readonly #pending = new Set<Promise<void>>();
  readonly #statuses: Record<string, number> = {};
  readonly #errors: string[] = [];
  #requests = 0;

  constructor(lab: Lab, host: string, path: string, perSecond: number) {
    const since = performance.now();
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - since) / 1000) * perSecond);
      while (this.#requests < due) {
        this.#requests += 1;
        const sent = this.#send(lab, host, path, this.#requests % 2 === 0).finally(() => this.#pending.delete(sent));
        this.#pending.add(sent);
      }
    }, 5);
  }

  async #send(lab: Lab, host: string, path: string, keep: boolean): Promise<void> {
    const reply = await ask(lab, host, path, keep ? { agent: this.#kept } : {});
    this.#statuses[reply.status] = (this.#statuses[reply.status] ?? 0) + 1;
    if (reply.status !== 200) this.#errors.push(`${reply.status} ${reply.body.slice(0, 80)}`);
  }

  async stop(): Promise<Load> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#kept.destroy();
    const failed = this.#requests - (this.#statuses['200'] ?? 0);
    return { requests: this.#requests, statuses: this.#statuses, failed, errors: this.#errors.slice(0, 10) };
  }
}
