import { type Concern, hostnameAt, someOf } from './concern.ts';
import { type Hostname, parseHostname } from './hostnames.ts';
import { hostnamesFor, indexHosts } from './match.ts';
import type { Project } from './model.ts';
import { byPrecedence, commonHost, covers, sharingPairs, whyStronger } from './precedence.ts';
import { quote } from './units.ts';

/** The domain a registry gives away that a name is part of, by a list of public suffixes; undefined without one. */
export type Registrable = (name: string) => string | undefined;

interface Claim {
  readonly project: string;
  readonly hostname: Hostname;
  readonly index: number;
}

/** Hostnames of different projects that meet, and globs that catch more than their writer may think. */
export function checkHostnames(projects: readonly Project[], registrable: Registrable): Concern[] {
  const claims = projects.flatMap(({ name, hostnames }) =>
    hostnames.map((hostname, index) => ({ project: name, hostname, index })),
  );
  // The same name twice is an error of the definitions.
  const pairs = sharingPairs(claims).filter(([a, b]) => a.hostname.name !== b.hostname.name);
  const buried = buriedClaims(pairs);
  const rest = pairs.filter(
    ([strong, weak]) => strong.project !== weak.project && !buried.has(weak) && !buried.has(strong),
  );
  return [
    ...[...buried].map(([weak, strong]) => buriedConcern(weak, strong)),
    ...nestedConcerns(rest),
    ...crossingConcerns(rest, projects),
    ...claims.flatMap((claim) => wideConcern(claim, registrable)),
  ];
}

type Pair = readonly [strong: Claim, weak: Claim];

function concern(claim: Claim, level: Concern['level'], message: string, hint?: string): Concern {
  const { project, index } = claim;
  return {
    level,
    topic: 'hostnames',
    project,
    path: hostnameAt(index),
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

function shown({ project, hostname }: Claim): string {
  return `${quote(hostname.name)} of ${project}`;
}

/** Hostnames all of whose hosts go to a stronger one. */
function buriedClaims(pairs: readonly Pair[]): Map<Claim, Claim> {
  const buried = new Map<Claim, Claim>();
  for (const [strong, weak] of pairs) {
    if (weak.hostname.kind === 'exact' || !covers(strong.hostname.name, weak.hostname.name)) continue;
    const before = buried.get(weak);
    if (!before || byPrecedence(strong.hostname, before.hostname) < 0) buried.set(weak, strong);
  }
  return buried;
}

function buriedConcern(weak: Claim, strong: Claim): Concern {
  const name = quote(weak.hostname.name);
  if (strong.project === weak.project) {
    return concern(
      weak,
      'note',
      `${name} adds nothing: ${quote(strong.hostname.name)} of the same project takes all of its hosts`,
      'delete it',
    );
  }
  return concern(
    weak,
    'warning',
    `${name} is never reached: ${shown(strong)} takes all of its hosts, because ${whyStronger(strong.hostname, weak.hostname)}`,
    `write exact hostnames, which outrank it, or give ${quote(strong.hostname.name)} up in ${strong.project}`,
  );
}

/** Whether a reader would expect the stronger one to have the hosts: it lies inside the other, or names a whole domain. */
function isExpected([strong, weak]: Pair): boolean {
  return strong.hostname.kind === 'leading' || covers(weak.hostname.name, strong.hostname.name);
}

/** A wide hostname and the narrower ones of others inside it: the usual thing, good to know. */
function nestedConcerns(pairs: readonly Pair[]): Concern[] {
  const inside = new Map<Claim, Claim[]>();
  for (const pair of pairs.filter(isExpected)) {
    const [strong, weak] = pair;
    const others = inside.get(weak);
    if (others) others.push(strong);
    else inside.set(weak, [strong]);
  }
  return [...inside].map(([weak, strongs]) => {
    const why = [...new Set(strongs.map((strong) => whyStronger(strong.hostname, weak.hostname)))].join('; ');
    const names = someOf(strongs.map((strong) => `${quote(strong.hostname.name)} (${strong.project})`));
    return concern(weak, 'note', `${quote(weak.hostname.name)} does not get what fits ${names} as well: ${why}`);
  });
}

/** What a star may stand for in an example, the shortest first. */
const PADS = ['', 'x', 'xx', '-x', 'x.', '.x.'];

/** Two hostnames that each have hosts of their own and some in common. */
function crossingConcerns(pairs: readonly Pair[], projects: readonly Project[]): Concern[] {
  const index = indexHosts(projects.map(({ name, hostnames }) => ({ project: name, hostnames, routes: [] })));
  const crossing = new Map<Claim, { weak: Claim; host: string }[]>();
  for (const [strong, weak] of pairs.filter((pair) => !isExpected(pair))) {
    // An example that another hostname has for itself would show nothing.
    const hosts = PADS.map((pad) => commonHost(strong.hostname, weak.hostname, pad) ?? '');
    const host = hosts.find(
      (name) => parseHostname(name).ok && hostnamesFor(name, index)[0]?.hostname === strong.hostname,
    );
    if (host === undefined) continue;
    const others = crossing.get(strong);
    if (others) others.push({ weak, host });
    else crossing.set(strong, [{ weak, host }]);
  }
  return [...crossing].map(([strong, others]) => {
    const { weak, host } = others[0]!;
    const names = someOf(others.map((other) => shown(other.weak)));
    return concern(
      strong,
      'warning',
      `${quote(strong.hostname.name)} shares hosts with ${names}, and gets them: ${quote(host)} comes here, because ${whyStronger(strong.hostname, weak.hostname)}`,
      'add the exact hostnames to the project that should have them: exact names come first',
    );
  });
}

/** Hostnames of strangers that a project answers. */
function wideConcern(claim: Claim, registrable: Registrable): Concern[] {
  const { kind, name } = claim.hostname;
  if (kind === 'exact' || kind === 'leading') return [];
  const end = /^\*([a-z0-9-][a-z0-9.-]*)$/.exec(name)?.[1];
  const domain = end === undefined ? undefined : registrable(end);
  if (end !== undefined && domain === end) {
    const message = `${quote(name)} also catches ${quote(`evil${end}`)}, a domain that anybody can register`;
    return [concern(claim, 'warning', message, `write ${quote(end)} and ${quote(`*.${end}`)} instead`)];
  }
  if (end !== undefined && domain !== undefined) return [];
  return [
    concern(claim, 'note', `${quote(name)} answers for domains of strangers, as soon as they point one at this host`),
  ];
}
