import { bySpecificity, covers, type Route, type Site } from '../core/routes.ts';
import type { AccessRule } from '../core/settings.ts';
import { type HostGroup, hostGroups, allOf, pathPriority, pathRule, tiesOf } from './traefik-rules.ts';
import { isDirect, settingsMiddlewares } from './traefik-site.ts';

/** Labels for the containers of one app, for a Traefik of the user's own that reads them from the engine. */
interface AppLabels {
  readonly app: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a project becomes under a Traefik that hostctl does not run. */
export interface ProjectLabels {
  readonly apps: readonly AppLabels[];
  /** What labels cannot say, and what can. */
  readonly missing: readonly string[];
}

export interface LabelInput {
  readonly site: Site;
  /** Network Traefik shares with the containers. */
  readonly network: string;
  readonly provider: 'docker' | 'swarm';
  /** Version of an app: in the names, since two containers that define one name differently both lose it. */
  readonly version: (app: string) => string;
  /** Number of the release: the newer of two versions wins while both run. */
  readonly release: number;
}

/** Room for release numbers between two priorities. */
const RELEASES = 1000;

/** The same routes as container labels: without the nginx, so without what only it does. */
export function labelsOf(input: LabelInput): ProjectLabels {
  const { site } = input;
  const routes = site.routes.toSorted(bySpecificity);
  // One of two checks would be enough there, and Traefik has no such thing: better no route than an open one.
  const either = (site.settings?.access ?? []).filter((rule) => rule.either);
  const direct = routes.filter(
    (route) => isDirect({ ...site, settings: {} }, route.target) && !either.some(({ path }) => meets(route.path, path)),
  );
  return {
    apps: direct.map((route) => appLabels(route, routes, input)),
    missing: [
      ...missingOf(site, routes),
      ...either.map(({ path }) => `every app that answers ${path}: labels cannot say \`either\``),
    ],
  };
}

function meets(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a);
}

function missingOf({ settings = {} }: Site, routes: readonly Route[]): string[] {
  const media = routes.filter((route) => route.target.to === 'media').map((route) => route.path);
  const given = (['canonical', 'redirects', 'errors', 'maintenance'] as const).filter(
    (key) => settings[key] !== undefined,
  );
  const sticky = routes.some(({ target }) => target.to === 'app' && target.sticky);
  const what = [
    ...media,
    ...given.map((key) => `http.${key}`),
    ...(sticky ? ['sticky'] : []),
    'the limit of request bodies',
  ];
  return [`${what.join(', ')}: done by nginx, which labels cannot reach; let hostctl write its file for your Traefik`];
}

function appLabels(route: Route, all: readonly Route[], input: LabelInput): AppLabels {
  const { path, target } = route;
  const { site, network, provider } = input;
  if (target.to !== 'app') throw new Error('only apps have labels');
  const [upstream] = target.upstreams;
  const port = upstream?.kind === 'port' ? upstream.port : 0;
  // Names hold no two hyphens in a row, so no two apps share one.
  const name = `${site.project}--${target.app}--${input.version(target.app)}`;
  const own = { ...renamed(settingsMiddlewares(site), name), ...rateLimit(site, name) };
  const rules = site.settings?.access ?? [];
  const owner = (at: string): Route | undefined => all.find((item) => covers(item.path, at));
  const paths = [path, ...rules.map((rule) => rule.path).filter((at) => at !== path && owner(at) === route)];
  const routers: Record<string, object> = {};
  const middlewares: Record<string, object> = { ...own };
  for (const [index, at] of paths.entries()) {
    const rule = rules.find((item) => covers(item.path, at));
    const guards = rule ? accessMiddlewares(rule, `${name}--${rules.indexOf(rule)}`) : {};
    Object.assign(middlewares, guards);
    for (const group of hostGroups(site, tiesOf([site]))) {
      const label = `${name}${group.suffix.replace('.', '--')}${index === 0 ? '' : `--p${index}`}`;
      routers[label] = router(at, group, name, [...Object.keys(guards), ...Object.keys(own)], input.release);
    }
  }
  const http = { routers, services: { [name]: { loadbalancer: { server: { port } } } }, middlewares };
  return {
    app: target.app,
    labels: { 'traefik.enable': 'true', [`traefik.${provider}.network`]: network, ...flatten('traefik.http', http) },
  };
}

function renamed(middlewares: Readonly<Record<string, object>>, name: string): Record<string, object> {
  const pairs = Object.entries(middlewares);
  return Object.fromEntries(pairs.map(([key, value]) => [`${name}--${key.split('.').slice(1).join('-')}`, value]));
}

function rateLimit({ settings }: Site, name: string): Record<string, object> {
  const rate = settings?.rate;
  if (!rate) return {};
  const { requests, period, burst } = rate;
  return { [`${name}--rate`]: { ratelimit: { average: requests, period: `${period}ms`, burst } } };
}

function accessMiddlewares({ allow, users, realm }: AccessRule, name: string): Record<string, object> {
  // An empty list would let everybody in.
  const addresses = allow?.length === 0 ? ['255.255.255.255'] : allow;
  return {
    ...(addresses ? { [`${name}-allow`]: { ipallowlist: { sourcerange: addresses } } } : {}),
    ...(users ? { [`${name}-users`]: { basicauth: { users, realm, removeheader: true } } } : {}),
  };
}

function router(
  path: string,
  group: HostGroup,
  service: string,
  middlewares: readonly string[],
  release: number,
): object {
  return {
    rule: allOf(group.rule, pathRule(path)),
    priority: (group.priority + pathPriority(path)) * RELEASES + (release % RELEASES),
    service,
    ...(middlewares.length > 0 ? { middlewares: middlewares.join(',') } : {}),
  };
}

/** Nested keys joined by dots, as Traefik takes them apart again. */
function flatten(prefix: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (Array.isArray(value)) return { [prefix]: value.join(',') };
  if (value === null || typeof value !== 'object') return { [prefix]: `${value as string | number | boolean}` };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, item]) => flatten(`${prefix}.${key.toLowerCase()}`, item)),
  ) as Record<string, string>;
}
