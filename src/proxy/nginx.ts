import { INSIDE, LAYOUT } from '../core/layout.ts';
import type { DriverName } from '../core/model.ts';
import { hashOf } from '../core/names.ts';
import { PROXY_PORT, type ProxyPart } from '../core/proxy-part.ts';
import { bySpecificity, type Route, type Site, type Target } from '../core/routes.ts';
import { fillTemplate } from '../core/template.ts';
import type { DriverInput, Generation, GeneratedFile, ProxyDriver } from './driver.ts';
import { type GlobOrder, globOrder, serverNames } from './globs.ts';
import { plainPath, quoteNginx } from './quote.ts';

const CONFIG = INSIDE.config;
/** Stands in a generation for its name, which is a hash of the whole. */
export const GENERATION = '@generation@';
const ADMIN_SOCKET = `${INSIDE.admin}/${LAYOUT.adminSocket}`;

/** Where an nginx stands: at the edge, or behind another proxy that it believes what is said of the visitor. */
export interface Place {
  readonly driver: DriverName;
  readonly part: string;
  readonly listen: string;
  /** `keepalive_min_timeout` in milliseconds: an idle client may send one more request to the worker it is connected to. */
  readonly linger: number;
  /** Directives about where the visitor's address and scheme are read from. */
  readonly visitor: readonly string[];
}

const EDGE: Place = {
  driver: 'nginx',
  part: 'proxy',
  listen: String(PROXY_PORT),
  linger: 5000,
  visitor: ['map $scheme $hostctl_scheme {', '    default $scheme;', '}'],
};

export const nginx: ProxyDriver = {
  name: EDGE.driver,
  sockets: true,
  parts: () => [{ ...nginxPart(EDGE), edge: true }],
  generation: (input) => named(nginxFiles(input, EDGE)),
  ...commands(EDGE),
  linger: EDGE.linger,
};

/** An nginx as a part of a driver. */
export function nginxPart(place: Place): Omit<ProxyPart, 'edge'> {
  const { driver } = place;
  // A socket left behind by a crash would keep nginx from starting, and nobody else clears its temporary files.
  const clear = `rm -rf ${ADMIN_SOCKET} ${INSIDE.spool}/*`;
  return {
    name: place.part,
    base: 'nginx',
    start: ['/bin/sh', '-c', `${clear}; exec nginx -c ${CONFIG}/${linkOf(driver)}/nginx.conf -g 'daemon off;'`],
    mounts: [
      { from: LAYOUT.proxy, at: CONFIG, write: false },
      { from: LAYOUT.sockets, at: INSIDE.sockets, write: false },
      { from: LAYOUT.links, at: INSIDE.links, write: false },
      { from: LAYOUT.media, at: INSIDE.media, write: false },
      { from: LAYOUT.admin[driver], at: INSIDE.admin, write: true },
      { from: LAYOUT.spool[driver], at: INSIDE.spool, write: true },
    ],
    memory: 256 * 1024 ** 2,
    pids: 64,
    stopSignal: 'SIGQUIT',
  };
}

/** How an nginx checks and loads a generation. */
export function commands({ driver, part }: Place): Pick<ProxyDriver, 'check' | 'load'> {
  return {
    check: (name) => ({ part, argv: ['nginx', '-q', '-t', '-c', `${CONFIG}/generations/${name}/nginx.conf`] }),
    load: { part, argv: ['nginx', '-q', '-c', `${CONFIG}/${linkOf(driver)}/nginx.conf`, '-s', 'reload'] },
  };
}

function linkOf(driver: DriverName): string {
  return LAYOUT.live[driver].replace(`${LAYOUT.proxy}/`, '');
}

export function named(files: readonly GeneratedFile[]): Generation {
  const name = hashOf(files, 12);
  return { name, files: files.map((file) => ({ ...file, text: file.text.replaceAll(GENERATION, name) })) };
}

/** The whole of nginx: every site with its media, redirects, pages and apps. */
export function nginxFiles(input: DriverInput, place: Place): GeneratedFile[] {
  const order = globOrder(input.sites);
  const names = order.sites.reduce((sum, site) => sum + site.hostnames.length, 0);
  const values = {
    workers: String(Math.min(Math.max(input.cpus, 1), 4)),
    names: String(Math.max(4096, 2 ** Math.ceil(Math.log2(2 * names + 1)))),
    token: input.token,
    port: String(input.settings.http),
    linger: `${place.linger}ms`,
    listen: place.listen,
    visitor: place.visitor.join('\n    '),
    spool: INSIDE.spool,
    sites: order.matters
      ? order.sites.map((site) => `include ${siteFile(site)};`).join('\n    ')
      : 'include sites/*.conf;',
    generation: GENERATION,
  };
  return [
    { path: 'nginx.conf', text: fillTemplate(input.templates['nginx.conf']!, values) },
    { path: 'proxy.conf', text: fillTemplate(input.templates['proxy.conf']!, values) },
    ...order.sites.map((site) => ({ path: siteFile(site), text: siteConfig(site, order, place) })),
  ];
}

