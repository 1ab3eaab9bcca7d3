import type { CertificateSource } from './certificate.ts';
import type { Notify } from './journal.ts';
import type { Hostname } from './hostnames.ts';
import type { RouteSettings } from './settings.ts';

/** Hard limits of one container. */
export interface Limits {
  /** Bytes. */
  readonly memory: number;
  /** Cores; 0.5 is half of one. */
  readonly cpus: number;
  readonly pids: number;
}

/** What hostctl.yaml says, with the defaults filled in. */
export interface Workspace {
  /** Directory of hostctl.yaml. */
  readonly dir: string;
  readonly instance: string;
  /** Data root: an absolute path on the engine's host. */
  readonly data: string;
  /** `unix:///…`; undefined leaves it to the environment. */
  readonly engine?: string;
  readonly proxy: ProxySettings;
  readonly tls: WorkspaceTls;
  readonly bases: BaseSettings;
  readonly builds: BuildSettings;
  readonly whenShort: WhenShort;
  /** CIDR hostctl takes its networks from. */
  readonly pool: string;
  readonly limits: Limits;
  /** Earlier releases kept for a rollback. */
  readonly keep: number;
  /** Milliseconds new copies are watched after the switch. */
  readonly watch: number;
  readonly notify?: Notify;
}

export type DriverName = 'traefik' | 'nginx';

/** The forms of its routes that hostctl can print. */
export const RENDERED = ['traefik', 'nginx', 'labels', 'swarm-labels'] as const;
export type Rendered = (typeof RENDERED)[number];

export interface ProxySettings {
  readonly driver: DriverName;
  readonly address: string;
  readonly http: number;
  readonly https: number;
  /** Whether hostctl.yaml names the port, so that it is published even while no site needs it. */
  readonly httpsWanted: boolean;
  /** A Traefik that somebody else runs and that is only given a file. */
  readonly existing?: ExistingTraefik;
}

export interface ExistingTraefik {
  /** Name of its container, which joins the networks of the projects. */
  readonly container: string;
  /** Directory of this machine that its file provider watches. */
  readonly directory: string;
  /** Its entry points for http and https. */
  readonly entryPoints: { readonly http: string; readonly https: string };
}

/** Where certificates are ordered. */
export interface WorkspaceTls {
  /** URL of the ACME directory. */
  readonly directory: string;
  readonly email?: string;
  /** Certificates of a private authority, PEM. */
  readonly trust?: string;
  /** DNS servers to ask; empty for those of this machine. */
  readonly resolvers: readonly string[];
  readonly dns: {
    readonly hook?: readonly string[];
    readonly provider?: string;
    /** Variables for the provider. */
    readonly env?: Readonly<Record<string, string>>;
    /** Milliseconds. */
    readonly wait: number;
  };
}

/** What a build may use, where hostctl.yaml says so. */
export interface BuildSettings {
  /** Bytes. */
  readonly memory?: number;
  /** Cores. */
  readonly cpus?: number;
}

/** What a deploy does that does not fit into the memory that is free. */
type WhenShort = 'refuse' | 'stop-first' | 'ignore';

export interface BaseSettings {
  readonly from: 'auto' | 'registry' | 'debian';
  readonly registry?: string;
  /** Debian mirror for bases made here. */
  readonly mirror?: string;
  readonly images: Readonly<Record<string, string>>;
}

/** One definition, checked and with the defaults filled in. */
export interface Project {
  readonly name: string;
  readonly file: string;
  readonly hostnames: readonly Hostname[];
  readonly apps: readonly App[];
  readonly media: readonly Media[];
  /** Bytes. */
  readonly maxBody: number;
  /** Milliseconds the proxy waits for an app. */
  readonly timeout: number;
  readonly settings?: RouteSettings;
  /** Pages of the settings: files that only the proxy itself asks for. */
  readonly pages: readonly Media[];
  readonly tls?: Tls;
}

export interface Tls {
  readonly source: CertificateSource;
  /** Whether http leads to https. */
  readonly redirect: boolean;
}

export interface App {
  readonly name: string;
  readonly source: Source;
  readonly listen: Listen;
  /** Milliseconds it surely keeps an idle connection open; absent when that is not known. */
  readonly keepAlive?: number;
  /** The URL path it answers; absent for apps that get no requests. */
  readonly path?: string;
  /** Overrides the runtime's or image's own. */
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly AppSecret[];
  readonly limits: Limits;
  readonly health: Health;
  readonly release?: readonly string[];
  readonly replicas: number;
  /** A visitor stays with one replica. */
  readonly sticky: boolean;
  readonly volumes: readonly Volume[];
  /** Empty, writable folders. */
  readonly writable: readonly string[];
  readonly needs: readonly string[];
  readonly egress: boolean;
  /** Milliseconds. */
  readonly drain: number;
  readonly stop: number;
  readonly relax: readonly Relaxation[];
}

export type Source =
  | {
      readonly kind: 'runtime';
      readonly runtime: string;
      /** Absolute path on this machine. */
      readonly dir: string;
      /** Values for the runtime's templates. */
      readonly values: Readonly<Record<string, string>>;
      /** Application server, for runtimes that have several. */
      readonly server?: string;
    }
  | { readonly kind: 'dockerfile'; readonly dir: string; readonly file: string }
  | { readonly kind: 'image'; readonly ref: string };

/** How the proxy reaches an app. */
export type Listen =
  | { readonly kind: 'socket' }
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'none' };

export interface AppSecret {
  readonly name: string;
  /** A variable as well as a file. */
  readonly env: boolean;
}

export interface Health {
  /** Asked over HTTP; absent for apps that speak none. */
  readonly path?: string;
  readonly expect: readonly number[];
  readonly command?: readonly string[];
  /** Milliseconds until it must be ready. */
  readonly within: number;
  /** Milliseconds it is watched after the switch; absent: as long as usual. */
  readonly watch?: number;
}

export interface Volume {
  readonly name: string;
  readonly at: string;
  /** Two copies may write at once. */
  readonly shared: boolean;
}

/** One exception from the hardening. */
export interface Relaxation {
  readonly allow: string;
  readonly reason: string;
}

export interface Media {
  /** URL path, without a closing slash. */
  readonly alias: string;
  readonly source:
    | { readonly kind: 'folder' | 'file'; readonly path: string }
    | { readonly kind: 'uploads'; readonly app: string; readonly mount: string; readonly seed?: string }
    | { readonly kind: 'image'; readonly app: string; readonly path: string };
  /** Seconds. */
  readonly maxAge: number;
}
