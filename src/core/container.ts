import type { Limits } from './model.ts';

/**
 * What hostctl asks the engine for. Small on purpose: whatever is not here, no container of hostctl can have. The
 * hardening that never varies (no capabilities, capped logs, init, …) is added in `engine/options.ts`.
 */
export interface ContainerSpec {
  readonly name: string;
  /** Tag or id of an image on the engine. */
  readonly image: string;
  /** uid and gid; absent leaves it to the image (`relax: image-user`). */
  readonly uid?: number;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: Limits;
  /** Open files; the daemon's own limit is the ceiling. */
  readonly files: number;
  readonly readOnly: boolean;
  readonly tmpfs: readonly Tmpfs[];
  readonly capabilities: readonly string[];
  readonly newPrivileges: boolean;
  readonly mounts: readonly Mount[];
  /** Empty: no network at all. */
  readonly networks: readonly NetworkUse[];
  readonly publish: readonly Publish[];
  /** Seconds between SIGTERM and SIGKILL. */
  readonly stopTimeout: number;
  readonly stopSignal?: string;
  readonly restart: 'always' | 'no';
}

export interface Tmpfs {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly exec: boolean;
  /** Owner; absent means everybody may write, as in /tmp. */
  readonly uid?: number;
}

export interface Mount {
  /** Absolute path on the engine's host; must exist. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface NetworkUse {
  readonly name: string;
  /** DNS names on that network besides the container's own. */
  readonly aliases: readonly string[];
}

interface Publish {
  readonly address: string;
  readonly hostPort: number;
  readonly port: number;
}

/** A network to make. */
export interface NetworkSpec {
  readonly name: string;
  readonly subnet: string;
  /** No way out, and the host has no address on it. */
  readonly internal: boolean;
  /** Whether containers on it can reach each other. */
  readonly between: boolean;
  readonly labels: Readonly<Record<string, string>>;
}
