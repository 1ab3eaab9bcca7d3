import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { codePoint, UNPRINTABLE } from '../../core/characters.ts';
import type { Problem } from '../../core/problems.ts';
import { quote } from '../../core/units.ts';
import { locator, type Range, rangeOfNode } from '../../core/yaml-place.ts';
import { MAX_FILE_BYTES } from '../../core/yaml.ts';
import { plainSyntax, tooGreedy } from '../../core/yaml-syntax.ts';
import type { Place } from '../report.ts';
import type { Field, Tree } from './tree.ts';
import { fillVariables, type Variables } from './variables.ts';

export type ComposeDocument =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MAX_DEPTH = 40;
/** What anchors may grow a file to. */
const MAX_NODES = 50_000;
/** Keys that would be something else in JavaScript. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** A text that cannot be read, found on the way through its nodes. */
class Refusal {
  readonly message: string;
  readonly range: Range | undefined;

  constructor(message: string, node: unknown) {
    this.message = message;
    this.range = rangeOfNode(node);
  }
}

/**
 * Reads a Compose file. Anything that is no YAML, or would grow without end, is a problem with its place.
 * @param file how the report names it
 */
export function readCompose(file: string, raw: string, variables: Variables): ComposeDocument {
  const text = raw.startsWith('\ufeff') ? raw.slice(1) : raw;
  const place = locator(file, text);
  const refuse = (message: string, range?: Range): ComposeDocument => ({
    ok: false,
    problems: [place.problem(message, range, [])],
  });
  if (text.length > MAX_FILE_BYTES) return refuse('the file is larger than 128 KiB');
  const odd = UNPRINTABLE.exec(text);
  if (odd) return refuse(`holds the invisible character ${codePoint(odd[0])}`, [odd.index, odd.index + 1]);
  const greedy = tooGreedy(text, MAX_DEPTH);
  if (greedy) return refuse(greedy.message, [greedy.offset, greedy.offset + 1]);
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
  });
  const [error] = document.errors;
  if (error) return refuse(plainSyntax(error, text), error.pos);
  const grow = new Growing((offset) => ({ file, line: place.lineOf(offset) }), variables);
  try {
    return { ok: true, tree: grow.tree(document.contents, { file, line: 1 }, []) };
  } catch (refusal) {
    if (refusal instanceof Refusal) return refuse(refusal.message, refusal.range);
    throw refusal;
  }
}

/** Makes trees of nodes; the ones an anchor stands for are made anew wherever it is used. */
class Growing {
  readonly #placeAt: (offset: number) => Place;
  readonly #variables: Variables;
  readonly #anchors = new Map<string, Node>();
  #count = 0;

  constructor(placeAt: (offset: number) => Place, variables: Variables) {
    this.#placeAt = placeAt;
    this.#variables = variables;
  }

  /** @param above nodes this one stands in, to find what repeats itself */
  tree(node: unknown, outer: Place, above: readonly unknown[]): Tree {
    if (++this.#count > MAX_NODES) throw new Refusal('grows too large with what its anchors repeat', node);
    if (above.length > MAX_DEPTH) throw new Refusal(`is nested more than ${MAX_DEPTH} levels deep`, node);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) throw new Refusal(`no anchor is called ${quote(node.source)}`, node);
      if (above.includes(target)) throw new Refusal(`${quote(node.source)} stands inside of what it repeats`, node);
      return this.tree(target, outer, above);
    }
    const place = this.#placeOf(node) ?? outer;
    this.#remember(node);
    if (isMap(node)) return { kind: 'mapping', place, fields: this.#fields(node.items, place, [...above, node]) };
    if (isSeq(node)) {
      const inside = [...above, node];
      return { kind: 'list', place, items: node.items.map((item) => this.tree(item, place, inside)) };
    }
    if (!isScalar(node) || node.value === null) return { kind: 'scalar', place, text: undefined, missing: [] };
    // The digits as written: 8080, 0.50 and 022 are texts to Compose as well.
    const written = typeof node.value === 'string' ? node.value : (node.source ?? '');
    return { kind: 'scalar', place, ...fillVariables(written, this.#variables) };
  }

  #fields(pairs: readonly { key: unknown; value: unknown }[], outer: Place, above: readonly unknown[]): Field[] {
    const own = new Map<string, Field>();
    const merged: Field[] = [];
    for (const pair of pairs) {
      this.#remember(pair.key);
      if (!isScalar(pair.key)) throw new Refusal('a key is text: put it in quotes', pair.key);
      const key = typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? '');
      const place = this.#placeOf(pair.key) ?? outer;
      if (key === '<<') merged.push(...this.#merge(pair.value, place, above));
      else if (FORBIDDEN.has(key)) throw new Refusal(`${quote(key)} cannot be used as a key`, pair.key);
      else if (own.has(key)) throw new Refusal(`${quote(key)} is given twice`, pair.key);
      else own.set(key, { key, place, value: this.tree(pair.value, place, above) });
    }
    for (const field of merged) if (!own.has(field.key)) own.set(field.key, field);
    return [...own.values()];
  }

  /** What `<<` takes in: one mapping or several, of which the first counts. */
  #merge(value: unknown, place: Place, above: readonly unknown[]): readonly Field[] {
    const tree = this.tree(value, place, above);
    const parts = tree.kind === 'list' ? tree.items : [tree];
    return parts.flatMap((part) => {
      if (part.kind !== 'mapping') throw new Refusal('`<<` takes a mapping, such as *defaults', value);
      return part.fields;
    });
  }

  #remember(node: unknown): void {
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor !== undefined) this.#anchors.set(anchor, node as Node);
  }

  #placeOf(node: unknown): Place | undefined {
    const range = rangeOfNode(node);
    return range && this.#placeAt(range[0]);
  }
}
