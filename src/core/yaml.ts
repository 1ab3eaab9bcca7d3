import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, Scalar } from 'yaml';
import { codePoint, UNPRINTABLE } from './characters.ts';
import type { Finding, PathKey, Problem } from './problems.ts';
import { didYouMean } from './suggest.ts';
import { quote } from './units.ts';
import { type Locator, locator, nodeAt, rangeOf, rangeOfNode } from './yaml-place.ts';
import { plainSyntax, tooGreedy } from './yaml-syntax.ts';

/** The parser takes some ten seconds for a megabyte of mistakes; nobody has written a definition of this size by hand. */
export const MAX_FILE_BYTES = 128 * 1024;
const MAX_ALIASES = 100;
const MAX_DEPTH = 40;
/** More of a kind are no mistakes of a person; telling them all would take long and help nobody. */
const MOST = 20;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const PLAIN_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/** A YAML file that was read: its value, and where every part of it stands. */
export interface YamlFile {
  readonly value: unknown;
  /** What is wrong with the text although it has a meaning: it is told together with what else is found. */
  readonly flaws: readonly Problem[];
  /** Numbers that are not written in plain digits. */
  readonly oddNumbers: readonly Finding[];
  /** Turns findings about the value into problems with a place and an excerpt. */
  problems(findings: readonly Finding[]): Problem[];
  /** A scalar as written, such as `1e3` for 1000, or `"80"` with its quotes; '' for a value that was left out. */
  sourceOf(path: readonly PathKey[]): string | undefined;
}

export type YamlResult =
  | { readonly ok: true; readonly file: YamlFile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Parses one definition file; hostile input ends as a problem, never as an exception or a long wait. */
export function parseYaml(file: string, raw: string): YamlResult {
  const text = raw.startsWith('\ufeff') ? raw.slice(1) : raw;
  const place = locator(file, text);
  const refuse = (message: string, offset?: number, hint?: string): YamlResult => ({
    ok: false,
    problems: [place.problem(message, offset === undefined ? undefined : [offset, offset + 1], [], hint)],
  });

  if (text.length > MAX_FILE_BYTES) return refuse('the file is larger than 128 KiB');
  const odd = UNPRINTABLE.exec(text);
  if (odd) return refuse(`holds the invisible character ${codePoint(odd[0])}`, odd.index, 'delete it');
  const greedy = tooGreedy(text, MAX_DEPTH);
  if (greedy) return refuse(greedy.message, greedy.offset);

  const document = parsed(text);
  const syntax = [...document.errors, ...document.warnings]
    .slice(0, MOST)
    .map((error) => place.problem(plainSyntax(error, text), error.pos, []));
  // The first error of a line makes the others.
  const first = syntax.filter((problem) => syntax.find((other) => other.line === problem.line) === problem);
  if (first.length > 0) return { ok: false, problems: first };

  const found = inspect(document, place);
  if (found.fatal.length > 0) return { ok: false, problems: [...found.fatal, ...found.flaws] };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return refuse(`repeats anchors more than ${MAX_ALIASES} times`, undefined, 'write the values out');
  }
  return { ok: true, file: readFile(value, document, place, text, found) };
}

