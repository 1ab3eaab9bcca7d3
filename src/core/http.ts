import { resolve } from 'node:path';
import { readAccess, readNetworks } from './access.ts';
import { type Hostname, parseHostname } from './hostnames.ts';
import type { HttpInput } from './http-schema.ts';
import { pagePath } from './layout.ts';
import type { App, Media } from './model.ts';
import type { PathKey } from './problems.ts';
import { parseRawNginx } from './raw-nginx.ts';
import { readRedirects } from './redirects.ts';
import { duration, type Report, type Surroundings } from './report.ts';
import type { ErrorPage, HeaderSettings, Hsts, RateLimit, RouteSettings } from './settings.ts';
import { didYouMean } from './suggest.ts';
import { quote } from './units.ts';

/** A year, which browser vendors ask of names they build in. */
const PRELOAD_AGE = 31_536_000;

/** The rest of the project, which the settings have to fit. */
interface Site {
  readonly hostnames: readonly Hostname[];
  readonly apps: readonly App[];
  readonly media: readonly Media[];
}

/** The `http:` section → settings of the routes, and the pages they show. */
export function readSettings(
  input: HttpInput,
  site: Site,
  around: Surroundings,
  report: Report,
): { readonly settings?: RouteSettings; readonly pages: readonly Media[] } {
  const pages: Media[] = [];
  const page = (file: string, name: string, at: readonly PathKey[]): string => {
    const path = resolve(around.dir, file);
    const kind = around.exists(path);
    const what = { folder: 'is a folder, not a file', closed: 'cannot be read', none: 'is not there' };
    if (kind !== 'file') report.add(at, `${quote(file)} ${what[kind ?? 'none']}`, { hint: `looked for ${path}` });
    pages.push({ alias: pagePath(name), source: { kind: 'file', path }, maxAge: 0 });
    return pagePath(name);
  };
  const settings: RouteSettings = {
    ...given('canonical', readCanonical(input.canonical, site.hostnames, report)),
    ...given('redirects', some(readRedirects(input.redirects, site, report))),
    ...given('access', some(readAccess(input.access, around, report))),
    ...given('headers', readHeaders(input.headers, report)),
    ...given('hsts', readHsts(input.hsts, report)),
    ...given('compress', input.compress === true ? true : undefined),
    ...given('rate', readRate(input.rate, report)),
    ...given('errors', some(readErrors(input.errors, page))),
    ...given('maintenance', readMaintenance(input.maintenance, page, report)),
    ...given('raw', readRaw(input.raw, around.host.driver, report)),
  };
  return { ...(Object.keys(settings).length > 0 ? { settings } : {}), pages };
}

type PageReader = (file: string, name: string, at: readonly PathKey[]) => string;

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

function readCanonical(text: string | undefined, hostnames: readonly Hostname[], report: Report): string | undefined {
  if (text === undefined) return undefined;
  const at = ['http', 'canonical'];
  const exact = hostnames.filter((host) => host.kind === 'exact').map((host) => host.name);
  const parsed = parseHostname(text);
  if (!parsed.ok) report.add(at, parsed.message);
  else if (!exact.includes(parsed.value.name)) {
    const guess = didYouMean(parsed.value.name, exact);
    const known = exact.length > 0 ? `exact hostnames here: ${exact.join(', ')}` : 'add it under `hostnames`';
    const hint = guess ? `did you mean ${quote(guess)}?` : known;
    report.add(at, `${quote(text)} is none of the exact hostnames of the project`, { hint });
  }
  return parsed.ok ? parsed.value.name : undefined;
}

/** What the proxy tells apps itself, or what belongs to one connection. */
export const PROXY_REQUEST =
  /^(host|connection|upgrade|keep-alive|te|trailer|transfer-encoding|content-length|expect|forwarded|proxy|proxy-.*|x-forwarded-.*|x-real-ip|x-hostctl-.*)$/i;
