import type { Finding, PathKey } from './problems.ts';

/** What a concern is about; a report has one group per topic, in this order. */
export const TOPICS = ['definitions', 'hostnames', 'routes', 'files', 'certificates', 'host'] as const;
export const LEVELS = ['error', 'warning', 'note'] as const;

/** Something about a workspace as a whole that a definition alone does not show. */
export interface Concern extends Finding {
  /** `error`: does not work, or must not be · `warning`: works, and is probably not what was meant · `note`: good to know. */
  readonly level: (typeof LEVELS)[number];
  readonly topic: (typeof TOPICS)[number];
  /** Whose definition `path` is in; hostctl.yaml without it. */
  readonly project?: string;
  /** The lines it is about are not shown. */
  readonly hidden?: boolean;
}

/** Names of a list, but not a hundred of them. */
export function someOf(names: readonly string[], most = 4): string {
  if (names.length <= most + 1) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** Where a definition names a hostname. */
export function hostnameAt(index: number): PathKey[] {
  return ['hostnames', index];
}
