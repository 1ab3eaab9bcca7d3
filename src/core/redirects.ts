import type { Hostname } from './hostnames.ts';
import type { HttpInput } from './http-schema.ts';
import type { App, Media } from './model.ts';
import type { Report } from './report.ts';
import { bySpecificity, covers, parseUrlPath } from './routes.ts';
import type { PathRedirect } from './settings.ts';
import { type Parsed, quote } from './units.ts';
import { parseUrl } from './url.ts';

/** What may stand in a `Location` without being encoded; `$` and braces may not, which mean something to proxies. */
const NOT_IN_LOCATION = /[^A-Za-z0-9._~:/?#[\]@!&'()*+,;=%-]/g;

/** The `redirects:` section, longest path first. */
export function readRedirects(
  input: HttpInput['redirects'],
  site: { readonly hostnames: readonly Hostname[]; readonly apps: readonly App[]; readonly media: readonly Media[] },
  report: Report,
): PathRedirect[] {
  const seen = new Set<string>();
  const redirects = Object.entries(input ?? {}).flatMap(([text, entry]) => {
    const at = ['http', 'redirects', text];
    const path = parseUrlPath(text);
    if (!path.ok) report.add(at, path.message, { on: 'key' });
    const rest = readTarget(at, typeof entry === 'string' ? { to: entry } : entry, report);
    if (!path.ok || !rest) return [];
    if (seen.has(path.value)) report.add(at, `${quote(path.value)} is redirected twice`, { on: 'key' });
    seen.add(path.value);
    return [{ text, redirect: { path: path.value, ...rest } }];
  });
  const all = redirects.map((item) => item.redirect).toSorted(bySpecificity);
  const circles = circling(all, site.hostnames);
  for (const { text, redirect } of redirects) {
    const at = ['http', 'redirects', text];
    const file = site.media.some((item) => item.source.kind === 'file' && item.alias === redirect.path);
    const hidden = redirect.exact ? undefined : hiddenBy(redirect.path, site);
    if (hidden !== undefined) {
      const hint = 'add `exact: true` to redirect this one path only';
      report.add(at, `${quote(redirect.path)} and all below it is redirected, so ${hidden} is never reached`, {
        on: 'key',
        hint,
      });
    } else if (file) {
      const path = quote(redirect.path);
      report.add(at, `${path} is redirected, so the alias ${path} is never reached`, { on: 'key' });
    } else if (circles.has(redirect)) {
      report.add(at, `${quote(redirect.to!)} leads back to ${quote(redirect.path)}`);
    }
  }
  return all;
}

type Written = Exclude<NonNullable<HttpInput['redirects']>[string], string>;

function readTarget(at: string[], entry: Written, report: Report): Omit<PathRedirect, 'path'> | undefined {
  const status = (entry.status ?? 301) as PathRedirect['status'];
  const exact = entry.exact ?? false;
  if (status === 410) {
    if (entry.to !== undefined) report.add([...at, 'to'], 'what is gone (410) leads nowhere', { on: 'key' });
    return { status, exact };
  }
  if (entry.to === undefined) {
    report.add(at, 'nothing says where to', { hint: 'add `to: /new`, or write `status: 410`', on: 'key' });
    return undefined;
  }
  const to = parseTarget(entry.to);
  if (!to.ok) report.add(at, to.message);
  else if (!exact && /[?#]/.test(to.value)) {
    report.add(at, `${quote(entry.to)} holds a query or a fragment, so no tail can follow`, {
      hint: 'add `exact: true`',
    });
  }
  return to.ok ? { to: to.value, status, exact } : undefined;
}

/** A URL or a path of this site → what stands in `Location`: ASCII, encoded, and never one that leads elsewhere. */
function parseTarget(text: string): Parsed<string> {
  const fail = (reason: string): Parsed<string> => ({ ok: false, message: `${quote(text)} ${reason}` });
  // A browser takes two slashes, or a backslash for one, as the start of another host.
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return fail('holds a blank, a control character or a backslash');
  const local = text.startsWith('/');
  if (text.startsWith('//')) return fail('leads to another host: write it with https://');
  const base = local ? 'http://site.invalid' : undefined;
  const url = parseUrl(text, base);
  if (!url || !['http:', 'https:'].includes(url.protocol))
    return fail('is neither a path such as /new nor an http URL');
  if (url.username !== '' || url.password !== '') return fail('holds a user name');
  if (local && (url.host !== 'site.invalid' || url.pathname.startsWith('//'))) return fail('leads to another host');
  const rest = `${url.pathname}${url.search}${url.hash}`;
  const bare = !local && rest === '/' && !text.endsWith('/');
  const full = local ? rest : `${url.protocol}//${url.host}${bare ? '' : rest}`;
  return {
    ok: true,
    value: full.replaceAll(NOT_IN_LOCATION, (character) => encodeURIComponent(character)).replaceAll('$', '%24'),
  };
}

function hiddenBy(
  path: string,
  { apps, media }: { apps: readonly App[]; media: readonly Media[] },
): string | undefined {
  const alias = media.find((item) => covers(path, item.alias));
  if (alias) return `the alias ${quote(alias.alias)}`;
  const app = apps.find((item) => item.path !== undefined && covers(path, item.path));
  return app && `the app ${quote(app.name)}`;
}

/** Redirects that lead back to themselves, followed from their path and, where they keep a tail, with one. */
function circling(all: readonly PathRedirect[], hostnames: readonly Hostname[]): Set<PathRedirect> {
  const own = new Set(hostnames.filter((host) => host.kind === 'exact').map((host) => host.name));
  const byPath = new Map(all.map((item) => [item.path, item]));
  const circles = new Set<PathRedirect>();
  // Paths that do not come back: no way is gone twice, however many there are.
  const out = new Set<string>();
  for (const first of all) {
    for (const start of [first.path, ...(first.exact ? [] : [`${first.path === '/' ? '' : first.path}/x`])]) {
      const met = new Map<PathRedirect, string>();
      let at: string | undefined = start;
      let found = redirectAt(at, byPath);
      while (at !== undefined && found && !out.has(at) && !met.has(found) && !circles.has(found)) {
        met.set(found, at);
        at = found.to === undefined ? undefined : pathOf(follow(found, at), own);
        found = at === undefined ? undefined : redirectAt(at, byPath);
      }
      const ways = [...met.keys()];
      if (found && met.has(found)) for (const item of ways.slice(ways.indexOf(found))) circles.add(item);
      for (const [item, path] of met) if (!circles.has(item)) out.add(path);
    }
  }
  return circles;
}

/** The redirect a path belongs to: the one with the longest path. */
function redirectAt(path: string, byPath: ReadonlyMap<string, PathRedirect>): PathRedirect | undefined {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/')) || '/') {
    const item = byPath.get(at);
    if (item && (!item.exact || at === path)) return item;
    if (at === '/') return undefined;
  }
}

/** Where a redirect leads from a path it covers, without the query. Not for those that say gone. */
export function follow(redirect: PathRedirect, path: string): string {
  const tail = redirect.exact ? '' : path.slice(redirect.path === '/' ? 0 : redirect.path.length);
  return tail === '' ? redirect.to! : `${redirect.to!.replace(/\/$/, '')}${tail}`;
}

/** The path on this site a target leads to. */
function pathOf(target: string, own: ReadonlySet<string>): string | undefined {
  const url = new URL(target, 'http://site.invalid');
  if (url.hostname !== 'site.invalid' && !own.has(url.hostname)) return undefined;
  return url.pathname === '/' ? '/' : url.pathname.replace(/\/$/, '');
}
