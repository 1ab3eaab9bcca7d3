import type { Challenge } from './certificate.ts';
import type { Hostname } from './hostnames.ts';
import type { Maintenance, RouteSettings } from './settings.ts';
import { type Parsed, quote } from './units.ts';

/** Where a route's requests go. All paths are below the data root. */
export type Target =
  | {
      readonly to: 'app';
      readonly app: string;
      /** One per replica: the link (unix socket) or the container's name and port. */
      readonly upstreams: readonly Upstream[];
      readonly readTimeout: number;
      /** A visitor stays with the replica that answered first; there is one upstream per replica then, on TCP too. */
      readonly sticky?: true;
    }
  | {
      readonly to: 'media';
      /** Directory laid out as the URL: the file for `/media/a` is `<root>/media/a`. Relative to `media/`. */
      readonly root: string;
      /** One file instead of a folder. */
      readonly file: boolean;
      /** Written by an app, so never to be trusted as HTML. */
      readonly uploads: boolean;
      /** Seconds a browser may keep it. */
      readonly maxAge: number;
    };

export type Upstream =
  | { readonly kind: 'socket'; readonly link: string }
  | {
      readonly kind: 'port';
      readonly host: string;
      readonly port: number;
      /** Milliseconds an idle connection surely stays open; without it, none is used twice. */
      readonly keepAlive?: number;
    };

/** (hostnames of the site, path prefix) → app or media. */
export interface Route {
  /** `/` or `/media`: a prefix that ends at a segment, without the closing slash. */
  readonly path: string;
  readonly target: Target;
}

/** What the proxy knows of one project. */
export interface Site {
  readonly project: string;
  readonly hostnames: readonly Hostname[];
  readonly routes: readonly Route[];
  /** Bytes a request body may have. */
  readonly maxBody: number;
  readonly settings?: RouteSettings;
  /** Never part of a release: a deploy neither opens nor closes a site. */
  readonly closed?: Maintenance;
  /** Absent: plain http. With it the site has https as soon as there is a certificate. */
  readonly tls?: SiteTls;
}

export interface SiteTls {
  /** How its certificate is ordered; absent for one of the user's own. */
  readonly acme?: Challenge;
  /** Whether http leads to https. */
  readonly redirect: boolean;
}

const SEGMENT = /^[A-Za-z0-9_~@+-][A-Za-z0-9._~@+-]*$/;

/** `/media/` → `/media`. A URL path that can stand in every proxy's configuration without quoting. */
export function parseUrlPath(text: string): Parsed<string> {
  const fail = (reason: string): Parsed<string> => ({ ok: false, message: `${quote(text)} ${reason}` });
  if (!text.startsWith('/')) return fail(`does not start with a slash: write ${quote(`/${text}`)}`);
  if (text === '/') return { ok: true, value: '/' };
  if (text.length > 200) return fail('is longer than 200 characters');
  const segments = text.slice(1).replace(/\/$/, '').split('/');
  if (segments.includes('')) return fail('holds two slashes in a row');
  if (segments.some((segment) => /^\.\.?$/.test(segment))) return fail('holds `.` or `..`: write where it leads');
  const bad = segments.find((segment) => !SEGMENT.test(segment) && segment !== '.well-known');
  if (bad?.startsWith('.')) return fail(`holds the hidden name ${quote(bad)}, which is never served`);
  if (bad !== undefined) return fail(`holds ${quote(bad)}: letters, digits and . _ ~ @ + - only`);
  return { ok: true, value: `/${segments.join('/')}` };
}

/** Longest prefix first, the order in which a request is matched. */
export function bySpecificity(a: { readonly path: string }, b: { readonly path: string }): number {
  return b.path.length - a.path.length || (a.path < b.path ? -1 : 1);
}

/** Whether a path lies at or below a prefix: `/media` covers `/media/a`, not `/mediafoo`. */
export function covers(prefix: string, path: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}
