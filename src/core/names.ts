import { createHash } from 'node:crypto';

/** Labels are how every client rebuilds the picture of what runs. One line each on what it holds. */
export const LABEL = {
  /** Name of the hostctl that made it; everything without this one is not ours. */
  instance: 'hostctl.instance',
  project: 'hostctl.project',
  app: 'hostctl.app',
  /** 1-based. */
  replica: 'hostctl.replica',
  /** `app`, `task` (a release command), `proxy`, `network`, `image`, `helper`. */
  role: 'hostctl.role',
  /** Hash of everything that makes a new container necessary. */
  spec: 'hostctl.spec',
  /** uid and gid of the app. */
  uid: 'hostctl.uid',
  /** Port of the host that a proxy publishes. */
  port: 'hostctl.port',
  /** And the one for https, if any. */
  https: 'hostctl.https',
  /** What the hardening gives up, comma separated. */
  relax: 'hostctl.relax',
} as const;

/** Bumped when the meaning of the hashed fields changes; an upgrade of hostctl alone must recreate nothing. */
const HASH_VERSION = 1;

/** Order-independent hash of a plain value, in hex. */
export function hashOf(value: unknown, length = 40): string {
  return createHash('sha256')
    .update(`${HASH_VERSION}:${canonical(value)}`)
    .digest('hex')
    .slice(0, length);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** `projectname-web-c1f6c87`, and `-2` for the second replica: at most 24+1+16+1+7+3 characters, a DNS label. */
export function containerName(project: string, app: string, spec: string, replica: number): string {
  return `${project}-${app}-${spec.slice(0, 7)}${replica > 1 ? `-${replica}` : ''}`;
}

/** The most containers one app may have. */
export const MOST_REPLICAS = 32;

/**
 * DNS name the first `count` replicas of one version of an app share on the project's network; the proxy asks for this
 * one. With fewer replicas it asks for another name, and so for none of those that are about to go.
 */
export function groupName(project: string, app: string, spec: string, count: number): string {
  return `${containerName(project, app, spec, 1)}-of${count}`;
}

/** Every group a replica belongs to. */
export function groupNames(project: string, app: string, spec: string, replica: number): string[] {
  const counts = Array.from({ length: MOST_REPLICAS - replica + 1 }, (_, index) => replica + index);
  return counts.map((count) => groupName(project, app, spec, count));
}

/** Neither name can hold an underscore or a dot, so that no two networks of any instances and projects meet. */
export function networkName(instance: string, project: string): string {
  return `${instance}_${project}`;
}

/** The one bridge apps reach the outside through; they do not reach each other on it. */
export function egressNetwork(instance: string): string {
  return `${instance}.egress`;
}

/** The network whose only member is the part of the proxy that publishes the ports. */
export function edgeNetwork(instance: string): string {
  return `${instance}.edge`;
}

/** The network between the parts of a proxy that has several; nobody else is on it, not even the host. */
export function innerNetwork(instance: string): string {
  return `${instance}.inner`;
}

/** Container of a part of the proxy. */
export function partName(instance: string, part: string): string {
  return `${instance}-${part}`;
}

/** A name that is a file and may be a variable. */
export const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
