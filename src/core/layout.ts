import { createHmac } from 'node:crypto';

/** Where things stand below the data root. One place, so that the proxy, the engine and the host agree. */
export const LAYOUT = {
  key: 'key',
  /** Rules of the packet filter, for the next start of the machine. */
  fence: 'fence.nft',
  /** Name of the instance that owns the data root. */
  instance: 'instance',
  /** A file for each lock, and one for each deploy that waits. Never removed while anybody may hold one. */
  locks: 'locks',
  waiting: 'locks/waiting',
  /** What was done by whom; see `host/journal.ts`. */
  log: 'log',
  projects: 'projects',
  identity: (project: string) => `projects/${project}/identity.json`,
  releases: (project: string) => `projects/${project}/releases`,
  release: (project: string, id: number) => `projects/${project}/releases/${id}.json`,
  /** Link to the record of the live release. */
  current: (project: string) => `projects/${project}/current`,
  volumes: (project: string) => `projects/${project}/volumes`,
  volume: (project: string, app: string, name: string) => `projects/${project}/volumes/${app}/${name}`,
  /** Values of secrets, and nothing else: a directory per name with a file per version. */
  secrets: (project: string) => `projects/${project}/secrets`,
  secret: (project: string, name: string) => `projects/${project}/secrets/${name}`,
  secretVersion: (project: string, name: string, version: number) =>
    `projects/${project}/secrets/${name}/${version}.json`,
  /** Stands for versions that are no more: their numbers must not come back with other values. */
  removedSecret: (project: string, name: string, version: number) =>
    `projects/${project}/secrets/${name}/${version}.removed`,
  /** What containers see of secrets: a directory for each, which belongs to its app. */
  secretFiles: (project: string) => `projects/${project}/secret-files`,
  secretFilesOf: (project: string, container: string) => `projects/${project}/secret-files/${container}`,
  /** That the site is closed; outlives deploys, and goes with the project. */
  maintenance: (project: string) => `projects/${project}/maintenance.json`,
  /** What a deploy that has not reached its end did to the live release. */
  unfinished: (project: string) => `projects/${project}/unfinished.json`,
  media: 'media',
  mediaOf: (project: string) => `media/${project}`,
  /** Bodies of requests and answers the nginx of each driver has no memory for. */
  spool: { nginx: 'spool', traefik: 'traefik-spool' },
  /** What a proxy reads: a directory per version of a project's certificate, and a link to the one in force. */
  tls: 'tls',
  certificates: (project: string) => `tls/${project}`,
  certificate: (project: string, version: string) => `tls/${project}/${version}`,
  liveCertificate: (project: string) => `tls/${project}/live`,
  /** Names whose certificate the proxy may order by itself. */
  ordering: (project: string) => `tls/${project}/ordering.json`,
  /** Answers to http challenges that are pending: `<hostname>/.well-known/acme-challenge/<token>`. */
  challenges: 'challenges',
  /** Key and address of an account at a certificate authority. */
  account: (authority: string) => `accounts/${authority}.json`,
  sockets: 'sockets',
  links: 'links',
  proxy: 'proxy',
  generations: 'proxy/generations',
  /** Link to the generation a driver has loaded; each has its own, so that one can take over from another. */
  live: { nginx: 'proxy/live', traefik: 'proxy/traefik-live' },
  /** The directory Traefik watches, and the one file in it. */
  dynamic: 'proxy/dynamic',
  dynamicFile: 'proxy/dynamic/hostctl.yml',
  /** Certificates and accounts Traefik asked for: nothing removes them. */
  acme: 'acme',
  /** Of the nginx of each driver: the one that goes must not take the other's socket with it. */
  admin: { nginx: 'proxy/admin', traefik: 'proxy/traefik-admin' },
  adminSocket: 'admin.sock',
} as const;

/** Where the same things stand inside containers. */
export const INSIDE = {
  /** An app's own socket directory. */
  socketDir: '/run/hostctl',
  secrets: '/run/secrets',
  /** The proxy's view. */
  config: '/etc/hostctl',
  sockets: '/run/hostctl/sockets',
  links: '/run/hostctl/links',
  admin: '/run/hostctl/admin',
  media: '/srv/media',
  certificates: '/etc/hostctl-tls',
  challenges: '/srv/challenges',
  spool: '/var/spool/hostctl',
  dynamic: '/etc/hostctl/dynamic',
  acme: '/var/lib/hostctl/acme',
} as const;

