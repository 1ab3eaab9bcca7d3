import type { ProxySettings } from '../core/model.ts';
import { bySpecificity, type Route, type Site, type Target, type Upstream } from '../core/routes.ts';
import { GENERATION } from './nginx.ts';
import {
  ABOVE_PATHS,
  allOf,
  hostGroups,
  type HostGroup,
  literal,
  pathPriority,
  pathRule,
  type Ties,
  tiesOf,
  upTo,
} from './traefik-rules.ts';

export interface Router {
  readonly entryPoints: readonly string[];
  readonly rule: string;
  readonly priority: number;
  readonly service: string;
  readonly middlewares?: readonly string[];
}

type Named<T> = Record<string, T>;

/** What Traefik's file provider reads. @see https://doc.traefik.io/traefik/reference/routing-configuration/other-providers/file/ */
interface DynamicConfig {
  readonly http: {
    readonly routers: Named<Router>;
    readonly services: Named<object>;
    readonly middlewares: Named<object>;
    readonly serversTransports: Named<object>;
  };
}

/** The nginx behind Traefik. @param idle milliseconds an unused connection to it is kept */
interface NginxAt {
  readonly url: string;
  readonly idle: number;
}

export const WEB = 'web';
const ADMIN = 'admin';
/** Service and middleware names of our own; no project or app name holds a slash or begins with this. */
const NGINX = 'hostctl.nginx';
const CLEAN = 'hostctl.clean';
const RETRY = 'hostctl.retry';
const NOBODY = 'hostctl.nobody';

/** Milliseconds an idle connection to an app is kept at most: a copy that was replaced waits for those to end. */
const APP_IDLE_MS = 1500;
/** Traefik's way to say that no connection is used twice. */
const NO_REUSE = -1;

/** All of Traefik's routes, from all sites. */
export function dynamicConfig(sites: readonly Site[], settings: ProxySettings, nginx: NginxAt): DynamicConfig {
  const ties = tiesOf(sites);
  const parts = sites.toSorted((a, b) => (a.project < b.project ? -1 : 1)).map((site) => siteConfig(site, ties));
  return {
    http: {
      routers: Object.assign({}, ownRouters(), ...parts.map((part) => part.routers)) as Named<Router>,
      services: Object.assign(
        { [NGINX]: { loadBalancer: { serversTransport: NGINX, servers: [{ url: nginx.url }] } } },
        ...parts.map((part) => part.services),
      ) as Named<object>,
      middlewares: {
        // Whatever a visitor claims in these is dropped; Traefik itself sets the X-Forwarded headers that are left.
        [CLEAN]: {
          headers: {
            customRequestHeaders: {
              Forwarded: '',
              Proxy: '',
              'X-Forwarded-Port': String(settings.http),
              'X-Forwarded-Prefix': '',
              'X-Forwarded-Server': '',
            },
          },
        },
        // A connection that is refused is tried again, before anything of the request was sent.
        [RETRY]: { retry: { attempts: 3, initialInterval: '100ms' } },
        [NOBODY]: { headers: { customRequestHeaders: { Host: 'nobody.invalid' } } },
      },
      serversTransports: Object.assign(
        {
          [NGINX]: {
            maxIdleConnsPerHost: 64,
            forwardingTimeouts: { dialTimeout: '3s', idleConnTimeout: `${nginx.idle}ms` },
          },
        },
        ...parts.map((part) => part.serversTransports),
      ) as Named<object>,
    },
  };
}

/** What belongs to no site: who may ask what is loaded, and hostnames nobody has. */
function ownRouters(): Named<Router> {
  return {
    // Answered with 418 as soon as this very configuration is in force, and by no other.
    'hostctl.generation': {
      entryPoints: [ADMIN],
      rule: `Path(${literal(`/${GENERATION}`)})`,
      priority: 2,
      service: 'noop@internal',
    },
    'hostctl.api': { entryPoints: [ADMIN], rule: 'PathPrefix(`/api/`)', priority: 1, service: 'api@internal' },
    'hostctl.nobody': {
      entryPoints: [WEB],
      rule: 'PathPrefix(`/`)',
      priority: 1,
      service: NGINX,
      middlewares: [NOBODY],
    },
  };
}

type SiteConfig = Pick<DynamicConfig['http'], 'routers' | 'services' | 'serversTransports'>;

function siteConfig(site: Site, ties: Ties): SiteConfig {
  const routes = site.routes.toSorted(bySpecificity);
  const direct = routes.filter((route) => isDirect(route.target));
  const routers: Named<Router> = {};
  for (const group of hostGroups(site, ties)) {
    for (const route of routes) Object.assign(routers, routeRouter(site, route, group));
    if (direct.length > 0) Object.assign(routers, doubtRouter(site, group));
    if (!routes.some((route) => route.path === '/')) Object.assign(routers, restRouter(site, group));
  }
  const apps = direct.map((route) => route.target as AppTarget);
  return {
    routers,
    services: Object.fromEntries(apps.map((target) => [serviceName(site, target), appService(site, target)])),
    serversTransports: Object.fromEntries(apps.map((target) => [serviceName(site, target), appTransport(target)])),
  };
}

type AppTarget = Extract<Target, { to: 'app' }>;

/** Whether Traefik can reach it itself. A release made under the nginx driver may listen on sockets, which only nginx can. */
function isDirect(target: Target): target is AppTarget {
  return target.to === 'app' && target.upstreams.every((item) => item.kind === 'port');
}

function routerName(site: Site, group: HostGroup, what: string): string {
  return `${site.project}${group.suffix}.${what}`;
}

function routeRouter(site: Site, route: Route, group: HostGroup): Named<Router> {
  const { target } = route;
  const direct = isDirect(target);
  const name = routerName(site, group, target.to === 'app' ? target.app : `media${route.path.replaceAll('/', ',')}`);
  return {
    [name]: {
      entryPoints: [WEB],
      rule: allOf(group.rule, pathRule(route.path)),
      priority: group.priority + pathPriority(route.path),
      service: direct ? serviceName(site, target) : NGINX,
      ...(direct ? { middlewares: [CLEAN, RETRY] } : {}),
    },
  };
}

/** Encoded characters nginx decodes before it looks for an alias, and Traefik does not: `/`, `@`, `+` and NUL. */
const ODD_PATH = 'PathRegexp(`%(2[fF]|40|2[bB]|00)`)';

/**
 * What Traefik and nginx would read differently is left to nginx, so that a request means the same under both drivers:
 * paths with such characters, bodies that are too long or of unknown length, TRACE.
 */
function doubtRouter(site: Site, group: HostGroup): Named<Router> {
  const known = 'HeaderRegexp(`Content-Length`, `.`)';
  const small = `HeaderRegexp(\`Content-Length\`, ${literal(upTo(site.maxBody))})`;
  const bodyless = '(Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`))';
  const rule = `${ODD_PATH} || (${known} && !${small}) || (!${known} && !${bodyless}) || Method(\`TRACE\`)`;
  return {
    [routerName(site, group, 'doubt')]: {
      entryPoints: [WEB],
      rule: allOf(group.rule, rule),
      priority: group.priority + ABOVE_PATHS,
      service: NGINX,
    },
  };
}

/** Paths of the site that lead nowhere: nginx says so, in its own words. */
function restRouter(site: Site, group: HostGroup): Named<Router> {
  return {
    [routerName(site, group, 'rest')]: {
      entryPoints: [WEB],
      rule: group.rule,
      priority: group.priority + pathPriority('/'),
      service: NGINX,
    },
  };
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
