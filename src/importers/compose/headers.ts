import { PROXY_REQUEST, PROXY_RESPONSE } from '../../core/http.ts';
import type { Middleware } from './labels.ts';
import type { Item } from './ledger.ts';
import { textOf } from './services.ts';
import type { Site } from './site.ts';

/** Options of Traefik's headers middleware that are one header of the answer each. */
const FIXED: Readonly<Record<string, readonly [name: string, value?: string]>> = {
  framedeny: ['X-Frame-Options', 'DENY'],
  contenttypenosniff: ['X-Content-Type-Options', 'nosniff'],
  browserxssfilter: ['X-XSS-Protection', '1; mode=block'],
  customframeoptionsvalue: ['X-Frame-Options'],
  custombrowserxssvalue: ['X-XSS-Protection'],
  contentsecuritypolicy: ['Content-Security-Policy'],
  contentsecuritypolicyreportonly: ['Content-Security-Policy-Report-Only'],
  referrerpolicy: ['Referrer-Policy'],
  permissionspolicy: ['Permissions-Policy'],
  featurepolicy: ['Feature-Policy'],
};
const HARMLESS =
  /^(?:isdevelopment|hostsproxyheaders|sslproxyheaders.*|allowedhosts|addvaryheader|ssltemporaryredirect|sslhost|sslforcehost)$/;
const DAY = 86_400;

/** Traefik's headers middleware → `http.headers` and `http.hsts`. */
export function setHeaders(site: Site, middleware: Middleware): void {
  const { ledger } = site;
  mapHsts(site, middleware);
  for (const [key, item] of middleware) {
    const option = key.replace(/^headers\./, '');
    const text = textOf(item) ?? '';
    const fixed = FIXED[option];
    const custom = /^custom(request|response)headers\.(.+)$/.exec(option);
    if (/^(?:sts|forcests)/.test(option)) continue;
    if (/^(?:sslredirect)$/.test(option)) ledger.settle(item, 'implied', 'tls.redirect: http leads to https');
    else if (fixed && text === 'false' && fixed[1] !== undefined) ledger.settle(item, 'implied', 'off, as here');
    else if (fixed) setOne(site, 'response', fixed[0], fixed[1] ?? text, item);
    else if (custom) {
      // Labels have no case; the name as it is written most often.
      const name = item.path.at(-1)!.slice(-custom[2]!.length);
      setOne(site, custom[1] as 'request', name, text, item);
    } else if (option === 'accesscontrolalloworiginlist' && !text.includes(',')) {
      setOne(site, 'response', 'Access-Control-Allow-Origin', text, item);
    } else if (option.startsWith('accesscontrol'))
      ledger.settle(item, 'unsupported', 'http.headers answers no preflight requests: let the app do it');
    else if (HARMLESS.test(option)) ledger.settle(item, 'dropped', 'hostctl goes without');
    else ledger.settle(item, 'unsupported', 'hostctl does not know this option');
  }
}

function setOne(site: Site, side: 'request' | 'response', name: string, value: string, item: Item): void {
  const { ledger, definition } = site;
  const own = side === 'request' ? PROXY_REQUEST.test(name) : PROXY_RESPONSE.test(name);
  const forwarded = /^x-(?:forwarded-.*|real-ip|scheme)$/i.test(name);
  if (own && side === 'request' && forwarded)
    return ledger.settle(item, 'implied', 'apps get X-Forwarded-Proto, -For and -Host');
  if (own) return ledger.settle(item, value === '' ? 'implied' : 'unsupported', "the proxy's own to write");
  if (/^strict-transport-security$/i.test(name)) return ledger.settle(item, 'decide', 'http.hsts says so on https');
  if (!/^[a-z][a-z0-9-]{0,63}$/i.test(name) || !/^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(value) || /\$|\{\{/.test(value))
    return ledger.settle(item, 'unsupported', 'no header of a definition');
  const list = ((definition.http.headers ??= {})[side] ??= {});
  const before = Object.keys(list).find((other) => other.toLowerCase() === name.toLowerCase());
  if (before !== undefined && list[before] !== value)
    return ledger.settle(item, 'decide', `${name} is set twice; http.headers has one value for it`);
  list[before ?? name] = value;
  ledger.settle(item, 'mapped', `http.headers.${side}`);
}

function mapHsts({ ledger, definition }: Site, middleware: Middleware): void {
  const flag = (key: string): boolean => textOf(middleware.get(`headers.${key}`)) === 'true';
  const seconds = Number(textOf(middleware.get('headers.stsseconds')) ?? '0');
  const fits = Number.isSafeInteger(seconds) && seconds > 0 && seconds <= 3650 * DAY;
  if (fits) {
    const age = seconds % DAY === 0 ? `${seconds / DAY}d` : `${seconds}s`;
    const subdomains = flag('stsincludesubdomains');
    const preload = flag('stspreload');
    definition.http.hsts =
      subdomains || preload
        ? { 'max-age': age, ...(subdomains ? { subdomains } : {}), ...(preload ? { preload } : {}) }
        : age;
  }
  for (const [key, item] of middleware) {
    if (key === 'headers.forcestsheader') ledger.settle(item, 'implied', 'http.hsts is sent on https');
    else if (key.startsWith('headers.sts'))
      ledger.settle(item, fits ? 'mapped' : 'implied', fits ? 'http.hsts' : 'without a time it is off');
  }
}
