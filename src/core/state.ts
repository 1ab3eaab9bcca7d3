import type { StoredCertificate } from './certificate.ts';
import type { ContainerSpec } from './container.ts';
import type { Identity } from './identity.ts';
import type { App, Health, Media, Relaxation } from './model.ts';
import type { Site } from './routes.ts';
import type { Maintenance } from './settings.ts';

// ---- what should exist

/** One container that should run. */
export interface Workload {
  readonly project: string;
  readonly app: string;
  readonly replica: number;
  /** Hash of everything that makes a new container necessary. */
  readonly spec: string;
  readonly container: ContainerSpec;
  readonly health: Health;
  readonly listen: App['listen'];
  /** Name of the directory below `sockets/`, for apps on a socket. */
  readonly socketDir?: string;
  /** Path of its socket below `sockets/`. */
  readonly socket?: string;
  /** Name of the link below `links/` that should lead to its socket. */
  readonly link?: string;
  readonly release?: readonly string[];
  readonly needs: readonly string[];
  /** Whether two copies may run at once; a volume one copy writes to forbids it. */
  readonly overlap: boolean;
  /** Milliseconds. */
  readonly drain: number;
  /** What its hardening gives up, and why; absent when nothing. */
  readonly relax?: readonly Relaxation[];
  /** Directories to make before it starts, relative to the data root. */
  readonly volumes: readonly string[];
  /** Absent without secrets. */
  readonly secrets?: GivenSecrets;
}

/** The secrets of a container. Never their values, nor anything made from them. */
interface GivenSecrets {
  /** Directory with the files, relative to the data root. */
  readonly files: string;
  /** Name → version. */
  readonly versions: Readonly<Record<string, number>>;
}

/** Everything one project should be. */
export interface Desired {
  readonly project: string;
  readonly workloads: readonly Workload[];
  readonly site?: Site;
  readonly media: readonly MediaSet[];
  /** Whether the project has a network of its own, and whether the proxy must be on it. */
  readonly network?: { readonly name: string; readonly proxy: boolean };
  readonly images: Readonly<Record<string, ImageIdentity>>;
}

export interface ImageIdentity {
  /** What to create a container from. */
  readonly ref: string;
  /** What the image is, for the hash; absent while it is not on the engine and cannot be known. */
  readonly identity?: string;
  /** Image id on the engine, when it is there. */
  readonly id?: string;
  /** What it starts by itself; only for an app that is started through a shell because of its secrets. */
  readonly start?: ImageStart;
}

