import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { adminToken, INSIDE, LAYOUT } from '../core/layout.ts';
import type { ProxySettings } from '../core/model.ts';
import type { Answer, Prober, ProbeRequest, ProbeTarget } from '../ports.ts';

/** The proxy's way of saying that nothing answers behind it; an app's own 502 stays a 502. */
const SILENT = 599;

/** Asks the proxy, through its public port as a visitor or through its admin socket as its owner. */
export class ProxyProber implements Prober {
  readonly #socket: string;
  readonly #settings: ProxySettings;
  readonly #key: () => Promise<string>;

  /** @param key the data root's secret, which opens the admin socket */
  constructor(data: string, settings: ProxySettings, key: () => Promise<string>) {
    this.#socket = `${data}/${LAYOUT.adminSocket}`;
    this.#settings = settings;
    this.#key = key;
  }

  async candidate(target: ProbeTarget, probe: ProbeRequest): Promise<Answer> {
    const at = target.kind === 'port' ? `${target.host}:${target.port}` : `unix:${INSIDE.sockets}/${target.path}:`;
    const headers = { Host: probe.host, 'X-Hostctl-Key': await this.#token(), 'X-Hostctl-Target': at };
    const { answer } = await send({ socketPath: this.#socket, path: probe.path, headers }, probe.timeout);
    if (answer.ok && answer.status === SILENT) return { ok: false, reason: 'nothing listens yet', ms: answer.ms };
    return answer;
  }

  async visit(probe: ProbeRequest): Promise<Answer> {
    const { address, http } = this.#settings;
    const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
    const { answer } = await send({ host, port: http, path: probe.path, headers: { Host: probe.host } }, probe.timeout);
    return answer;
  }

  async generation(): Promise<string | undefined> {
    const headers = { Host: 'localhost', 'X-Hostctl-Key': await this.#token() };
    const { answer, body } = await send({ socketPath: this.#socket, path: '/.hostctl/generation', headers }, 2000);
    return answer.ok && answer.status === 200 ? body : undefined;
  }

  async #token(): Promise<string> {
    return adminToken(await this.#key());
  }
}

const BODY_LIMIT = 64 * 1024;

function send(options: RequestOptions, timeout: number): Promise<{ answer: Answer; body: string }> {
  const since = performance.now();
  const ms = (): number => performance.now() - since;
  return new Promise((resolve) => {
    const fail = (reason: string): void => resolve({ answer: { ok: false, reason, ms: ms() }, body: '' });
    // A connection of its own, as a new visitor has.
    const outgoing = request({ ...options, agent: false, signal: AbortSignal.timeout(timeout) }, (response) => {
      readBody(response).then(
        (body) =>
          resolve({ answer: { ok: true, status: response.statusCode ?? 0, ms: ms(), ...location(response) }, body }),
        (error: unknown) => fail(reasonOf(error)),
      );
    });
    outgoing.on('error', (error) => fail(reasonOf(error)));
    outgoing.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of response) {
    if (body.length < BODY_LIMIT) body += (chunk as Buffer).toString('utf8');
  }
  return body;
}

function location(response: IncomingMessage): { location?: string } {
  return response.headers.location === undefined ? {} : { location: response.headers.location };
}

function reasonOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError') return 'no answer in time';
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'the proxy does not listen';
  if (code === 'ECONNRESET' || message === 'socket hang up') return 'the connection was closed without an answer';
  return message;
}