function parsed(text: string): Document {
  // A text of nothing but mistakes makes some 200 000 errors, and their stacks two thirds of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    // uniqueKeys is quadratic and prettyErrors slow on hostile input; duplicates are found later.
    return parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      uniqueKeys: false,
      merge: false,
      stringKeys: true,
      resolveKnownTags: false,
      prettyErrors: false,
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function readFile(value: unknown, document: Document, place: Locator, text: string, found: Inspected): YamlFile {
  return {
    value,
    flaws: found.flaws.slice(0, MOST),
    oddNumbers: found.numbers.slice(0, MOST),
    problems: (findings) =>
      findings
        .filter(({ path }) => !found.replaced.some((gone) => gone.every((key, index) => path[index] === key)))
        .map((finding) => {
          const range = rangeOf(document, finding.path, finding.on ?? 'value');
          return place.problem(finding.message, range, finding.path, finding.hint);
        }),
    sourceOf(path) {
      const node = nodeAt(document, path);
      if (!isScalar(node) || !node.range) return undefined;
      return text.slice(node.range[0], node.range[1]);
    },
  };
}

interface Inspected {
  /** Nothing can be read as long as these are there. */
  readonly fatal: Problem[];
  readonly flaws: Problem[];
  readonly numbers: Finding[];
  /** Where a text was put in the place of an alias that leads nowhere. */
  readonly replaced: (readonly PathKey[])[];
}

/**
 * Looks at every node once, in the order of the file. Aliases that lead nowhere become the text they were most likely
 * meant to be, so that everything else can still be looked at.
 */
function inspect(document: Document, place: Locator): Inspected {
  const found: Inspected = { fatal: [], flaws: [], numbers: [], replaced: [] };
  const anchors = new Map<string, Node>();

  /** Returns what takes the node's place. */
  const look = (node: unknown, path: readonly PathKey[], above: readonly unknown[]): unknown => {
    if (isAlias(node)) return lookAtAlias(node, path, above);
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor !== undefined) anchors.set(anchor, node as Node);
    if (above.length > MAX_DEPTH) {
      found.fatal.push(place.problem(`is nested more than ${MAX_DEPTH} levels deep`, rangeOfNode(node), path));
    } else if (isSeq(node)) {
      node.items = node.items.map((item, index) => look(item, [...path, index], [...above, node]));
    } else if (isMap(node)) {
      lookAtPairs(node.items as Pair<Node, Node | null>[], path, [...above, node]);
    } else if (isScalar(node) && typeof node.value === 'number' && !PLAIN_NUMBER.test(node.source ?? '')) {
      const plain = String(node.value);
      const hint = PLAIN_NUMBER.test(plain) ? { hint: `write ${plain}` } : {};
      found.numbers.push({ path, message: `${quote(node.source ?? '')} is not written as a plain number`, ...hint });
    }
    return node;
  };

  const lookAtAlias = (node: { source: string }, path: readonly PathKey[], above: readonly unknown[]): unknown => {
    const target = anchors.get(node.source);
    if (target && !above.includes(target)) return node;
    const text = `*${node.source}`;
    const guess = didYouMean(node.source, [...anchors.keys()]);
    const [message, hint] = target
      ? [`${quote(text)} stands inside of what it repeats`, 'write the value out']
      : [`${quote(text)} is a YAML alias: put it in quotes`, guess ? `or did you mean *${guess}?` : `write "${text}"`];
    found.flaws.push(place.problem(message, rangeOfNode(node), path, hint));
    found.replaced.push(path);
    return Object.assign(new Scalar(text), { range: (node as { range?: unknown }).range });
  };

  const lookAtPairs = (
    pairs: readonly Pair<Node, Node | null>[],
    path: readonly PathKey[],
    above: readonly unknown[],
  ): void => {
    const seen = new Map<string, number>();
    for (const pair of pairs) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const range = rangeOfNode(pair.key);
      if (pair.key.anchor !== undefined) anchors.set(pair.key.anchor, pair.key);
      const keyPath = [...path, key];
      const first = seen.get(key);
      if (FORBIDDEN_KEYS.has(key)) {
        found.fatal.push(place.problem(`${quote(key)} cannot be used as a key`, range, keyPath));
      } else if (first === undefined) seen.set(key, place.lineOf(range?.[0] ?? 0));
      else {
        const message = `${quote(key)} is given twice, first on line ${first}`;
        found.flaws.push(place.problem(message, range, keyPath, 'keep one of them'));
      }
      pair.value = look(pair.value, keyPath, above) as Node | null;
    }
  };

  document.contents = look(document.contents, [], []) as typeof document.contents;
  return found;
}
