import { parseHostname } from '../../core/hostnames.ts';
import { parseUrlPath } from '../../core/routes.ts';
import type { Middleware, Router, Wiring } from './labels.ts';
import type { Item, Ledger } from './ledger.ts';
import { readRule, type Term } from './rule.ts';
import { type Service, textOf } from './services.ts';
import { missingIn } from './tree.ts';

/** Hostnames and a path that lead to a service. */
export interface Route {
  readonly service: Service;
  readonly hosts: readonly string[];
  /** `/` or a prefix. */
  readonly path: string;
  /** Whether it also took what only begins like the path: `/admin` and `/administrator`. */
  readonly loose: boolean;
  /** What says so. */
  readonly item: Item;
  /** Whether it answers over https, and what orders its certificate. */
  readonly secure: boolean;
  readonly resolver?: string;
  /** Whether it answers over plain http with more than a redirect. */
  readonly open: boolean;
  readonly port?: Item;
  readonly uses: readonly { readonly name: string; readonly item: Item }[];
  /** Client addresses that alone may. */
  readonly clients: readonly string[];
}

/** Labels of routers as they were read. */
export interface Routes {
  /** Without hosts where none of those that are written can be had. */
  readonly routes: readonly Route[];
  /** What stood before services whose rules say nothing a definition could. */
  readonly lost: readonly Pick<Route, 'service' | 'uses'>[];
}

/**
 * Routers → routes; every label of theirs but those of middlewares is settled.
 * @param hostname for rules that take every one
 */
export function readRoutes(wiring: Wiring, ledger: Ledger, hostname: string | undefined): Routes {
  const routes = wiring.routers.flatMap((router) => {
    const named = textOf(router.keys.get('service'));
    if (named?.endsWith('@internal')) {
      for (const item of router.keys.values())
        ledger.settle(item, 'dropped', "it leads to Traefik's own pages, which hostctl shows to nobody");
      return [];
    }
    return readRouter(router, wiring, ledger, hostname);
  });
  for (const { item, service } of wiring.ports.values())
    if (!routes.some((route) => route.port === item))
      ledger.settle(
        item,
        routes.some((route) => route.service === service) ? 'dropped' : 'implied',
        'no router names it',
      );
  const lost = wiring.routers.flatMap((router) => {
    const { service } = router;
    const own = textOf(router.keys.get('service'))?.endsWith('@internal') === true;
    return own || routes.some((route) => route.service === service) ? [] : [{ service, uses: usesOf(router) }];
  });
  return { routes, lost };
}

function readRouter(router: Router, wiring: Wiring, ledger: Ledger, hostname: string | undefined): Route[] {
  const rule = router.keys.get('rule');
  const uses = usesOf(router);
  const target = targetOf(router, wiring, ledger);
  const secure = settleEntry(router, ledger);
  if (!rule) {
    for (const item of router.keys.values())
      ledger.settle(
        item,
        'decide',
        "the router has no rule: Traefik's default made a hostname of the container's name",
      );
    return [];
  }
  const terms = readRule(textOf(rule) ?? '');
  const resolver = textOf(router.keys.get('tls.certresolver'));
  const redirects = uses.some(({ name }) => toHttps(wiring.middlewares.get(name)));
  const common = {
    ...target,
    item: rule,
    secure,
    open: !secure && !redirects,
    uses,
    ...(resolver === undefined ? {} : { resolver }),
  };
  const routes = (terms ?? []).flatMap((term) =>
    routesOf(term, redirects, rule, ledger, hostname).map((at) => ({ ...common, ...at })),
  );
  if (!terms) ledger.settle(rule, 'unsupported', 'this is no rule that can be read: nothing leads to the app by it');
  return routes;
}

function usesOf(router: Router): { name: string; item: Item }[] {
  const list = router.keys.get('middlewares');
  const named = (textOf(list) ?? '').split(',').flatMap((part) => {
    const name = part
      .trim()
      .toLowerCase()
      .replace(/@(?:docker|swarm)$/, '');
    return name === '' || !list ? [] : [{ name, item: list }];
  });
  const own = [...router.keys].filter(([key]) => key.startsWith('uses.'));
  return [...named, ...own.map(([key, item]) => ({ name: key.slice('uses.'.length), item }))];
}

/** A middleware that only leads to https. */
function toHttps(middleware: Middleware | undefined): boolean {
  return textOf(middleware?.get('redirectscheme.scheme'))?.toLowerCase() === 'https';
}

