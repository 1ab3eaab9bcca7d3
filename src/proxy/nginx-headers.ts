import type { Site } from '../core/routes.ts';
import { hstsValue } from '../core/settings.ts';
import { block, siteVariable } from './nginx-text.ts';
import { quoteNginx } from './quote.ts';

/** What `compress` is for. */
export const TEXT_TYPES = [
  'text/plain',
  'text/css',
  'text/csv',
  'text/javascript',
  'text/markdown',
  'text/xml',
  'application/atom+xml',
  'application/javascript',
  'application/json',
  'application/ld+json',
  'application/manifest+json',
  'application/rss+xml',
  'application/xhtml+xml',
  'application/xml',
  'application/wasm',
  'image/svg+xml',
  'font/otf',
  'font/ttf',
];

/** What visitors are told with every answer. A location that adds a header of its own has to repeat these. */
export function responseHeaders(site: Site): string[] {
  const { headers, hsts } = site.settings ?? {};
  return [
    ...Object.entries(headers?.response ?? {})
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `add_header ${quoteNginx(name)} ${quoteNginx(value)} always;`),
    ...(hsts ? [`add_header Strict-Transport-Security $${siteVariable(site, 'hsts')} always;`] : []),
  ];
}

/** Headers of media, by name: those the definition names otherwise are left to it. */
export function ownHeaders(site: Site, own: Readonly<Record<string, string>>): string[] {
  const given = new Set(Object.keys(site.settings?.headers?.response ?? {}).map((name) => name.toLowerCase()));
  return Object.entries(own)
    .filter(([name]) => !given.has(name.toLowerCase()))
    .map(([name, value]) => `add_header ${name} ${value};`);
}

/** For the server block: what apps say is hidden where the definition says it otherwise. */
export function headerLines(site: Site): string[] {
  const { headers, hsts } = site.settings ?? {};
  const hidden = [...Object.keys(headers?.response ?? {}), ...(hsts ? ['Strict-Transport-Security'] : [])];
  return [...hidden.map((name) => `proxy_hide_header ${quoteNginx(name)};`), ...responseHeaders(site)];
}

/** What apps are told, behind `proxy.conf`. */
export function requestHeaders(site: Site): string[] {
  return Object.entries(site.settings?.headers?.request ?? {}).map(
    ([name, value]) => `proxy_set_header ${quoteNginx(name)} ${quoteNginx(value)};`,
  );
}

/** An empty value sends nothing, which is what plain http must get. */
export function hstsMap(site: Site): string[] {
  const hsts = site.settings?.hsts;
  if (!hsts) return [];
  const values = ['default "";', `https ${quoteNginx(hstsValue(hsts))};`];
  return block(`map $hostctl_scheme $${siteVariable(site, 'hsts')}`, values);
}

export function compressLines(site: Site): string[] {
  if (!site.settings?.compress) return [];
  return [
    'gzip on;',
    'gzip_comp_level 5;',
    'gzip_min_length 1024;',
    'gzip_proxied any;',
    `gzip_types ${TEXT_TYPES.join(' ')};`,
  ];
}
