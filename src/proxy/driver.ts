import type { ProxySettings } from '../core/model.ts';
import type { Site } from '../core/routes.ts';

export interface GeneratedFile {
  /** Relative to the generation's directory. */
  readonly path: string;
  readonly text: string;
}

export interface DriverInput {
  /** What the live releases route, in any order. */
  readonly sites: readonly Site[];
  readonly settings: ProxySettings;
  /** Cores of the engine's host. */
  readonly cpus: number;
  /** Opens the admin socket. */
  readonly token: string;
  /** Text of the files in `templates/proxies/<driver>/`. */
  readonly templates: Readonly<Record<string, string>>;
}

/** A whole configuration, named by its content. */
export interface Generation {
  readonly name: string;
  readonly files: readonly GeneratedFile[];
}

/** A proxy: a pure function from routes to files, and how its container checks and loads them. */
export interface ProxyDriver {
  readonly name: string;
  /** Base its container is made from. */
  readonly base: string;
  readonly generation: (input: DriverInput) => Generation;
  /** Command of the proxy's container. */
  readonly start: readonly string[];
  /** Checks a generation inside the running container; anything but exit code 0 without warnings refuses it. */
  readonly check: (generation: string) => readonly string[];
  /** Loads what `live` leads to. */
  readonly load: readonly string[];
  /** Milliseconds for which the configuration before may still answer on connections that were open at a load. */
  readonly linger: number;
}
