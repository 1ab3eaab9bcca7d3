import { dependsOn } from './front.ts';
import { knownImage } from './images.ts';
import type { Route } from './routers.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { textsOf } from './tree.ts';

/** What becomes one definition. */
export interface Group {
  readonly services: readonly Service[];
  readonly routes: readonly Route[];
}

/**
 * Services with the same or overlapping hostnames are one project, and so is what they lean on. What two projects lean
 * on goes with the first, and with a tool for databases only where nobody else leans on it. Without any hostname all of a file is one project.
 */
export function groupServices(services: readonly Service[], routes: readonly Route[]): Group[] {
  const seeds: { hosts: Set<string>; services: Set<Service>; routes: Route[] }[] = [];
  for (const route of routes) {
    const fits = seeds.filter(
      ({ hosts, services: own }) => own.has(route.service) || route.hosts.some((host) => hosts.has(host)),
    );
    const seed = fits[0] ?? { hosts: new Set<string>(), services: new Set<Service>(), routes: [] };
    if (fits.length === 0) seeds.push(seed);
    for (const other of fits.slice(1)) {
      seeds.splice(seeds.indexOf(other), 1);
      for (const host of other.hosts) seed.hosts.add(host);
      for (const service of other.services) seed.services.add(service);
      seed.routes.push(...other.routes);
    }
    for (const host of route.hosts) seed.hosts.add(host);
    seed.services.add(route.service);
    seed.routes.push(route);
  }
  if (seeds.length < 2) return [{ services, routes }];
  const order = seeds.toSorted(
    (a, b) =>
      Number(isTool(a.services)) - Number(isTool(b.services)) ||
      first(services, a.services) - first(services, b.services),
  );
  const owner = new Map<Service, number>();
  for (const [index, seed] of order.entries()) for (const service of seed.services) owner.set(service, index);
  for (const [index, seed] of order.entries()) spread(seed.services, index, owner, services);
  return order.map((seed, index) => ({
    services: services.filter((service) => (owner.get(service) ?? 0) === index),
    routes: seed.routes,
  }));
}

/** What looks into a database does not own it. */
function isTool(services: ReadonlySet<Service>): boolean {
  return [...services].every((service) => knownImage(textOf(itemAt(service, 'image')) ?? '').kind === 'tool');
}

function first(services: readonly Service[], some: ReadonlySet<Service>): number {
  return services.findIndex((service) => some.has(service));
}

/** Takes in what hangs together with a seed and belongs to nobody yet. */
function spread(seed: ReadonlySet<Service>, index: number, owner: Map<Service, number>, all: readonly Service[]): void {
  const waiting = [...seed];
  for (let service = waiting.shift(); service; service = waiting.shift()) {
    for (const other of all) {
      if (owner.has(other) || (!leansOn(service, other.name) && !leansOn(other, service.name))) continue;
      owner.set(other, index);
      waiting.push(other);
    }
  }
}

export function leansOn(service: Service, name: string): boolean {
  return dependsOn(service, name) || mentions(service, name);
}

/** Whether what a service is told names another one as a host: `redis://cache:6379`, `DB_HOST=db`. */
function mentions(service: Service, name: string): boolean {
  if (service.name === name) return false;
  const host = hostPattern(name);
  const told = [...itemsUnder(service, 'environment'), ...itemsUnder(service, 'command')];
  return told.some(({ path, value }) => {
    const texts = textsOf(value);
    const named = /HOST|SERVER|ADDR|URL|URI|DSN|ENDPOINT|BROKER|UPSTREAM/i.test(path[1] ?? '');
    return texts.some((text) => (named && text === name) || text.search(host) >= 0);
  });
}

/** Where a text names a host: behind `//` or `@`, or before a port. */
export function hostPattern(name: string): RegExp {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, (sign) => `\\${sign}`);
  return new RegExp(`(?<=//|@|^|[\\s=,'"])${plain}(?=:\\d)|(?<=//|@)${plain}(?=[/:?]|$)`, 'g');
}

export function hasBuild(service: Service): boolean {
  return itemAt(service, 'build') !== undefined || itemsUnder(service, 'build').length > 0;
}
