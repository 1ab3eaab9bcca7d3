/** A Compose file as it was read: anchors and merges resolved, variables filled in, every value with its place. */
import type { Place } from '../report.ts';

interface Scalar {
  readonly kind: 'scalar';
  readonly place: Place;
  /** As written, with variables filled in; undefined for a value that was left out. */
  readonly text: string | undefined;
  /** Variables nobody gave a value. */
  readonly missing: readonly string[];
}

export interface List {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly Tree[];
}

export interface Field {
  readonly key: string;
  /** Where the key stands. */
  readonly place: Place;
  readonly value: Tree;
}

export interface Mapping {
  readonly kind: 'mapping';
  readonly place: Place;
  readonly fields: readonly Field[];
}

export type Tree = Scalar | List | Mapping;

export function fieldOf(tree: Tree | undefined, key: string): Field | undefined {
  return tree?.kind === 'mapping' ? tree.fields.find((field) => field.key === key) : undefined;
}

/** The text at a path of keys; undefined where there is none. */
export function textAt(tree: Tree | undefined, ...keys: readonly string[]): string | undefined {
  const found = keys.reduce<Tree | undefined>((node, key) => fieldOf(node, key)?.value, tree);
  return found?.kind === 'scalar' ? found.text : undefined;
}

/** A list of texts, or the one text in place of a list; what is no text is left out. */
export function textsOf(tree: Tree | undefined): string[] {
  const items = tree?.kind === 'list' ? tree.items : tree ? [tree] : [];
  return items.flatMap((item) => (item.kind === 'scalar' && item.text !== undefined ? [item.text] : []));
}

/** On one line, as a person would write it. */
export function showTree(tree: Tree): string {
  if (tree.kind === 'scalar') return (tree.text ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();
  if (tree.kind === 'list') return `[${tree.items.map(showTree).join(', ')}]`;
  if (tree.fields.length === 0) return '{}';
  return `{ ${tree.fields.map(({ key, value }) => `${key}: ${showTree(value)}`).join(', ')} }`;
}

/** Names of the variables in it that nobody gave a value. */
export function missingIn(tree: Tree): readonly string[] {
  if (tree.kind === 'scalar') return tree.missing;
  const parts = tree.kind === 'list' ? tree.items : tree.fields.map(({ value }) => value);
  return [...new Set(parts.flatMap(missingIn))];
}
