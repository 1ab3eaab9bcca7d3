import { type Hostname, hostnamePattern, sampleName } from './hostnames.ts';
import type { Link } from './links.ts';
import { hostName } from './match.ts';
import type { Route, Site } from './routes.ts';

/** One request of a comparison. Only ever reads: nothing is sent that could change a site. */
export interface Ask extends Link {
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  /** Asked twice, the second time with what the same server's first answer said of the file. */
  readonly again?: 'If-None-Match' | 'If-Modified-Since';
}

/** A path no site has. */
const NOWHERE = '/hostctl-verify/nothing-here';
const FILES_PER_ALIAS = 3;
const WELL_KNOWN = ['/', '/robots.txt', '/sitemap.xml', '/favicon.ico', NOWHERE];

/** The hostname most requests are made for. */
export function mainHost(site: Site): string {
  const exact = site.hostnames.find((hostname) => hostname.kind === 'exact') ?? site.hostnames[0]!;
  return site.settings?.canonical ?? sampleName(exact);
}

/** Tells the site's own hostnames from others. */
export function ownHosts(site: Site): (host: string) => boolean {
  const patterns = site.hostnames.map((hostname) => new RegExp(hostnamePattern(hostname)));
  return (host) => patterns.some((pattern) => pattern.test(hostName(host) ?? ''));
}

/** Names that visitors may come with: each of the site's own, and some that its wildcards and globs stand for. */
export function sampleHosts(hostnames: readonly Hostname[]): string[] {
  const names = hostnames.flatMap((hostname) => {
    const glob = hostname.kind === 'glob' && /^\*[a-z0-9]/.test(hostname.name) && !/[*?]/.test(hostname.name.slice(1));
    return [sampleName(hostname), ...(glob ? [`hostctl-probe.${hostname.name.slice(1)}`] : [])];
  });
  return [...new Set(names)];
}

/** What to ask first. @param files URL paths of real files, by alias @param own paths the user wants to be asked */
export function firstAsks(site: Site, files: ReadonlyMap<string, readonly string[]>, own: readonly Link[]): Ask[] {
  const host = mainHost(site);
  const { redirects = [], access = [] } = site.settings ?? {};
  const others = sampleHosts(site.hostnames).filter((name) => name !== host);
  const paths = [
    ...WELL_KNOWN,
    ...site.routes.flatMap(({ path, target }) => (target.to === 'app' && path !== '/' ? [path, `${path}/`] : [])),
    ...redirects.flatMap(({ path, exact }) =>
      path === '/' ? [] : [path, `${path}/`, exact ? `${path}${NOWHERE}` : `${path}${NOWHERE}?q=1`],
    ),
    ...access.flatMap(({ path }) => (path === '/' ? [] : [path, `${path}/`, `${path}${NOWHERE}`])),
  ];
  return unique([
    ...paths.map((path) => get(host, path)),
    ...others.flatMap((name) => ['/', NOWHERE].map((path) => get(name, path))),
    ...site.routes.flatMap((route) => mediaAsks(host, route, files.get(route.path) ?? [])),
    ...own.map((link) => get(link.host, link.path)),
  ]);
}

function mediaAsks(host: string, { path, target }: Route, files: readonly string[]): Ask[] {
  if (target.to !== 'media') return [];
  if (target.file) return fileAsks(host, path).slice(0, 2);
  const base = path === '/' ? '' : path;
  const chosen = chooseFiles(files);
  const folder = chosen.map((file) => file.slice(0, file.lastIndexOf('/'))).find((dir) => dir !== base);
  const plain = [base, `${base}/`, `${base}${NOWHERE}`, ...(folder === undefined ? [] : [folder, `${folder}/`])];
  return [
    ...plain.filter((item) => item !== '').map((item) => get(host, item)),
    ...chosen.slice(0, 1).flatMap((file) => fileAsks(host, file)),
    ...chosen.slice(1).map((file) => get(host, file)),
  ];
}

function fileAsks(host: string, path: string): Ask[] {
  const again = (name: Ask['again'] & string): Ask => ({ ...get(host, path), again: name });
  return [
    get(host, path),
    { ...get(host, path), method: 'HEAD' },
    { ...get(host, path), headers: { Range: 'bytes=0-9' } },
    { ...get(host, path), headers: { Range: 'bytes=999999999-' } },
    again('If-None-Match'),
    again('If-Modified-Since'),
  ];
}

/** A few files, of as many kinds as there are, and one from further below if there is one. */
function chooseFiles(files: readonly string[]): string[] {
  const kind = (file: string): string => /\.[^./]+$/.exec(file)?.[0] ?? '';
  const kinds = new Set<string>();
  const first = files.filter((file) => !kinds.has(kind(file)) && kinds.add(kind(file)));
  const deep = files.toSorted((a, b) => b.split('/').length - a.split('/').length).slice(0, 1);
  return [...new Set([...first.slice(0, FILES_PER_ALIAS - 1), ...deep, ...files])].slice(0, FILES_PER_ALIAS);
}

export function get(host: string, path: string): Ask {
  return { method: 'GET', host, path, headers: {} };
}

/** A request in one word, which tells it from all others. */
export function askKey({ method, host, path, headers, again }: Ask): string {
  return JSON.stringify([method, host, path, headers, again]);
}

function unique(asks: readonly Ask[]): Ask[] {
  return [...new Map(asks.map((ask) => [askKey(ask), ask])).values()];
}
