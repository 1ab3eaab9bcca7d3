import { domainToASCII } from 'node:url';
import { routeAt } from './check-routes.ts';
import { type Entry, hostName } from './match.ts';
import type { Meaning, WebRequest } from './meaning.ts';
import type { Project } from './model.ts';
import { byPrecedence, whyStronger } from './precedence.ts';
import { formatPath, type PathKey } from './problems.ts';
import type { Explanation, PlaceView } from './results.ts';
import { parseUrlPath, type Site } from './routes.ts';
import type { AccessRule } from './settings.ts';
import { type Parsed, quote } from './units.ts';
import type { YamlFile } from './yaml.ts';

/** `www.example.org/a?b`, with or without a scheme → the request a browser would send; the path stays as written. */
export function parseRequest(url: string, method: string): Parsed<WebRequest & { readonly host: string }> {
  const fail = (message: string): Parsed<never> => ({ ok: false, message: `${quote(url)} ${message}` });
  const [, scheme = 'http', authority = '', target = ''] = /^(?:([a-z]+):\/\/)?([^/?#]*)([^#]*)/i.exec(url)!;
  if (!/^https?$/i.test(scheme)) return fail(`is no web address: write http:// or https://`);
  const [name, port] = authority.replace(/^.*@/, '').split(/:(?=\d*$)/) as [string, string?];
  // oxlint-disable-next-line no-control-regex -- a range of all ASCII is meant
  const host = /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name);
  if (hostName(host) === undefined) return fail('has no hostname: write www.example.org/path');
  const path = target.startsWith('/') ? target : `/${target}`;
  if (/[\u0000-\u0020\u007f-\u{10ffff}]/u.test(path))
    return fail('holds characters that are sent encoded: write `%20` for a blank');
  return {
    ok: true,
    value: {
      method: method.toUpperCase(),
      scheme: scheme.toLowerCase() as 'http' | 'https',
      host: port === undefined ? host : `${host}:${port}`,
      target: path,
    },
  };
}

/** What comes of a request, in a sentence. */
export function answerOf(meaning: Meaning<Site>): string {
  switch (meaning.to) {
    case 'refused':
    case 'nothing':
      return `${meaning.status}: ${meaning.why}`;
    case 'nobody':
      return '404: no project has this hostname';
    case 'redirect':
      return `${meaning.status} to ${meaning.location}, because of \`${REASON[meaning.by]}\``;
    case 'app': {
      const app = meaning.route.target.to === 'app' ? meaning.route.target.app : '';
      return `the app ${quote(`${meaning.site.project}/${app}`)} answers${forWhom(meaning.access)}`;
    }
    case 'media':
      return `a file of the alias ${quote(meaning.route.path)}${forWhom(meaning.access)}`;
  }
}

const REASON = {
  tls: 'tls.redirect',
  canonical: 'http.canonical',
  redirects: 'http.redirects',
  media: 'media',
} as const;

function forWhom(access: AccessRule | undefined): string {
  if (!access) return '';
  const allow = access.allow && (access.allow.length > 0 ? `from ${access.allow.join(', ')}` : 'from nowhere');
  const users = access.users && 'with a password';
  const both = [allow, users].filter((part) => part !== undefined).join(access.either ? ' or ' : ' and ');
  return `, to requests ${both}; ${allow === undefined || access.either ? '401' : '403'} to others`;
}

/** The lines of YAML that decide, the hostname first. */
export function placesOf(
  meaning: Meaning<Site>,
  project: Project | undefined,
  file: YamlFile | undefined,
): PlaceView[] {
  if (meaning.to === 'refused' || meaning.to === 'nobody' || !project || !file) return [];
  const place = (
    what: PlaceView['what'],
    path: readonly PathKey[],
    text: string,
    on: 'key' | 'value' = 'key',
  ): PlaceView => {
    const [found] = file.problems([{ path, message: '', on }]);
    return { what, text, file: found!.file, line: found!.line, column: found!.column };
  };
  const index = project.hostnames.findIndex((item) => item.name === meaning.hostname.name);
  const places = [place('hostname', ['hostnames', index], meaning.hostname.name, 'value')];
  for (const path of settingPaths(meaning, file)) places.push(place('setting', path, formatPath(path)));
  const route = 'route' in meaning ? meaning.route : undefined;
  if (route?.target.to === 'app')
    places.push(place('app', routeAt(project, route.path), `${route.target.app}, which has ${quote(route.path)}`));
  if (route?.target.to === 'media') places.push(place('media', mediaAt(project, route.path, file), route.path));
  return places;
}

/** An alias as the definition writes it; collected static files are the doing of their app. */
function mediaAt(project: Project, alias: string, file: YamlFile): PathKey[] {
  const written = keysOf(file, ['media']).find((key) => isPath(key, alias));
  if (written !== undefined) return ['media', written];
  const source = project.media.find((item) => item.alias === alias)?.source;
  return source?.kind === 'image' ? ['apps', source.app] : ['media'];
}

function settingPaths(meaning: Exclude<Meaning<Site>, { to: 'refused' | 'nobody' }>, file: YamlFile): PathKey[][] {
  const under = (key: string, path: string): PathKey[][] => {
    const written = keysOf(file, ['http', key]).find((item) => isPath(item, path));
    return written === undefined ? [] : [['http', key, written]];
  };
  if ('redirect' in meaning && meaning.redirect) return under('redirects', meaning.redirect.path);
  if (meaning.to === 'redirect' && meaning.by === 'canonical') return [['http', 'canonical']];
  if (meaning.to === 'redirect' && meaning.by === 'tls') return [['tls']];
  if (meaning.to !== 'app' && meaning.to !== 'media') return [];
  const given = keysOf(file, ['http']).filter((key) => APPLIES[meaning.to].includes(key));
  return [...(meaning.access ? under('access', meaning.access.path) : []), ...given.map((key) => ['http', key])];
}

/** Settings that every answer of an app or a file goes through. */
const APPLIES: Readonly<Record<'app' | 'media', readonly string[]>> = {
  app: ['body', 'timeout', 'headers', 'hsts', 'compress', 'rate', 'errors', 'raw'],
  media: ['headers', 'hsts', 'compress', 'errors', 'raw'],
};

function keysOf(file: YamlFile, path: readonly string[]): string[] {
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | null | undefined)?.[key],
    file.value,
  );
  return value !== null && typeof value === 'object' ? Object.keys(value) : [];
}

