import { parseUrlPath } from '../../core/routes.ts';
import type { RedirectDefinition } from '../definition.ts';
import type { Directive } from './ledger.ts';
import { readPattern } from './pattern.ts';
import { below, named, settle, type Site, type Spot, trimSlash, urlOf } from './site.ts';
import { askIfProxied } from './targets.ts';

/** A `Redirect` in any of its forms. */
export interface ReadRedirect {
  readonly status: number;
  /** A path, or a regular expression for RedirectMatch. */
  readonly from: string;
  readonly to?: string;
}

const WORDS: Readonly<Record<string, number>> = { permanent: 301, temp: 302, seeother: 303, gone: 410 };

export function readRedirect({ name, args }: Directive): ReadRedirect | undefined {
  const words = [...args];
  let status = name === 'redirectpermanent' ? 301 : 302;
  const first = words[0] ?? '';
  if (Object.hasOwn(WORDS, first)) status = WORDS[first]!;
  else if (/^\d{3}$/.test(first)) status = Number(first);
  if (Object.hasOwn(WORDS, first) || /^\d{3}$/.test(first)) words.shift();
  const [from, to] = words;
  if (from === undefined) return undefined;
  return { status, from, ...(to === undefined ? {} : { to }) };
}

/** `Redirect`, `RedirectPermanent`, `RedirectTemp` and `RedirectMatch` → `http.redirects`. */
export function mapRedirects(site: Site): void {
  const earlier: string[] = [];
  for (const spot of named(site, 'redirect', 'redirectpermanent', 'redirecttemp')) {
    if (site.ledger.has(spot.directive)) continue;
    const redirect = readRedirect(inLocation(site, spot));
    if (!redirect) settle(site, spot, 'unsupported', 'Apache would refuse this: where from?');
    else {
      const path = trimSlash(redirect.from);
      if (spot.scopes.length === 0) askIfProxied(site, path, spot.directive);
      mapOne(site, spot, path, redirect, false, earlier);
    }
  }
  for (const spot of named(site, 'redirectmatch')) {
    if (!site.ledger.has(spot.directive)) mapMatch(site, spot);
  }
}

/** Inside a `<Location>` the path may be left out. */
function inLocation(site: Site, { directive, scopes }: Spot): Directive {
  const url = urlOf(site, { directive, scopes });
  const last = directive.args.at(-1) ?? '';
  const paths = directive.args.filter((word) => word.startsWith('/') || word.includes('://'));
  if (url === undefined || scopes.length === 0 || paths.length !== 1 || last !== paths[0]) return directive;
  return { ...directive, args: [...directive.args.slice(0, -1), url, last] };
}

function mapMatch(site: Site, spot: Spot): void {
  const redirect = readRedirect(spot.directive);
  const pattern = redirect && readPattern(redirect.from);
  if (!redirect || !pattern) {
    settle(
      site,
      spot,
      'unsupported',
      'only expressions that are a path, such as ^/old/(.*)$, can become http.redirects',
    );
    return;
  }
  const to = redirect.to === undefined ? undefined : targetOf(redirect.to, pattern.tail);
  if (redirect.to !== undefined && to === undefined) {
    settle(site, spot, 'unsupported', 'its target uses parts of the path that http.redirects cannot put there');
    return;
  }
  const exact = pattern.exact || pattern.tail === 'none';
  if (!pattern.exact && pattern.tail === 'none' && redirect.to !== undefined) {
    settle(
      site,
      spot,
      'decide',
      `leads everything below ${pattern.path} to one page; http.redirects keeps what follows`,
    );
    return;
  }
  if (pattern.loose && !exact) {
    const where = `${pattern.path}x`;
    site.notes.push(`${spot.directive.text}: Apache also took ${where}; http.redirects end at a segment`);
  }
  const { to: _, ...rest } = redirect;
  mapOne(site, spot, pattern.path, { ...rest, ...(to === undefined ? {} : { to }) }, exact, []);
}

/** The target without its `$1`, where that only keeps the tail. */
export function targetOf(to: string, tail: 'none' | 'with-slash' | 'without-slash'): string | undefined {
  const plain = to.replace(/^https?:\/\/%\{(?:HTTP_HOST|SERVER_NAME)\}(?=\/)/, '');
  const whole = tail === 'without-slash' ? /^([^$%]*)\/\$1$/ : /^([^$%]*?)\/?\$1$/;
  const match = tail === 'none' ? /^([^$%]+)$/.exec(plain) : whole.exec(plain);
  if (!match) return undefined;
  return match[1] === '' ? '/' : match[1];
}

function mapOne(site: Site, spot: Spot, path: string, redirect: ReadRedirect, exact: boolean, earlier: string[]): void {
  const before = earlier.find((other) => below(path, other));
  earlier.push(path);
  if (before !== undefined) {
    settle(site, spot, 'decide', `Apache never gets here: the redirect of ${before} comes first. Which one is meant?`);
    return;
  }
  const { status, to } = redirect;
  if (status === 403) {
    (site.definition.http.access ??= {})[path] = { allow: [] };
    settle(site, spot, 'mapped', `http.access: nobody gets ${path}`);
  } else if (to === undefined && status !== 410) {
    settle(site, spot, 'unsupported', `hostctl has no answer ${status} for a path; 410 is there`);
  } else addRedirect(site, spot, path, { ...redirect, ...(exact ? { exact } : {}) });
}

/** Writes a redirect down. 303 becomes 302, which browsers follow the same way. */
export function addRedirect(
  site: Site,
  spot: Spot,
  path: string,
  redirect: Partial<ReadRedirect> & { exact?: boolean },
): void {
  const parsed = parseUrlPath(path);
  if (!parsed.ok) return settle(site, spot, 'unsupported', parsed.message);
  const status = redirect.status === 303 ? 302 : (redirect.status ?? 302);
  if (![301, 302, 307, 308, 410].includes(status)) {
    return settle(site, spot, 'unsupported', `hostctl has no redirect with the status ${status}`);
  }
  const list = (site.definition.http.redirects ??= {});
  if (list[parsed.value] !== undefined) {
    return settle(site, spot, 'decide', `there is a redirect of ${parsed.value} already, which Apache takes first`);
  }
  list[parsed.value] = shortest(redirect.to, status, redirect.exact ?? false);
  const query = redirect.to?.includes('?') === true;
  const what = status === 410 ? 'answers 410' : `${redirect.exact ? 'this path only, ' : ''}${status}`;
  settle(
    site,
    spot,
    query ? 'decide' : 'mapped',
    `http.redirects ${parsed.value}: ${what}${query ? '; with a query of its own: try it' : ''}`,
  );
}

function shortest(to: string | undefined, status: number, exact: boolean): RedirectDefinition {
  const target = to === undefined || exact ? to : withoutEndSlash(to);
  if (target !== undefined && status === 301 && !exact) return target;
  return {
    ...(target === undefined || status === 410 ? {} : { to: target }),
    ...(status === 301 ? {} : { status }),
    ...(exact ? { exact } : {}),
  };
}

/** The slash behind a host or folder is that of the tail. */
function withoutEndSlash(to: string): string {
  return /^(?:https?:\/\/[^/?#]+|\/[^?#]*[^/?#])\/$/.test(to) ? to.slice(0, -1) : to;
}
