import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { request as requestSecurely, type RequestOptions as SecureOptions } from 'node:https';
import {
  adminToken,
  INNER,
  INSIDE,
  LAYOUT,
  MARKER_HOST,
  PASS_COOKIE,
  probePass,
  VISIT_HEADER,
} from '../core/layout.ts';
import type { ProxySettings } from '../core/model.ts';
import { parseUrl } from '../core/url.ts';
import type { Answer, Prober, ProbeRequest, ProbeTarget } from '../ports.ts';

/** The proxy's way of saying that nothing answers behind it; an app's own 502 stays a 502. */
const SILENT = 599;
/** Traefik's answer to a request for the configuration it has loaded. */
const MARKER = 418;
const ADMIN_MS = 2000;

/** Asks the proxy, through its public port as a visitor or through its admin socket as its owner. */
export class ProxyProber implements Prober {
  readonly #socket: string;
  readonly #settings: ProxySettings;
  readonly #key: () => Promise<string>;

  /** @param key the data root's secret, which opens the admin socket */
  constructor(data: string, settings: ProxySettings, key: () => Promise<string>) {
    this.#socket = `${data}/${LAYOUT.admin[settings.driver]}/${LAYOUT.adminSocket}`;
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
    const pass = probe.project === undefined ? undefined : probePass(await this.#key(), probe.project);
    const headers = {
      Host: probe.host,
      ...(probe.anybody ? {} : { [VISIT_HEADER]: '1' }),
      ...(pass === undefined ? {} : { Cookie: `${PASS_COOKIE}=${pass}` }),
    };
    const { answer } = await this.#askPublic(probe.path, headers, probe.timeout);
    if (!probe.secure || !leadsToHttps(answer, probe.host)) return answer;
    const again = await this.#askPublic(probe.path, headers, probe.timeout, true);
    return { ...again.answer, ms: answer.ms + again.answer.ms };
  }

  #askPublic(
    path: string,
    headers: Readonly<Record<string, string>> & { readonly Host: string },
    timeout: number,
    secure = false,
  ): ReturnType<typeof send> {
    const { address, http, https } = this.#settings;
    const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
    const plain = { host, port: http, path, headers };
    // Whether the certificate is good is for others to say: this is about who answers.
    return send(
      secure ? { ...plain, port: https, servername: headers.Host, rejectUnauthorized: false } : plain,
      timeout,
    );
  }

  async generation(): Promise<string | undefined> {
    const headers = { Host: 'localhost', 'X-Hostctl-Key': await this.#token() };
    const { answer, body } = await send({ socketPath: this.#socket, path: '/.hostctl/generation', headers }, ADMIN_MS);
    if (!answer.ok || answer.status !== 200) return undefined;
    if (this.#settings.driver === 'nginx') return body;
    // Traefik knows a path with this name as soon as it routes by this very configuration.
    const marker = await (this.#settings.existing
      ? this.#askPublic(`/${body}`, { Host: MARKER_HOST }, ADMIN_MS)
      : this.#askTraefik(`/${body}`));
    return marker.answer.ok && marker.answer.status === MARKER ? body : undefined;
  }

  async faults(): Promise<string[]> {
    // What somebody else's Traefik thinks of its routers is not ours to ask.
    if (this.#settings.driver === 'nginx' || this.#settings.existing) return [];
    const { answer, body } = await this.#askTraefik('/api/http/routers?status=disabled&per_page=5');
    if (!answer.ok || answer.status !== 200) return ['Traefik does not tell the state of its routers'];
    const routers = JSON.parse(body) as { name: string; error?: string[] }[];
    return routers.map(({ name, error }) => `${name}: ${(error ?? ['is disabled']).join(', ')}`);
  }

  /** Traefik's admin entry point listens for the nginx beside it only, so that one passes the question on. */
  async #askTraefik(path: string): ReturnType<typeof send> {
    const target = `${INNER.traefik}:${INNER.adminPort}`;
    const headers = { Host: 'localhost', 'X-Hostctl-Key': await this.#token(), 'X-Hostctl-Target': target };
    return send({ socketPath: this.#socket, path, headers }, ADMIN_MS);
  }

  async #token(): Promise<string> {
    return adminToken(await this.#key());
  }
}

function leadsToHttps(answer: Answer, host: string): boolean {
  const url = answer.ok && answer.location !== undefined ? parseUrl(answer.location) : undefined;
  return url?.protocol === 'https:' && url.hostname === host;
}

const BODY_LIMIT = 64 * 1024;

function send(options: SecureOptions | RequestOptions, timeout: number): Promise<{ answer: Answer; body: string }> {
  const since = performance.now();
  const ms = (): number => performance.now() - since;
  return new Promise((resolve) => {
    const fail = (reason: string): void => resolve({ answer: { ok: false, reason, ms: ms() }, body: '' });
    // A connection of its own, as a new visitor has.
    const ask = 'servername' in options ? requestSecurely : request;
    const outgoing = ask({ ...options, agent: false, signal: AbortSignal.timeout(timeout) }, (response) => {
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
