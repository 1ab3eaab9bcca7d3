/** Rules of Traefik's routers, of v1, v2 and v3. */

/** One way to fit a rule; all of it has to hold. */
export interface Term {
  /** Alternatives; empty for any. */
  readonly hosts: readonly string[];
  /** Alternatives; empty for any. */
  readonly paths: readonly string[];
  /** Whether a path takes what is below it, too. */
  readonly below: boolean;
  /** Client addresses, as `ClientIP` has them. */
  readonly clients: readonly string[];
  /** Matchers a definition has no words for, as written. */
  readonly rest: readonly string[];
}

const NOTHING: Term = { hosts: [], paths: [], below: true, clients: [], rest: [] };
/** More ways than any rule of a person has. */
const MOST_TERMS = 64;
const DEEPEST = 30;

/** The ways to fit a rule; undefined for one that cannot be read. */
export function readRule(rule: string): readonly Term[] | undefined {
  if (/^\s*[A-Za-z]+:[^(]*$/.test(rule)) return readOldRule(rule);
  const tokens = tokensOf(rule);
  if (!tokens) return undefined;
  const reader = new RuleReader(tokens);
  const terms = reader.any(0);
  return terms && reader.done ? terms : undefined;
}

interface Matcher {
  readonly name: string;
  readonly args: readonly string[];
  readonly text: string;
}

type Token = '&&' | '||' | '!' | '(' | ')' | Matcher;

function tokensOf(rule: string): Token[] | undefined {
  const tokens: Token[] = [];
  const next = /\s*(?:(&&|\|\||!|\(|\))|([A-Za-z]+)\s*\(\s*((?:`[^`]*`|"(?:\\.|[^"\\])*"|'[^']*'|[,\s])*)\))/y;
  let at = 0;
  while (rule.slice(at).trim() !== '') {
    next.lastIndex = at;
    const match = next.exec(rule);
    if (!match) return undefined;
    const [whole, sign, name, args = ''] = match;
    at += whole.length;
    if (name === undefined) tokens.push(sign as '&&');
    else {
      const words = [...args.matchAll(/`([^`]*)`|"((?:\\.|[^"\\])*)"|'([^']*)'/g)];
      tokens.push({ name: name.toLowerCase(), args: words.map(([, a, b, c]) => a ?? b ?? c!), text: whole.trim() });
    }
  }
  return tokens;
}

class RuleReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }

  any(depth: number): readonly Term[] | undefined {
    const parts = [this.#all(depth)];
    while (this.#take('||')) parts.push(this.#all(depth));
    const known = parts.filter((part) => part !== undefined);
    return known.length === parts.length ? known.flat().slice(0, MOST_TERMS) : undefined;
  }

  #all(depth: number): readonly Term[] | undefined {
    let terms = this.#one(depth);
    while (terms && this.#take('&&')) {
      const more = this.#one(depth);
      terms = more && terms.flatMap((term) => more.map((other) => join(term, other))).slice(0, MOST_TERMS);
    }
    return terms;
  }

  #one(depth: number): readonly Term[] | undefined {
    if (depth > DEEPEST) return undefined;
    if (this.#take('(')) {
      const inner = this.any(depth + 1);
      return this.#take(')') ? inner : undefined;
    }
    if (this.#take('!')) {
      const start = this.#at;
      const inner = this.#one(depth + 1);
      const shown = this.#tokens
        .slice(start, this.#at)
        .map((token) => (typeof token === 'string' ? token : token.text));
      return inner && [{ ...NOTHING, rest: [`!${shown.join(' ')}`] }];
    }
    const token = this.#tokens[this.#at];
    if (typeof token !== 'object') return undefined;
    this.#at++;
    return [ofMatcher(token)];
  }

  #take(sign: '&&' | '||' | '!' | '(' | ')'): boolean {
    if (this.#tokens[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }
}

function ofMatcher({ name, args, text }: Matcher): Term {
  if (name === 'host' || name === 'hostheader') return { ...NOTHING, hosts: args.flatMap(splitList) };
  if (name === 'hostregexp') {
    const hosts = args.map(hostsOfExpression);
    return hosts.every((list) => list !== undefined)
      ? { ...NOTHING, hosts: hosts.flat() }
      : { ...NOTHING, rest: [text] };
  }
  const plain = args.every((path) => !/[{}]/.test(path));
  if (name === 'pathprefix' && plain) return { ...NOTHING, paths: args.flatMap(splitList) };
  if (name === 'path' && plain) return { ...NOTHING, paths: args.flatMap(splitList), below: false };
  if (name === 'clientip') return { ...NOTHING, clients: args };
  return { ...NOTHING, rest: [text] };
}

/** Both have to hold; two of a kind in one rule are too much to say in a definition. */
function join(a: Term, b: Term): Term {
  const twice = (key: 'hosts' | 'paths' | 'clients'): boolean => a[key].length > 0 && b[key].length > 0;
  const clash = (['hosts', 'paths', 'clients'] as const).filter(twice).map((key) => `two ${key}`);
  return {
    hosts: a.hosts.length > 0 ? a.hosts : b.hosts,
    paths: a.paths.length > 0 ? a.paths : b.paths,
    below: a.below && b.below,
    clients: a.clients.length > 0 ? a.clients : b.clients,
    rest: [...a.rest, ...b.rest, ...clash],
  };
}

/** v1: `Host:a.org,b.org;PathPrefix:/x`. */
function readOldRule(rule: string): readonly Term[] | undefined {
  return [
    rule
      .split(';')
      .map((part) => {
        const at = part.indexOf(':');
        const args = splitList(part.slice(at + 1));
        return ofMatcher({ name: part.slice(0, Math.max(at, 0)).trim().toLowerCase(), args, text: part.trim() });
      })
      .reduce(join),
  ];
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const ANY_LABEL = /^\(?(?:\?:)?(?:\?P?<\w+>)?(?:\.[+*]\??|\\w\+|\[[^\]]+\](?:[+*]|\{[\d,]+\}))\)?$/;

/**
 * Hostnames an expression means, where they can be said: `^(www\.)?a\.org$`, `^.+\.a\.org$`, v2's
 * `{sub:[a-z]+}.a.org`. `*.a.org` is any depth, so it may take more than was meant.
 */
function hostsOfExpression(expression: string): string[] | undefined {
  const even = expression.replaceAll(
    /\{(?:\w+)(?::((?:[^{}]|\{[\d,]+\})*))?\}/g,
    (_, inner?: string) => `(${inner ?? '.+'})`,
  );
  const bare = even.replace(/^\^/, '').replace(/\$$/, '');
  const optional = /^\((?:\?:)?([a-z0-9-]+)\\?\.\)\?(.+)$/i.exec(bare);
  const named = optional ? plainHost(optional[2]!) : undefined;
  if (named !== undefined) return [named, `${optional![1]!}.${named}`];
  const plain = plainHost(bare);
  if (plain !== undefined) return [plain];
  const any = /^(.+?\)?)\\?\.((?:[a-z0-9-]+\\?\.)+[a-z0-9-]+)$/i.exec(bare);
  const tail = any && ANY_LABEL.test(any[1]!) ? plainHost(any[2]!) : undefined;
  return tail === undefined ? undefined : [`*.${tail}`];
}

function plainHost(expression: string): string | undefined {
  const text = expression.replaceAll('\\.', '.').replaceAll('\\-', '-');
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(text) ? text : undefined;
}
