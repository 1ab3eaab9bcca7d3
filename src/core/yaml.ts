import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Finding, PathKey, Problem } from './problems.ts';
import { formatPath } from './problems.ts';
import { quote } from './units.ts';

export const MAX_FILE_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;
const MAX_ANCHORS = 200;
const MAX_DEPTH = 40;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** Controls other than tab and line ends, Unicode line separators, and marks that reorder what a reader sees. */
// eslint-disable-next-line no-control-regex -- finding control characters is the point
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

/** A YAML file that was read: its value, and where every part of it stands. */
export interface YamlFile {
  readonly value: unknown;
  /** Turns findings about the value into problems with a place and an excerpt. */
  problems(findings: readonly Finding[]): Problem[];
  /** The text of a scalar as written, such as `1e3` for 1000. */
  sourceOf(path: readonly PathKey[]): string | undefined;
}

export type YamlResult =
  | { readonly ok: true; readonly file: YamlFile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Parses one definition file; hostile input ends as a problem, never as an exception or a long wait. */
export function parseYaml(file: string, text: string): YamlResult {
  const place = locator(file, text);
  const refuse = (message: string, offset?: number, hint?: string): YamlResult => ({
    ok: false,
    problems: [place.problem(message, offset === undefined ? undefined : [offset, offset + 1], [], hint)],
  });

  if (text.length > MAX_FILE_BYTES) return refuse('the file is larger than 1 MiB');
  const odd = UNPRINTABLE.exec(text.startsWith('\ufeff') ? text.slice(1) : text);
  if (odd) {
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return refuse(`holds the invisible character U+${code}`, text.indexOf(odd[0]), 'delete it');
  }
  const greedy = tooGreedy(text);
  if (greedy) return refuse(greedy.message, greedy.offset);

  const lines = new LineCounter();
  // uniqueKeys is quadratic and prettyErrors slow on hostile input; duplicates are found below.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: false,
    merge: false,
    stringKeys: true,
    resolveKnownTags: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const syntax = [...document.errors, ...document.warnings].map((error) =>
    place.problem(plainSyntax(error.message), [error.pos[0], error.pos[1]], []),
  );
  if (syntax.length > 0) return { ok: false, problems: syntax.slice(0, 20) };

  const keys = badKeys(document.contents, [], place);
  if (keys.length > 0) return { ok: false, problems: keys };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return refuse(`repeats anchors more than ${MAX_ALIASES} times`, undefined, 'write the values out');
  }
  return { ok: true, file: readFile(value, document, place) };
}

function readFile(value: unknown, document: Document, place: Locator): YamlFile {
  return {
    value,
    problems: (findings) =>
      findings.map((finding) => {
        const range = rangeOf(document, finding.path, finding.on ?? 'value');
        return place.problem(finding.message, range, finding.path, finding.hint);
      }),
    sourceOf(path) {
      const node = document.getIn(path, true);
      return isScalar(node) && typeof node.source === 'string' ? node.source : undefined;
    },
  };
}

/** Cheap look before parsing: what would make the parser slow or deep is refused by name. */
function tooGreedy(text: string): { message: string; offset: number } | undefined {
  const anchors = [...text.matchAll(/(?<=^|[\s[{,:-])[&*][^\s,[\]{}]/gm)];
  if (anchors.length > MAX_ANCHORS) {
    return { message: `holds more than ${MAX_ANCHORS} anchors and aliases`, offset: anchors[MAX_ANCHORS]!.index };
  }
  let depth = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    if (depth > MAX_DEPTH) return { message: `is nested more than ${MAX_DEPTH} levels deep`, offset };
  }
  const deep = /^ {200,}\S/m.exec(text) ?? /^(?:[ ]*[-?] ){40,}/m.exec(text);
  return deep ? { message: `is nested more than ${MAX_DEPTH} levels deep`, offset: deep.index } : undefined;
}

/** Duplicate keys, and keys that would reach into JavaScript's own objects. */
function badKeys(node: unknown, path: readonly PathKey[], place: Locator): Problem[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => badKeys(item, [...path, index], place));
  if (!isMap(node)) return [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  for (const pair of node.items as Pair<Node, Node | null>[]) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const range = rangeOfNode(pair.key);
    const keyPath = [...path, key];
    const first = seen.get(key);
    if (FORBIDDEN_KEYS.has(key)) problems.push(place.problem(`${quote(key)} cannot be used as a key`, range, keyPath));
    else if (first !== undefined) {
      problems.push(
        place.problem(`${quote(key)} is given twice, first on line ${first}`, range, keyPath, 'keep one of them'),
      );
    } else seen.set(key, place.lineOf(range?.[0] ?? 0));
    problems.push(...badKeys(pair.value, keyPath, place));
  }
  return problems;
}

type Range = readonly [start: number, end: number];

function rangeOfNode(node: unknown): Range | undefined {
  const range = (node as { range?: [number, number, number] | null } | null | undefined)?.range;
  return range ? [range[0], range[1]] : undefined;
}

/** The place of a path in the file; of the nearest parent that exists when the path itself does not. */
function rangeOf(document: Document, path: readonly PathKey[], on: 'key' | 'value'): Range | undefined {
  let node: unknown = document.contents;
  let range = path.length === 0 ? rangeOfNode(node) : undefined;
  for (const [index, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = (node.items as Pair<Node, Node | null>[]).find(
        (item) => isScalar(item.key) && String(item.key.value) === String(key),
      );
      if (!pair) return range;
      const ofValue = rangeOfNode(pair.value);
      const empty = !ofValue || ofValue[0] === ofValue[1] || isMap(pair.value) || isSeq(pair.value);
      // A whole block is no place to point at: the key that opens it is.
      range = (last && on === 'key') || empty ? rangeOfNode(pair.key) : ofValue;
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      node = node.items[key];
      range = rangeOfNode(node) ?? range;
    } else return range;
  }
  return range;
}

interface Locator {
  problem(message: string, range: Range | undefined, path: readonly PathKey[], hint?: string): Problem;
  lineOf(offset: number): number;
}

function locator(file: string, text: string): Locator {
  const lines = text.split('\n');
  const starts: number[] = [];
  let offset = 0;
  for (const line of lines) {
    starts.push(offset);
    offset += line.length + 1;
  }
  const lineOf = (at: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
  return {
    lineOf,
    problem(message, range, path, hint) {
      const line = range ? lineOf(range[0]) : 0;
      const start = line === 0 ? 0 : starts[line - 1]!;
      const width = line === 0 ? 0 : (lines[line - 1]?.length ?? 0);
      const column = range ? range[0] - start + 1 : 0;
      const end = range ? Math.min(range[1] - start, width) : 0;
      return {
        file,
        line,
        column,
        length: Math.max(1, end - column + 1),
        path: formatPath(path),
        message,
        ...(hint === undefined ? {} : { hint }),
        excerpt: line === 0 ? [] : excerpt(lines, line),
      };
    },
  };
}

function excerpt(lines: readonly string[], line: number): Problem['excerpt'] {
  const from = Math.max(1, line - 1);
  return lines.slice(from - 1, line + 1).map((content, index) => ({ line: from + index, text: content.slice(0, 400) }));
}

function plainSyntax(message: string): string {
  if (message.includes('All mapping items must start at the same column'))
    return 'this key is indented differently from its neighbours';
  if (message.includes('Nested mappings are not allowed in compact mappings'))
    return 'a second colon on one line: put the value in quotes';
  if (message.includes('Tabs are not allowed as indentation')) return 'indented with a tab: use spaces';
  return message.replace(/\.$/, '');
}
