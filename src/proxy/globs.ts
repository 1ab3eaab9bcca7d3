import { type Hostname, hostnamePattern } from '../core/hostnames.ts';
import { byPrecedence, sharingPairs } from '../core/precedence.ts';
import type { Site } from '../core/routes.ts';
import { HostctlError } from '../errors.ts';
import { quoteNginx } from './quote.ts';

/** nginx takes no word longer than its buffer of 4096. */
const LONGEST_NAME = 3500;

/** In which order nginx must read the sites, so that the first expression that fits a host is the one that should win. */
export interface GlobOrder {
  readonly sites: readonly Site[];
  /** Whether the order matters: nginx's own, by name, will not do. */
  readonly matters: boolean;
  /** Glob → those of sites further down that outrank it and share hosts with it. */
  readonly outranked: ReadonlyMap<string, readonly Hostname[]>;
}

interface Glob {
  readonly site: Site;
  readonly hostname: Hostname;
  /** Position among all globs; 0 outranks all others. */
  readonly rank: number;
}

/**
 * nginx tries regular expressions in the order of the file, whatever they are. Sites whose globs share hosts with those
 * of others are read in the order of their weakest one. What that leaves (two sites that each outrank the other
 * somewhere) is for the weaker glob to exclude.
 */
export function globOrder(sites: readonly Site[]): GlobOrder {
  const byName = sites.toSorted((a, b) => (a.project < b.project ? -1 : 1));
  const globs: Glob[] = byName
    .flatMap((site) => site.hostnames.filter(({ kind }) => kind === 'glob').map((hostname) => ({ site, hostname })))
    .toSorted((a, b) => byPrecedence(a.hostname, b.hostname))
    .map((glob, rank) => ({ ...glob, rank }));
  const contests = sharingPairs(globs).filter(([strong, weak]) => strong.site !== weak.site);
  const weakest = new Map<Site, number>();
  for (const { rank, site } of contests.flat()) weakest.set(site, Math.max(rank, weakest.get(site) ?? 0));
  const ordered = byName.toSorted((a, b) => (weakest.get(a) ?? -1) - (weakest.get(b) ?? -1));
  const position = new Map(ordered.map((site, index) => [site, index]));
  const outranked = new Map<string, Hostname[]>();
  for (const [strong, weak] of contests) {
    if (position.get(strong.site)! < position.get(weak.site)!) continue;
    const known = outranked.get(weak.hostname.name);
    if (known) known.push(strong.hostname);
    else outranked.set(weak.hostname.name, [strong.hostname]);
  }
  // The same words whatever order the sites came in.
  for (const names of outranked.values()) names.sort(byPrecedence);
  return { sites: ordered, matters: contests.length > 0, outranked };
}

/**
 * The words of a site's `server_name`s. Its globs share a regular expression: nginx tries them one after the other for
 * every unknown host.
 */
export function serverNames(hostnames: readonly Hostname[], order: Pick<GlobOrder, 'outranked'>): string[] {
  const plain = hostnames.filter((name) => name.kind !== 'glob').map((name) => name.name);
  const globs = hostnames.filter((name) => name.kind === 'glob').map((name) => globSource(name, order));
  const groups: string[][] = [];
  for (const glob of globs) {
    const last = groups.at(-1);
    if (last && last.join('|').length + glob.length < LONGEST_NAME) last.push(glob);
    else groups.push([glob]);
  }
  return [
    ...plain,
    ...groups.map((group) => regexName(group.length === 1 ? `^${group[0]}$` : `^(?:${group.join('|')})$`)),
  ];
}

function globSource(hostname: Hostname, { outranked }: Pick<GlobOrder, 'outranked'>): string {
  const inner = (name: Hostname): string => hostnamePattern(name).slice(1, -1);
  const others = outranked.get(hostname.name) ?? [];
  if (others.length === 0) return inner(hostname);
  const source = `(?!(?:${others.map(inner).join('|')})\\z)${inner(hostname)}`;
  if (source.length < LONGEST_NAME) return source;
  throw new HostctlError(
    'GLOBS_TANGLED',
    `\`${hostname.name}\` shares hosts with ${others.length} stronger globs of other projects`,
    {
      hints: ['hostctl check lists them; write the names the project really has'],
    },
  );
}

/** The `$` that ends an expression is ours, so it is put behind the quoting that refuses all others. */
function regexName(pattern: string): string {
  return quoteNginx(`~${pattern.slice(0, -1)}`).replace(/"$/, '$"');
}
