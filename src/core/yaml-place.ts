import { type Document, isAlias, isMap, isSeq, type Node, type Pair } from 'yaml';
import { formatPath, type PathKey, type Problem } from './problems.ts';

/** Offsets in the text. */
export type Range = readonly [start: number, end: number];

/** Turns places in a text into problems. */
export interface Locator {
  problem(message: string, range: Range | undefined, path: readonly PathKey[], hint?: string): Problem;
  lineOf(offset: number): number;
}

/** Knows where the lines of a text begin. */
export function locator(file: string, text: string): Locator {
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

/** Where a node stands, without the blanks behind it. */
export function rangeOfNode(node: unknown): Range | undefined {
  const range = (node as { range?: [number, number, number] | null } | null | undefined)?.range;
  return range ? [range[0], range[1]] : undefined;
}

/** The place of a path in the file; of the nearest parent that exists when the path itself does not. */
export function rangeOf(document: Document, path: readonly PathKey[], on: 'key' | 'value'): Range | undefined {
  let node: unknown = document.contents;
  const whole = rangeOfNode(node);
  // What is missing at the top has no parent to point at but the file's first key.
  let range: Range | undefined = path.length === 0 || !whole ? whole : [whole[0], whole[0] + 1];
  for (const [index, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = pairOf(node.items as Pair<Node, Node | null>[], key);
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

/** The node at a path, through aliases. */
export function nodeAt(document: Document, path: readonly PathKey[]): unknown {
  return path.reduce<unknown>((parent, key) => {
    const node = isAlias(parent) ? parent.resolve(document) : parent;
    if (isMap(node)) return pairOf(node.items as Pair<Node, Node | null>[], key)?.value;
    return isSeq(node) ? node.items[Number(key)] : undefined;
  }, document.contents);
}

function pairOf(items: readonly Pair<Node, Node | null>[], key: PathKey): Pair<Node, Node | null> | undefined {
  const text = String(key);
  // Of a key that is given twice, the last one is the one that counts. Keys are texts: the parser sees to it.
  return items.findLast((item) => (item.key as { value?: unknown }).value === text);
}
