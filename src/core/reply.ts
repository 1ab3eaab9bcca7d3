import { type Parsed, quote } from './units.ts';
import { parseUrl } from './url.ts';

/** A server to ask: `address` is connected to whatever hostname is asked for. */
export interface WebServer {
  readonly scheme: 'http' | 'https';
  /** IP address or name, without brackets. */
  readonly address: string;
  readonly port: number;
  /** Whether its certificate must be one that is trusted, for the hostname asked for. */
  readonly trusted: boolean;
}

/** Web servers, ours or others. */
export interface Web {
  /** One request; redirects are not followed. Of long bodies only the beginning is read. */
  ask(server: WebServer, ask: WebAsk): Promise<WebAnswer>;
}

export interface WebAsk {
  readonly method: 'GET' | 'HEAD';
  /** The Host header. */
  readonly host: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
}

/** An answer, or why there was none. */
export type WebAnswer = Reply | { readonly failed: string };

export interface Reply {
  readonly status: number;
  /** Lower-case name → values. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: ReplyBody;
}

export interface ReplyBody {
  /** SHA-256, hex, of the bytes that were read. */
  readonly hash: string;
  /** How many those were. */
  readonly bytes: number;
  /** Whether that was all. */
  readonly whole: boolean;
  /** The body itself, when it is text and short. */
  readonly text?: string;
}

/** The first value of a header; empty when there is none. @param name lower case */
export function header(reply: Reply, name: string): string {
  return reply.headers[name]?.[0] ?? '';
}

/** `text/html` of `Text/HTML; charset=utf-8`, and `utf-8`; empty for what is not said. */
export function contentType(reply: Reply): { readonly type: string; readonly charset: string } {
  const [type = '', ...parameters] = header(reply, 'content-type')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length) ?? '';
  return { type, charset: charset.replaceAll('"', '') };
}

/** `https://192.0.2.10:8443` → where to connect to. Its hostnames are those that are asked for. */
export function parseServer(text: string): Parsed<Omit<WebServer, 'trusted'>> {
  const fail = (reason: string): Parsed<Omit<WebServer, 'trusted'>> => ({
    ok: false,
    message: `${quote(text)} ${reason}`,
  });
  const url = parseUrl(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    return fail('is no http URL: write http://192.0.2.10, or http://192.0.2.10:8080');
  if (url.username !== '' || url.password !== '') return fail('holds a user name, and no credentials are ever sent');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return fail(`holds a path: name the server alone, ${quote(url.origin)}; --path names paths`);
  }
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? { http: 80, https: 443 }[scheme] : Number(url.port);
  return { ok: true, value: { scheme, address: url.hostname.replaceAll(/[[\]]/g, ''), port } };
}
