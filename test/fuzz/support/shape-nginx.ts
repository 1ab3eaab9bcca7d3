import type { HostIndex } from '../../../src/core/match.ts';
import { hostName } from '../../../src/core/match.ts';
import { type Meaning, meaningOf, type WebRequest } from '../../../src/core/meaning.ts';
import { covers, type Site, type Target } from '../../../src/core/routes.ts';
import { hostnamePattern, sampleName } from '../../../src/core/hostnames.ts';
import type { GeneratedFile } from '../../../src/proxy/driver.ts';
import { type Parsed, parseNginx } from '../../support/nginx.ts';
import { claim } from './measure.ts';

/** Everything hostctl says to nginx in the file of a site. */
const DIRECTIVES = new Set(
  `add_header allow auth_basic auth_basic_user_file client_max_body_size default_type deny disable_symlinks error_page geo
  gzip gzip_comp_level gzip_min_length gzip_proxied gzip_types http2 if include internal keepalive limit_req
  limit_req_log_level limit_req_status limit_req_zone listen location map proxy_hide_header proxy_intercept_errors
  proxy_pass proxy_read_timeout proxy_send_timeout proxy_set_header recursive_error_pages return root satisfy server
  server_name set split_clients ssl_certificate ssl_certificate_key ssl_reject_handshake sticky try_files upstream`.split(
    /\s+/,
  ),
);
const LISTENS = /^listen (1?8080|1?8443 ssl|nginx\.hostctl\.hostctl:\d+)$/;
/** Blocks whose lines are values, not directives. */
const TABLES = new Set(['map', 'geo', 'split_clients']);
/** What nginx may be told to put in. */
const VARIABLES =
  /^\$(args|binary_remote_addr|host|hostctl_\w+|is_args|request_id|request_method|request_uri|uri|cookie_hostctl_\w+)$/;

const inner = (item: Parsed): readonly Parsed[] => item.block ?? [];
const named = (items: readonly Parsed[], name: string): Parsed[] => items.filter(({ words }) => words[0] === name);
const wordsOf = (items: readonly Parsed[], name: string): string[] =>
  named(items, name).flatMap(({ words }) => words.slice(1));

/** All directives that are carried out, blocks first. */
function flat(items: readonly Parsed[]): Parsed[] {
  return items.flatMap((item) => [item, ...(TABLES.has(item.words[0]!) ? [] : flat(inner(item)))]);
}

const same = (a: Iterable<string>, b: Iterable<string>): boolean =>
  JSON.stringify([...new Set(a)].toSorted()) === JSON.stringify([...new Set(b)].toSorted());

/** The file of one site holds that site and nothing else, whatever stands in its definition. */
function expectSiteFile(site: Site, text: string): Parsed[] {
  claim(!/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text), 'a control character in the configuration');
  const tree = parseNginx(text);
  const outer = new Set(['map', 'geo', 'split_clients', 'limit_req_zone', 'upstream', 'server']);
  for (const { words } of tree) claim(outer.has(words[0]!), `${words[0]} stands outside of all servers`);
  const groups = named(tree, 'upstream');
  const servers = named(tree, 'server');
  const all = flat([...groups.flatMap(inner).filter(({ words }) => words[0] !== 'server'), ...servers]);
  for (const { words } of all) {
    const [name, ...rest] = words;
    claim(DIRECTIVES.has(name!), `${name} is no directive of ours`);
    if (name === 'if' || name === 'location') continue;
    if (name === 'server_name') continue;
    for (const variable of rest.flatMap((word) => word.match(/\$\{?\w*/g) ?? []))
      claim(VARIABLES.test(variable), `${variable} in ${words.join(' ')}`);
  }
  claim(
    same(wordsOf(all, 'include'), site.routes.some(({ target }) => target.to === 'app') ? ['proxy.conf'] : []),
    'another file is included',
  );
  for (const server of servers) {
    claim(wordsOf(inner(server), 'server_name').length > 0, 'a server for no hostname');
    for (const { words } of named(inner(server), 'listen')) claim(LISTENS.test(words.join(' ')), words.join(' '));
  }
  const names = servers.flatMap((server) => wordsOf(inner(server), 'server_name'));
  const plain = site.hostnames.filter(({ kind }) => kind !== 'glob');
  claim(
    same(
      names.filter((name) => !name.startsWith('~')),
      plain.map(({ name }) => name),
    ),
    `serves ${names.join(' ')}`,
  );
  const globs = names.filter((name) => name.startsWith('~')).map((name) => pattern(name));
  for (const hostname of site.hostnames.filter(({ kind }) => kind === 'glob')) {
    const sample = sampleName(hostname);
    claim(
      !new RegExp(hostnamePattern(hostname)).test(sample) ||
        outranked(names) ||
        globs.some((glob) => glob.test(sample)),
      `${sample} is not served`,
    );
  }
  expectUpstreams(site, groups, all);
  return tree;
}

