import type { Route } from './routers.ts';
import type { Service } from './services.ts';
import { appOf, type Site } from './site.ts';

/** `path` of an app; the app called `web`, or the only one, answers `/` without saying so. */
export function mapPath(site: Site, service: Service): void {
  const routes = site.routes.filter((route) => route.service === service);
  const [shortest, ...others] = routes.toSorted((a, b) => a.path.length - b.path.length);
  if (!shortest) return;
  const name = site.names.get(service.name)!;
  const alone = site.services.length === 1;
  if (shortest.path !== '/' || (name !== 'web' && !alone)) appOf(site, service).path = shortest.path;
  for (const { path, item } of others) {
    const inside = shortest.path === '/' || path === shortest.path || path.startsWith(`${shortest.path}/`);
    if (!inside) site.ledger.settle(item, 'decide', `an app answers below one path: ${shortest.path}, and not ${path}`);
  }
  checkPath(site, service, shortest);
}

/** Every app of a project answers for all of its hostnames, and no two below the same path. */
function checkPath(site: Site, service: Service, { path, item }: Route): void {
  const own = site.routes.filter((route) => route.service === service).flatMap(({ hosts }) => hosts);
  const more = site.definition.hostnames.filter((host) => !own.some((name) => name.toLowerCase() === host));
  if (more.length > 0)
    site.ledger.settle(item, 'decide', `it answers for ${more.join(', ')}, too: a project has one set of hostnames`);
  const first = site.routes.find((route) => route.path === path);
  if (first && first.service !== service)
    site.ledger.settle(
      item,
      'decide',
      `${path} leads to ${site.names.get(first.service.name)!} already: which of them is meant?`,
    );
}

/** Keys in the order people write them; nothing that holds nothing. */
const ORDER = [
  'runtime',
  'source',
  'dockerfile',
  'image',
  'port',
  'path',
  'command',
  'env',
  'secrets',
  'limits',
  'health',
  'release',
  'replicas',
  'sticky',
  'volumes',
  'writable',
  'needs',
  'egress',
  'stop',
  'relax',
];

/** Puts apps and their keys in order. */
export function tidy({ definition, names, services }: Site): void {
  const sorted = services
    .map((service) => names.get(service.name)!)
    .toSorted((a, b) => Number(b === 'web') - Number(a === 'web'));
  const apps = sorted.map((name) => {
    const app = definition.apps[name] as Record<string, unknown>;
    const keys = ORDER.filter((key) => app[key] !== undefined);
    return [name, Object.fromEntries(keys.map((key) => [key, app[key]]))] as const;
  });
  definition.apps = Object.fromEntries(apps);
}
