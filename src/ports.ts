/** Every effect hostctl can have. If it is not here, hostctl cannot do it. */
import type { Readable } from 'node:stream';
import type { ReadBack } from './core/audit-container.ts';
import type { BuildOptions } from './core/build.ts';
import type { ContainerSpec, NetworkSpec } from './core/container.ts';
import type { Journal, Notifier } from './core/journal.ts';
import type { Locks } from './core/lock.ts';
import type { Limits, Workspace } from './core/model.ts';
import type { Authority, Dns } from './core/order.ts';
import type { Web } from './core/reply.ts';
import type { Prober } from './core/visit.ts';
import type { Base } from './core/base.ts';
import type { Runtime } from './core/runtime.ts';
import type { ContainerView, EngineInfo, ImageStart, NetworkView } from './core/state.ts';
import type { Step } from './core/steps.ts';

// ---- the engine

/** What inspecting a container tells beyond the list. */
export interface ContainerState {
  readonly name: string;
  readonly image: string;
  readonly running: boolean;
  readonly restarting: boolean;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly restarts: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly limits: Limits;
  /** Address per network. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface ImageView {
  readonly id: string;
  /** What it starts; a list of images does not tell. */
  readonly start?: ImageStart;
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /** `name@sha256:…` in registries it was pulled from or pushed to. */
  readonly digests: readonly string[];
  /** Bytes, shared layers counted in full. */
  readonly size: number;
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface LogOptions {
  readonly tail?: number;
  readonly follow?: boolean;
  /** Seconds since 1970. */
  readonly since?: number;
  readonly timestamps?: boolean;
  readonly signal?: AbortSignal;
}

export interface Usage {
  /** Bytes, without what the kernel could drop at once; `Engine.memory` is that alone, quickly, of one that runs. */
  readonly memory: number;
  /** Cores in use over the time of the sample. */
  readonly cpus: number;
  readonly pids: number;
}

/** "Already so" is success everywhere: starting what runs, removing what is gone. Failures are HostctlErrors. */
export interface Engine {
  info(): Promise<EngineInfo>;
  /** Everything labelled with the instance, running or not: one call. */
  containers(instance: string): Promise<ContainerView[]>;
  inspect(name: string): Promise<ContainerState | undefined>;
  readBack(name: string, spec?: ContainerSpec): Promise<ReadBack | undefined>;
  networks(): Promise<NetworkView[]>;
  image(ref: string): Promise<ImageView | undefined>;
  images(label: string): Promise<ImageView[]>;