/** Globs may leave hosts to stronger ones of other sites. */
const outranked = (names: readonly string[]): boolean => names.some((name) => name.includes('(?!'));
const pattern = (word: string): RegExp => new RegExp(word.slice(1).replaceAll('\\z', '$'));

function expectUpstreams(site: Site, groups: readonly Parsed[], all: readonly Parsed[]): void {
  const apps = site.routes.flatMap(({ target }) => (target.to === 'app' ? [target] : []));
  const sockets = apps.filter(({ upstreams }) => upstreams.some(({ kind }) => kind === 'socket'));
  claim(
    same(
      groups.map(({ words }) => words[1]!),
      sockets.map(({ app }) => `${site.project}.${app}`),
    ),
    'other upstreams',
  );
  for (const { words, block } of groups) {
    const target = sockets.find(({ app }) => words[1] === `${site.project}.${app}`)!;
    const links = target.upstreams.map((item) =>
      item.kind === 'socket' ? `unix:/run/hostctl/links/${item.link}` : '',
    );
    claim(
      same(
        named(block!, 'server').map((server) => server.words[1]!),
        links,
      ),
      `${words[1]} leads elsewhere`,
    );
  }
  const passes = wordsOf(all, 'proxy_pass');
  const own = new RegExp(`^http://(${site.project}\\.[a-zA-Z][a-zA-Z0-9-]*|\\$hostctl_upstream|\\$hostctl__\\w+)$`);
  for (const pass of passes) claim(own.test(pass), `passes on to ${pass}`);
  for (const root of wordsOf(all, 'root'))
    claim(new RegExp(`^/srv/(media/${site.project}/|challenges/\\$host$)`).test(root), `serves ${root}`);
}

interface Place {
  readonly body: readonly Parsed[];
  readonly path: string;
}

/** The server and location nginx would choose. @param path decoded */
function locate(tree: readonly Parsed[], host: string, path: string, secure: boolean): Place | undefined {
  const servers = named(tree, 'server').map(inner);
  const https = servers.filter((items) => named(items, 'listen').some(({ words }) => words.includes('ssl')));
  const http = servers.filter((items) => named(items, 'listen').some(({ words }) => !words.includes('ssl')));
  const fits = (word: string): number => {
    if (word.startsWith('~')) return pattern(word).test(host) ? 1 : 0;
    if (word.startsWith('*.'))
      return host.endsWith(word.slice(1)) && host.length >= word.length ? 3000 + word.length : 0;
    if (word.endsWith('.*')) return host.startsWith(word.slice(0, -1)) ? 2000 + word.length : 0;
    return word === host ? 9000 : 0;
  };
  const best = (items: readonly Parsed[]): number => Math.max(0, ...wordsOf(items, 'server_name').map(fits));
  const chosen = (secure ? https : http).filter((items) => best(items) > 0).toSorted((a, b) => best(b) - best(a))[0];
  return chosen && { body: chosen, path };
}

function locationOf({ body, path }: Place): readonly Parsed[] | undefined {
  const locations = named(body, 'location');
  const exact = locations.find(({ words }) => words[1] === '=' && words[2] === path);
  const longest = locations
    .filter(({ words }) => words[1] !== '=' && path.startsWith(words.at(-1)!))
    .toSorted((a, b) => b.words.at(-1)!.length - a.words.at(-1)!.length)[0];
  const chosen = exact ?? longest;
  if (!chosen) return undefined;
  const nested = named(inner(chosen), 'location').find(
    ({ words }) => words[1] === '~' && new RegExp(words[2]!).test(path),
  );
  return nested ? inner(nested) : inner(chosen);
}

