import { INSIDE, LAYOUT } from '../core/layout.ts';
import type { DriverName } from '../core/model.ts';
import { hashOf } from '../core/names.ts';
import { PROXY_PORT, type ProxyPart } from '../core/proxy-part.ts';
import type { Site } from '../core/routes.ts';
import { fillTemplate } from '../core/template.ts';
import type { DriverInput, Generation, GeneratedFile, ProxyDriver } from './driver.ts';
import { globOrder } from './globs.ts';
import { usersFiles } from './nginx-access.ts';
import { nginxRules } from './nginx-match.ts';
import { siteConfig } from './nginx-site.ts';
import { GENERATION } from './nginx-text.ts';

const CONFIG = INSIDE.config;
const ADMIN_SOCKET = `${INSIDE.admin}/${LAYOUT.adminSocket}`;

/** Where an nginx stands: at the edge, or behind another proxy that it believes what is said of the visitor. */
export interface Place {
  readonly driver: DriverName;
  readonly part: string;
  readonly listen: string;
  /** Whether it is the one that speaks https with visitors. */
  readonly https: boolean;
  /** `keepalive_min_timeout` in milliseconds: an idle client may send one more request to the worker it is connected to. */
  readonly linger: number;
  /** Directives about where the visitor's address and scheme are read from. */
  readonly visitor: readonly string[];
}

const EDGE: Place = {
  driver: 'nginx',
  part: 'proxy',
  listen: String(PROXY_PORT),
  https: true,
  linger: 5000,
  visitor: ['map $scheme $hostctl_scheme {', '    default $scheme;', '}'],
};

/** nginx lets new workers begin, waits 100 ms and only then tells the old ones to take nobody new. */
export const OVERLAP_MS = 150;
const SECURE_MOUNTS = [
  { from: LAYOUT.tls, at: INSIDE.certificates, write: false },
  { from: LAYOUT.challenges, at: INSIDE.challenges, write: false },
];

export const nginx: ProxyDriver = {
  name: EDGE.driver,
  sockets: true,
  parts: () => [{ ...nginxPart(EDGE), edge: true, secureMounts: SECURE_MOUNTS }],
  generation: (input) => named(nginxFiles(input, EDGE)),
  explain: nginxRules,
  ...commands(EDGE),
  linger: EDGE.linger,
  pooled: 0,
  overlap: OVERLAP_MS,
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
export function commands({ driver, part }: Pick<Place, 'driver' | 'part'>): Pick<ProxyDriver, 'check' | 'load'> {
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
    https: String(input.settings.https),
    linger: `${place.linger}ms`,
    listen: place.listen,
    visitor: place.visitor.join('\n    '),
    tls: place.https ? 'include tls.conf;' : '# https is the matter of the proxy in front.',
    spool: INSIDE.spool,
    sites: order.matters
      ? order.sites.map((site) => `include ${siteFile(site)};`).join('\n    ')
      : 'include sites/*.conf;',
    generation: GENERATION,
  };
  return [
    { path: 'nginx.conf', text: fillTemplate(input.templates['nginx.conf']!, values) },
    { path: 'proxy.conf', text: fillTemplate(input.templates['proxy.conf']!, values) },
    ...(place.https ? [{ path: 'tls.conf', text: fillTemplate(input.templates['tls.conf']!, values) }] : []),
    ...order.sites.flatMap((site) => [
      { path: siteFile(site), text: siteConfig(site, order, input, place) },
      ...usersFiles(site),
    ]),
  ];
}

function siteFile(site: Site): string {
  return `sites/${site.project}.conf`;
}
