/** `${NAME:-default}` in a Compose file, and `.env` files, as Compose reads them. */

export type Variables = ReadonlyMap<string, string>;

export interface Filled {
  readonly text: string;
  /** Variables without a value; what names them stays as it is. */
  readonly missing: readonly string[];
}

/** Defaults may hold variables themselves; more levels are no file of a person. */
const DEEPEST = 10;

/** Fills in what Compose would: `$NAME`, `${NAME}`, with `:-`, `-`, `:?`, `?`, `:+` and `+`; `$$` is a dollar sign. */
export function fillVariables(text: string, variables: Variables, depth = 0): Filled {
  const missing: string[] = [];
  let filled = '';
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('$', at);
    if (next < 0) break;
    filled += text.slice(at, next);
    const rest = text.slice(next + 1, next + 2);
    const name = /^[A-Za-z_]\w*/.exec(text.slice(next + 1))?.[0];
    const end = rest === '{' ? closing(text, next + 2) : -1;
    if (rest === '$') {
      filled += '$';
      at = next + 2;
    } else if (end >= 0) {
      const part = depth < DEEPEST ? readBraces(text.slice(next + 2, end), variables, depth) : undefined;
      filled += part?.text ?? text.slice(next, end + 1);
      missing.push(...(part?.missing ?? []));
      at = end + 1;
    } else if (name !== undefined) {
      const value = variables.get(name);
      if (value === undefined) missing.push(name);
      filled += value ?? `$${name}`;
      at = next + 1 + name.length;
    } else {
      filled += '$';
      at = next + 1;
    }
  }
  return { text: filled + text.slice(at), missing: [...new Set(missing)] };
}

/** Offset of the brace that closes the one before `from`, or -1. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}

function readBraces(inner: string, variables: Variables, depth: number): Filled | undefined {
  const match = /^([A-Za-z_]\w*)(?:(:?[-?+])(.*))?$/s.exec(inner);
  if (!match) return undefined;
  const [, name = '', operator = '', other = ''] = match;
  const value = variables.get(name);
  const there = value !== undefined && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return there ? fillVariables(other, variables, depth + 1) : { text: '', missing: [] };
  if (there) return { text: value, missing: [] };
  if (operator.endsWith('-')) return fillVariables(other, variables, depth + 1);
  return { text: `\${${name}}`, missing: [name] };
}

/**
 * A `.env` file: `NAME=value`, `export NAME=value`, quotes, comments. Double quotes know `\n`, `\t`, `\"`, `\\`; what
 * is no assignment is left out.
 */
export function readDotenv(text: string, variables: Variables): Map<string, string> {
  const values = new Map<string, string>();
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*(?:'([^']*)'|"((?:\\.|[^"\\])*)"|([^\r\n]*))/gms;
  for (const [, name = '', single, double, bare] of text.matchAll(line)) {
    const known = new Map([...values, ...variables]);
    if (single !== undefined) values.set(name, single);
    else if (double !== undefined) values.set(name, fillVariables(unescapeText(double), known).text);
    else values.set(name, fillVariables((bare ?? '').replace(/(?:^|\s)#.*$/, '').trim(), known).text);
  }
  return values;
}

function unescapeText(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return text.replaceAll(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter);
}
