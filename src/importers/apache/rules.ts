import type { AccessDefinition } from '../definition.ts';
import { readAddress } from '../addresses.ts';
import type { Directive } from './ledger.ts';

/** What a rule cannot be: the directive, and why. */
interface Flaw {
  readonly directive: Directive;
  readonly why: string;
}

/** Who may, by one half of Apache's rules. */
type Half =
  | { readonly who: 'all' }
  | { readonly who: 'some'; readonly allow?: readonly string[]; readonly users?: boolean; readonly either?: boolean };

/** What the sections around a path say together. Later sections replace what they say themselves. */
export interface Rules {
  /** `Order`, `Allow`, `Deny`. */
  readonly hosts?: Half;
  /** `Require`. */
  readonly require?: Half;
  readonly satisfyAny?: boolean;
  readonly type?: string;
  readonly file?: string;
  readonly realm?: string;
  readonly flaws: readonly Flaw[];
}

/** Undefined: everybody. */
export type Policy = AccessDefinition | undefined;

const TOO_MUCH = 'these rules together cannot be said in one http.access';
const ALL: Half = { who: 'all' };
const NOBODY: Half = { who: 'some', allow: [] };
export const ACCESS = new Set([
  'order',
  'allow',
  'deny',
  'require',
  'satisfy',
  'authtype',
  'authname',
  'authuserfile',
  'authgroupfile',
  'authbasicprovider',
  'authdigestprovider',
  'requireall',
  'requireany',
  'requirenone',
  'authmerging',
]);