  /** Creates and reads back; a container that is not as asked is removed and reported. */
  create(spec: ContainerSpec): Promise<void>;
  start(name: string): Promise<void>;
  /** Takes the restart policy off first, so that it stays down whatever happens to the engine. */
  stop(name: string, seconds: number): Promise<void>;
  /** Gives the restart policy back, then starts. */
  resume(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  setLimits(name: string, limits: Limits): Promise<void>;
  /** Waits for it to end and returns its exit code. */
  wait(name: string, signal?: AbortSignal): Promise<number>;
  /** Runs a program inside. After `within` milliseconds (a minute) it counts as failed: EXEC_TIMEOUT. */
  exec(name: string, argv: readonly string[], within?: number): Promise<{ code: number; output: string }>;
  logs(name: string, options?: LogOptions): AsyncIterable<LogLine>;
  usage(name: string): Promise<Usage>;
  memory(name: string): Promise<number | undefined>;
  /** Tar of a path inside a container that need not run. */
  copyFrom(name: string, path: string): Promise<Readable>;

  createNetwork(spec: NetworkSpec): Promise<void>;
  connect(network: string, container: string): Promise<void>;
  removeNetwork(name: string): Promise<void>;

  build(context: Readable, options: BuildOptions, onLine: (line: string) => void): Promise<string>;
  pull(ref: string, onLine: (line: string) => void): Promise<void>;
  /** Makes an image of a root file system. */
  importImage(tar: Readable, tag: string, labels: Readonly<Record<string, string>>): Promise<void>;
  removeImage(ref: string): Promise<void>;
}

/** A terminal inside a container. Separate from Engine: only `hostctl exec` needs it. */
export interface Terminal {
  attach(name: string, argv: readonly string[], options: { tty: boolean }): Promise<number>;
}

// ---- the engine's host

export interface Owner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The data root. All paths are relative to it. */
export interface Host extends Locks, Journal {
  read(path: string): Promise<string | undefined>;
  /** Names in a directory; empty when it is not there. */
  list(path: string): Promise<string[]>;
  /** Beside, flushed, renamed: a reader sees the old content or the new one. Makes the directories above. */
  write(path: string, content: string | Uint8Array, owner?: Owner): Promise<void>;
  makeDirectory(path: string, owner: Owner): Promise<void>;
  /** Paths of regular files in and below a directory, relative to it, at most so many; hidden ones are left out. */
  files(path: string, most: number): Promise<string[]>;
  /** The uid something belongs to; undefined when it is not there. */
  owner(path: string): Promise<number | undefined>;
  /** Points a symbolic link somewhere else in one step. */
  link(path: string, target: string): Promise<void>;
  readLink(path: string): Promise<string | undefined>;
  /** Unpacks regular files and folders of a tar into a new directory, all or nothing. */
  unpack(path: string, tar: Readable, options: UnpackOptions): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes what writes of processes that are gone left half done. */
  sweep(): Promise<void>;
  /** Bytes free below the data root. */
  free(): Promise<number>;
}

/** The owner and mode are those of the new directory itself. */
export interface UnpackOptions extends Owner {
  /** Owner of what is inside; root otherwise. */
  readonly files?: { readonly uid: number; readonly gid: number };
  /** Leading path components to drop. */
  readonly strip: number;
  /** Put the content below this path inside the new directory. */
  readonly prefix: string;
  /** The one file of the tar gets this name. */
  readonly name?: string;
  /** An earlier directory; files with the same content become the same file. */
  readonly like?: string;
}

export type { Answer, Prober, ProbeRequest, ProbeTarget } from './core/visit.ts';

// ---- this machine

/** The definitions and sources, on the machine hostctl runs on. Paths are absolute. */
export interface Files {
  read(path: string, maxBytes?: number): Promise<string | undefined>;
  kind(path: string): Promise<'file' | 'folder' | undefined>;
  list(path: string): Promise<string[]>;
  /** The path with every symbolic link followed; undefined when it is not there. */
  real(path: string): Promise<string | undefined>;
  write(path: string, text: string): Promise<void>;
  /** What a build would get, with a hash of names, modes and contents. */
  context(dir: string, extra: ReadonlyMap<string, string>, options: ContextOptions): Promise<BuildContext>;
  /** Changes with the names, sizes and times of a folder or file; cheap. */
  fingerprint(path: string): Promise<string>;
  /** A folder, or a single file under its own name. */
  tar(path: string): Promise<Readable>;
}

export interface ContextOptions {
  /** Directory inside the context the source lands in; empty for its root. */
  readonly prefix: string;
  /** Globs of source files that are also put below `hostctl/deps/`. */
  readonly dependencies: readonly string[];
  /** What to leave out when there is no `.dockerignore`. */
  readonly ignore: readonly string[];
  /** What to leave out whatever that says. */
  readonly always?: readonly string[];
  /** Absolute path of the project's own Dockerfile. */
  readonly dockerfile?: string;
}

export interface BuildContext {
  readonly hash: string;
  readonly files: number;
  /** Bytes of file content. */
  readonly size: number;
  tar(): Readable;
}

/** What lies in `templates/`: adding a runtime or a base is adding a folder there. */
export interface Templates {
  readonly runtimes: readonly Runtime[];
  readonly bases: readonly Base[];
  /** Texts of a proxy driver's files, by name. */
  proxy(driver: string): Promise<Readonly<Record<string, string>>>;
  read(name: string): Promise<string>;
}

/** Programs and facts of this machine, for `setup` and `doctor`. */
export interface Machine {
  run(argv: readonly string[], options?: RunOptions): Promise<{ code: number; output: string }>;
  /** Starts a program and leaves it running. */
  detach(argv: readonly string[], log: string): void;
  /** Output of a program as a stream; fails when it exits with anything but 0. */
  stream(argv: readonly string[], onLine: (line: string) => void): Readable;
  has(program: string): Promise<boolean>;
  /** A new empty directory, for as long as it is needed. */
  temporary(): Promise<string>;
  discard(dir: string): Promise<void>;
  read(path: string): Promise<string | undefined>;
  readonly root: boolean;
  /** How hostctl itself is called: absolute paths. */
  readonly self: readonly string[];
  /** Whether systemd runs here. */
  systemd(): Promise<boolean>;
  readonly pid: number;
  /** Version of Node.js. */
  readonly node: string;
  /** Whether something listens on a TCP port. */
  listens(port: number): Promise<boolean>;
}

export interface RunOptions {
  readonly onLine?: (line: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is ended. */
  readonly within?: number;
}

export interface Clock {
  /** Milliseconds since 1970: for what is written down. Somebody may set the clock at any moment. */
  now(): number;
  /** Milliseconds since the machine started, with a fraction, the same for all its processes; nobody can set it. For what is waited for. */
  ticks(): number;
  sleep(ms: number): Promise<void>;
}

// ---- the person

export type Event =
  | {
      readonly type: 'step';
      readonly status: 'started' | 'done' | 'failed';
      readonly project: string;
      readonly step: Step;
      readonly ms?: number;
    }
  | { readonly type: 'output'; readonly project: string; readonly line: string }
  | { readonly type: 'note' | 'warning'; readonly project?: string; readonly text: string };

export interface Ui {
  event(event: Event): void;
  /** Asks only on a terminal; elsewhere fails naming the flag that answers. */
  confirm(question: string, flag: string): Promise<boolean>;
  ask(question: string, flag: string): Promise<string>;
  /** The same, and what is typed is not shown. @param instead how to answer where nobody can be asked */
  askHidden(question: string, instead: string): Promise<string>;
  /** Ends live output, so that what follows stands below it. */
  close(): void;
}

/** Everything an operation may touch. Made in `context.ts`, in memory by the tests. */
export interface Context {
  readonly workspace: Workspace;
  readonly templates: Templates;
  readonly engine: Engine;
  /** Whether that is the engine of this system, at its usual socket: the only one `setup` can start. */
  readonly systemEngine: boolean;
  readonly host: Host;
  readonly prober: Prober;
  readonly authority: Authority;
  readonly dns: Dns;
  readonly web: Web;
  readonly files: Files;
  readonly machine: Machine;
  readonly notifier: Notifier;
  readonly ui: Ui;
  readonly clock: Clock;
  /** user@machine, for records and locks. */
  readonly who: string;
}
