import type { Item, Ledger } from './ledger.ts';
import { type Service, textOf } from './services.ts';

/** What a service is routed by. */
export interface Router {
  readonly name: string;
  readonly service: Service;
  /** By the last part of the label, lower case: `rule`, `tls.certresolver`. */
  readonly keys: ReadonlyMap<string, Item>;
}

/** By what follows its name, lower case: `basicauth.users`. */
export type Middleware = ReadonlyMap<string, Item>;

/** All labels of Traefik in a file; its names hold for every container. */
export interface Wiring {
  readonly routers: readonly Router[];
  /** Labels nobody knows that speak of who may. */
  readonly guards: readonly { readonly item: Item; readonly service: Service }[];
  /** Port labels by the name of Traefik's service. */
  readonly ports: ReadonlyMap<string, { readonly item: Item; readonly service: Service }>;
  readonly middlewares: ReadonlyMap<string, Middleware>;
}

/** v1 → the same with today's words. */
const OLD: Readonly<Record<string, string>> = {
  'traefik.frontend.rule': 'routers.{}.rule',
  'traefik.frontend.entrypoints': 'routers.{}.entrypoints',
  'traefik.frontend.priority': 'routers.{}.priority',
  'traefik.frontend.redirect.entrypoint': 'middlewares.{}-redirect.redirectscheme.scheme',
  'traefik.frontend.auth.basic': 'middlewares.{}-auth.basicauth.users',
  'traefik.frontend.auth.basic.users': 'middlewares.{}-auth.basicauth.users',
  'traefik.frontend.auth.basic.usersfile': 'middlewares.{}-auth.basicauth.usersfile',
  'traefik.frontend.auth.forward.address': 'middlewares.{}-forward.forwardauth.address',
  'traefik.frontend.whitelist.sourcerange': 'middlewares.{}-allow.ipallowlist.sourcerange',
  'traefik.frontend.whitelist.usexforwardedfor': 'middlewares.{}-allow.ipallowlist.ipstrategy',
  'traefik.port': 'services.{}.loadbalancer.server.port',
};

const IMPLIED: Readonly<Record<string, string>> = {
  'traefik.docker.network': 'hostctl joins its proxy to the network of the project',
  'traefik.swarm.network': 'hostctl joins its proxy to the network of the project',
  'traefik.docker.lbswarm': 'there is no swarm',
  'traefik.swarm.lbswarm': 'there is no swarm',
  'traefik.backend': 'an app is its own backend',
  'traefik.protocol': 'apps are asked over http',
  'traefik.frontend.passhostheader': 'apps get the Host that was asked for',
};

const GUARD = /auth|white-?list|allow-?list|sourcerange/;

/** Whether a label is one of Traefik's. */
function isTraefik(item: Item): boolean {
  return item.path.at(-2) === 'labels' && /^traefik\./i.test(item.path.at(-1)!);
}

/** Reads the labels of all services, and settles those that route nothing. */
export function readLabels(services: readonly Service[], ledger: Ledger): Wiring {
  const routers = new Map<string, Map<string, Item> & { service?: Service }>();
  const ports = new Map<string, { item: Item; service: Service }>();
  const middlewares = new Map<string, Map<string, Item>>();
  const guards: { item: Item; service: Service }[] = [];
  const put = (section: string, name: string, key: string, item: Item, service: Service): void => {
    if (section === 'routers') {
      // Two services with one name for their routers: Traefik took neither, here they stay apart.
      const own = `${name}@${service.name}`;
      const keys = routers.get(own) ?? new Map<string, Item>();
      routers.set(own, Object.assign(keys.set(key, item), { service }));
    } else if (section === 'middlewares') middlewares.set(name, (middlewares.get(name) ?? new Map()).set(key, item));
    else if (key === 'loadbalancer.server.port') ports.set(name, { item, service });
    else settleBalancer(item, key, ledger);
  };
  for (const service of services) {
    const off = service.items.some(
      (item) => isTraefik(item) && item.path.at(-1)!.toLowerCase() === 'traefik.enable' && textOf(item) === 'false',
    );
    for (const item of service.items.filter(isTraefik)) {
      const label = item.path.at(-1)!.toLowerCase();
      const old = OLD[label]?.replace('{}', service.name.toLowerCase());
      const match = /^(?:traefik\.http\.)?(routers|services|middlewares)\.([^.]+)\.(.+)$/.exec(old ?? label);
      if (off) ledger.settle(item, 'implied', 'traefik.enable is false: no visitor reaches it');
      else if (label === 'traefik.enable') ledger.settle(item, 'implied', 'a route comes from hostnames and `path`');
      else if (IMPLIED[label] !== undefined) ledger.settle(item, 'implied', IMPLIED[label]);
      else if (match) put(match[1]!, match[2]!, match[3]!, item, service);
      else if (label.startsWith('traefik.constraint'))
        ledger.settle(item, 'dropped', 'it chose among several Traefiks');
      else if (/^traefik\.(?:tcp|udp)\./.test(label)) ledger.settle(item, 'unsupported', 'hostctl routes http only');
      else {
        ledger.settle(item, 'unsupported', 'hostctl does not know this label');
        if (GUARD.test(label)) guards.push({ item, service });
      }
      if (!off && OLD[label] !== undefined && match?.[1] === 'middlewares') attach(put, match[2]!, item, service);
    }
  }
  return {
    routers: [...routers].map(([name, keys]) => ({ name: name.split('@')[0]!, keys, service: keys.service! })),
    guards,
    ports,
    middlewares,
  };
}

/** What v1 said of a frontend is a middleware of the service's one router. */
function attach(
  put: (section: string, name: string, key: string, item: Item, service: Service) => void,
  name: string,
  item: Item,
  service: Service,
): void {
  put('routers', service.name.toLowerCase(), `uses.${name}`, item, service);
}

function settleBalancer(item: Item, key: string, ledger: Ledger): void {
  const text = textOf(item) ?? '';
  if (key.startsWith('loadbalancer.sticky')) return;
  if (key === 'loadbalancer.server.scheme' && text !== 'http')
    ledger.settle(item, 'unsupported', `apps are asked over http, not ${text}`);
  else if (key === 'loadbalancer.passhostheader' && text === 'false')
    ledger.settle(item, 'unsupported', 'apps get the Host that was asked for');
  else if (/^loadbalancer\.(?:server\.scheme|passhostheader|responseforwarding)/.test(key))
    ledger.settle(item, 'implied', 'as it is here');
  else if (key.startsWith('loadbalancer.healthcheck'))
    ledger.settle(item, 'implied', '`health` says when a new copy counts as ready');
  else ledger.settle(item, 'unsupported', 'hostctl does not know this label');
}
