import { createHash } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Reply, ReplyBody, Web, WebAnswer, WebAsk, WebServer } from '../core/reply.ts';

/** No more of a body is read. */
const MOST_BYTES = 32 * 1024 ** 2;
/** No more of it is kept as text. */
const MOST_TEXT = 1024 ** 2;
const TEXT =
  /^(text\/|application\/(json|xml|xhtml\+xml|javascript|x-javascript|rss\+xml|atom\+xml|ld\+json)|image\/svg)/i;

/** Asks servers over the network, each request on a connection of its own. Never follows a redirect. */
export class NetworkWeb implements Web {
  ask(server: WebServer, ask: WebAsk): Promise<WebAnswer> {
    return new Promise((resolve) => {
      const fail = (error: unknown): void => resolve({ failed: reasonOf(error) });
      const outgoing = open(server, ask, AbortSignal.timeout(ask.timeout));
      outgoing.on('error', fail);
      outgoing.on('response', (response) => {
        readBody(response).then((body) => resolve(replyOf(response, body)), fail);
      });
      outgoing.end();
    });
  }
}

function open(server: WebServer, ask: WebAsk, signal: AbortSignal): ClientRequest {
  const options = {
    host: server.address,
    port: server.port,
    method: ask.method,
    path: ask.path,
    headers: { Host: ask.host, 'Accept-Encoding': 'identity', 'User-Agent': 'hostctl-verify', ...ask.headers },
    agent: false as const,
    signal,
  };
  if (server.scheme === 'http') return requestHttp(options);
  return requestHttps({ ...options, servername: ask.host, rejectUnauthorized: server.trusted });
}

async function readBody(response: IncomingMessage): Promise<ReplyBody> {
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  const text = TEXT.test(response.headers['content-type'] ?? '');
  let bytes = 0;
  for await (const item of response) {
    const chunk = (item as Buffer).subarray(0, MOST_BYTES - bytes);
    hash.update(chunk);
    bytes += chunk.length;
    if (text && bytes <= MOST_TEXT) kept.push(chunk);
    if (bytes === MOST_BYTES) {
      response.destroy();
      return { hash: hash.digest('hex'), bytes, whole: false };
    }
  }
  const short = text && bytes <= MOST_TEXT;
  return { hash: hash.digest('hex'), bytes, whole: true, ...(short ? { text: Buffer.concat(kept).toString() } : {}) };
}

function replyOf(response: IncomingMessage, body: ReplyBody): Reply {
  const headers = Object.entries(response.headersDistinct).flatMap(([name, values]) =>
    values === undefined ? [] : [[name, values] as const],
  );
  return { status: response.statusCode ?? 0, headers: Object.fromEntries(headers), body };
}

function reasonOf(error: unknown): string {
  const { code = '', name, message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError') return 'no answer in time';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ECONNRESET' || message === 'socket hang up') return 'the connection was closed without an answer';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no such name';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code))
    return `its certificate is not trusted: ${message}`;
  return message;
}
