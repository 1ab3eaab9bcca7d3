import type { Definition, Imported } from '../definition.ts';
import type { Look } from '../look.ts';
import { freeName, siteName } from '../names.ts';
import { mapAccess } from './access.ts';
import { mapApps } from './apps.ts';
import { mapEnv } from './environment.ts';
import { Expansion } from './expand.ts';
import { foldCanonical, foldSecure } from './fold.ts';
import { mapHarmless } from './harmless.ts';
import { mapExpires, mapHeaders } from './headers.ts';
import { planSites, readHost, type SitePlan } from './hosts.ts';
import { type Directive, Ledger, placeholders } from './ledger.ts';
import { mapLimits } from './limits.ts';
import { mapMedia } from './media.ts';
import { mapModPython } from './modpython.ts';
import { printApache } from './print.ts';
import { mapProxy } from './proxied.ts';
import { mapRedirects } from './redirects.ts';
import { mapRewrites } from './rewrites.ts';
import { mapTls } from './secure.ts';
import { flatten, named, type Site, type SourceMap } from './site.ts';
import { findTargets } from './targets.ts';
import { mapWsgi } from './wsgi-settings.ts';

export interface ApacheOptions {
  /** Absolute paths of what is imported, in the order Apache would read it. */
  readonly files: readonly string[];
  /** Directory nothing is read outside of. */
  readonly root: string;
  readonly defined: ReadonlyMap<string, string>;
  readonly sources: readonly SourceMap[];
  /** Directory the definitions go to. */
  readonly dir: string;
  /** Hostname of a virtual host that has none. */
  readonly hostname?: string;
}

/** Apache configuration → definitions, and a report of every directive. Looks at files, runs nothing. */
export function convertApache(options: ApacheOptions, look: Look): Imported {
  const ledger = new Ledger();
  const expansion = new Expansion(options, look, ledger);
  const all = options.files.flatMap((file) => expansion.file(file, look.text(file) ?? ''));
  expansion.finish();
  const server = all.filter(({ name }) => name !== 'virtualhost');
  const sections = all.filter(({ name }) => name === 'virtualhost');
  const hosts = sections.map((section) => readHost(section.body ?? [], section));
  // Lines outside of all virtual hosts are a site of their own where they serve something, and there is no other.
  if (hosts.length === 0 && flatten(server).some(({ directive }) => SERVES.test(directive.name)))
    hosts.push(readHost(server));
  const notes: string[] = [];
  const daemons = findDaemons(all);
  const secured = planSites(hosts, ledger).map((plan) => foldSecure(plan, ledger));
  const plans = foldCanonical(secured, ledger).filter((plan) => serves(plan, ledger));
  const taken = new Set<string>();
  const made = plans.map((plan) => {
    const definition: Definition = { hostnames: hostnamesOf(plan, options, ledger), apps: {}, media: {}, http: {} };
    const body = [...bodyOf(plan, ledger), ...(plan.hosts.some(({ section }) => section) ? server : [])];
    const site: Site = { ...options, ledger, look, spots: flatten(body), daemons, definition, notes, targets: [] };
    mapSite(site, plan);
    definition.apps = Object.fromEntries(
      Object.entries(definition.apps).toSorted(([a], [b]) => Number(b === 'web') - Number(a === 'web')),
    );
    return { name: freeName(siteName(definition.hostnames[0]!), taken), definition, plan, body };
  });
  settleServer(server, ledger);
  for (const { section } of hosts) if (section) settleHost(section, ledger);
  const entries = ledger.entries();
  const sites = made.map(({ name, definition, plan, body }, index) => {
    const sectionsOf = plan.hosts.flatMap(({ section }) => (section ? [section] : []));
    const own = new Set([...flatten(body), ...flatten(sectionsOf)].map(({ directive }) => directive));
    const from = (sectionsOf[0] ?? plan.hosts[0]!.body[0]!).place.file;
    return { name, definition, from, entries: ledger.entries(own), first: index === 0 };
  });
  return { sites, report: { entries, notes: [...new Set(notes)] } };
}

const SERVES =
  /^(?:alias|aliasmatch|wsgiscriptalias|documentroot|proxypass|pythonhandler|wsgiscriptaliasmatch|scriptalias|redirect|redirectmatch|redirectpermanent)$/;

function mapSite(site: Site, plan: SitePlan): void {
  site.targets = findTargets(site);
  if (plan.canonical !== undefined) site.definition.http.canonical = plan.canonical;
  mapTls(
    site,
    plan.hosts.some(({ secure }) => secure),
    plan.hosts.some(({ secure }) => !secure),
  );
  mapApps(site);
  mapMedia(site);
  mapWsgi(site);
  mapModPython(site);
  mapProxy(site);
  mapRedirects(site);
  mapRewrites(site);
  mapAccess(site);
  mapHeaders(site);
  mapExpires(site);
  mapLimits(site);
  mapEnv(site);
  mapHarmless(site);
  askForPython(site);
  noteDifferences(site);
  if (Object.keys(site.definition.http.access ?? {}).length === 0) delete site.definition.http.access;
}

