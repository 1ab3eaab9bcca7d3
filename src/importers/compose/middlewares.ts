import { parseNetwork } from '../../core/networks.ts';
import { covers } from '../../core/routes.ts';
import { readAddress } from '../addresses.ts';
import type { Item } from './ledger.ts';
import { setHeaders } from './headers.ts';
import type { Middleware } from './labels.ts';
import type { Route } from './routers.ts';
import { textOf } from './services.ts';
import { CLOSED, restrict, type Site } from './site.ts';
import { readSeconds, writeSeconds } from './words.ts';

const DEEPEST = 8;
/** Middlewares that are about the answers of the whole site, so that one path cannot have them alone. */
const WHOLE = /^(?:headers|compress|ratelimit|buffering)$/;

/** What stands between the visitors and the services of a site. */
export function mapMiddlewares(site: Site): void {
  for (const route of site.routes) {
    if (route.clients.length > 0) allow(site, route, route.clients.join(','), route.item);
    for (const { name, item } of route.uses) use(site, route, name, item, 0);
  }
  for (const route of site.routes) compareAccess(site, route);
}

/** Where a rule about who may reaches less far than it did, or further. */
function compareAccess({ ledger, definition }: Site, { path, loose, item, secure, open }: Route): void {
  const rules = Object.keys(definition.http.access ?? {});
  if (path === '/' || !(secure || open)) return;
  if (rules.includes(path) && loose)
    ledger.settle(
      item,
      'decide',
      `its rule about who may was for ${path}x as well; here a path ends at a segment. Is there such a path?`,
    );
  const above = rules.find((rule) => rule !== path && covers(rule, path));
  if (above !== undefined && !rules.includes(path))
    ledger.settle(
      item,
      'decide',
      `who may ask for ${above} holds here as well, which it did not; http.access ${path} with allow: [0.0.0.0/0, "::/0"] opens it`,
    );
}

function use(site: Site, route: Route, name: string, item: Item, depth: number): void {
  const middleware = site.wiring.middlewares.get(name);
  if (!middleware || depth > DEEPEST) {
    // What it is nobody knows: it may be what asks for a password.
    restrict(site, route.path, { allow: [] });
    site.ledger.settle(item, 'decide', `${name} is not defined in this file; it may be an access rule, so ${CLOSED}`);
    return;
  }
  if (!item.path.at(-1)!.toLowerCase().startsWith('traefik.frontend.'))
    site.ledger.settle(item, 'mapped', 'as its middlewares say');
  const [kind = ''] = [...middleware.keys()].map((key) => key.split('.')[0]!);
  if (WHOLE.test(kind) && !isWhole(site, name)) {
    const said = `only for ${route.path}; here http.${kind === 'buffering' ? 'body' : kind} is about the whole site. Should it be?`;
    for (const key of middleware.values()) site.ledger.settle(key, 'decide', said);
    return;
  }
  apply(site, route, kind, middleware, depth);
}

/** Whether all routes of the site that answer have it. */
function isWhole({ routes, wiring }: Site, name: string): boolean {
  const chained = (wanted: string, depth: number): boolean =>
    wanted === name ||
    (depth < DEEPEST && chainOf(wiring.middlewares.get(wanted)).some((inner) => chained(inner, depth + 1)));
  return routes
    .filter(({ secure, open }) => secure || open)
    .every(({ uses }) => uses.some((other) => chained(other.name, 0)));
}

function chainOf(middleware: Middleware | undefined): string[] {
  const list = textOf(middleware?.get('chain.middlewares')) ?? '';
  return list
    .split(',')
    .map((name) =>
      name
        .trim()
        .toLowerCase()
        .replace(/@(?:docker|swarm)$/, ''),
    )
    .filter((name) => name !== '');
}

