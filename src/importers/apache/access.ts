import { parseUrlPath } from '../../core/routes.ts';
import type { Status } from '../report.ts';
import type { Directive } from './ledger.ts';
import { fitsAll, listPaths, literalOf } from './pattern.ts';
import { pathFor } from './paths.ts';
import { ACCESS, mergeRules, type Policy, readRules, type Rules, toPolicy } from './rules.ts';
import { below, type Scope, type Site, type Target, trimSlash } from './site.ts';

/** The paths a section is about. */
interface Covered {
  readonly on: 'url' | 'path';
  readonly paths: readonly string[];
  /** Where it is about a little more or less. */
  readonly doubt?: string;
}

/** A section that says who may. */
interface Rule extends Covered {
  readonly section: Directive;
  readonly rules: Rules;
}

/** A path a section is about. */
interface Use {
  readonly key: string;
  readonly policy: Policy;
  /** Whether no section behind it says all of it anew. */
  readonly counts: boolean;
}

const OPEN: Rules = { flaws: [] };

/** Who may, by the sections of a site → `http.access`. Directories first, the longest last; then locations, in order. */
export function mapAccess(site: Site): void {
  const rules = readSections(site);
  const keys = keysOf(site, rules);
  const table = (site.definition.http.access ??= {});
  const used = new Map<Rule, Use[]>();
  const doubtful = new Map<string, readonly Rule[]>();
  for (const key of keys.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const applied = rulesFor(site, rules, key);
    const merged = applied.reduce((outer, rule) => mergeRules(outer, rule.rules), OPEN);
    const { policy, why } = toPolicy(merged, (path) => pathFor(site, path));
    for (const [index, rule] of applied.entries()) {
      const counts = contributes(rule, applied.slice(index + 1));
      used.set(rule, [...(used.get(rule) ?? []), { key, policy, counts }]);
    }
    for (const { directive, why } of merged.flaws) {
      site.ledger.settle(directive, 'unsupported', `${why}; ${key} is closed until you decide`);
    }
    const above = nearest(table, key);
    if (why !== undefined) doubtful.set(key, applied);
    if (why !== undefined && merged.flaws.length === 0) {
      site.ledger.settle(applied.at(-1)!.section, 'unsupported', `${why}; ${key} is closed until you decide`);
    }
    // What stands above may be opened by hand, which must not open what has rules of its own.
    const doubt = above === undefined ? undefined : doubtful.get(above);
    const kept = doubt === undefined || doubt.length === applied.length;
    if (kept && JSON.stringify(policy) === JSON.stringify(inherited(table, above))) continue;
    table[key] = policy ?? { allow: ['0.0.0.0/0', '::/0'] };
  }
  for (const rule of rules) settleRule(site, rule, used.get(rule) ?? []);
}

function contributes({ rules }: Rule, later: readonly Rule[]): boolean {
  const said = ['hosts', 'require', 'satisfyAny', 'type', 'file', 'realm'] as const;
  return said.some((field) => rules[field] !== undefined && !later.some((rule) => rule.rules[field] !== undefined));
}

type Table = Readonly<Record<string, NonNullable<Policy>>>;

/** The nearest path above that has a rule. A redirect may have closed one already. */
function nearest(table: Table, key: string): string | undefined {
  const above = Object.keys(table).filter((path) => below(key, path));
  return above.toSorted((a, b) => b.length - a.length)[0];
}

function inherited(table: Table, above: string | undefined): Policy {
  const policy = above === undefined ? undefined : table[above]!;
  return policy?.allow?.includes('0.0.0.0/0') ? undefined : policy;
}

function readSections(site: Site): Rule[] {
  return site.spots.flatMap(({ directive, scopes }) => {
    const lines = (directive.body ?? []).filter(({ name }) => ACCESS.has(name));
    if (lines.length === 0 || ACCESS.has(directive.name)) return [];
    const rules = readRules(directive.body!);
    const open = toPolicy(rules, (path) => path).policy === undefined;
    const place = placeOf(site, directive, scopes);
    if (place === 'hidden') settleLines(site, directive, 'implied', 'hidden files are never served');
    else if (place !== undefined) return [{ section: directive, rules, ...place }];
    else if (open && rules.flaws.length === 0) settleLines(site, directive, 'implied', 'open, as everything is');
    else
      settleLines(site, directive, 'unsupported', 'http.access is by URL path: say by hand which paths this is about');
    return [];
  });
}