/** What a proxy writes itself or could only say twice, and what would take cookies and passwords from the app. */
export const PROXY_RESPONSE =
  /^(connection|keep-alive|trailer|transfer-encoding|upgrade|content-length|content-type|content-encoding|content-range|date|server|etag|last-modified|location|set-cookie|www-authenticate|x-accel-.*)$/i;

function readHeaders(input: HttpInput['headers'], report: Report): HeaderSettings | undefined {
  if (input === undefined) return undefined;
  const read = (side: 'request' | 'response', own: RegExp): Record<string, string> => {
    const seen = new Map<string, string>();
    for (const name of Object.keys(input[side] ?? {})) {
      const at = ['http', 'headers', side, name];
      const before = seen.get(name.toLowerCase());
      seen.set(name.toLowerCase(), name);
      if (before !== undefined) report.add(at, `${quote(name)} is the same header as ${quote(before)}`, { on: 'key' });
      else if (own.test(name)) report.add(at, `${quote(name)} is the proxy's own to write`, { on: 'key' });
      else if (side === 'response' && /^strict-transport-security$/i.test(name)) {
        report.add(at, `${quote(name)} must not be sent over plain http`, { hint: 'write `http.hsts`', on: 'key' });
      }
    }
    return input[side] ?? {};
  };
  const headers = { request: read('request', PROXY_REQUEST), response: read('response', PROXY_RESPONSE) };
  return Object.keys({ ...headers.request, ...headers.response }).length > 0 ? headers : undefined;
}

function readHsts(input: HttpInput['hsts'], report: Report): Hsts | undefined {
  if (input === undefined) return undefined;
  const written = typeof input === 'string' ? { 'max-age': input } : input;
  const hsts = {
    maxAge: Math.round(duration(written['max-age']) / 1000),
    subdomains: written.subdomains ?? false,
    preload: written.preload ?? false,
  };
  if (hsts.preload && (!hsts.subdomains || hsts.maxAge < PRELOAD_AGE)) {
    const hint = 'write { max-age: 365d, subdomains: true, preload: true }, or leave `preload` out';
    report.add(['http', 'hsts', 'preload'], 'browsers build in only names with subdomains, for a year or more', {
      hint,
    });
  }
  return hsts;
}

function readRate(input: HttpInput['rate'], report: Report): RateLimit | undefined {
  if (input === undefined) return undefined;
  const period = duration(input.per ?? '1s');
  if (input.requests * 60_000 < period) {
    report.add(['http', 'rate'], 'less than one request a minute cannot be counted', { hint: 'write a shorter `per`' });
  }
  return { requests: input.requests, period, burst: input.burst ?? input.requests };
}

function readErrors(input: HttpInput['errors'], page: PageReader): ErrorPage[] {
  return Object.entries(input ?? {})
    .map(([status, file]) => ({ status: Number(status), page: page(file, status, ['http', 'errors', status]) }))
    .toSorted((a, b) => a.status - b.status);
}

function readMaintenance(
  input: HttpInput['maintenance'],
  page: PageReader,
  report: Report,
): RouteSettings['maintenance'] {
  if (input === undefined) return undefined;
  const at = ['http', 'maintenance'];
  return {
    ...given('page', input.page === undefined ? undefined : page(input.page, 'maintenance', [...at, 'page'])),
    bypass: readNetworks(input.bypass ?? [], [...at, 'bypass'], report),
  };
}

function readRaw(input: HttpInput['raw'], driver: string, report: Report): RouteSettings['raw'] {
  if (input === undefined) return undefined;
  const at = ['http', 'raw'];
  const names = Object.keys(input);
  if (names.length > 0 && !names.includes(driver)) {
    const hint = `write \`raw.${driver}\` as well, or set proxy.driver to ${names.join(' or ')}`;
    report.add(at, `says nothing for ${driver}, the proxy of this workspace`, { hint, on: 'key' });
  }
  const nginx = input.nginx === undefined ? undefined : parseRawNginx(input.nginx);
  if (nginx && !nginx.ok) report.add([...at, 'nginx'], nginx.message, { on: 'key' });
  return { ...given('nginx', input.nginx), ...given('traefik', input.traefik) };
}