/** What is another way here although no directive says so. */
function noteDifferences({ definition, notes, targets }: Site): void {
  if (definition.http.body === undefined)
    notes.push('requests of more than 16M are refused, where Apache took 1G or any: http.body');
  const wsgi = targets.some(({ kind, directive }) => kind === 'script' && directive.name === 'wsgiscriptalias');
  if (wsgi && definition.http.headers?.request?.['Authorization'] === undefined) {
    notes.push('apps get the Authorization header, which mod_wsgi kept to itself unless WSGIPassAuthorization was on');
  }
}

/** A site that ran on Python 2 needs a look whatever else it says; one question is enough. */
function askForPython(site: Site): void {
  const spot = site.spots.find(({ directive }) => !directive.body && /\bpython2(?:\.\d)?\b/.test(directive.raw));
  const version = spot && /\bpython(2(?:\.\d)?)\b/.exec(spot.directive.raw)![1]!;
  if (!spot) return;
  const before = site.ledger.noteOf(spot.directive);
  const question = `it ran on Python ${version}, here it is Python 3: does the source, and does its Django?`;
  site.ledger.settle(spot.directive, 'decide', before === undefined ? question : `${before}; ${question}`);
}

function findDaemons(all: readonly Directive[]): Map<string, Directive> {
  const found = new Map<string, Directive>();
  for (const { directive } of flatten(all)) {
    const [name] = directive.args;
    if (directive.name === 'wsgidaemonprocess' && name !== undefined && !found.has(name)) found.set(name, directive);
  }
  return found;
}

/** The hostnames of a plan, or the one that was named for a virtual host without any. */
function hostnamesOf(plan: SitePlan, options: ApacheOptions, ledger: Ledger): string[] {
  const names = plan.names.map(({ name }) => name);
  if (names.length > 0) return names;
  if (options.hostname !== undefined) return [options.hostname];
  const [host] = plan.hosts;
  const asked = host!.section ?? host!.body.find(({ name }) => SERVES.test(name)) ?? host!.body[0]!;
  const filled = plan.hosts.flatMap((item) => item.names).find(({ name }) => placeholders(name).length > 0);
  const note = filled ? 'its ServerName is a placeholder' : 'it has no ServerName: --hostname NAME gives it one';
  ledger.settle(asked, 'decide', note);
  const stem = siteName(
    `${asked.place.file
      .split('/')
      .at(-1)!
      .replace(/(?:\.conf|\.txt|-le-ssl)+$/, '')}.x`,
  ).replaceAll(/[^a-z0-9-]/gi, '-');
  return [`${stem.replaceAll(/^-+|-+$/g, '').toLowerCase() || 'site'}.localhost`];
}

/** The lines of all virtual hosts of a site, the one with TLS first; what both say counts once. */
function bodyOf(plan: SitePlan, ledger: Ledger): Directive[] {
  const [first, ...others] = plan.hosts;
  const body = [...(first?.body ?? [])];
  const own = new Map(body.map((directive) => [printApache([directive]), directive]));
  for (const directive of others.flatMap((host) => host.body)) {
    const twin = own.get(printApache([directive]));
    if (!twin) {
      body.push(directive);
      const serves = SERVES.test(directive.name) && first!.secure && !directive.raw.includes('acme-challenge');
      if (serves)
        ledger.settle(directive, 'decide', 'only on the plain side; here both sides are the same. Is that meant?');
    } else ledger.settleAll(directive, 'implied', `the same as line ${twin.place.line}`);
  }
  return body;
}

/** Whether a virtual host is more than names and redirects to others. */
function serves(plan: SitePlan, ledger: Ledger): boolean {
  const spots = flatten(plan.hosts.flatMap(({ body }) => body));
  if (spots.some(({ directive }) => SERVES.test(directive.name) || directive.name === 'rewriterule')) return true;
  for (const host of plan.hosts) {
    if (host.section) ledger.settle(host.section, 'dropped', 'it serves nothing');
    for (const { directive } of flatten(host.body)) {
      if (!ledger.has(directive)) ledger.settle(directive, 'dropped', 'of a virtual host that serves nothing');
    }
  }
  return false;
}

/** A virtual host of another port than the web's is reached in another way here. */
function settleHost(section: Directive, ledger: Ledger): void {
  const odd = /:(\d+)/.exec(section.args.filter((address) => !/:(?:80|443|\*)$/.test(address)).join(' '))?.[1];
  if (odd !== undefined) {
    ledger.settle(section, 'decide', `port ${odd}: sites answer on the ports of hostctl.yaml, by their hostnames`);
  } else
    ledger.settle(
      section,
      'mapped',
      'a site; hostctl answers 404 to names it does not know, the first virtual host of Apache did',
    );
}

/** Lines outside of virtual hosts that no site took up. */
function settleServer(server: readonly Directive[], ledger: Ledger): void {
  const rest: Site = {
    ledger,
    look: { kind: () => undefined, text: () => undefined, list: () => [], real: () => undefined },
    sources: [],
    dir: '/',
    spots: flatten(server),
    daemons: new Map(),
    notes: [],
    targets: [],
    definition: { hostnames: [], apps: {}, media: {}, http: {} },
  };
  mapHarmless(rest);
  for (const spot of named(rest, 'servername', 'serveralias')) {
    if (!ledger.has(spot.directive)) ledger.settle(spot.directive, 'dropped', "the server's own name");
  }
}