function isPath(key: string, path: string): boolean {
  const parsed = parseUrlPath(key);
  return parsed.ok && parsed.value === path;
}

/** Hostnames of other projects that fit as well, and why this one has the request. */
export function outrankedBy(winner: Entry<Site>, entries: readonly Entry<Site>[]): string[] {
  return entries
    .filter(({ hostname, site }) => site !== winner.site && byPrecedence(winner.hostname, hostname) < 0)
    .map(
      ({ hostname, site }) =>
        `${quote(hostname.name)} of ${site.project} fits as well: ${whyStronger(winner.hostname, hostname)}`,
    );
}

/** Names that look like the one nobody has, for a typing error. */
export function nobodysCauses(host: string, broken: readonly string[], sites: readonly Site[]): Explanation['causes'] {
  const parent = host.replace(/^[^.]+\./, '');
  const bare = sites.find((site) =>
    site.hostnames.some(({ kind, name }) => kind === 'leading' && name === `*.${host}`),
  );
  const near = sites.find((site) => site.hostnames.some(({ name }) => name === parent || name === `www.${host}`));
  return [
    ...(bare
      ? [
          {
            text: `${quote(`*.${host}`)} of ${bare.project} needs a label in front of it`,
            hint: `add ${quote(host)} to its hostnames`,
          },
        ]
      : []),
    ...(near && !bare
      ? [
          {
            text: `${near.project} has ${near.hostnames.map(({ name }) => quote(name)).join(', ')}`,
            hint: `add ${quote(host)} to its hostnames`,
          },
        ]
      : []),
    ...broken.map((file) => ({ text: `${file} has problems and was left out`, hint: 'hostctl validate' })),
  ];
}
