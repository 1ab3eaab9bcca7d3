/** What operations hand back, for the terminal and as JSON. */
import type { Concern } from './concern.ts';
import type { Limits } from './model.ts';
import type { Problem } from './problems.ts';

/** Stands in every JSON document and line hostctl prints; grows when a field changes its meaning or goes. */
export const JSON_VERSION = 1;

/** What a visitor would have seen during a switch. */
export interface Visits {
  readonly requests: number;
  readonly failed: number;
  /** Slowest answer, in milliseconds. */
  readonly max: number;
  /** What the first failure was. */
  readonly firstFailure?: string;
}

/** What became of one project. */
export interface Outcome {
  readonly project: string;
  /** The live release afterwards. */
  readonly release?: number;
  readonly changed: boolean;
  readonly visits?: Visits;
  readonly error?: unknown;
}

export interface AppStatus {
  readonly project: string;
  readonly app: string;
  readonly replica: number;
  readonly container: string;
  /** running, stopped, restarting, …; `missing` when the live release has no container for it. */
  readonly state: string;
  readonly release: number | null;
  /** Seconds. */
  readonly uptime: number | null;
  /** Bytes. */
  readonly memory: number | null;
  readonly limits: Limits;
  /** Cores in use. */
  readonly cpus: number | null;
  readonly restarts: number;
  readonly hostnames: readonly string[];
  /** What the hardening gives up. */
  readonly relaxed: readonly string[];
}

export interface Status {
  readonly proxy: 'answers' | 'silent';
  readonly apps: readonly AppStatus[];
  /** Sites that are closed to visitors. */
  readonly maintenance: readonly Closed[];
  /** Projects that are deployed and whose definition is gone. */
  readonly orphans: readonly string[];
}

/** A site that answers 503, but for those who may look at it. */
export interface Closed {
  readonly project: string;
  /** ISO 8601. */
  readonly since: string;
  /** user@machine */
  readonly by: string;
  /** Opens it to the browser that follows it. */
  readonly link: string;
  /** Networks and addresses that may besides. */
  readonly bypass: readonly string[];
}

/** One line of `hostctl releases`. */
export interface ReleaseView {
  readonly id: number;
  readonly live: boolean;
  /** ISO 8601. */
  readonly at: string;
  readonly by: string;
  readonly rollbackOf?: number;
  /** App → image. */
  readonly images: Readonly<Record<string, string>>;
}

/** One thing `hostctl doctor` looked at. */
export interface CheckResult {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** What `hostctl check` found, at its place. */
export type AuditFinding = Problem & Pick<Concern, 'level' | 'topic'>;

export interface Audit {
  /** By topic, errors first. */
  readonly findings: readonly AuditFinding[];
  /** Definitions that were looked at. */
  readonly projects: number;
}
