import { load } from 'js-yaml';
import { hostnamePattern } from '../../../src/core/hostnames.ts';
import { hostName } from '../../../src/core/match.ts';
import type { Meaning, WebRequest } from '../../../src/core/meaning.ts';
import type { Site } from '../../../src/core/routes.ts';
import type { GeneratedFile } from '../../../src/proxy/driver.ts';
import { chooseRouter } from '../../../src/proxy/traefik-match.ts';
import { isDirect, type Router } from '../../../src/proxy/traefik-site.ts';
import { claim } from './measure.ts';

interface Document {
  readonly tls?: unknown;
  readonly http: {
    readonly routers: Record<string, Router>;
    readonly services: Record<string, { loadBalancer: { servers: { url: string }[]; serversTransport: string } }>;
    readonly middlewares: Record<string, unknown>;
    readonly serversTransports: Record<string, unknown>;
  };
}

const MATCHER = /(Host|HostRegexp|Path|PathPrefix|PathRegexp|Method|HeaderRegexp)\(`([^`]*)`(?:, `([^`]*)`)?\)/g;
const NGINX = 'hostctl.nginx';

const same = (a: Iterable<string>, b: Iterable<string>): boolean =>
  JSON.stringify([...new Set(a)].toSorted()) === JSON.stringify([...new Set(b)].toSorted());

/** Traefik's file routes the given sites and nothing else. Returns its routers. */
export function expectTraefikFile(sites: readonly Site[], files: readonly GeneratedFile[]): Record<string, Router> {
  const { text } = files.find(({ path }) => path === 'traefik.yml')!;
  claim(!/[\u0000-\u0008\u000b-\u001f\u007f]|\{\{/.test(text), 'a control character or a template in the file');
  const document = load(text) as Document;
  claim(
    Object.keys(document).every((key) => key === 'http' || key === 'tls'),
    'other sections',
  );
  const { routers, services, middlewares, serversTransports } = document.http;
  const direct = sites.flatMap((site) =>
    site.routes.flatMap(({ target }) =>
      isDirect(site, target) ? [{ name: `${site.project}.${target.app}`, target }] : [],
    ),
  );
  claim(
    same(Object.keys(services), [NGINX, ...direct.map(({ name }) => name)]),
    `services ${Object.keys(services).join(' ')}`,
  );
  for (const { name, target } of direct) {
    const urls = target.upstreams.map((item) => (item.kind === 'port' ? `http://${item.host}:${item.port}` : ''));
    claim(
      same(
        services[name]!.loadBalancer.servers.map(({ url }) => url),
        urls,
      ),
      `${name} leads elsewhere`,
    );
    claim(services[name]!.loadBalancer.serversTransport in serversTransports, `${name} has no transport`);
  }
  const exact = new Set<string>();
  const patterns = new Set<string>();
  for (const [name, { rule, service, entryPoints, middlewares: used = [] }] of Object.entries(routers)) {
    claim(
      /^(([A-Za-z|&!() ])|`)*$/.test(rule.replaceAll(MATCHER, '')) &&
        rule.replaceAll(MATCHER, '').replaceAll(/ |\|\||&&|[!()]/g, '') === '',
      `${name}: ${rule}`,
    );
    claim(service in services || service.endsWith('@internal'), `${name} has no service`);
    claim(!service.endsWith('@internal') || name.startsWith('hostctl.'), `${name} leads to ${service}`);
    claim(
      entryPoints.every((point) => ['web', 'websecure', 'admin'].includes(point)),
      `${name} on ${entryPoints.join()}`,
    );
    for (const middleware of used) claim(middleware in middlewares, `${name} has no ${middleware}`);
    if (name.startsWith('hostctl.')) continue;
    claim(
      sites.some(({ project }) => name.startsWith(`${project}.`)),
      `whose is ${name}`,
    );
    for (const [, matcher, argument] of rule.matchAll(MATCHER)) {
      if (matcher === 'Host') exact.add(argument!);
      if (matcher === 'HostRegexp' && argument !== '[.][.]') patterns.add(argument!);
    }
  }
  const hostnames = sites.filter(({ routes }) => routes.length > 0).flatMap((site) => site.hostnames);
  const wild = hostnames.filter(({ kind }) => kind !== 'exact');
  claim(
    same(
      exact,
      hostnames.filter(({ kind }) => kind === 'exact').map(({ name }) => name),
    ),
    `hosts ${[...exact].join(' ')}`,
  );
  claim(
    same(
      patterns,
      wild.map((name) => `${hostnamePattern(name).slice(0, -1)}\\.?$`),
    ),
    `hosts ${[...patterns].join(' ')}`,
  );
  return routers;
}

/** What a request means is where Traefik sends it: to the app, or to nginx for all it does not do itself. */
export function expectTraefikMeaning(
  request: WebRequest,
  meaning: Meaning<Site>,
  routers: Record<string, Router>,
): void {
  if (meaning.to === 'refused' || meaning.to === 'nobody' || request.scheme === 'https') return;
  const chosen = chooseRouter(routers, {
    entryPoint: 'web',
    host: hostName(request.host!)!,
    path: /^[^?#]*/.exec(request.target)![0],
    method: request.method,
    headers: {},
  });
  const { site } = meaning;
  const direct = meaning.to === 'app' && isDirect(site, meaning.route.target);
  const asked = `${request.method} ${request.host}${request.target} (${meaning.to}) goes by ${chosen?.name} to ${chosen?.router.service}`;
  claim(chosen !== undefined, asked);
  if (meaning.to !== 'app' || !direct) claim(chosen.router.service === NGINX, asked);
  // What is not nginx's own matter may still take the way through it: a path with a rule, for one.
  else if (chosen.router.service !== NGINX)
    claim(chosen.router.service === `${site.project}.${(meaning.route.target as { app: string }).app}`, asked);
  else claim(meaning.access !== undefined || chosen.name.includes(',nginx') || chosen.name.endsWith(',doubt'), asked);
}