/** What a location does, in one word and where to. */
function actionOf(body: readonly Parsed[]): { does: string; to: string } {
  const [end] = named(body, 'return');
  if (end) {
    const reading = named(body, 'if').filter(({ words }) => words.join(' ').includes('$request_method ~ '));
    const first = reading.flatMap((item) => named(inner(item), 'return'))[0] ?? end;
    return { does: `return ${first.words[1]}`, to: first.words[2] ?? '' };
  }
  const [pass] = wordsOf(body, 'proxy_pass');
  if (pass !== undefined) {
    const set = named(body, 'set').find(({ words }) => words[1] === '$hostctl_upstream');
    return { does: 'app', to: pass === 'http://$hostctl_upstream' ? `http://${set?.words[2]}` : pass };
  }
  const [root] = wordsOf(body, 'root');
  return root === undefined ? { does: 'nothing', to: '' } : { does: 'media', to: root };
}

function addressOf({ project }: Site, target: Target): string {
  if (target.to !== 'app') return `/srv/media/${target.root}`;
  const [first] = target.upstreams;
  if (first?.kind !== 'port') return `http://${project}.${target.app}`;
  return target.sticky
    ? `http://$hostctl__${project}__${target.app}__replica`.replaceAll('-', '_')
    : `http://${first.host}:${first.port}`;
}

/** What a request means is what nginx makes of it, in the file of the site it is for. Returns what it means. */
export function expectNginxMeaning(
  request: WebRequest,
  index: HostIndex<Site>,
  trees: ReadonlyMap<string, readonly Parsed[]>,
): Meaning<Site> {
  const meaning = meaningOf(request, index);
  if (meaning.to === 'refused' || meaning.to === 'nobody') return meaning;
  const { site, path } = meaning;
  const edge = named(trees.get(site.project)!, 'server').some((server) =>
    wordsOf(inner(server), 'listen').includes('ssl'),
  );
  const place = locate(trees.get(site.project)!, hostName(request.host!)!, path, edge && request.scheme === 'https');
  const asked = `${request.method} ${request.scheme}://${request.host}${request.target} (${meaning.to})`;
  // Over https only the names of a certificate have a server.
  if (!place) {
    claim(request.scheme === 'https', `${asked} has no server`);
    return meaning;
  }
  if (meaning.to === 'redirect' && (meaning.by === 'tls' || meaning.by === 'canonical')) return meaning;
  const body = locationOf(place);
  claim(body !== undefined, `${asked} has no location`);
  const { does, to } = actionOf(body);
  const got = `${asked} gets ${does} ${to}`;
  if (meaning.to === 'app' || meaning.to === 'media') {
    claim(does === meaning.to && to === addressOf(site, meaning.route.target), got);
    expectAccess(site, path, body, asked);
  } else if (meaning.to === 'redirect') {
    claim(does === `return ${meaning.status}`, got);
    const start = meaning.redirect?.to ?? `${meaning.route!.path}/`;
    claim(to.startsWith(start.replace(/\/$/, '')) || to.startsWith('$hostctl_to'), got);
  } else if (meaning.to === 'nothing' && meaning.status !== 405) claim(does === `return ${meaning.status}`, got);
  return meaning;
}

function expectAccess({ settings = {} }: Site, path: string, body: readonly Parsed[], asked: string): void {
  const rule = settings.access?.find((item) => covers(item.path, path));
  claim(same(wordsOf(body, 'allow'), rule?.allow ?? []), `${asked} is allowed to others`);
  claim(same(wordsOf(body, 'deny'), rule?.allow ? ['all'] : []), `${asked} is open to others`);
  claim(same(wordsOf(body, 'auth_basic'), rule?.users ? [rule.realm] : []), `${asked} asks for another password`);
}

/** The trees of all sites of a generation. */
export function expectSiteFiles(sites: readonly Site[], files: readonly GeneratedFile[]): Map<string, Parsed[]> {
  const paths = files.map(({ path }) => path).filter((path) => path.endsWith('.conf') && path.startsWith('sites/'));
  claim(
    same(
      paths,
      sites.map(({ project }) => `sites/${project}.conf`),
    ),
    `files ${paths.join(' ')}`,
  );
  return new Map(
    sites.map((site) => [
      site.project,
      expectSiteFile(site, files.find(({ path }) => path === `sites/${site.project}.conf`)!.text),
    ]),
  );
}
