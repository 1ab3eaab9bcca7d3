import { INSIDE, mediaLink, pagePath, PASS_COOKIE, passPath } from '../core/layout.ts';
import type { Site } from '../core/routes.ts';
import { responseHeaders } from './nginx-headers.ts';
import { block, siteVariable } from './nginx-text.ts';
import { escapePattern, plainNetwork, plainPath, quoteExpanded, quoteNginx } from './quote.ts';

/** Challenges of a certificate authority are answered under every name, whatever else is the matter. */
const CHALLENGE = String.raw`/\.well-known/acme-challenge/`;
/** Pages and links of hostctl's own. */
const OWN = String.raw`/\.hostctl/`;
const RETRY_SECONDS = 300;
/** No app answers this: it tells maintenance from a 503 of an app. */
const CLOSED = 599;
const COOKIE_SECONDS = 86_400;

/** What decides at the door of a site, for the http block. Looked at anew after an inner redirect: `volatile`. */
export function gateMaps(site: Site): string[] {
  return [...canonicalMap(site), ...maintenanceMaps(site)];
}

function canonicalMap(site: Site): string[] {
  const canonical = site.settings?.canonical;
  if (canonical === undefined) return [];
  return block(`map "$request_method:$host$uri" $${siteVariable(site, 'elsewhere')}`, [
    'volatile;',
    `${quoteExpanded(`~^[^:]*:${escapePattern(canonical)}/`)} "";`,
    `${quoteExpanded(`~^[^:]*:[^/]*${CHALLENGE}`)} "";`,
    `${quoteExpanded('~^(?:GET|HEAD):')} 301;`,
    'default 308;',
  ]);
}

function maintenanceMaps(site: Site): string[] {
  const { closed } = site;
  if (!closed) return [];
  const known = siteVariable(site, 'known');
  const pass = siteVariable(site, 'pass');
  const addresses = new Set([...(site.settings?.maintenance?.bypass ?? []), ...closed.bypass]);
  return [
    ...block(`geo $${known}`, ['default "";', ...[...addresses].map((item) => `${plainNetwork(item)} 1;`)]),
    ...block(`map $cookie_${PASS_COOKIE} $${pass}`, [
      'default "";',
      ...[closed.token, closed.probe].map((item) => `${quoteNginx(item)} 1;`),
    ]),
    ...block(`map "$${known}$${pass}$uri" $${siteVariable(site, 'closed')}`, [
      'volatile;',
      '"~^1" "";',
      `${quoteExpanded(`~^${OWN}`)} "";`,
      `${quoteExpanded(`~^${CHALLENGE}`)} "";`,
      'default 1;',
    ]),
  ];
}

/** For the server block, before any location is chosen. */
export function gateLines(site: Site): string[] {
  const { canonical } = site.settings ?? {};
  const elsewhere = `$${siteVariable(site, 'elsewhere')}`;
  const there = `$hostctl_scheme://${canonical}$hostctl_port$request_uri`;
  return [
    ...(canonical === undefined
      ? []
      : [301, 308].flatMap((status) => block(`if (${elsewhere} = ${status})`, [`return ${status} ${there};`]))),
    ...(site.closed ? block(`if ($${siteVariable(site, 'closed')})`, [`return ${CLOSED};`]) : []),
  ];
}

/** Which page is shown for which status, for the server block. */
export function errorLines(site: Site): string[] {
  const intercepted = site.settings?.errors !== undefined;
  return [...(intercepted ? ['proxy_intercept_errors on;'] : []), ...errorPages(site)];
}

export function errorPages(site: Site): string[] {
  const errors = site.settings?.errors ?? [];
  return [
    ...errors.map(({ status, page }) => `error_page ${status} ${plainPath(page)};`),
    ...(site.closed ? [`error_page ${CLOSED} =503 ${pagePath('maintenance')};`] : []),
  ];
}

/** Locations no visitor reaches, but for the link that lets one in. */
export function ownLocations(site: Site): string[] {
  const pages = (site.settings?.errors ?? []).flatMap(({ page }) =>
    block(`location = ${plainPath(page)}`, ['internal;', ...pageBody(site, page)]),
  );
  return [...pages, ...(site.closed ? maintenanceLocations(site, site.closed.token) : [])];
}

function pageBody(site: Site, page: string): string[] {
  const root = plainPath(`${INSIDE.media}/${mediaLink(site.project, page)}`);
  return [`root ${root};`, `disable_symlinks on from=${root};`];
}

function maintenanceLocations(site: Site, token: string): string[] {
  const page = site.settings?.maintenance?.page;
  const words = 'This site is down for maintenance. Please come back in a few minutes.';
  const cookie = `${PASS_COOKIE}=${token}; Path=/; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax`;
  return [
    ...block(`location = ${pagePath('maintenance')}`, [
      'internal;',
      `add_header Retry-After ${RETRY_SECONDS} always;`,
      'add_header Cache-Control no-store always;',
      ...responseHeaders(site).filter((line) => !/^add_header "cache-control"/i.test(line)),
      ...(page === undefined ? ['default_type text/plain;', `return 503 ${quoteNginx(words)};`] : pageBody(site, page)),
    ]),
    ...block(`location = ${plainPath(passPath(token))}`, [
      `add_header Set-Cookie ${quoteNginx(cookie)};`,
      'add_header Cache-Control no-store;',
      'return 302 /;',
    ]),
  ];
}
