import type { Hostname } from '../core/hostnames.ts';
import { bySpecificity, type Route, type Site, type Target, type Upstream } from '../core/routes.ts';
import { TEXT_TYPES } from './nginx-headers.ts';
import {
  ABOVE_PATHS,
  allOf,
  hostGroups,
  type HostGroup,
  literal,
  onlyPath,
  pathPriority,
  pathRule,
  type Ties,
  unlike,
  upTo,
} from './traefik-rules.ts';

export interface Router {
  readonly entryPoints: readonly string[];
  readonly rule: string;
  readonly priority: number;
  readonly service: string;
  readonly middlewares?: readonly string[];
  /** On entry points for https. */
  readonly tls?: { readonly options: 'default' };
}

type Named<T> = Record<string, T>;

/** Some hostnames of a site on one entry point. */
export interface Face {
  readonly entryPoint: string;
  readonly hostnames: readonly Hostname[];
  /** Tells its routers from those of the same hostnames on another entry point. */
  readonly suffix: string;
  /** Middleware that sees to the headers an app is told. */
  readonly clean: string;
  /** Whether nginx answers all of it, with a redirect. */
  readonly redirected: boolean;
  readonly middlewares?: readonly string[];
}

/** What a site adds to Traefik's configuration. */
export interface SiteConfig {
  readonly routers: Named<Router>;
  readonly services: Named<object>;
  readonly middlewares: Named<object>;
  readonly serversTransports: Named<object>;
}

export const WEB = 'web';
/** Services and middlewares of our own: no project can be called hostctl. */
export const NGINX = 'hostctl.nginx';
export const CLEAN = 'hostctl.clean';
export const RETRY = 'hostctl.retry';

/** Milliseconds an idle connection to an app is kept at most: a copy that was replaced waits for those to end. */
const APP_IDLE_MS = 1500;
/** Traefik's way to say that no connection is used twice. */
const NO_REUSE = -1;

/** Routers, services and middlewares of one site. */
export function siteConfig(site: Site, ties: Ties, faces: readonly Face[]): SiteConfig {
  const routes = site.routes.toSorted(bySpecificity);
  const apps = routes.flatMap(({ target }) => (isDirect(site, target) ? [target] : []));
  const own = settingsMiddlewares(site);
  // Where nginx stands in between it does the rest; what is Traefik's alone is still Traefik's.
  const raw = Object.fromEntries(Object.entries(own).filter(([name]) => name.startsWith(`${site.project}.raw.`)));
  const rawNames = Object.keys(raw);
  const routers: Named<Router> = {};
  for (const { face, group } of faces.flatMap((face) => groupsOf(site, face, ties).map((group) => ({ face, group })))) {
    const put = (what: string, router: PartialRouter): void => {
      const name = `${site.project}${group.suffix}${face.suffix}.${what}`;
      const tls = face.entryPoint === WEB ? {} : { tls: { options: 'default' as const } };
      routers[name] = { entryPoints: [face.entryPoint], service: NGINX, ...tls, ...router };
    };
    // What stands in front of an app must not be passed by on a detour.
    const detour = rawNames.length > 0 ? { middlewares: rawNames } : {};
    if (group.redirected) {
      put(',redirect', { ...restRouter(group), ...(face.middlewares ? { middlewares: face.middlewares } : {}) });
      continue;
    }
    for (const route of routes)
      put(nameOf(route), routeRouter(site, route, group, { own: [face.clean, ...Object.keys(own)], raw: rawNames }));
    for (const path of nginxPaths(site)) put(`,nginx${commas(path)}`, { ...pathRouter(path, group), ...detour });
    if (apps.length > 0) put(',doubt', { ...doubtRouter(site, group), ...detour });
    // Paths of the site that lead nowhere: nginx says so, in its own words.
    if (!routes.some((route) => route.path === '/')) put(',rest', restRouter(group));
  }
  return {
    routers,
    services: Object.fromEntries(apps.map((target) => [serviceName(site, target), appService(site, target)])),
    middlewares: apps.length > 0 ? own : raw,
    serversTransports: Object.fromEntries(apps.map((target) => [serviceName(site, target), appTransport(target)])),
  };
}

type AppTarget = Extract<Target, { to: 'app' }>;

/**
 * Whether Traefik passes requests on to the app itself. nginx does it in between where it alone can: for apps that a
 * release of the nginx driver made listen on a socket, and for settings that must count or replace every answer.
 */
export function isDirect({ settings = {}, closed }: Site, target: Target): target is AppTarget {
  if (target.to !== 'app' || target.sticky || target.upstreams.some((item) => item.kind !== 'port')) return false;
  // Traefik has no way to say that the time of HSTS is over.
  return !closed && !settings.rate && !settings.errors && settings.hsts?.maxAge !== 0;
}

/** Hostnames that lead to the canonical one are nginx's alone. */
function groupsOf(site: Site, face: Face, ties: Ties): (HostGroup & { readonly redirected: boolean })[] {
  const canonical = site.settings?.canonical;
  const part = (hostnames: Site['hostnames'], redirected: boolean): ReturnType<typeof groupsOf> =>
    hostGroups({ ...site, hostnames }, ties).map((group) => ({ ...group, redirected }));
  const isOwn = ({ name }: Hostname): boolean => canonical === undefined || name === canonical;
  if (face.redirected) return part(face.hostnames, true);
  return [
    ...part(face.hostnames.filter(isOwn), false),
    ...part(
      face.hostnames.filter((name) => !isOwn(name)),
      true,
    ),
  ];
}

function nameOf({ path, target }: Route): string {
  return target.to === 'app' ? target.app : `media${commas(path)}`;
}