/** What one section says, nested ones left aside. */
export function readRules(body: readonly Directive[]): Rules {
  const flaws: Flaw[] = [];
  const value = (name: string): string | undefined => body.findLast((item) => item.name === name)?.args[0];
  const provider = body.find(({ name, args }) => name.endsWith('provider') && ACCESS.has(name) && args[0] !== 'file');
  if (provider) flaws.push({ directive: provider, why: 'hostctl knows users from an htpasswd file only' });
  const type = body.find(({ name, args }) => name === 'authtype' && !/^(basic|none)$/i.test(args[0] ?? ''));
  if (type) flaws.push({ directive: type, why: 'hostctl knows basic authentication only' });
  const half = <K extends 'hosts' | 'require'>(key: K, read: Half | undefined): { [P in K]?: Half } =>
    (read ? { [key]: read } : {}) as { [P in K]?: Half };
  const satisfy = value('satisfy');
  return {
    ...half('hosts', readOrder(body, flaws)),
    ...half('require', readRequire(body, flaws)),
    ...(satisfy === undefined ? {} : { satisfyAny: satisfy.toLowerCase() === 'any' }),
    ...optional('type', value('authtype')),
    ...optional('file', value('authuserfile')),
    ...optional(
      'realm',
      value('authname')
        ?.replaceAll(/[^\x20-\x7e]|["\\$]/g, '')
        .slice(0, 64),
    ),
    flaws,
  };
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}

/** Rules of an outer and an inner section. */
export function mergeRules(outer: Rules, inner: Rules): Rules {
  const replaced = inner.hosts !== undefined || inner.require !== undefined;
  return { ...outer, ...inner, flaws: [...(replaced ? [] : outer.flaws), ...inner.flaws] };
}

/** The 2.2 form, by `Order`. */
function readOrder(body: readonly Directive[], flaws: Flaw[]): Half | undefined {
  const lines = body.filter(({ name }) => name === 'order' || name === 'allow' || name === 'deny');
  if (lines.length === 0) return undefined;
  const order =
    lines
      .findLast(({ name }) => name === 'order')
      ?.args.join('')
      .toLowerCase() ?? 'deny,allow';
  const allow = readFrom(lines, 'allow', flaws);
  const deny = readFrom(lines, 'deny', flaws);
  if (deny.some && !deny.all) {
    const directive = lines.find(({ name, args }) => name === 'deny' && args[1]?.toLowerCase() !== 'all')!;
    flaws.push({ directive, why: 'http.access lists who may come in, not who may not' });
    return NOBODY;
  }
  if (order === 'allow,deny' || order === 'mutual-failure') {
    if (deny.all) return NOBODY;
    return allow.all ? ALL : { who: 'some', allow: allow.addresses };
  }
  if (!deny.all) return ALL;
  return allow.all ? ALL : { who: 'some', allow: allow.addresses };
}

interface From {
  readonly all: boolean;
  readonly some: boolean;
  readonly addresses: readonly string[];
}

function readFrom(lines: readonly Directive[], name: string, flaws: Flaw[]): From {
  const addresses: string[] = [];
  let [all, some] = [false, false];
  for (const directive of lines.filter((line) => line.name === name)) {
    for (const word of directive.args.slice(1)) {
      const read = readAddress(word);
      if (word.toLowerCase() === 'all') all = true;
      else some = true;
      if (word.toLowerCase() === 'all') continue;
      if (read) addresses.push(...read);
      else flaws.push({ directive, why: notAddress(word) });
    }
  }
  return { all, some, addresses };
}

function notAddress(word: string): string {
  return /^env=/i.test(word)
    ? 'http.access knows addresses and users, no variables'
    : `${word} is no address: http.access asks no DNS`;
}

/** `Require`, also inside `<RequireAny>` and `<RequireAll>`. */
function readRequire(body: readonly Directive[], flaws: Flaw[]): Half | undefined {
  const lines = body.filter(({ name }) => /^require(any|all|none)?$/.test(name));
  if (lines.length === 0) return undefined;
  return anyOf(lines.map((line) => readLine(line, flaws)));
}

function readLine(directive: Directive, flaws: Flaw[]): Half {
  const inner = (directive.body ?? []).filter(({ name }) => /^require(any|all|none)?$/.test(name));
  if (directive.name === 'requireany') return anyOf(inner.map((line) => readLine(line, flaws)));
  if (directive.name === 'requireall')
    return allOf(
      inner.map((line) => readLine(line, flaws)),
      () => flaws.push({ directive, why: TOO_MUCH }),
    );
  const [what = '', ...words] = directive.args.map((word) => word.toLowerCase());
  const refuse = (why: string): Half => {
    flaws.push({ directive, why });
    return NOBODY;
  };
  if (directive.name === 'requirenone' || what === 'not')
    return refuse('http.access lists who may come in, not who may not');
  if (what === 'all') return words[0] === 'granted' ? ALL : NOBODY;
  if (what === 'valid-user') return { who: 'some', users: true };
  if (what === 'local') return { who: 'some', allow: ['127.0.0.0/8', '::1'] };
  if (what === 'user' || what === 'group') {
    return refuse(`http.access lets in everybody of the users file: write one with this ${what} alone`);
  }
  if (what !== 'ip') return refuse(`http.access has no ${directive.args[0] ?? 'such'} rule`);
  const read = words.map((word) => readAddress(word));
  const odd = words[read.findIndex((addresses) => addresses === undefined)];
  return odd === undefined
    ? { who: 'some', allow: read.flatMap((addresses) => addresses ?? []) }
    : refuse(notAddress(odd));
}

function anyOf(halves: readonly Half[]): Half {
  return halves.reduce((a, b) => {
    if (a.who === 'all' || b.who === 'all') return ALL;
    if (isNobody(a)) return b;
    if (isNobody(b)) return a;
    const users = (a.users ?? false) || (b.users ?? false);
    const allow = a.allow || b.allow ? [...(a.allow ?? []), ...(b.allow ?? [])] : undefined;
    return {
      who: 'some',
      ...(allow ? { allow } : {}),
      ...(users ? { users } : {}),
      ...(users && allow ? { either: true } : {}),
    };
  }, NOBODY);
}

/** Both must hold; a flaw where no one rule of a definition says that. */
function allOf(halves: readonly Half[], flaw: () => void): Half {
  return halves.reduce((a, b) => bothOf(a, b, flaw), ALL);
}

function bothOf(a: Half, b: Half, flaw: () => void): Half {
  if (a.who === 'all') return b;
  if (b.who === 'all') return a;
  if (isNobody(a) || isNobody(b)) return NOBODY;
  if ((a.allow && b.allow) || a.either || b.either) {
    flaw();
    return NOBODY;
  }
  return { ...a, ...b };
}

function isNobody(half: Half): boolean {
  return half.who === 'some' && half.allow?.length === 0 && !half.users;
}

/** What both halves mean together; what cannot be said is closed rather than open, and why. */
export function toPolicy(rules: Rules, file: (path: string) => string): { policy: Policy; why?: string } {
  const closed = (why: string): { policy: Policy; why: string } => ({ policy: { allow: [] }, why });
  if (rules.flaws.length > 0) return closed(rules.flaws[0]!.why);
  const halves = [rules.hosts ?? ALL, rules.require ?? ALL];
  // Without `Require`, `Satisfy Any` has nothing to choose from.
  const any = rules.satisfyAny === true && rules.require !== undefined && rules.hosts !== undefined;
  let flaw = false;
  const half = any ? anyOf(halves) : allOf(halves, () => (flaw = true));
  if (flaw) return closed(TOO_MUCH);
  if (half.who === 'all') return { policy: undefined };
  if (half.users && rules.file === undefined) return closed('nothing says which users file: AuthUserFile is missing');
  const realm = rules.realm ?? '';
  const users = half.users ? { users: file(rules.file!), ...(realm === '' ? {} : { realm }) } : {};
  return {
    policy: { ...(half.allow ? { allow: half.allow } : {}), ...users, ...(half.either ? { either: true } : {}) },
  };
}
