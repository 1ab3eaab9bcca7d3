import type { Hostname } from './hostnames.ts';
import { type HostIndex, hostName, hostnamesFor, pathOf, type Routed, routeFor } from './match.ts';
import { follow } from './redirects.ts';
import { covers } from './routes.ts';
import { type AccessRule, type PathRedirect, statusPair } from './settings.ts';
import { quote } from './units.ts';

/**
 * What a request means. Both proxies are generated so that they give this answer; `test/fixtures/requests/` holds the
 * requests that prove it.
 */

export interface WebRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** The Host header as sent, or the host of a request line in absolute form; undefined when there is none. */
  readonly host: string | undefined;
  /** Path and query as sent, percent-encodings and all. */
  readonly target: string;
}

interface Found<S> {
  readonly site: S;
  /** The hostname that fits and outranks all others that do. */
  readonly hostname: Hostname;
  /** What paths are compared with: decoded, without `.`, `..` and repeated slashes. */
  readonly path: string;
}

interface Routing<S extends Routed> extends Found<S> {
  readonly route: S['routes'][number];
  /** Who may ask; everybody without it. */
  readonly access?: AccessRule;
}

/** The key of a definition that redirects. */
type RedirectKey = 'tls' | 'canonical' | 'redirects' | 'media';

export type Meaning<S extends Routed> =
  /** Not a request any site could answer. */
  | { readonly to: 'refused'; readonly status: 400 | 405; readonly why: string }
  /** No site has the hostname. */
  | { readonly to: 'nobody'; readonly host: string | undefined }
  | ({ readonly to: 'app' | 'media' } & Routing<S>)
  | ({
      readonly to: 'redirect';
      readonly by: RedirectKey;
      readonly status: number;
      readonly location: string;
      /** Of `redirects`. */
      readonly redirect?: PathRedirect;
      /** Of `media`. */
      readonly route?: S['routes'][number];
    } & Found<S>)
  /** The site answers by itself that there is nothing, or that this is no way to ask. */
  | ({
      readonly to: 'nothing';
      readonly route?: S['routes'][number];
      readonly redirect?: PathRedirect;
      readonly status: 400 | 404 | 405 | 410;
      readonly why: string;
    } & Found<S>);

/** What a request means. */
export function meaningOf<S extends Routed>(request: WebRequest, index: HostIndex<S>): Meaning<S> {
  if (/^(TRACE|CONNECT)$/.test(request.method)) {
    return { to: 'refused', status: 405, why: `${request.method} is never passed on` };
  }
  const path = pathOf(request.target);
  if (path === undefined) {
    return { to: 'refused', status: 400, why: 'the path leads above its root, or is wrongly encoded' };
  }
  const name = request.host === undefined ? undefined : hostName(request.host);
  const entry = name === undefined ? undefined : hostnamesFor(name, index)[0];
  if (!entry) return { to: 'nobody', host: name };
  const found: Found<S> = { ...entry, path };
  return atTheDoor(request, name!, found) ?? redirected(request, found) ?? routed(request, found);
}

/** Certificate authorities ask over http, under every name. */
const CHALLENGE = /^\/\.well-known\/acme-challenge\//;
/** A dot segment in any spelling: a proxy and an app might read it differently, and a rule for a path would not hold. */
const DOTS = /^[^?]*(?:[/\\;]|%2f|%5c|%3b)(?:\.|%2e){1,2}(?:[/\\;?]|%2f|%5c|%3b|$)/i;

/** What decides for the whole site, before any path is looked at. */
function atTheDoor<S extends Routed>(request: WebRequest, name: string, found: Found<S>): Meaning<S> | undefined {
  const { site, path } = found;
  const { canonical, access } = site.settings ?? {};
  const to = (by: RedirectKey, status: number, base: string): Meaning<S> => ({
    to: 'redirect',
    by,
    status,
    location: `${base}${request.target}`,
    ...found,
  });
  if (CHALLENGE.test(path)) return undefined;
  if (site.tls?.redirect && request.scheme === 'http') return to('tls', moved(request), `https://${name}`);
  if (canonical !== undefined && canonical !== name)
    return to('canonical', moved(request), `${request.scheme}://${canonical}`);
  if (access && DOTS.test(request.target)) {
    return { to: 'nothing', status: 400, why: 'a site with `access` takes no paths with `.` or `..`', ...found };
  }
  return undefined;
}

function moved({ method }: WebRequest): number {
  return isReading(method) ? 301 : 308;
}

function isReading(method: string): boolean {
  return /^(GET|HEAD)$/.test(method);
}

function redirected<S extends Routed>(request: WebRequest, found: Found<S>): Meaning<S> | undefined {
  const all = found.site.settings?.redirects ?? [];
  const { path } = found;
  const exact = all.find((item) => item.exact && item.path === (path === '/' ? path : path.replace(/\/$/, '')));
  const redirect = exact ?? all.find((item) => !item.exact && covers(item.path, path));
  if (!redirect) return undefined;
  if (redirect.to === undefined)
    return { to: 'nothing', status: 410, why: 'the definition says that it is gone', redirect, ...found };
  const status = statusPair(redirect.status)[isReading(request.method) ? 0 : 1];
  const query = /[?#]/.test(redirect.to) ? '' : queryOf(request.target);
  return { to: 'redirect', by: 'redirects', status, location: `${follow(redirect, path)}${query}`, redirect, ...found };
}

function queryOf(target: string): string {
  return /\?[^#]+/.exec(target)?.[0] ?? '';
}

function routed<S extends Routed>(request: WebRequest, found: Found<S>): Meaning<S> {
  const route: S['routes'][number] | undefined = routeFor(found.path, found.site.routes);
  if (!route) {
    return { to: 'nothing', status: 404, why: 'no app and no alias of the project answers this path', ...found };
  }
  const access = found.site.settings?.access?.find((rule) => covers(rule.path, found.path));
  const routing: Routing<S> = { ...found, route, ...(access ? { access } : {}) };
  return route.target.to === 'app' ? { to: 'app', ...routing } : mediaMeaning(request, routing);
}

/** Whether a name begins with a dot, anywhere in the path: such files are never served. */
export function isHidden(path: string): boolean {
  return /\/\.(?!well-known\/)/.test(path);
}

function mediaMeaning<S extends Routed>(request: WebRequest, routing: Routing<S>): Meaning<S> {
  const { route, path } = routing;
  const file = route.target.to === 'media' && route.target.file;
  if (!file && path === route.path && route.path !== '/') {
    return {
      to: 'redirect',
      by: 'media',
      status: 301,
      location: `${route.path}/${queryOf(request.target)}`,
      ...routing,
    };
  }
  if (!file && isHidden(path)) return { to: 'nothing', status: 404, why: 'hidden files are never served', ...routing };
  if (!isReading(request.method)) {
    return {
      to: 'nothing',
      status: 405,
      why: `files are read, not written: ${quote(request.method)} is not for them`,
      ...routing,
    };
  }
  return { to: 'media', ...routing };
}
