import type { AppDefinition } from '../definition.ts';
import { dockerfileOf, isStore } from './front.ts';
import { leansOn } from './groups.ts';
import { knownImage } from './images.ts';
import { isIndex, type Item } from './ledger.ts';
import { type Port, portsOf, readPort } from './ports.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { appOf, note, type Site } from './site.ts';
import { fieldOf, textsOf } from './tree.ts';

/** Ports of the machine that visitors of the web use. */
const WEB = new Set(['80', '443']);

/** The port an app answers on, by what says so most clearly. */
function portOf(site: Site, service: Service): number | undefined {
  const routed = site.routes.filter((route) => route.service === service);
  const labels = [...site.wiring.ports.values()].filter((label) => label.service === service);
  const ports = portsOf(service).filter(({ udp, target }) => !udp && target !== undefined && target !== 443);
  const exposed = itemsUnder(service, 'expose').map((item) => readPort(textOf(item)?.replace('/tcp', '')));
  // What an image could answer on says nothing of a worker that is started from it.
  const usual = routed.length > 0 || isStore(service) ? usualPorts(site, service) : [];
  // Behind another proxy, what is published is for somebody else.
  const told = routed.some(({ item }) => item.path.includes('labels') || item.path[0] === 'environment');
  const candidates = [
    ...routed.map(({ port }) => readPort(textOf(port))),
    ...labels.map(({ item }) => readPort(textOf(item))),
    site.fronts.find(({ target }) => target === service)?.port,
    ...(told ? exposed : []),
    ...ports.filter(({ published }) => WEB.has(published ?? '')).map(({ target }) => target),
    ...ports.map(({ target }) => target),
    ...exposed,
    ...usual,
  ];
  return candidates.find((port) => port !== undefined);
}

function usualPorts({ look, from }: Site, service: Service): (number | undefined)[] {
  const docker = /^\s*EXPOSE\s+(\d+)(?:\/tcp)?(?=\s|$)/im.exec(dockerfileOf(service, look, from))?.[1];
  return [knownImage(textOf(itemAt(service, 'image')) ?? '').port, readPort(docker)];
}

/** `ports` and `expose` → `port`. */
export function mapPorts(site: Site, service: Service): void {
  const app = appOf(site, service);
  const routes = site.routes.filter((route) => route.service === service);
  const port = app.runtime === 'static' ? undefined : portOf(site, service);
  if (port !== undefined) app.port = port;
  for (const each of portsOf(service)) settlePort(site, service, each, routes.length > 0, app);
  for (const item of itemsUnder(service, 'expose')) {
    const own = readPort(textOf(item)?.replace('/tcp', '')) === port;
    site.ledger.settle(
      item,
      own ? 'mapped' : 'implied',
      own ? 'port' : 'apps that need this one reach all of its ports',
    );
  }
  for (const { item, service: owner } of site.wiring.ports.values())
    if (owner === service && readPort(textOf(item)) === port) site.ledger.settle(item, 'mapped', 'port');
  for (const { port: item, item: rule } of routes) {
    if (item && readPort(textOf(item)) === port) site.ledger.settle(item, 'mapped', 'port');
    else if (item)
      site.ledger.settle(
        item,
        'decide',
        `an app answers on one port, ${port ?? 'which'}: write another definition for this one`,
      );
    else if (port === undefined && app.runtime === undefined)
      site.ledger.settle(rule, 'decide', 'on which port does it answer? port');
  }
}

function settlePort(site: Site, service: Service, port: Port, routed: boolean, app: AppDefinition): void {
  const { ledger } = site;
  const { item, published, address, target } = port;
  const web = WEB.has(published ?? '');
  if (port.udp) return ledger.settle(item, 'unsupported', 'hostctl routes http only');
  if (routed && (target === app.port || web || app.runtime === 'static')) {
    const other = published === undefined || web ? '' : `; port ${published} of the machine is not opened`;
    return ledger.settle(
      item,
      target === app.port ? 'mapped' : 'implied',
      `${target === app.port ? 'port' : "hostctl's proxy answers there"}${other}`,
    );
  }
  const where = [address, published].filter((part) => part !== undefined).join(':');
  const store = isStore(service) ? '; hostctl exec looks into it' : ', or give it a path or hostnames of its own';
  ledger.settle(
    item,
    'decide',
    `${where === '' ? 'a port' : where} of the machine is not opened: only apps that need this one reach it${store}`,
  );
}