function commas(path: string): string {
  return path.replaceAll('/', ',');
}

function routeRouter(
  site: Site,
  { path, target }: Route,
  group: HostGroup,
  { own, raw }: Record<'own' | 'raw', readonly string[]>,
): PartialRouter {
  const between = target.to === 'app' && raw.length > 0 ? { middlewares: raw } : {};
  return {
    // A single file is one path only.
    rule: allOf(group.rule, target.to === 'media' && target.file ? onlyPath(path) : pathRule(path)),
    priority: group.priority + pathPriority(path),
    ...(isDirect(site, target) ? { service: serviceName(site, target), middlewares: [...own, RETRY] } : between),
  };
}

type PartialRouter = Pick<Router, 'rule' | 'priority'> & Partial<Router>;

/** Paths whose redirect or whose list of who may ask is nginx's to apply. */
function nginxPaths({ settings = {} }: Site): string[] {
  return [...new Set([...(settings.redirects ?? []), ...(settings.access ?? [])].map(({ path }) => path))];
}

/** Above all that would be passed on directly; among themselves it does not matter, nginx looks again. */
function pathRouter(path: string, group: HostGroup): PartialRouter {
  return { rule: allOf(group.rule, pathRule(path)), priority: group.priority + ABOVE_PATHS - 1 };
}

/** Dot segments and empty ones, what nginx decodes before it looks for an alias (`/`, `@`, `+`, `;`, `\\`), and NUL. */
const ODD_PATH = '(PathRegexp(`//|[/;][.]{1,2}([/;]|$)|%(2[fF]|40|2[bB]|3[bB])|\\x5c|\\x00`) || !PathPrefix(`/`))';
/** Globs take dots, but no name has two in a row. */
const ODD_HOST = 'HostRegexp(`[.][.]`)';
/** Any value but `websocket`: of several headers one is enough, and Go would follow the first. RE2 knows no "not". */
const ODD_UPGRADE = `HeaderRegexp(\`Upgrade\`, \`(?i)^(${unlike('websocket')})$\`)`;
const KNOWN_LENGTH = 'HeaderRegexp(`Content-Length`, `.`)';
/** A GET with a body of unknown length cannot be told from one without. */
const NO_BODY = '(Method(`GET`) || Method(`HEAD`))';

/**
 * What Traefik and nginx would read differently is left to nginx, so that a request means the same under both drivers:
 * such hosts and paths, bodies that are too long or of unknown length, TRACE, protocols other than websockets.
 */
function doubtRouter(site: Site, group: HostGroup): PartialRouter {
  const small = `HeaderRegexp(\`Content-Length\`, ${literal(upTo(site.maxBody))})`;
  const long = `(${KNOWN_LENGTH} && !${small}) || (!${KNOWN_LENGTH} && !${NO_BODY})`;
  const rule = `${ODD_HOST} || ${ODD_PATH} || ${long} || ${ODD_UPGRADE} || Method(\`TRACE\`)`;
  return { rule: allOf(group.rule, rule), priority: group.priority + ABOVE_PATHS };
}

function restRouter(group: HostGroup): PartialRouter {
  return { rule: group.rule, priority: group.priority + pathPriority('/') };
}

/** What the settings of a site change about requests to its apps and their answers, in the order of the way in. */
export function settingsMiddlewares(site: Site): Named<object> {
  const { settings } = site;
  if (!settings) return {};
  const { headers, hsts, compress, raw } = settings;
  const response = { ...headers?.response };
  const set: [string, object | undefined][] = [
    [
      'compress',
      compress
        ? {
            compress: {
              encodings: ['gzip'],
              minResponseBodyBytes: 1024,
              includedContentTypes: ['text/html', ...TEXT_TYPES],
            },
          }
        : undefined,
    ],
    [
      'headers',
      headers ? { headers: { customRequestHeaders: headers.request, customResponseHeaders: response } } : undefined,
    ],
    // Traefik sends it over https only.
    [
      'hsts',
      hsts
        ? { headers: { stsSeconds: hsts.maxAge, stsIncludeSubdomains: hsts.subdomains, stsPreload: hsts.preload } }
        : undefined,
    ],
    ...Object.entries(raw?.traefik ?? {}).map(([type, value]): [string, object] => [`raw.${type}`, { [type]: value }]),
  ];
  return Object.fromEntries(set.flatMap(([name, value]) => (value ? [[`${site.project}.${name}`, value]] : [])));
}

function serviceName(site: Site, target: AppTarget): string {
  return `${site.project}.${target.app}`;
}

function portsOf(target: AppTarget): Extract<Upstream, { kind: 'port' }>[] {
  return target.upstreams.filter((item) => item.kind === 'port');
}

function appService(site: Site, target: AppTarget): object {
  return {
    loadBalancer: {
      serversTransport: serviceName(site, target),
      servers: portsOf(target).map(({ host, port }) => ({ url: `http://${host}:${port}` })),
    },
  };
}

/** A request on a connection the app is about to close would be lost: only GETs are asked again. */
function appTransport(target: AppTarget): object {
  const keepAlive = Math.min(...portsOf(target).map((item) => item.keepAlive ?? 0));
  return {
    maxIdleConnsPerHost: keepAlive > 0 ? 64 : NO_REUSE,
    forwardingTimeouts: {
      dialTimeout: '3s',
      idleConnTimeout: `${Math.min(APP_IDLE_MS, keepAlive > 0 ? keepAlive / 2 : APP_IDLE_MS)}ms`,
      responseHeaderTimeout: `${target.readTimeout}ms`,
    },
  };
}
