import type { Site } from '../core/routes.ts';
import { MARKER_HOST, VISIT_HEADER } from '../core/layout.ts';
import type { DriverInput } from './driver.ts';
import { GENERATION } from './nginx-text.ts';
import { adapted } from './traefik-existing.ts';
import { hasWildHttps, securedOf } from './nginx-tls.ts';
import { literal, tiesOf } from './traefik-rules.ts';
import { CLEAN, type Face, NGINX, RETRY, type Router, siteConfig, WEB } from './traefik-site.ts';
import { orderRouter, SECURE, tlsSection } from './traefik-tls.ts';

type Named<T> = Record<string, T>;

/** What Traefik's file provider reads. @see https://doc.traefik.io/traefik/reference/routing-configuration/other-providers/file/ */
interface DynamicConfig {
  readonly tls?: object;
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
/** Above whatever else a Traefik that is not ours may route. */
const MARKER_PRIORITY = 1_000_000_000_000;
const NOBODY = 'hostctl.nobody';
const CLEAN_SECURE = `${CLEAN}.secure`;

/** Headers that apps and frameworks believe, and that nobody but a proxy should send. Traefik sets the usual four itself. */
const CLAIMED = [
  VISIT_HEADER,
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
export function dynamicConfig(input: ConfigInput, nginx: NginxAt): DynamicConfig {
  const { existing } = input.settings;
  const config = ownConfig(input, nginx);
  if (!existing) return config;
  // In another's Traefik every name must be ours alone, and only our hostnames are. How it shakes hands is its matter.
  return { http: adapted(config.http, `${input.instance}.`, existing.entryPoints) };
}

function ownConfig(input: ConfigInput, nginx: NginxAt): DynamicConfig {
  const { sites, settings, ordering } = input;
  const ties = tiesOf(sites);
  const sorted = sites.toSorted((a, b) => (a.project < b.project ? -1 : 1));
  const parts = sorted.map((site) => siteConfig(site, ties, facesOf(site, input)));
  const secure = sorted.some((site) => site.tls !== undefined);
  const orders = sorted.filter((site) => ordering.includes(site.project));
  return {
    ...(secure ? { tls: tlsSection(input) } : {}),
    http: {
      routers: Object.assign(
        settings.existing ? markerRouter() : ownRouters(secure),
        Object.fromEntries(orders.map((site) => [`${site.project}.hostctl.order`, orderRouter(site)])),
        ...parts.map((part) => part.routers),
      ) as Named<Router>,
      services: Object.assign(
        { [NGINX]: { loadBalancer: { serversTransport: NGINX, servers: [{ url: nginx.url }] } } },
        ...parts.map((part) => part.services),
      ) as Named<object>,
      middlewares: {
        // Whatever a visitor claims in these is dropped; Traefik itself sets the X-Forwarded headers that are left.
        [CLEAN]: cleaning(settings.http),
        ...(secure ? { [CLEAN_SECURE]: cleaning(settings.https) } : {}),
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

type ConfigInput = Pick<DriverInput, 'sites' | 'settings' | 'instance' | 'certificates' | 'ordering'>;

/** Says through the public entry point what is loaded; nobody can have that hostname. */
function markerRouter(): Named<Router> {
  const rule = `Host(${literal(MARKER_HOST)}) && Path(${literal(`/${GENERATION}`)})`;
  return { 'hostctl.generation': { entryPoints: [WEB], rule, priority: MARKER_PRIORITY, service: 'noop@internal' } };
}

/** What belongs to no site: who may ask what is loaded, and hostnames nobody has. */
function ownRouters(secure: boolean): Named<Router> {
  return {
    // Answered with 418 as soon as this very configuration is in force, and by no other.
    'hostctl.generation': {
      entryPoints: [ADMIN],
      rule: `Path(${literal(`/${GENERATION}`)})`,
      priority: 2,
      service: 'noop@internal',
    },
    'hostctl.api': { entryPoints: [ADMIN], rule: 'PathPrefix(`/api/`)', priority: 1, service: 'api@internal' },
    ...nobodyRouters('hostctl', { entryPoints: [WEB] }),
    ...(secure ? nobodyRouters('hostctl.secure', { entryPoints: [SECURE], tls: { options: 'default' } }) : {}),
  };
}

function nobodyRouters(prefix: string, at: Pick<Router, 'entryPoints' | 'tls'>): Named<Router> {
  return {
    // nginx has the last word on what is nobody's hostname, and on what is no hostname at all.
    // Over https a hostname without a certificate is nobody's, whatever it is on http.
    [`${prefix}.rest`]: {
      ...at,
      rule: 'HostRegexp(`.`)',
      priority: 2,
      service: NGINX,
      ...(at.tls ? { middlewares: [NOBODY] } : {}),
    },
    // A request of HTTP/1.0 may name none; the one to nginx must.
    [`${prefix}.nobody`]: { ...at, rule: 'PathRegexp(`.`)', priority: 1, service: NGINX, middlewares: [NOBODY] },
  };
}

function cleaning(port: number): object {
  const headers = { ...Object.fromEntries(CLAIMED.map((name) => [name, ''])), 'X-Forwarded-Port': String(port) };
  return { headers: { customRequestHeaders: headers } };
}

/** A site as it looks on http and, for the names of its certificate, on https. */
function facesOf(site: Site, input: ConfigInput): Face[] {
  const secured = securedOf(site, input);
  const plain = site.hostnames.filter((name) => !secured.includes(name));
  const moved = site.tls?.redirect ? secured : [];
  const web = { entryPoint: WEB, suffix: '', clean: CLEAN };
  const secure = { entryPoint: SECURE, suffix: '.secure', clean: CLEAN_SECURE };
  const wild = hasWildHttps(input);
  const faces: Face[] = [
    { ...web, hostnames: site.hostnames.filter((name) => !moved.includes(name)), redirected: false },
    { ...web, suffix: '.moved', hostnames: moved, redirected: true },
    { ...secure, hostnames: secured, redirected: false },
    { ...secure, suffix: '.refused', hostnames: wild ? plain : [], redirected: true, middlewares: [NOBODY] },
  ];
  return faces.filter(({ hostnames }) => hostnames.length > 0);
}