function placeOf(site: Site, section: Directive, scopes: readonly Scope[]): Covered | 'hidden' | undefined {
  const regex = section.name.endsWith('match') || section.args[0] === '~';
  const pattern = (section.args[0] === '~' ? section.args[1] : section.args[0]) ?? '';
  const kind = section.name.replace('match', '');
  if (/\\?\.(?:ht|git|svn|hg|env|bzr)|\^\\\.|^\.\*$|\/\\\./.test(pattern) && kind !== 'location' && pattern !== '.*')
    return 'hidden';
  if (kind === 'limit') {
    const outer = scopes.at(-1);
    return outer && section.name === 'limit' ? placeOf(site, outer.section, scopes.slice(0, -1)) : undefined;
  }
  if (kind === 'files') return placeOfFile(site, pattern, regex, scopes);
  if (kind === 'proxy') return placeOfProxy(pattern, regex);
  if (kind !== 'location' && kind !== 'directory') return undefined;
  const on = kind === 'location' ? 'url' : 'path';
  if (!regex) {
    const path = trimSlash(pattern).replace(/\/\*$/, '') || '/';
    return /[*?[]/.test(path) || (on === 'url' && !parseUrlPath(path).ok) ? undefined : { on, paths: [path] };
  }
  if (fitsAll(pattern)) return { on, paths: ['/'] };
  const list = listPaths(pattern);
  if (!list) return undefined;
  // A path takes what is below it too, but not its neighbours.
  const loose = list.find((item) => item.loose);
  const doubt = loose ? `Apache also took ${loose.path}x, which is none of it here` : undefined;
  return { on, paths: list.map(({ path }) => path), ...(doubt === undefined ? {} : { doubt }) };
}

/** A file that is the script of an app stands for the app. */
function placeOfFile(site: Site, pattern: string, regex: boolean, scopes: readonly Scope[]): Covered | undefined {
  const folder = scopes.findLast(({ kind }) => kind === 'directory');
  const name = regex ? literalOf(pattern) : pattern;
  const fits = (path: string): boolean => {
    const base = path.split('/').at(-1)!;
    if (folder && !folder.regex && !below(path, folder.pattern)) return false;
    if (name === undefined) return false;
    return name === base || (name.startsWith('*.') && !regex && base.endsWith(name.slice(1)));
  };
  const scripts = site.targets.filter(({ kind, path }) => kind === 'script' && fits(path));
  return scripts.length > 0 ? { on: 'path', paths: scripts.map(({ path }) => path) } : undefined;
}

/** What may be proxied: `*` is all of it. */
function placeOfProxy(pattern: string, regex: boolean): Covered | undefined {
  return regex || pattern !== '*' ? undefined : { on: 'path', paths: ['proxy:'] };
}

/** Every URL path a rule may change something for. */
function keysOf(site: Site, rules: readonly Rule[]): string[] {
  const keys = new Set<string>(['/', ...site.targets.map(({ url }) => url)]);
  for (const { on, paths } of rules) {
    for (const path of paths) {
      if (on === 'url') keys.add(path);
      for (const target of on === 'path' ? site.targets : []) {
        if (target.kind === 'script' || target.kind === 'proxy' || path === target.path || !below(path, target.path))
          continue;
        const key = trimSlash(`${target.url}/${path.slice(target.path.length)}`);
        if (targetOf(site, key) === target) keys.add(key);
      }
    }
  }
  return [...keys].filter((key) => parseUrlPath(key).ok);
}

/** What a URL path leads to: the longest alias wins. */
function targetOf(site: Site, url: string): Target | undefined {
  return site.targets.find((target) => below(url, target.url));
}

function rulesFor(site: Site, rules: readonly Rule[], key: string): Rule[] {
  const target = targetOf(site, key);
  const path =
    target &&
    (target.kind === 'script' || target.kind === 'proxy'
      ? target.path
      : trimSlash(target.path + key.slice(target.url === '/' ? 0 : target.url.length)));
  const fits = (rule: Rule, value: string): string | undefined => rule.paths.find((prefix) => below(value, prefix));
  const directories = rules
    .flatMap((rule) => {
      const prefix = rule.on === 'path' && path !== undefined ? fits(rule, path) : undefined;
      return prefix === undefined ? [] : [{ rule, length: prefix === '/' ? 0 : prefix.length }];
    })
    .toSorted((a, b) => a.length - b.length)
    .map(({ rule }) => rule);
  return [...directories, ...rules.filter((rule) => rule.on === 'url' && fits(rule, key) !== undefined)];
}

function settleRule(site: Site, rule: Rule, used: readonly Use[]): void {
  if (used.length > 0 && !used.some(({ counts }) => counts)) {
    return settleLines(site, rule.section, 'implied', 'another section overrules it');
  }
  const table = site.definition.http.access ?? {};
  const all = used.filter(({ policy, counts }) => policy !== undefined && counts).map(({ key }) => key);
  // Paths below one that says the same are not written down.
  const written = all.filter((key) => Object.hasOwn(table, key));
  const closed = written.length > 0 ? written : all;
  const doubt = rule.section.name === 'limit' ? 'for every method' : rule.doubt;
  if (doubt !== undefined && closed.length > 0) {
    return settleLines(site, rule.section, 'decide', `http.access: ${closed.join(', ')}; ${doubt}. Is that meant?`);
  }
  if (closed.length > 0) settleLines(site, rule.section, 'mapped', `http.access: ${closed.join(', ')}`);
  else if (used.length > 0)
    settleLines(site, rule.section, 'implied', 'open, as everything is unless http.access says otherwise');
  else settleLines(site, rule.section, 'implied', 'hostctl serves nothing from there');
}

function settleLines(site: Site, section: Directive, status: Status, note: string): void {
  site.ledger.settle(section, status, note);
  for (const line of section.body ?? []) {
    if (ACCESS.has(line.name)) settleLines(site, line, status, note);
  }
}
