import type { Directive } from './ledger.ts';
import { fitsAll, literalOf, readPattern } from './pattern.ts';
import { addRedirect, targetOf } from './redirects.ts';
import { named, settle, type Site, type Spot, trimSlash, urlOf } from './site.ts';
import { statusOf, wholeRedirect } from './whole.ts';

interface Rule {
  readonly spot: Spot;
  readonly conditions: readonly Spot[];
  /** As it stands in the virtual host: with the leading slash. */
  readonly pattern: string;
  readonly to: string;
  /** Upper case, without values but with `=`: `R=301`. */
  readonly flags: readonly string[];
}

/** The rewrites people use, as far as a definition can say them; all others are unsupported. */
export function mapRewrites(site: Site): void {
  let conditions: Spot[] = [];
  for (const spot of named(site, 'rewritecond', 'rewriterule')) {
    if (site.ledger.has(spot.directive)) continue;
    if (spot.directive.name === 'rewritecond') conditions.push(spot);
    else {
      mapRule(site, readRule(site, spot, conditions));
      conditions = [];
    }
  }
  for (const spot of conditions) settle(site, spot, 'dropped', 'no rule follows');
  for (const spot of named(site, 'rewriteengine', 'rewriteoptions', 'rewritebase', 'rewritelog', 'rewriteloglevel')) {
    settle(site, spot, 'implied', 'of the rules that follow');
  }
  for (const spot of named(site, 'rewritemap'))
    settle(site, spot, 'unsupported', 'hostctl has no maps: http.redirects lists paths');
}

function readRule(site: Site, spot: Spot, conditions: readonly Spot[]): Rule {
  const [regex = '', to = '', flags = ''] = spot.directive.args;
  const folder = spot.scopes.length > 0 ? urlOf(site, spot) : undefined;
  // In a directory the pattern is matched against what follows its path.
  const anchored =
    folder === undefined || !regex.startsWith('^')
      ? regex
      : `^${folder === '/' ? '' : folder}/${regex.slice(1).replace(/^\//, '')}`;
  const list = flags
    .replaceAll(/^\[|\]$/g, '')
    .split(',')
    .map((flag) => flag.trim());
  return {
    spot,
    conditions,
    pattern: fitsAll(regex) ? regex : anchored,
    to,
    flags: list.filter((flag) => flag !== ''),
  };
}

function has(rule: Rule, ...names: string[]): boolean {
  return rule.flags.some((flag) => names.includes(flag.split(/[=|]/)[0]!.toLowerCase()));
}

function mapRule(site: Site, rule: Rule): void {
  const { spot, conditions, to } = rule;
  const say = (status: 'mapped' | 'implied' | 'dropped' | 'decide' | 'unsupported', note: string): void => {
    for (const item of [...conditions, spot]) settle(site, item, status, note);
  };
  const about = conditions.map(({ directive }) => directive.raw).join(' ');
  if (has(rule, 'f') || has(rule, 'g')) return mapForbidden(site, rule, say);
  if (to === '-') {
    if (/HTTP_AUTHORIZATION/.test(spot.directive.raw)) return say('implied', 'apps get the Authorization header');
    const plain = !has(rule, 'e', 'env', 'co', 'h', 't', 's', 'c', 'n');
    return plain && /index/.test(rule.pattern)
      ? say('implied', 'the front controller itself')
      : say('unsupported', 'only a path that leads somewhere else can be said');
  }
  if (/HTTP:Upgrade/i.test(about) || /^wss?:/.test(to))
    return say('implied', 'websockets reach the app without a rule of their own');
  if (has(rule, 'p')) return say('decide', `an app answers this: write it under \`apps\`, with its source (${to})`);
  if (/\/?index\.php/.test(to)) return say('implied', 'runtime: php has index.php as its front controller');
  if (has(rule, 'pt') || /\.(?:wsgi|fcgi|py)/.test(to)) return mapFront(site, rule, say);
  if (!has(rule, 'r') && !/^https?:/.test(to))
    return say('unsupported', 'paths are not rewritten behind the visitor: let the app do it');
  mapRedirect(site, rule, say);
}

type Say = (status: 'mapped' | 'implied' | 'dropped' | 'decide' | 'unsupported', note: string) => void;

