import { named, settle, type Site, type Spot, urlOf } from './site.ts';

const NAME = /^[A-Za-z0-9-]+$/;

/** What a proxy writes itself, and no definition may. */
const OWN_REQUEST =
  /^(?:host|connection|upgrade|keep-alive|te|trailer|transfer-encoding|content-length|expect|forwarded|proxy)$/i;
const OWN_RESPONSE =
  /^(?:connection|keep-alive|trailer|transfer-encoding|upgrade|content-length|content-type|content-encoding|content-range|date|server|etag|last-modified|location|set-cookie|www-authenticate)$/i;

/** `Header` and `RequestHeader` → `http.headers`, `http.hsts`, `cache` of media. */
export function mapHeaders(site: Site): void {
  for (const spot of named(site, 'header')) mapHeader(site, spot, 'response');
  for (const spot of named(site, 'requestheader')) mapHeader(site, spot, 'request');
}

function mapHeader(site: Site, spot: Spot, side: 'request' | 'response'): void {
  const words = [...spot.directive.args];
  if (/^(?:always|onsuccess)$/i.test(words[0] ?? '')) words.shift();
  const [action = '', name = '', value = '', condition] = words;
  const header = name.replace(/:$/, '');
  if (condition !== undefined && condition !== 'early') {
    if (/^cache-control$|^expires$|^pragma$/i.test(header))
      return settle(site, spot, 'dropped', '`cache` of media says how long');
    return settle(site, spot, 'unsupported', `only under a condition (${condition}); http.headers has none`);
  }
  if (!NAME.test(header)) return settle(site, spot, 'unsupported', `${name} is no header`);
  if (side === 'request' && /^x-forwarded-(?:proto|for|host|port|ssl)$|^x-real-ip$|^x-scheme$/i.test(header)) {
    return settle(site, spot, 'implied', 'apps get X-Forwarded-Proto, -For and -Host, and nobody else can set them');
  }
  const own = side === 'request' ? OWN_REQUEST.test(header) : OWN_RESPONSE.test(header);
  if (own) return mapOwn(site, spot, action.toLowerCase() === 'unset');
  const url = urlOf(site, spot);
  if (/^(?:cache-control|expires|pragma)$/i.test(header) && side === 'response' && url !== '/') {
    return mapCache(site, spot, url, value);
  }
  if (url !== '/') return settle(site, spot, 'decide', 'http.headers is about the whole site: should it be?');
  const verb = action.toLowerCase();
  if (!/^(?:set|setifempty|add|append|merge|unset)$/.test(verb)) {
    return settle(site, spot, 'unsupported', `http.headers can set and remove, not ${action}`);
  }
  if (/%\{|%[tD]/.test(value))
    return settle(site, spot, 'unsupported', 'its value comes from variables; http.headers has fixed ones');
  if (side === 'response' && header.toLowerCase() === 'strict-transport-security' && verb !== 'unset') {
    return mapHsts(site, spot, value);
  }
  const list = ((site.definition.http.headers ??= {})[side] ??= {});
  const before = Object.keys(list).find((other) => other.toLowerCase() === header.toLowerCase());
  if (before !== undefined && /^(?:add|append|merge)$/.test(verb)) {
    return settle(site, spot, 'decide', `${header} is set twice; http.headers has one value for it`);
  }
  list[before ?? header] = verb === 'unset' ? '' : value;
  const odd = verb === 'append' || verb === 'merge' || verb === 'setifempty' ? '; it replaces what the app says' : '';
  settle(site, spot, odd === '' ? 'mapped' : 'decide', `http.headers.${side}${odd}`);
}

/** Taking one away harms nobody; setting one would. */
function mapOwn(site: Site, spot: Spot, unset: boolean): void {
  if (unset) settle(site, spot, 'implied', "the proxy's own to write, and it tells no more than it must");
  else settle(site, spot, 'unsupported', "the proxy's own to write: let the app say it");
}

function mapHsts(site: Site, spot: Spot, value: string): void {
  const seconds = Number(/max-age="?(\d+)/i.exec(value)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(seconds)) return settle(site, spot, 'unsupported', 'no max-age');
  const age = seconds % 86_400 === 0 ? `${seconds / 86_400}d` : `${seconds}s`;
  const subdomains = /includesubdomains/i.test(value);
  const preload = /preload/i.test(value);
  site.definition.http.hsts =
    subdomains || preload
      ? { 'max-age': age, ...(subdomains ? { subdomains } : {}), ...(preload ? { preload } : {}) }
      : age;
  settle(site, spot, 'mapped', 'http.hsts');
}

function mapCache(site: Site, spot: Spot, url: string | undefined, value: string): void {
  const seconds = Number(/max-age=(\d+)/.exec(value)?.[1] ?? Number.NaN);
  const media = url === undefined ? undefined : site.definition.media[url];
  if (!media || !Number.isSafeInteger(seconds)) {
    settle(site, spot, 'dropped', '`cache` of each alias says how long; 1h where it is not there');
    return;
  }
  media.cache = formatSeconds(seconds);
  settle(site, spot, 'mapped', `cache of ${url!}`);
}

/** 86400 → `1d`, at most a year. */
function formatSeconds(seconds: number): string {
  const most = Math.min(seconds, 365 * 86_400);
  if (most > 0 && most % 86_400 === 0) return `${most / 86_400}d`;
  return most > 0 && most % 3600 === 0 ? `${most / 3600}h` : `${most}s`;
}

const UNITS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
  month: 2_592_000,
  year: 31_536_000,
};

/** mod_expires → `cache` of the aliases it is about. */
export function mapExpires(site: Site): void {
  for (const spot of named(site, 'expiresdefault')) {
    const words = [...spot.directive.args.join(' ').matchAll(/(\d+)\s+(second|minute|hour|day|week|month|year)s?\b/gi)];
    const compact = /^[AM](\d+)$/.exec(spot.directive.args[0] ?? '')?.[1];
    const seconds =
      compact === undefined
        ? words.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!.toLowerCase()]!, 0)
        : Number(compact);
    const url = urlOf(site, spot);
    const media = Object.entries(site.definition.media).filter(
      ([alias]) => url !== undefined && (url === '/' || alias === url),
    );
    for (const [, item] of media) item.cache ??= formatSeconds(seconds);
    settle(
      site,
      spot,
      media.length > 0 ? 'mapped' : 'dropped',
      media.length > 0 ? 'cache of media' : '`cache` is for media only',
    );
  }
  for (const spot of named(site, 'expiresbytype', 'expiresactive')) {
    settle(site, spot, 'dropped', '`cache` of each alias says how long; 1h where it is not there');
  }
}