function siteFile(site: Site): string {
  return `sites/${site.project}.conf`;
}

/** One project's part: byte-stable, so that an unchanged project is an unchanged file. */
function siteConfig(site: Site, order: GlobOrder, place: Place): string {
  const routes = site.routes.toSorted(bySpecificity);
  const lines = [
    `# Written by hostctl for the project ${site.project}.`,
    ...routes.flatMap((route) => upstream(site, route.target)),
    'server {',
    `    listen ${place.listen};`,
    ...serverNames(site.hostnames, order).map((name) => `    server_name ${name};`),
    ...oddHosts(site),
    `    client_max_body_size ${site.maxBody};`,
    ...routes.flatMap((route) => location(site, route)),
    ...(routes.some((route) => route.path === '/') ? [] : ['    location / {', '        return 404;', '    }']),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** nginx lets a wildcard stand for any character that a URL may hold, which is more than a hostname has. */
function oddHosts(site: Site): string[] {
  const wild = site.hostnames.some(({ kind }) => kind === 'leading' || kind === 'trailing');
  return wild ? ['    if ($host ~ "^[.]|[^a-z0-9._-]") {', '        return 404;', '    }'] : [];
}

function upstreamName(site: Site, app: string): string {
  return `${site.project}.${app}`;
}

/**
 * Sockets are balanced by nginx. Names on TCP are resolved per request instead: an `upstream` block would answer 502
 * between a reload and the first DNS answer.
 */
function upstream(site: Site, target: Target): string[] {
  if (target.to !== 'app') return [];
  const sockets = target.upstreams.flatMap((item) => (item.kind === 'socket' ? [item.link] : []));
  if (sockets.length === 0) return [];
  return [
    `upstream ${upstreamName(site, target.app)} {`,
    ...sockets.map((link) => `    server unix:${plainPath(`${INSIDE.links}/${link}`)} max_fails=0;`),
    // One that refuses while it is started again is passed over, and asked by the next request: max_fails=0.
    // A kept connection would lead to the old copy after a switch.
    '    keepalive 0;',
    '}',
  ];
}

function location(site: Site, route: Route): string[] {
  if (route.target.to === 'media') return mediaLocations(route.path, route.target);
  const body = proxyTo(site, route.target);
  if (route.path === '/') return block('location /', body);
  const path = plainPath(route.path);
  return [...block(`location = ${path}`, body), ...block(`location ^~ ${path}/`, body)];
}

function proxyTo(site: Site, target: Extract<Target, { to: 'app' }>): string[] {
  const tcp = target.upstreams.find((item) => item.kind === 'port');
  const timeout = `${Math.ceil(target.readTimeout / 1000)}s`;
  return [
    ...(tcp?.kind === 'port' ? [`set $hostctl_upstream ${quoteNginx(`${tcp.host}:${tcp.port}`)};`] : []),
    `proxy_pass http://${tcp ? '$hostctl_upstream' : upstreamName(site, target.app)};`,
    `proxy_read_timeout ${timeout};`,
    `proxy_send_timeout ${timeout};`,
    'include proxy.conf;',
  ];
}

type MediaTarget = Extract<Target, { to: 'media' }>;

/** `root` on a tree laid out as the URL, never `alias`: the class of off-by-slash escapes does not exist. */
function mediaLocations(path: string, target: MediaTarget): string[] {
  const root = plainPath(`${INSIDE.media}/${target.root}`);
  const body = [
    `root ${root};`,
    `disable_symlinks on from=${root};`,
    'if ($request_method !~ ^(GET|HEAD)$) {',
    '    return 405;',
    '}',
    `add_header Cache-Control "public, max-age=${target.maxAge}";`,
    'add_header X-Content-Type-Options nosniff;',
    ...(target.uploads
      ? [
          `add_header Content-Security-Policy "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'";`,
        ]
      : []),
    'try_files $uri =404;',
  ];
  if (target.file) return block(`location = ${plainPath(path)}`, body);
  const hidden = ['location ~ /\\.(?!well-known/) {', '    return 404;', '}'];
  if (path === '/') return block('location ^~ /', [...hidden, ...body]);
  return [
    ...block(`location = ${plainPath(path)}`, [`return 301 ${plainPath(path)}/$is_args$args;`]),
    ...block(`location ^~ ${plainPath(path)}/`, [...hidden, ...body]),
  ];
}

function block(head: string, body: readonly string[]): string[] {
  return [`    ${head} {`, ...body.map((line) => `        ${line}`), '    }'];
}