/** Entry point and command of an image. */
export interface ImageStart {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** Files of one alias, below `media/<project>/`. */
export interface MediaSet {
  readonly alias: string;
  /** Directory with the files, relative to `media/`; content follows below as the URL does. */
  readonly root: string;
  /** Link to `root` the proxy follows, so that new files need no new configuration. Uploads have none. */
  readonly link?: string;
  readonly source: Media['source'];
  /** What the content is made from; a new one needs a new copy. Uploads have none. */
  readonly version?: string;
  readonly maxAge: number;
}

// ---- what does exist

/** A container as one list call shows it. */
export interface ContainerView {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'removing';
  /** The engine's words: `Up 3 hours`, `Exited (137) 2 minutes ago`. */
  readonly status: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of the networks it is on. */
  readonly networks: readonly string[];
}

export interface NetworkView {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly subnets: readonly string[];
}

/** One immutable deployed version of a project, as it is written down. */
export interface Release {
  readonly format: 1;
  readonly id: number;
  readonly project: string;
  /** ISO 8601. */
  readonly at: string;
  /** user@machine */
  readonly by: string;
  /** Set when this release brought an earlier one back. */
  readonly rollbackOf?: number;
  /** What its release commands did before it went live; absent in records from before this was written down. */
  readonly hooks?: readonly HookRecord[];
  /** App → `name@sha256:…` in the registry its image came from. */
  readonly digests?: Readonly<Record<string, string>>;
  /** Milliseconds from the first start of a container until all were ready; absent when none was started. */
  readonly startedIn?: number;
  readonly desired: Desired;
}

/** A release command that went well; with any other, there is no release. */
export interface HookRecord {
  readonly app: string;
  readonly command: readonly string[];
  readonly code: number;
  readonly ms: number;
  /** The last lines it wrote. */
  readonly log: readonly string[];
}

export interface History {
  /** The live release. */
  readonly current?: Release;
  /** All that are on record, newest first. */
  readonly releases: readonly Release[];
  /** Set while the site is closed. */
  readonly maintenance?: Maintenance;
}

/** What a deploy did to containers of the live release and has not undone or made good yet. */
export interface Unfinished {
  /** Stopped, or about to be, so that another copy may run. */
  readonly stopped: readonly string[];
  /** Given other limits. */
  readonly limited: readonly string[];
  /** Set from just before the switch until the new release has been watched for its time. */
  readonly trial?: Trial;
}

/** A release that is live and has not proven itself yet. */
export interface Trial {
  readonly release: number;
  /** The one that comes back when it fails; none at a first deploy. */
  readonly before?: number;
  /** Containers of that one which ran, or tried to, when the deploy began. */
  readonly alive: readonly string[];
}

export interface EngineInfo {
  readonly version: string;
  /** API version spoken with it, such as `1.41`. */
  readonly api: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Its clock, ISO 8601. */
  readonly time: string;
  /** What it says it cannot do, such as limits its kernel lacks. */
  readonly warnings: readonly string[];
  /** `seccomp`, `apparmor`, … */
  readonly security: readonly string[];
}

/**
 * Apps that may reach the outside do so through a bridge on which this host has an address, and with it everything that
 * listens on all addresses. The fence is a table of the kernel's packet filter that lets them have the proxy's ports and
 * name servers there, and nothing else; and keeps them from what clouds tell every machine at a link-local address.
 */
export interface Fence {
  readonly state: 'up' | 'down' | 'impossible';
  /** Why it cannot be put up. */
  readonly why?: string;
}

/** One snapshot of the world; planning never looks at the world again. */
export interface Observed {
  readonly engine: EngineInfo;
  /** Everything this instance of hostctl made. */
  readonly containers: readonly ContainerView[];
  /** Every network of the engine, ours or not: subnets must not overlap. */
  readonly networks: readonly NetworkView[];
  readonly histories: Readonly<Record<string, History>>;
  readonly identities: Readonly<Record<string, Identity>>;
  /** By project; most have none. */
  readonly unfinished: Readonly<Record<string, Unfinished>>;
  /** Certificates a proxy can load, by project. */
  readonly certificates: Readonly<Record<string, StoredCertificate>>;
  /** Uids of the host's own users. */
  readonly hostUids: readonly number[];
  /** Link below `links/` → where it leads. */
  readonly links: Readonly<Record<string, string>>;
  /** Names below `media/<project>/`, by project. */
  readonly media: Readonly<Record<string, readonly string[]>>;
  /** uid that owns the uploads in a root below `media/`. */
  readonly uploadOwners: Readonly<Record<string, number>>;
  /** Link below `media/` → the directory beside it that it leads to. */
  readonly mediaLinks: Readonly<Record<string, string>>;
  /** Versions of each secret, the newest last, by project and name. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** Containers with files of secrets, by project; they need not exist. */
  readonly secretFiles: Readonly<Record<string, readonly string[]>>;
  /** Whether apps are kept from the services of this host. */
  readonly fence: Fence;
  /** Whether what the proxy has loaded is what the live releases ask for. */
  readonly proxyCurrent: boolean;
}

/** A workload of the live release. */
export function liveWorkload(container: string, history: History | undefined): Workload | undefined {
  return history?.current?.desired.workloads.find((item) => item.container.name === container);
}

/** Whether a container belongs to a release that went live, so that its release command has run. */
export function wasLive(container: string, history: History): boolean {
  return history.releases.some((release) =>
    release.desired.workloads.some((item) => item.container.name === container),
  );
}
