import { INSIDE } from '../core/layout.ts';
import { isHidden } from '../core/meaning.ts';
import { bySpecificity, covers, type Route, type Site, type Target } from '../core/routes.ts';
import type { AccessRule } from '../core/settings.ts';
import { accessLines } from './nginx-access.ts';
import { ownHeaders, responseHeaders } from './nginx-headers.ts';
import { limitLines } from './nginx-rate.ts';
import { redirectLocations } from './nginx-redirects.ts';
import { block, READING } from './nginx-text.ts';
import { appBody } from './nginx-upstreams.ts';
import { plainPath } from './quote.ts';

/**
 * Every path that something begins at gets locations of its own, longest first: what answers there is the longest route
 * that covers it, who may is the longest rule that does. Redirects come before both.
 */
export function locations(site: Site): string[] {
  const { redirects = [], access = [] } = site.settings ?? {};
  const found = new Map<string, string[]>();
  const add = (entries: Iterable<readonly [string, string[]]>): void => {
    for (const [head, body] of entries) if (!found.has(head)) found.set(head, body);
  };
  for (const redirect of redirects.filter((item) => item.exact)) add(redirectLocations(redirect));
  const wide = redirects.filter((item) => !item.exact);
  const paths = new Set(['/', ...[...site.routes, ...access, ...wide].map((item) => item.path)]);
  for (const path of [...paths]
    .map((item) => ({ path: item }))
    .toSorted(bySpecificity)
    .map((item) => item.path)) {
    const redirect = wide.find((item) => covers(item.path, path));
    if (redirect?.path === path) add(redirectLocations(redirect));
    if (redirect) continue;
    const rule = access.find((item) => covers(item.path, path));
    const route = site.routes.toSorted(bySpecificity).find((item) => answers(item, path));
    add(cell(site, path, route, rule));
  }
  return [...found].flatMap(([head, body]) => block(head, body));
}

/** A single file is one path only. */
function answers(route: Route, path: string): boolean {
  const single = route.target.to === 'media' && route.target.file;
  return single ? route.path === path : covers(route.path, path);
}

type Entry = readonly [head: string, body: string[]];

const NOTHING = ['return 404;'];

/** The locations of one path. */
function cell(site: Site, path: string, route: Route | undefined, rule: AccessRule | undefined): Entry[] {
  const access = accessLines(site, rule);
  if (!route) return both(path, [...access, 'return 404;']);
  if (route.target.to === 'app') return both(path, [...access, ...limitLines(site), ...appBody(site, route.target)]);
  const body = mediaBody(site, route.target);
  if (route.target.file) {
    const own: Entry = [`location = ${plainPath(path)}`, [...access, ...body]];
    if (rule?.path !== path) return [own];
    // A rule holds for what lies below its path too, where the file itself answers nothing.
    const below = site.routes.toSorted(bySpecificity).find((item) => answers(item, `${path}/`));
    return [own, ...cell(site, path, below, rule).filter(([head]) => head.startsWith('location ^~'))];
  }
  const hidden = block(String.raw`location ~ /\.(?!well-known/)`, NOTHING);
  if (path === '/') return [['location ^~ /', [...access, ...hidden, ...body]]];
  const bare = path === route.path ? [`return 301 ${plainPath(path)}/$is_args$args;`] : isHidden(path) ? NOTHING : body;
  return [
    [`location = ${plainPath(path)}`, [...access, ...bare]],
    [`location ^~ ${plainPath(path)}/`, [...access, ...hidden, ...body]],
  ];
}

function both(path: string, body: string[]): Entry[] {
  if (path === '/') return [['location /', body]];
  return [
    [`location = ${plainPath(path)}`, body],
    [`location ^~ ${plainPath(path)}/`, body],
  ];
}

type MediaTarget = Extract<Target, { to: 'media' }>;

/** `root` on a tree laid out as the URL, never `alias`: the class of off-by-slash escapes does not exist. */
function mediaBody(site: Site, target: MediaTarget): string[] {
  const root = plainPath(`${INSIDE.media}/${target.root}`);
  const cache = { 'Cache-Control': `"public, max-age=${target.maxAge}"` };
  const nosniff = { 'X-Content-Type-Options': 'nosniff' };
  return [
    `root ${root};`,
    `disable_symlinks on from=${root};`,
    ...block(`if (${READING.replace('~', '!~')})`, ['return 405;']),
    ...ownHeaders(site, target.uploads ? cache : { ...cache, ...nosniff }),
    // What strangers have uploaded never acts as a page of the site, whatever the definition says besides.
    ...(target.uploads
      ? [
          'add_header X-Content-Type-Options nosniff;',
          `add_header Content-Security-Policy "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'";`,
        ]
      : []),
    ...responseHeaders(site),
    'try_files $uri =404;',
  ];
}
