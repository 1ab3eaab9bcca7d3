import { basename, dirname, join } from 'node:path';
import type { Problem } from '../../core/problems.ts';
import type { Definition, Imported } from '../definition.ts';
import type { Look } from '../look.ts';
import { freeName, siteName } from '../names.ts';
import { mapFront } from './behind.ts';
import { chooseRoute } from './chosen.ts';
import { readCompose } from './document.ts';
import { type Edge, isEdge, readEdge } from './edge.ts';
import { mapEnvironment } from './environment.ts';
import { type ComposeFile, isAwake, readFile } from './file.ts';
import { findFronts, type Front } from './front.ts';
import { type Group, groupServices } from './groups.ts';
import { mapHardening } from './hardening.ts';
import { findJobs, type Job, mapJob } from './jobs.ts';
import { readLabels, type Wiring } from './labels.ts';
import { type Item, Ledger } from './ledger.ts';
import { mapLimits } from './limits.ts';
import { mapMiddlewares } from './middlewares.ts';
import { mountsOf } from './mounts.ts';
import { mapNeeds, mapNetworks, mapPorts } from './network.ts';
import { appNames, folderName, withoutWeb } from './naming.ts';
import { mapPlain } from './plain.ts';
import { readRoutes, type Route } from './routers.ts';
import { mapTls } from './secured.ts';
import type { Service } from './services.ts';
import { appOf, type Site } from './site.ts';
import { mapSource } from './source.ts';
import { mapCommand, mapHealth } from './start.ts';
import { readDotenv } from './variables.ts';
import { mapSpoken, readVirtualHosts } from './virtual-host.ts';
import { mapPath, tidy } from './tidy.ts';
import { mapVolumes } from './volumes.ts';

export interface ComposeOptions {
  /** Absolute path. */
  readonly file: string;
  /** Directory the definitions go to. */
  readonly dir: string;
  /** Values for variables; they come before those of `.env`. */
  readonly defined: ReadonlyMap<string, string>;
  /** Profiles that are taken in; `*` for all. */
  readonly profiles: readonly string[];
  /** Hostname where no label names one. */
  readonly hostname?: string;
}

export type ComposeImport =
  | ({ readonly ok: true } & Imported)
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What was found out about a file before its definitions are made. */
interface Found {
  readonly options: ComposeOptions;
  readonly look: Look;
  readonly ledger: Ledger;
  readonly file: ComposeFile;
  readonly wiring: Wiring;
  readonly edge: Edge;
  readonly fronts: readonly Front[];
  readonly jobs: readonly Job[];
  /** Why a service is no app. */
  readonly absent: ReadonlyMap<string, string>;
  readonly names: ReadonlyMap<string, string>;
  readonly variables: ReadonlyMap<string, string>;
  readonly notes: string[];
}

/** A Compose file → definitions, and a report of every key. Looks at files, runs nothing. */
export function convertCompose(options: ComposeOptions, look: Look): ComposeImport {
  const from = dirname(options.file);
  const dotenv = readDotenv(look.text(join(from, '.env')) ?? '', options.defined);
  const variables = new Map([...dotenv, ...options.defined]);
  const read = readCompose(basename(options.file), look.text(options.file) ?? '', variables);
  if (!read.ok) return read;
  const ledger = new Ledger();
  const file = readFile(read.tree, { look, from, variables }, ledger);
  const awake = file.services.filter((service) => isAwake(service, new Set(options.profiles), ledger));
  const wiring = readLabels(awake, ledger);
  const found = findOut({ options, look, ledger, file, wiring, variables }, awake, from);
  const apps = awake.filter(({ name }) => !found.absent.has(name));
  const routes = routesOf(found, awake, apps);
  const taken = new Set<string>();
  const sites = groupServices(apps, routes)
    .filter(({ services }) => services.length > 0)
    .map((group, index) => {
      const site = makeSite(found, group, freeName(nameOf(found, group, index), taken), from);
      mapSite(site, found);
      return site;
    });
  for (const service of file.services) mapPlain(service, false, ledger);
  noteFiles(found, from);
  const entries = ledger.entries();
  return {
    ok: true,
    report: { entries, notes: found.notes },
    beside: sites.flatMap(({ beside }) => beside),
    sites: sites.map(({ name, definition, services }, index) => {
      const own = new Set<Item>(services.flatMap(({ items }) => items));
      return { name, definition, from: basename(options.file), entries: ledger.entries(own), first: index === 0 };
    }),
  };
}

function findOut(
  given: Pick<Found, 'options' | 'look' | 'ledger' | 'file' | 'wiring' | 'variables'>,
  awake: readonly Service[],
  from: string,
): Found {
  const edges = awake.filter(isEdge);
  const jobs = findJobs(awake.filter((service) => !edges.includes(service)));
  const fronts = findFronts(awake, given.look, from).filter(
    ({ target }) => !jobs.some(({ service }) => service === target),
  );
  const absent = new Map<string, string>([
    ...edges.map(({ name }): [string, string] => [name, 'hostctl has a proxy of its own']),
    ...jobs.map(({ service, target }): [string, string] => [
      service.name,
      `it runs before ${target.name} is switched to`,
    ]),
    ...fronts.map(({ service }): [string, string] => [service.name, "hostctl's own proxy answers in place of it"]),
    ...given.file.services
      .filter((service) => !awake.includes(service))
      .map(({ name }): [string, string] => [name, 'its profile is not asked for']),
  ]);
  const edge = readEdge(edges, given.ledger);
  const apps = awake.filter(({ name }) => !absent.has(name));
  return { ...given, edge, fronts, jobs, absent, names: appNames(apps), notes: [] };
}