/** The service a router leads to, and the label with its port. */
function targetOf(router: Router, wiring: Wiring, ledger: Ledger): { service: Service; port?: Item } {
  const item = router.keys.get('service');
  const named = textOf(item)
    ?.toLowerCase()
    .replace(/@(?:docker|swarm)$/, '');
  const found = named === undefined ? undefined : wiring.ports.get(named);
  const own = [...wiring.ports.values()].find(({ service }) => service === router.service);
  if (item && found) ledger.settle(item, 'mapped', 'port');
  else if (item && named?.includes('@'))
    ledger.settle(item, 'unsupported', 'defined in a file of Traefik, which is not part of this one');
  else if (item) ledger.settle(item, 'implied', 'an app is its own service');
  const chosen = found ?? own;
  return { service: chosen?.service ?? router.service, ...(chosen ? { port: chosen.item } : {}) };
}

/** Settles where and how a router listens. Returns whether it is https. */
function settleEntry(router: Router, ledger: Ledger): boolean {
  const { keys } = router;
  const names = (textOf(keys.get('entrypoints')) ?? '').split(',').map((name) => name.trim().toLowerCase());
  const tls = [...keys].filter(([key, item]) => key.startsWith('tls') && textOf(item) !== 'false');
  const secure = tls.length > 0 || (names.length > 0 && names.every((name) => /secure|https|443|tls/.test(name)));
  for (const [key, item] of keys) {
    if (key === 'entrypoints') {
      const odd = names.filter(
        (name) => name !== '' && !/^(?:web|http|https|websecure|web-?secure|.*(?:80|443|tls|secure))$/.test(name),
      );
      if (odd.length === 0) ledger.settle(item, 'implied', 'sites answer on the ports of hostctl.yaml');
      else ledger.settle(item, 'decide', `${odd.join(', ')}: sites answer on the ports of hostctl.yaml, and no others`);
    } else if (key === 'tls.options')
      ledger.settle(item, 'decide', "TLS settings are hostctl's own, after Mozilla's intermediate profile");
    else if (key.startsWith('tls') && key !== 'tls.certresolver') ledger.settle(item, 'mapped', 'tls');
    else if (key === 'priority') ledger.settle(item, 'implied', 'the most exact hostname and the longest path win');
    else if (key === 'rulesyntax' || key.startsWith('observability'))
      ledger.settle(item, 'dropped', 'how Traefik reads and counts');
    else if (!/^(?:rule|service|middlewares|tls\.certresolver|uses\..*)$/.test(key))
      ledger.settle(item, 'unsupported', 'hostctl does not know this label');
  }
  return secure;
}

type At = Pick<Route, 'hosts' | 'path' | 'loose' | 'clients'>;

function routesOf(term: Term, redirects: boolean, rule: Item, ledger: Ledger, hostname: string | undefined): At[] {
  const { hosts: written, paths, below, clients, rest } = term;
  if (rest.length > 0) {
    ledger.settle(rule, 'unsupported', `no route of hostctl has ${rest.join(', ')}: nothing leads to the app by that`);
    return [];
  }
  if (written.length === 0 && redirects) {
    ledger.settle(rule, 'implied', 'tls.redirect: http leads to https');
    return [];
  }
  if (written.length === 0 && hostname === undefined)
    ledger.settle(rule, 'decide', 'it takes every hostname: which are meant? --hostname NAME');
  const unfilled = missingIn(rule.value).length > 0;
  const hosts = written.filter((host) => {
    const parsed = parseHostname(host);
    if (!parsed.ok && !unfilled) ledger.settle(rule, 'decide', parsed.message);
    return parsed.ok;
  });
  const wide = hosts.some((host) => host.startsWith('*.')) ? '; a star takes names of any depth' : '';
  if (!redirects && !below && paths.some((path) => path !== '/'))
    ledger.settle(rule, 'decide', '`path` takes what lies below it, too, which Path() did not. Is that right?');
  const ways = (paths.length === 0 ? ['/'] : paths).flatMap((path) => {
    const parsed = parseUrlPath(path);
    if (!parsed.ok) ledger.settle(rule, 'unsupported', parsed.message);
    return parsed.ok ? [{ path: parsed.value, loose: below && !path.endsWith('/') }] : [];
  });
  const said = ways.flatMap(({ path }) => (path === '/' ? [] : path));
  ledger.settle(rule, 'mapped', `hostnames${said.length > 0 ? `, path ${said.join(', ')}` : ''}${wide}`);
  return ways.map((way) => ({ hosts, ...way, clients }));
}
