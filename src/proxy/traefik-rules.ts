import { type Hostname, hostnamePattern } from '../core/hostnames.ts';
import { byPrecedence, hostClass, literalLength } from '../core/precedence.ts';
import type { Site } from '../core/routes.ts';

/** Hostnames of a site that take precedence over others' to the same degree. */
export interface HostGroup {
  /** Says in router names which hostnames these are; empty for the exact ones. */
  readonly suffix: string;
  readonly rule: string;
  /** Of these hostnames; a path adds at most 999 to it. */
  readonly priority: number;
}

const LONGEST_PATH = 999;
const MOST_TIES = 99;
/** More than any length of a hostname with the ties of that length. */
const LENGTHS = 100_000;

/** Globs of one length, by who wins: the first of them has the highest number. */
export type Ties = ReadonlyMap<string, number>;

/** Two globs can fit one host and have the same length; all others cannot meet at one priority. */
export function tiesOf(sites: readonly Site[]): Ties {
  const globs = sites.flatMap((site) => site.hostnames.filter((name) => name.kind === 'glob'));
  const byLength = new Map<number, Hostname[]>();
  for (const glob of globs) byLength.set(literalLength(glob), [...(byLength.get(literalLength(glob)) ?? []), glob]);
  const tied = [...byLength.values()].filter((names) => names.length > 1);
  return new Map(
    tied.flatMap((names) =>
      names
        .toSorted(byPrecedence)
        .toReversed()
        .map((name, index) => [name.name, Math.min(index, MOST_TIES)] as const),
    ),
  );
}

/** The hostnames of a site by precedence, which is nginx's and never Traefik's own, the length of the rule. */
export function hostGroups(site: Site, ties: Ties): HostGroup[] {
  const groups = new Map<number, Hostname[]>();
  for (const name of site.hostnames) {
    const priority = hostPriority(name, ties);
    groups.set(priority, [...(groups.get(priority) ?? []), name]);
  }
  return [...groups].map(([priority, names]) => ({
    suffix: names[0]!.kind === 'exact' ? '' : `.${names[0]!.kind}${Math.floor(priority / 1000) % LENGTHS}`,
    rule: names.map(hostRule).join(' || '),
    priority,
  }));
}

/** Exact names need no order among themselves: two sites cannot have the same one. */
function hostPriority(name: Hostname, ties: Ties): number {
  if (name.kind === 'exact') return hostClass(name) * LENGTHS * 1000;
  const length = literalLength(name) * (MOST_TIES + 1) + (ties.get(name.name) ?? 0);
  return (hostClass(name) * LENGTHS + length) * 1000;
}

/** Only an exact name has a form of its own; the others match any number of labels, which `Host` does not. */
function hostRule(name: Hostname): string {
  if (name.kind === 'exact') return `Host(${literal(name.name)})`;
  return `HostRegexp(${literal(`${hostnamePattern(name).slice(0, -1)}\\.?$`)})`;
}

/** A prefix ends at a segment: `PathPrefix` alone would take `/mediafoo` too. */
export function pathRule(path: string): string | undefined {
  return path === '/' ? undefined : `Path(${literal(path)}) || PathPrefix(${literal(`${path}/`)})`;
}

/** The path itself and nothing below it. */
export function onlyPath(path: string): string {
  return `Path(${literal(path)})`;
}

/** What a path adds to the priority of its hostnames. */
export function pathPriority(path: string): number {
  return path === '/' ? 1 : Math.min(path.length + 1, LONGEST_PATH - 1);
}

/** Above every path of the same hostnames. */
export const ABOVE_PATHS = LONGEST_PATH;

/** All parts of a rule that has to hold together. */
export function allOf(...rules: readonly (string | undefined)[]): string {
  const given = rules.filter((rule) => rule !== undefined);
  return given.map((rule) => (given.length > 1 && / \|\| /.test(rule) ? `(${rule})` : rule)).join(' && ');
}

/** A Go string in backticks. What comes here was checked with the definition; this is the last door. */
export function literal(text: string): string {
  // eslint-disable-next-line no-control-regex -- refusing control characters is the point
  if (/[`\u0000-\u001f\u007f-\u{10ffff}]|\{\{/u.test(text)) {
    throw new Error(`${JSON.stringify(text)} cannot stand in a Traefik rule`);
  }
  return `\`${text}\``;
}

/** Alternatives that together match every text that is not empty and not this word. */
export function unlike(word: string): string {
  const differing = [...word].map((letter, at) => `.{${at}}[^${letter}].{${word.length - at - 1}}`);
  return [`.{1,${word.length - 1}}`, `.{${word.length + 1},}`, ...differing].join('|');
}

/** Regular expression for the decimal numbers from 0 to `most`. */
export function upTo(most: number): string {
  const digits = String(most);
  const shorter = digits.length > 1 ? [`[0-9]{1,${digits.length - 1}}`] : [];
  const smaller = [...digits].flatMap((digit, index) => {
    const below = Number(digit) - 1;
    // Nothing begins with a nought that is not among the shorter ones.
    if (below < (index === 0 && digits.length > 1 ? 1 : 0)) return [];
    const rest = digits.length - index - 1;
    return [`${digits.slice(0, index)}${below === 0 ? '0' : `[0-${below}]`}${rest > 0 ? `[0-9]{${rest}}` : ''}`];
  });
  return `^0*(${[...shorter, ...smaller, digits].join('|')})$`;
}