function apply(site: Site, route: Route, kind: string, middleware: Middleware, depth: number): void {
  const { ledger } = site;
  const all = (status: 'implied' | 'dropped' | 'decide' | 'unsupported', said: string): void => {
    for (const item of middleware.values()) ledger.settle(item, status, said);
  };
  if (kind === 'chain') {
    for (const name of chainOf(middleware)) use(site, route, name, middleware.get('chain.middlewares')!, depth + 1);
  } else if (kind === 'redirectscheme') all('implied', 'tls.redirect: http leads to https');
  else if (kind === 'basicauth') askPassword(site, route, middleware);
  else if (kind === 'ipallowlist' || kind === 'ipwhitelist') allowList(site, route, kind, middleware);
  else if (kind === 'headers') setHeaders(site, middleware);
  else if (kind === 'compress') compress(site, middleware);
  else if (kind === 'ratelimit') limitRate(site, middleware);
  else if (kind === 'buffering') limitBody(site, middleware);
  else if (kind === 'redirectregex') redirectHost(site, middleware);
  else if (/^(?:stripprefix|stripprefixregex|addprefix|replacepath|replacepathregex)$/.test(kind))
    all('unsupported', `paths reach an app as they were asked for: it has to answer below ${route.path} itself`);
  else if (kind === 'contenttype' || kind === 'retry') all('dropped', 'hostctl goes without');
  else if (/^(?:circuitbreaker|inflightreq|errors|grpcweb|encodedcharacters)$/.test(kind))
    all(
      'unsupported',
      kind === 'errors' ? 'http.errors shows HTML files, not what a service answers' : 'hostctl has no equal',
    );
  else {
    // Forward and digest authentication, client certificates, plugins: whatever let visitors in does not any more.
    restrict(site, route.path, { allow: [] });
    all('unsupported', `hostctl has no ${kind}; somebody has to say who may, ${CLOSED}`);
  }
}

function compress({ ledger, definition }: Site, middleware: Middleware): void {
  for (const [key, item] of middleware) {
    const off = key === 'compress' && textOf(item) === 'false';
    if (!off) definition.http.compress = true;
    if (key === 'compress') ledger.settle(item, off ? 'implied' : 'mapped', off ? 'off, as here' : 'http.compress');
    else ledger.settle(item, 'dropped', 'http.compress: text from 1024 bytes on');
  }
}

