import { type Hostname, hostnamePattern } from './hostnames.ts';
import { byPrecedence } from './precedence.ts';
import { bySpecificity, type Route } from './routes.ts';
import type { RouteSettings } from './settings.ts';

/** Which site, which of its hostnames, which route a request belongs to. `meaning.ts` says what comes of it. */

/** As much of a site as says what a request means; a `Site` is one, and so is what a definition alone tells. */
export interface Routed {
  readonly project: string;
  readonly hostnames: readonly Hostname[];
  readonly routes: readonly Pathway[];
  readonly settings?: RouteSettings;
  readonly tls?: { readonly redirect: boolean };
}

/** As much of a route. */
export interface Pathway {
  readonly path: string;
  readonly target:
    | Pick<Extract<Route['target'], { to: 'app' }>, 'to' | 'app'>
    | Pick<Extract<Route['target'], { to: 'media' }>, 'to' | 'file'>;
}

/** Sites by what their hostnames are looked up with: one step for all but globs. */
export interface HostIndex<S extends Routed> {
  readonly exact: ReadonlyMap<string, Entry<S>>;
  /** `*.example.org` under `example.org`. */
  readonly leading: ReadonlyMap<string, Entry<S>>;
  /** `www.*` under `www`. */
  readonly trailing: ReadonlyMap<string, Entry<S>>;
  /** The strongest first. */
  readonly globs: readonly (Entry<S> & { readonly pattern: RegExp })[];
}

/** A hostname and whose it is. */
export interface Entry<S> {
  readonly site: S;
  readonly hostname: Hostname;
}

/** Makes the index. Of two sites with one hostname the first by name has it, as in nginx. */
export function indexHosts<S extends Routed>(sites: readonly S[]): HostIndex<S> {
  const maps = {
    exact: new Map<string, Entry<S>>(),
    leading: new Map<string, Entry<S>>(),
    trailing: new Map<string, Entry<S>>(),
  };
  const globs: Entry<S>[] = [];
  for (const site of sites.toSorted((a, b) => (a.project < b.project ? -1 : 1))) {
    for (const hostname of site.hostnames) {
      if (hostname.kind === 'glob') globs.push({ site, hostname });
      else {
        const key = hostname.name.replaceAll(/^\*\.|\.\*$/g, '');
        if (!maps[hostname.kind].has(key)) maps[hostname.kind].set(key, { site, hostname });
      }
    }
  }
  return {
    ...maps,
    globs: globs
      .toSorted((a, b) => byPrecedence(a.hostname, b.hostname))
      .map((entry) => ({ ...entry, pattern: new RegExp(hostnamePattern(entry.hostname)) })),
  };
}

/** Every hostname that fits, the one that wins first. @param name as `hostName` returns it */
export function hostnamesFor<S extends Routed>(name: string, index: HostIndex<S>): Entry<S>[] {
  const labels = name.split('.');
  const found = [index.exact.get(name)];
  for (let from = 1; from < labels.length; from += 1) found.push(index.leading.get(labels.slice(from).join('.')));
  for (let to = labels.length - 1; to > 0; to -= 1) found.push(index.trailing.get(labels.slice(0, to).join('.')));
  return [...found.filter((entry) => entry !== undefined), ...index.globs.filter(({ pattern }) => pattern.test(name))];
}

/** What is compared with hostnames: lower case, without port and closing dot; undefined for what no host can be. */
export function hostName(host: string): string | undefined {
  const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) ? name : undefined;
}

/** The path of a request target as locations and routers see it; undefined for one that is refused. */
export function pathOf(target: string): string | undefined {
  const raw = /^[^?#]*/.exec(target)![0];
  if (!raw.startsWith('/') || /%(?![0-9a-f]{2})|%00/i.test(raw)) return undefined;
  const decoded = raw.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const kept: string[] = [];
  const segments = decoded.slice(1).split('/');
  for (const segment of segments) {
    if (segment === '..' && kept.pop() === undefined) return undefined;
    if (segment !== '' && !/^\.\.?$/.test(segment)) kept.push(segment);
  }
  const folder = kept.length > 0 && /^\.{0,2}$/.test(segments.at(-1)!);
  return `/${kept.join('/')}${folder ? '/' : ''}`;
}

/** The route a path belongs to: the longest that ends at a segment. A single file has nothing below it. */
export function routeFor<P extends Pathway>(path: string, routes: readonly P[]): P | undefined {
  const sorted = routes.toSorted(bySpecificity);
  return sorted.find((route) => {
    if (path === route.path) return true;
    if (route.target.to === 'media' && route.target.file) return false;
    return path.startsWith(route.path === '/' ? '/' : `${route.path}/`);
  });
}