/** Header of hostctl's own visits: for them nobody's hostname is no answer, not a page that says 404. */
export const VISIT_HEADER = 'X-Hostctl-Visit';

/** Asked of a Traefik that somebody else runs, to learn what it has loaded. */
export const MARKER_HOST = 'hostctl.invalid';

/** Where the parts of a proxy find each other. No app can have these names: an alias of an app holds no dot. */
export const INNER = {
  /** Of an instance: a Traefik that is not ours may have several. */
  nginx: (instance: string) => `nginx.${instance}.hostctl`,
  /** Traefik tells what it has loaded on this port, to the nginx beside it and nobody else. */
  traefik: 'traefik.hostctl',
  adminPort: 9000,
} as const;

/**
 * Socket paths are not guessable: an app owns the directory of its socket and could plant a symlink there that leads
 * the proxy to a neighbour's. It cannot name what it does not know.
 */
export function socketDirectory(key: string, container: string): string {
  return `${container}-${keyed(key, `socket ${container}`)}`;
}

/** Name of the link the proxy follows to a replica of an app. No name holds a dot, so no two apps share one. */
export function socketLink(key: string, project: string, app: string, replica: number): string {
  const name = `${project}.${app}.${replica}`;
  return `${name}-${keyed(key, `link ${name}`)}.sock`;
}

/** Whether a link leads to an app of this project. */
export function isLinkOf(project: string, link: string): boolean {
  return link.startsWith(`${project}.`);
}

/** Where a link leads. @param socket path below `sockets/` */
export function linkTarget(socket: string): string {
  return `../${LAYOUT.sockets}/${socket}`;
}

/** A container's socket as the container sees it. Named after it: the kernel tells the proxy's connections apart by that. */
export function socketInside(container: string): string {
  return `${INSIDE.socketDir}/${container}.sock`;
}

/** The proxy answers on its admin socket only to who knows this. */
export function adminToken(key: string): string {
  return keyed(key, 'admin');
}

function keyed(key: string, what: string): string {
  return createHmac('sha256', key).update(what).digest('hex').slice(0, 20);
}

/** Where the files of uploads lie: below the root as the URL does, so that nginx needs no `alias`. @param root below `media/` */
export function uploadsPath(root: string, alias: string): string {
  return `${LAYOUT.media}/${root}${alias === '/' ? '' : alias}`;
}

/** `/media/a` → `media,a`; no alias holds a comma, so no two share a directory. */
export function aliasDirectory(alias: string): string {
  return alias === '/' ? ',' : alias.slice(1).replaceAll('/', ',');
}

/** Link below `media/` the proxy follows to the files of an alias; uploads have none. */
export function mediaLink(project: string, alias: string): string {
  return `${project}/${aliasDirectory(alias)}.live`;
}

/** URL path of a page that only the proxy asks for. No alias starts with a dot, so none is in its way. */
export function pagePath(name: string): string {
  return `/.hostctl/${name}.html`;
}

/** What opens a closed site to the browser or the probe that has it. */
export const PASS_COOKIE = 'hostctl_pass';

/** URL path that puts the cookie there. */
export function passPath(token: string): string {
  return `/.hostctl/pass/${token}`;
}

/** The cookie of hostctl's own visits to a project. The app sees it, so it opens nothing else. */
export function probePass(key: string, project: string): string {
  return keyed(key, `pass ${project}`);
}

/** Ends the directories of uploads; what has a version instead is a copy and can be made again. */
export const UPLOADS = 'uploads';

/** The alias whose uploads a directory below `media/<project>/` holds; undefined for copies and links. */
export function uploadsAlias(directory: string): string | undefined {
  if (!directory.endsWith(`.${UPLOADS}`)) return undefined;
  const name = directory.slice(0, -UPLOADS.length - 1);
  return name === ',' ? '/' : `/${name.replaceAll(',', '/')}`;
}