/** Every route of the file; what led to a front leads to what is behind it. */
function routesOf(found: Found, awake: readonly Service[], apps: readonly Service[]): Route[] {
  const { ledger, options, fronts } = found;
  const placeholder = `${folderName(options.file)}.localhost`;
  const behind = (service: Service): Service => fronts.find((front) => front.service === service)?.target ?? service;
  const { routes, lost } = readRoutes(found.wiring, ledger, options.hostname);
  const all = [...routes, ...readVirtualHosts(awake, ledger)].map((route): Route => {
    const hosts = route.hosts.length > 0 ? route.hosts : [options.hostname ?? placeholder];
    const service = behind(route.service);
    if (service === route.service) return { ...route, hosts };
    const { port, ...rest } = route;
    if (port) ledger.settle(port, 'implied', "hostctl's own proxy answers in place of it");
    return { ...rest, hosts, service };
  });
  const guarded = (route: Route): Route => {
    const guards = found.wiring.guards.filter(({ service }) => behind(service) === route.service);
    return { ...route, uses: [...route.uses, ...guards.map(({ item }) => ({ name: item.path.at(-1)!, item }))] };
  };
  const own = all.filter(({ service }) => apps.includes(service));
  if (own.length > 0) return own.map(guarded);
  // What no rule leads to any more is still not open to everybody.
  return chooseRoute(apps, fronts, options.hostname, placeholder, ledger).map((route) =>
    guarded({
      ...route,
      uses: lost.flatMap(({ service, uses }) => (behind(service) === route.service ? uses : [])),
    }),
  );
}

function nameOf({ file, options }: Found, { routes }: Group, index: number): string {
  const host = routes[0]?.hosts[0];
  if (index === 0 && file.name !== undefined) return file.name;
  return host === undefined || host.endsWith('.localhost') ? folderName(options.file) : siteName(host);
}

function makeSite(found: Found, { services, routes }: Group, name: string, from: string): Site {
  const hostnames = [...new Set(routes.flatMap(({ hosts }) => hosts.map((host) => host.toLowerCase())))];
  const definition: Definition = { hostnames, apps: {}, media: {}, http: {} };
  const { ledger, look, wiring, variables, fronts, notes } = found;
  const own = fronts.filter(({ target }) => services.includes(target));
  const names = withoutWeb(found.names, services, routes);
  return {
    ledger,
    look,
    name,
    definition,
    services,
    names,
    routes,
    fronts: own,
    wiring,
    from,
    dir: found.options.dir,
    variables,
    networks: found.file.networks,
    volumes: sharedVolumes(found.file.services.filter((service) => !found.absent.has(service.name))),
    notes,
    beside: [],
  };
}

function sharedVolumes(services: readonly Service[]): Map<string, Service[]> {
  const users = new Map<string, Service[]>();
  for (const service of services)
    for (const { kind, source } of mountsOf(service))
      if (kind === 'named') users.set(source, [...(users.get(source) ?? []), service]);
  return users;
}

function mapSite(site: Site, found: Found): void {
  for (const service of site.services) appOf(site, service);
  for (const front of site.fronts) mapFront(site, front);
  for (const service of site.services) {
    mapSource(site, service);
    mapPorts(site, service);
    mapPath(site, service);
    mapCommand(site, service);
    mapEnvironment(site, service);
    mapHealth(
      site,
      service,
      site.routes.some((route) => route.service === service),
    );
    mapHardening(site, service);
    mapVolumes(site, service);
    mapLimits(site, service);
    mapNeeds(site, service, found.absent);
    mapNetworks(site, service);
  }
  for (const job of found.jobs) if (site.services.includes(job.target)) mapJob(site, job);
  mapMiddlewares(site);
  mapSpoken(site);
  mapTls(site, found.edge);
  for (const service of site.services) mapPlain(service, appOf(site, service).runtime !== undefined, site.ledger);
  tidy(site);
}

function noteFiles({ options, look, notes, file, names }: Found, from: string): void {
  const stem = basename(options.file).replace(/\.ya?ml$/, '');
  const beside = [`${stem}.override.yml`, `${stem}.override.yaml`].find(
    (name) => look.kind(join(from, name)) === 'file',
  );
  if (beside !== undefined)
    notes.push(`${beside} is not read, and Compose does read it: docker compose config prints both as one file`);
  const renamed = [...names]
    .filter(([service, app]) => service !== app)
    .map(([service, app]) => `${service} is ${app}`);
  if (renamed.length > 0)
    notes.push(`apps are called otherwise: ${renamed.join(', ')}; env says so, what else names them has to`);
  if (file.services.some(({ tree }) => tree.fields.some(({ key }) => key === 'image')))
    notes.push(
      'the root file system of an app is read-only: what an image writes outside of volumes and /tmp needs `writable`',
    );
}
