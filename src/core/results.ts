/** What operations hand back, for the terminal and as JSON. */
import type { Result } from './audit-container.ts';
import type { Concern } from './concern.ts';
import type { Finding, Verdict } from './comparison.ts';
import type { Limits } from './model.ts';
import type { Problem } from './problems.ts';
import type { ReleaseChange } from './release-diff.ts';

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

/** The certificate of a project that has `tls`. */
export interface CertificateStatus {
  readonly project: string;
  /** Ordered from an authority, or the user's own. */
  readonly ordered: boolean;
  /** `ending`: should have been renewed by now · `damaged`: an earlier one stands in · `missing`: plain http until there is one. */
  readonly state: 'ok' | 'ending' | 'damaged' | 'expired' | 'missing';
  /** DNS names it is for. */
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly expires: string | null;
  /** Whole days until then. */
  readonly days: number | null;
  /** Hostnames it is not for, which stay on plain http. */
  readonly plain: readonly string[];
}

/** What a renewal did with one project. */
export interface Renewal {
  readonly project: string;
  readonly renewed: boolean;
  /** ISO 8601; of the certificate in force afterwards. */
  readonly expires: string | null;
  readonly error?: unknown;
}

export interface Status {
  readonly proxy: 'answers' | 'silent';
  readonly memory: HostMemory;
  readonly apps: readonly AppStatus[];
  /** Sites that are closed to visitors. */
  readonly maintenance: readonly Closed[];
  readonly certificates: readonly CertificateStatus[];
  /** Projects that are deployed and whose definition is gone. */
  readonly orphans: readonly string[];
}

/** The host's memory, in bytes. */
interface HostMemory {
  /** All limits together, the proxy's too. */
  readonly limits: number;
  readonly total: number;
  /** What programs can still get. */
  readonly free: number | null;
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
  /** App → secret → version; only apps that have some. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A secret that is stored or named; never its value. */
export interface SecretView {
  readonly project: string;
  readonly name: string;
  /** The newest; null when a definition names it and nobody has set it. */
  readonly version: number | null;
  /** ISO 8601. */
  readonly at: string | null;
  /** user@machine */
  readonly by: string | null;
  /** Apps whose definition names it. */
  readonly apps: readonly string[];
  /** Releases that are kept and use it. */
  readonly releases: readonly { readonly id: number; readonly version: number; readonly live: boolean }[];
}

/** What became of `secrets set`. */
export interface SetSecret {
  readonly project: string;
  readonly name: string;
  readonly version: number;
  /** Whether it has another value than before. */
  readonly changed: boolean;
  /** Apps whose definition names it. */
  readonly apps: readonly string[];
}

/** What `hostctl releases diff` shows. */
export interface ReleaseDiff {
  readonly project: string;
  readonly from: number;
  readonly to: number;
  readonly changes: readonly ReleaseChange[];
  /** What a rollback between the two leaves as it is, in sentences. */
  readonly stays: readonly string[];
}

/** Something `hostctl prune` removes, or would. */
export interface PruneItem {
  readonly kind: 'container' | 'image' | 'network' | 'folder' | 'record';
  /** Absent for what all projects share. */
  readonly project?: string;
  readonly name: string;
  readonly why: string;
  /** Bytes, of images: layers that others share are counted in full. */
  readonly size?: number;
}

/** One thing `hostctl doctor` looked at. */
export interface CheckResult {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** What `hostctl audit` found. */
export interface Exposure {
  /** The most exposed first. */
  readonly containers: readonly Audited[];
  readonly host: readonly CheckResult[];
  /** What a container with an app's settings came through to; absent when it was not tried. */
  readonly probes?: readonly ProbeResult[];
}

export interface Audited {
  readonly container: string;
  readonly project: string | null;
  readonly app: string | null;
  /** From 0 to 10; more is worse. */
  readonly exposure: number;
  readonly because: readonly { readonly what: string; readonly points: number }[];
  /** Checks it passed. */
  readonly passed: number;
  readonly findings: readonly Result[];
  /** Settings that are not as hostctl asks for them. */
  readonly drift: readonly string[];
}

/** One attempt from inside a container. */
export interface ProbeResult {
  readonly project: string;
  readonly app: string;
  readonly attempt: string;
  readonly held: boolean;
}

/** What `hostctl check` found, at its place. */
export type AuditFinding = Problem & Pick<Concern, 'level' | 'topic'>;

export interface Audit {
  /** By topic, errors first. */
  readonly findings: readonly AuditFinding[];
  /** Definitions that were looked at. */
  readonly projects: number;
}

/** A rule of a proxy, in its own words. */
export interface RuleView {
  readonly proxy: 'nginx' | 'traefik';
  readonly rule: string;
  /** Traefik's router, the number it is ranked by, and what happens on the way. */
  readonly router?: string;
  readonly priority?: number;
  readonly middlewares?: readonly string[];
}

/** A line of YAML that has a part in the answer. */
export interface PlaceView {
  readonly what: 'hostname' | 'app' | 'media' | 'setting';
  /** What it says: a hostname, a path, what a setting does. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface FileView {
  /** On this machine: what the definition names, or what is served. */
  readonly path: string;
  readonly of: 'definition' | 'live';
  readonly state: 'file' | 'folder' | 'link' | 'missing' | 'closed';
  /** A name in the same folder that is spelt almost like the missing one. */
  readonly near?: string;
}

export interface ContainerReport {
  readonly name: string;
  /** running, exited, restarting, …; `missing` when there is none. */
  readonly state: string;
  /** What is wrong with it, or what it answers when it is asked directly. */
  readonly detail: string;
  readonly ok: boolean;
  /** The last lines it wrote, when it does not answer. */
  readonly log: readonly string[];
}

/** What is in force on this host, which the definitions may have changed since. */
export interface LiveView {
  readonly release?: number;
  /** How the live release answers when not as the definition says. */
  readonly differs?: string;
  readonly proxy: 'answers' | 'silent';
  /** Whether the site is closed for maintenance. */
  readonly closed: boolean;
  /** What a visitor gets at this moment; absent for what is not asked: https, and methods that change something. */
  readonly visit?: { readonly status?: number; readonly reason?: string; readonly location?: string };
  readonly containers: readonly ContainerReport[];
}

/** From a URL to what answers it, and why. */
export interface Explanation {
  readonly url: string;
  readonly method: string;
  readonly project?: string;
  /** What the definitions make of it, in a sentence. */
  readonly answer: string;
  readonly places: readonly PlaceView[];
  /** Other hostnames that fit, and why they do not get it. */
  readonly outranked: readonly string[];
  readonly rules: readonly RuleView[];
  readonly files: readonly FileView[];
  readonly live?: LiveView;
  /** Why `live` is missing. */
  readonly offline?: string;
  /** What is in the way, what weighs most first, with what to do. */
  readonly causes: readonly { readonly text: string; readonly hint?: string }[];
}

/** One request that two servers were asked, and where their answers differ. */
export interface Comparison {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Of the request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

/** What `hostctl verify` found. */
export interface Verification {
  readonly project: string;
  readonly requests: number;
  readonly same: number;
  /** Different on purpose. */
  readonly intended: number;
  readonly different: number;
  /** Too different from one request to the next of one server. */
  readonly unknown: number;
  readonly comparisons: readonly Comparison[];
}