/** `depends_on`, `links` and hosts in the environment → `needs`. */
export function mapNeeds(site: Site, service: Service, absent: ReadonlyMap<string, string>): void {
  const app = appOf(site, service);
  const needs = new Set<string>();
  for (const item of [...itemsUnder(service, 'depends_on'), ...itemsUnder(service, 'links')]) {
    const written = item.path[0] === 'links' ? (textOf(item) ?? '').split(':')[0]! : dependency(item);
    const other = site.services.find(({ name }) => name === written);
    if (other === service || written === undefined) site.ledger.settle(item, 'dropped', 'it says nothing');
    else if (other && reaches(site, other, service))
      site.ledger.settle(item, 'decide', 'the apps would need each other in a circle');
    else if (other) {
      needs.add(site.names.get(written)!);
      site.ledger.settle(item, 'mapped', `needs${aliasNote(item, written)}`);
    } else if (absent.has(written)) site.ledger.settle(item, 'implied', absent.get(written)!);
    else if (site.names.has(written))
      site.ledger.settle(
        item,
        'decide',
        'it is in another definition, and apps of two projects do not reach each other: put both under one set of hostnames with `path`',
      );
    else site.ledger.settle(item, 'unsupported', 'there is no such service');
    if (needs.size > 0) app.needs = [...needs];
  }
  for (const other of site.services) {
    const name = site.names.get(other.name)!;
    if (other === service || needs.has(name) || !leansOn(service, other.name) || reaches(site, other, service))
      continue;
    needs.add(name);
    note(site, `${site.names.get(service.name)!} needs ${name}, because its environment names it`);
    app.needs = [...needs];
  }
}

/** The name in `- db`, `db: { condition: … }`. */
function dependency(item: Item): string | undefined {
  return item.value.kind === 'scalar' && isIndex(item.path[1] ?? '#0') ? textOf(item) : item.path[1];
}

/** An app is called by its own name; Compose gives others with `db:mysql`. */
function aliasNote(item: Item, written: string): string {
  const alias = item.path[0] === 'links' ? (textOf(item) ?? '').split(':')[1] : undefined;
  return alias === undefined || alias === written ? '' : `; it is called ${written} here, not ${alias}`;
}

/** Whether one app needs another already, over others too. */
function reaches(site: Site, from: Service, to: Service): boolean {
  const wanted = site.names.get(to.name)!;
  const seen = new Set<string>();
  const waiting = [site.names.get(from.name)!];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === wanted) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...(site.definition.apps[name]?.needs ?? []));
  }
  return false;
}

/** `networks` → `egress`. */
export function mapNetworks(site: Site, service: Service): void {
  const items = itemsUnder(service, 'networks');
  const names = items.flatMap((item) =>
    item.path.length === 2 && !isIndex(item.path[1]!) ? [item.path[1]!] : textsOf(item.value),
  );
  const closed = names.length > 0 && names.every((name) => site.networks.get(name)?.internal);
  if (closed) appOf(site, service).egress = false;
  for (const item of items) {
    const aliases = textsOf(fieldOf(item.value, 'aliases')?.value).filter(
      (alias) => alias !== site.names.get(service.name),
    );
    if (closed) site.ledger.settle(item, 'mapped', 'egress: false, as all of its networks are internal');
    else if (aliases.length > 0)
      site.ledger.settle(item, 'decide', `an app is called by its own name: who asks for ${aliases.join(', ')}?`);
    else site.ledger.settle(item, 'implied', 'apps that need each other share a network of their project');
  }
}
