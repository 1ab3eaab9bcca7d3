import type { ProxySettings } from '../core/model.ts';
import type { Site } from '../core/routes.ts';
import { MARKER_HOST } from '../core/layout.ts';
import type { DriverInput } from './driver.ts';
import { GENERATION } from './nginx-text.ts';
import { adapted } from './traefik-existing.ts';
import { literal, tiesOf } from './traefik-rules.ts';
import { CLEAN, NGINX, RETRY, type Router, siteConfig, WEB } from './traefik-site.ts';

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

const ADMIN = 'admin';
const NOBODY = 'hostctl.nobody';

/** Headers that apps and frameworks believe, and that nobody but a proxy should send. Traefik sets the usual four itself. */
const CLAIMED = [
  'Forwarded',
  'Front-End-Https',
  'Proxy',
  'X-Forwarded-Prefix',
  'X-Forwarded-Protocol',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Ssl',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Url-Scheme',
];

/** All of Traefik's routes, from all sites. */
export function dynamicConfig({ sites, settings, instance }: ConfigInput, nginx: NginxAt): DynamicConfig {
  const { existing } = settings;
  const config = ownConfig(sites, settings, nginx);
  if (!existing) return config;
  // In another's Traefik every name must be ours alone, and only our hostnames are.
  return { http: adapted(config.http, `${instance}.`, existing.entryPoints) };
}

function ownConfig(sites: readonly Site[], settings: ProxySettings, nginx: NginxAt): DynamicConfig {
  const ties = tiesOf(sites);
  const parts = sites.toSorted((a, b) => (a.project < b.project ? -1 : 1)).map((site) => siteConfig(site, ties));
  return {
    http: {
      routers: Object.assign(
        {},
        settings.existing ? markerRouter() : ownRouters(),
        ...parts.map((part) => part.routers),
      ) as Named<Router>,
      services: Object.assign(
        { [NGINX]: { loadBalancer: { serversTransport: NGINX, servers: [{ url: nginx.url }] } } },
        ...parts.map((part) => part.services),
      ) as Named<object>,
      middlewares: {
        // Whatever a visitor claims in these is dropped; Traefik itself sets the X-Forwarded headers that are left.
        [CLEAN]: {
          headers: {
            customRequestHeaders: {
              ...Object.fromEntries(CLAIMED.map((name) => [name, ''])),
              'X-Forwarded-Port': String(settings.http),
            },
          },
        },
        // A connection that is refused is tried again, before anything of the request was sent.
        [RETRY]: { retry: { attempts: 3, initialInterval: '100ms' } },
        [NOBODY]: { headers: { customRequestHeaders: { Host: 'nobody.invalid' } } },
        ...Object.assign({}, ...parts.map((part) => part.middlewares)),
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

type ConfigInput = Pick<DriverInput, 'sites' | 'settings' | 'instance'>;

/** Says through the public entry point what is loaded; nobody can have that hostname. */
function markerRouter(): Named<Router> {
  const rule = `Host(${literal(MARKER_HOST)}) && Path(${literal(`/${GENERATION}`)})`;
  return { 'hostctl.generation': { entryPoints: [WEB], rule, priority: 1, service: 'noop@internal' } };
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
    // nginx has the last word on what is nobody's hostname, and on what is no hostname at all.
    'hostctl.rest': { entryPoints: [WEB], rule: 'HostRegexp(`.`)', priority: 2, service: NGINX },
    // A request of HTTP/1.0 may name none; the one to nginx must.
    'hostctl.nobody': {
      entryPoints: [WEB],
      rule: 'PathRegexp(`.`)',
      priority: 1,
      service: NGINX,
      middlewares: [NOBODY],
    },
  };
}
