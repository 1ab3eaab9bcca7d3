import type { Hostname } from './hostnames.ts';

/**
 * Which hostname a request's host means when several fit, the same under every proxy: exact, then the longest leading
 * wildcard, then the longest trailing one, then globs. Two globs can fit one host and have the same length, so their
 * order goes on until it is total.
 */
const CLASS: Readonly<Record<Hostname['kind'], number>> = { exact: 4, leading: 3, trailing: 2, glob: 1 };

/** 4 for an exact name, 3 for `*.x`, 2 for `x.*`, 1 for a glob: the higher one wins. */
export function hostClass(hostname: Hostname): number {
  return CLASS[hostname.kind];
}

/** Characters of a hostname that are neither `*` nor `?`. */
export function literalLength(hostname: Hostname): number {
  return hostname.name.replaceAll(/[*?]/g, '').length;
}

/**
 * Sorts hostnames by who wins, the strongest first: by class, by literal length, by the number of `?` (one certain
 * character each), by name. Total: 0 only for the same name.
 */
export function byPrecedence(a: Hostname, b: Hostname): number {
  const questions = (hostname: Hostname): number => hostname.name.split('?').length;
  return (
    hostClass(b) - hostClass(a) ||
    literalLength(b) - literalLength(a) ||
    questions(b) - questions(a) ||
    (a.name < b.name ? -1 : a.name === b.name ? 0 : 1)
  );
}

const KINDS: Readonly<Record<Hostname['kind'], string>> = {
  exact: 'exact names',
  leading: 'names such as `*.example.org`',
  trailing: 'names such as `www.*`',
  glob: 'globs',
};

/** Why one hostname wins over another. */
export function whyStronger(strong: Hostname, weak: Hostname): string {
  if (hostClass(strong) !== hostClass(weak)) return `${KINDS[strong.kind]} come before ${KINDS[weak.kind]}`;
  return literalLength(strong) > literalLength(weak)
    ? 'the longer one wins'
    : 'among globs of one length more `?` win, then the first by name';
}

/**
 * All pairs that share a host, each pair once, the stronger first. Looks only at pairs whose ends agree, so that a
 * thousand projects with names of their own take no longer than they must.
 */
export function sharingPairs<T extends { readonly hostname: Hostname }>(items: readonly T[]): (readonly [T, T])[] {
  const byEnd = new Map<string, T[]>();
  const pairs: (readonly [T, T])[] = [];
  const meet = (item: T, others: readonly T[] | undefined): void => {
    for (const other of others ?? []) {
      if (!overlap(item.hostname.name, other.hostname.name)) continue;
      pairs.push(byPrecedence(item.hostname, other.hostname) <= 0 ? [item, other] : [other, item]);
    }
  };
  for (const item of items) {
    const tail = end(item.hostname.name);
    meet(item, byEnd.get(tail));
    const same = byEnd.get(tail);
    if (same) same.push(item);
    else byEnd.set(tail, [item]);
  }
  for (const item of items) {
    const tail = end(item.hostname.name);
    for (let from = 1; from <= tail.length; from += 1) meet(item, byEnd.get(tail.slice(from)));
  }
  return pairs;
}

/** Whether some host fits both, whose ends agree. `*` counts as any run of characters in every kind of hostname. */
function overlap(a: string, b: string): boolean {
  // Cheap and almost always decisive. That the ends agree is known.
  const [startA, startB] = [start(a), start(b)];
  if (!startA.startsWith(startB) && !startB.startsWith(startA)) return false;
  // row[j]: whether what was read of `a` and the first j characters of `b` can be the same text.
  let row = prefixRow(b);
  for (const character of a) {
    const next = [character === '*' && row[0]!];
    for (let j = 1; j <= b.length; j += 1) {
      const other = b[j - 1]!;
      const star = character === '*' || other === '*';
      const same = character === other || character === '?' || other === '?';
      next.push(star ? row[j]! || next[j - 1]! : same && row[j - 1]!);
    }
    row = next;
  }
  return row[b.length]!;
}

/** A host that fits both, as short as it gets; undefined when there is none. @param pad what the first star of `b` ends in */
export function commonHost(a: Hostname, b: Hostname, pad = ''): string | undefined {
  const [first, second] = [atLeastOne(a), atLeastOne(b).replace('*', `*${pad}`)];
  const lost = new Set<number>();
  const walk = (i: number, j: number): string | undefined => {
    if (i === first.length && j === second.length) return '';
    const key = i * (second.length + 1) + j;
    if (lost.has(key)) return undefined;
    const [x, y] = [first[i], second[j]];
    let rest: string | undefined;
    if (x === '*') rest = walk(i + 1, j) ?? (y === undefined || y === '*' ? undefined : letter(y, walk(i, j + 1)));
    if (y === '*') rest ??= walk(i, j + 1) ?? (x === undefined || x === '*' ? undefined : letter(x, walk(i + 1, j)));
    const both = x !== undefined && y !== undefined && x !== '*' && y !== '*';
    if (both && (x === y || x === '?' || y === '?')) rest = letter(x === '?' ? y : x, walk(i + 1, j + 1));
    if (rest === undefined) lost.add(key);
    return rest;
  };
  return walk(0, 0);
}

/** A star that stands for a whole label stands for something: no host has an empty one. */
function atLeastOne({ name }: Hostname): string {
  return name.replaceAll(/(?<=^|\.)\*(?=\.|$)/g, '?*');
}

function letter(character: string, rest: string | undefined): string | undefined {
  return rest === undefined ? undefined : `${character === '?' ? 'x' : character}${rest}`;
}

function prefixRow(pattern: string): boolean[] {
  const row = [true];
  for (const character of pattern) row.push(row.at(-1)! && character === '*');
  return row;
}

function start(pattern: string): string {
  const at = pattern.search(/[*?]/);
  return at < 0 ? pattern : pattern.slice(0, at);
}

function end(pattern: string): string {
  return pattern.slice(Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')) + 1);
}

/** Whether every host that fits `inner` fits `outer` as well. Says no where it would need several steps to see it. */
export function covers(outer: string, inner: string): boolean {
  if (!inner.endsWith(end(outer))) return false;
  // row[j]: whether what was read of `outer` takes exactly the first j characters of `inner`.
  let row = [true, ...Array.from(inner, () => false)];
  for (const character of outer) {
    const next = [character === '*' && row[0]!];
    for (let j = 1; j <= inner.length; j += 1) {
      const other = inner[j - 1]!;
      if (character === '*') next.push(row[j]! || next[j - 1]!);
      else next.push(row[j - 1]! && other !== '*' && (character === '?' || character === other));
    }
    row = next;
  }
  return row[inner.length]!;
}