function mapForbidden(site: Site, rule: Rule, say: Say): void {
  const about = rule.conditions.map(({ directive }) => directive.raw).join(' ');
  if (/REQUEST_METHOD\}?\s+!?\^?\(?(?:TRACE|TRACK)/.test(about)) return say('implied', 'TRACE is refused');
  const pattern = rule.conditions.length === 0 ? readPattern(rule.pattern) : undefined;
  if (/\\\.\(?(?:git|svn|ht|env|hg)/.test(rule.pattern) && rule.conditions.length === 0)
    return say('implied', 'hidden files are never served');
  if (!pattern || pattern.loose)
    return say('unsupported', 'only a path can be closed: say which ones under http.access');
  if (has(rule, 'g')) return addRedirect(site, rule.spot, pattern.path, { status: 410, exact: pattern.exact });
  (site.definition.http.access ??= {})[pattern.path] = { allow: [] };
  say('mapped', `http.access: nobody gets ${pattern.path}`);
}

/** `^(.*)$ /app.wsgi/$1` in front of a script alias: the app is at `/`, and files come first. */
function mapFront(site: Site, rule: Rule, say: Say): void {
  const script = site.targets.find(({ kind, url }) => kind === 'script' && url !== '/' && rule.to.startsWith(url));
  const app = script && Object.entries(site.definition.apps).find(([, { path }]) => path === script.url);
  if (!script || !app || !fitsAll(rule.pattern))
    return say('unsupported', 'only a rule that leads everything to one script can be said');
  say(
    'decide',
    `the app of ${script.url} is meant to answer everything: give it \`path: /\`, and name the folders of files under \`media\``,
  );
}

function mapRedirect(site: Site, rule: Rule, say: Say): void {
  const lines: Directive[] = [...rule.conditions.map(({ directive }) => directive), rule.spot.directive];
  if (lines.length > 1 || fitsAll(rule.pattern)) {
    const canonical = canonicalOf(site, rule);
    if (canonical !== undefined) {
      site.definition.http.canonical = canonical;
      const more = spared(site, rule, canonical);
      if (more.length === 0) return say('mapped', `http.canonical: ${canonical}`);
      return say('decide', `http.canonical: ${canonical}; it also redirects ${more.join(', ')}. Is that meant?`);
    }
    const whole = wholeRedirect(lines);
    if (whole?.scheme === 'https' && whole.host === undefined) {
      if (!site.definition.tls)
        return say(
          'decide',
          'https needs `tls`: give the file of the virtual host of port 443 as well, or add tls.acme: http',
        );
      site.definition.tls.redirect = true;
      return say('mapped', 'tls.redirect');
    }
    return say('unsupported', 'http.redirects go by path alone, without conditions');
  }
  const pattern = readPattern(rule.pattern);
  const plain =
    /^https?:\/\/%\{/.test(rule.to) || rule.to.startsWith('/') || rule.to.includes('://') ? rule.to : `/${rule.to}`;
  const to = pattern && targetOf(plain.replace(/\?$/, ''), pattern.tail);
  if (!pattern || to === undefined)
    return say('unsupported', 'only a path that leads to a path, with what follows it, can become http.redirects');
  if (!pattern.exact && pattern.tail === 'none')
    return say('decide', `leads everything below ${pattern.path} to one page; http.redirects keeps what follows`);
  if (pattern.loose) {
    site.notes.push(`${rule.spot.directive.text}: Apache also took ${pattern.path}x; http.redirects end at a segment`);
  }
  addRedirect(site, rule.spot, trimSlash(pattern.path), {
    to,
    status: statusOf(`[${rule.flags.join(',')}]`),
    exact: pattern.exact,
  });
}

/** A condition on the hostname and a target with one of the site's own names. */
function canonicalOf(site: Site, rule: Rule): string | undefined {
  const host = /^https?:\/\/([\w.-]+|www\.%\{HTTP_HOST\}|%1)(?::\d+)?(?:\/|%\{REQUEST_URI\}|$)/i
    .exec(rule.to)?.[1]
    ?.toLowerCase();
  const onHost = rule.conditions.filter(({ directive }) =>
    /^%\{(?:HTTP_HOST|SERVER_NAME)\}$/.test(directive.args[0] ?? ''),
  );
  if (host === undefined || onHost.length === 0 || !fitsAll(rule.pattern)) return undefined;
  const exact = site.definition.hostnames.filter((name) => !/[*?]/.test(name));
  // ^www\.(.*)$ to https://%1, and !^www\. to www.%{HTTP_HOST}.
  if (host === '%1') return exact.find((name) => !name.startsWith('www.') && exact.includes(`www.${name}`));
  if (host.startsWith('www.%')) return exact.find((name) => name.startsWith('www.'));
  return exact.find((name) => name === host);
}

/** Names the rule leaves alone, which `http.canonical` would redirect. */
function spared(site: Site, rule: Rule, canonical: string): string[] {
  const patterns = rule.conditions
    .filter(({ directive }) => /^%\{(?:HTTP_HOST|SERVER_NAME)\}$/.test(directive.args[0] ?? ''))
    .map(({ directive }) => directive.args[1] ?? '');
  if (patterns.every((pattern) => pattern.startsWith('!'))) return [];
  const literals = patterns.map(
    (pattern) =>
      [
        literalOf(pattern.replace(/^=/, '').replace(/\(\.[*+]\)\$?$/, '')),
        pattern.endsWith('$') && !pattern.endsWith(')$'),
      ] as const,
  );
  const others = site.definition.hostnames.filter((name) => name !== canonical);
  return others.filter(
    (name) =>
      !literals.some(
        ([literal, whole]) => literal !== undefined && (whole ? name === literal : name.startsWith(literal)),
      ),
  );
}