function askPassword(site: Site, route: Route, middleware: Middleware): void {
  const { ledger } = site;
  const users = (textOf(middleware.get('basicauth.users')) ?? '')
    .split(',')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (users.length === 0) restrict(site, route.path, { allow: [] });
  for (const [key, item] of middleware) {
    if (key === 'basicauth.users' && users.length > 0) {
      const clash = restrict(site, route.path, { users: `./${htpasswd(site, users)}` });
      if (clash === undefined)
        ledger.settle(item, 'mapped', `http.access ${route.path}: users, in a file of their own`);
      else ledger.settle(item, 'decide', clash);
    } else if (key === 'basicauth.usersfile' || key === 'basicauth.users') {
      ledger.settle(
        item,
        'decide',
        `http.access ${route.path}: users takes an htpasswd file of this machine; ${CLOSED}`,
      );
    } else if (key === 'basicauth.realm') {
      const realm = textOf(item) ?? '';
      const fits = /^[\x20-\x7e]{1,64}$/.test(realm) && !/["\\${]/.test(realm);
      if (fits && users.length > 0) restrict(site, route.path, { realm });
      ledger.settle(item, fits ? 'mapped' : 'dropped', fits ? 'http.access: realm' : 'no realm of a definition');
    } else if (key === 'basicauth.removeheader' && textOf(item) === 'true')
      ledger.settle(item, 'decide', 'http.headers.request { Authorization: "" } keeps passwords from the apps');
    else if (key === 'basicauth.headerfield')
      ledger.settle(item, 'unsupported', 'apps are not told the name of the user');
    else ledger.settle(item, 'implied', 'as it is here');
  }
}

/** The file with these users; the same one for the same users. */
function htpasswd({ beside, name }: Site, users: readonly string[]): string {
  const text = users.map((line) => `${line}\n`).join('');
  const same = beside.find((file) => file.text === text);
  if (same) return same.name;
  const file = `${name}${beside.length === 0 ? '' : `-${beside.length + 1}`}.htpasswd`;
  beside.push({ name: file, text });
  return file;
}

function allowList(site: Site, route: Route, kind: string, middleware: Middleware): void {
  const list = middleware.get(`${kind}.sourcerange`);
  if (!list) restrict(site, route.path, { allow: [] });
  for (const [key, item] of middleware) {
    if (item === list) allow(site, route, textOf(item) ?? '', item);
    else if (key.includes('ipstrategy'))
      site.ledger.settle(item, 'decide', 'hostctl goes by the address that connects: is there another proxy in front?');
    else site.ledger.settle(item, 'implied', 'others get 403');
  }
}

function allow(site: Site, route: Route, list: string, item: Item): void {
  const written = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const networks = written.map((part) => readAddress(part)?.filter((network) => parseNetwork(network).ok) ?? []);
  if (written.length === 0 || networks.some((each) => each.length === 0)) {
    restrict(site, route.path, { allow: [] });
    site.ledger.settle(item, 'decide', `not all of these are addresses or networks; ${CLOSED}`);
    return;
  }
  const clash = restrict(site, route.path, { allow: networks.flat() });
  if (clash === undefined) site.ledger.settle(item, 'mapped', `http.access ${route.path}: allow; others get 403`);
  else site.ledger.settle(item, 'decide', clash);
}

function limitRate({ ledger, definition }: Site, middleware: Middleware): void {
  const number = (key: string): number | undefined => {
    const text = textOf(middleware.get(`ratelimit.${key}`));
    return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
  };
  const requests = number('average');
  const seconds = readSeconds(textOf(middleware.get('ratelimit.period')) ?? '1s');
  const burst = number('burst');
  const fits = requests !== undefined && seconds !== undefined && seconds >= 1 && seconds <= 3600;
  if (fits) {
    const per = seconds === 1 ? {} : { per: writeSeconds(seconds) };
    definition.http.rate = { requests, ...per, ...(burst === undefined ? {} : { burst }) };
  }
  for (const [key, item] of middleware) {
    if (key.includes('sourcecriterion'))
      ledger.settle(item, 'decide', 'http.rate counts by the address that connects: is that right?');
    else if (fits) ledger.settle(item, 'mapped', 'http.rate');
    else ledger.settle(item, 'unsupported', 'no rate of a definition: { requests: 20, per: 1s, burst: 40 }');
  }
}

function limitBody({ ledger, definition }: Site, middleware: Middleware): void {
  for (const [key, item] of middleware) {
    const bytes = Number(textOf(item));
    if (key === 'buffering.maxrequestbodybytes' && Number.isSafeInteger(bytes) && bytes >= 1024) {
      definition.http.body = `${Math.ceil(bytes / 1024)}K`;
      if (bytes % 1024 ** 2 === 0) definition.http.body = `${bytes / 1024 ** 2}M`;
      ledger.settle(item, 'mapped', 'http.body');
    } else if (key === 'buffering.maxrequestbodybytes') ledger.settle(item, 'decide', 'http.body says how much');
    else ledger.settle(item, 'dropped', 'hostctl buffers as it needs');
  }
}

/** `^https?://www.a.org/(.*)` → `https://a.org/$1` is what `http.canonical` says. */
function redirectHost({ ledger, definition }: Site, middleware: Middleware): void {
  const expression = textOf(middleware.get('redirectregex.regex')) ?? '';
  const replacement = textOf(middleware.get('redirectregex.replacement')) ?? '';
  const scheme =
    /^https:\/\/(?:\$\{?1\}?)(?:\$\{?2\}?)?\/?(?:\$\{?\d\}?)?$/.test(replacement) && expression.startsWith('^http:');
  const target = hostOf(expression, replacement, definition.hostnames);
  for (const [key, item] of middleware) {
    if (scheme) ledger.settle(item, 'implied', 'tls.redirect: http leads to https');
    else if (target === undefined)
      ledger.settle(
        item,
        'decide',
        'http.canonical leads other hostnames to one, http.redirects paths: which is meant?',
      );
    else if (key === 'redirectregex.permanent') ledger.settle(item, 'implied', '301');
    else ledger.settle(item, 'mapped', 'http.canonical');
  }
  if (target !== undefined && !scheme) definition.http.canonical = target;
}

/** The one hostname a redirect leads all others to. */
function hostOf(expression: string, replacement: string, hostnames: readonly string[]): string | undefined {
  const to = /^https?:\/\/([a-z0-9.-]+|(?:www\.)?\$\{?1\}?)(?::\d+)?(?:\/?\$\{?\d\}?)?\/?$/i
    .exec(replacement)?.[1]
    ?.toLowerCase();
  if (to === undefined) return undefined;
  const exact = hostnames.filter((host) => !host.includes('*'));
  if (exact.includes(to)) {
    const from = expression.replaceAll('\\', '').toLowerCase();
    return exact.every((host) => host === to || from.includes(host) || /\(www\.\)|\(\?:www\.\)/.test(from))
      ? to
      : undefined;
  }
  const toWww = to.startsWith('www.$');
  const wanted = exact.filter((host) => host.startsWith('www.') === toWww);
  const www = to.includes('$') && (toWww || expression.replaceAll('\\', '').includes('www.'));
  return www && wanted.length === 1 && exact.length > 1 ? wanted[0] : undefined;
}
