import type { DriverName, ProxySettings, Workspace } from '../core/model.ts';
import type { ProxyPart } from '../core/proxy-part.ts';
import type { RuleView } from '../core/results.ts';
import type { Site } from '../core/routes.ts';

export interface GeneratedFile {
  /** Relative to the generation's directory. */
  readonly path: string;
  readonly text: string;
}

/** A certificate in the data root, as a configuration names it. */
interface LoadedCertificate {
  /** Its directory below the project's; absent for one that the proxy has from somewhere else. */
  readonly version?: string;
  /** DNS names it is for. */
  readonly names: readonly string[];
}

export interface DriverInput {
  /** What the live releases route, in any order. */
  readonly sites: readonly Site[];
  readonly settings: ProxySettings;
  readonly instance: string;
  /** By project; a site that wants one and has none speaks plain http. */
  readonly certificates: Readonly<Record<string, LoadedCertificate>>;
  /** Projects whose certificate the proxy should order, where it does that itself. */
  readonly ordering: readonly string[];
  /** Cores of the engine's host. */
  readonly cpus: number;
  /** Opens the admin socket. */
  readonly token: string;
  /** Text of the files in `templates/proxies/nginx/`. */
  readonly templates: Readonly<Record<string, string>>;
}

/** A whole configuration, named by its content. */
export interface Generation {
  readonly name: string;
  readonly files: readonly GeneratedFile[];
}

/** A request whose rules are asked for. */
export interface AskedRequest {
  readonly project: string;
  readonly scheme: 'http' | 'https';
  readonly method: string;
  /** Lower case, without a port. */
  readonly host: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Path decoded and tidied up. */
  readonly path: string;
}

/** A program run inside a part. */
export interface PartCommand {
  readonly part: string;
  readonly argv: readonly string[];
}

/**
 * A proxy: a pure function from routes to files, the containers it consists of, and how they check and load a
 * configuration. What tells drivers apart is data, so that nobody asks which one it is.
 */
export interface ProxyDriver {
  readonly name: DriverName;
  /** Whether it reaches apps over unix sockets; otherwise those built from a runtime listen on TCP. */
  readonly sockets: boolean;
  /** Set for one that orders certificates by itself: the file below the data root in which it keeps those of an authority. */
  readonly storage?: (directory: string) => string;
  /** Its containers in the order they start, the one that publishes the ports last (unless somebody else runs that). @param secure whether https is one of them */
  readonly parts: (workspace: Workspace, secure: boolean) => readonly ProxyPart[];
  readonly generation: (input: DriverInput) => Generation;
  /** The rules of a generation that a request goes by, in the order it meets them. */
  readonly explain: (files: readonly GeneratedFile[], asked: AskedRequest) => readonly RuleView[];
  /** Checks a generation; anything but exit code 0 without warnings refuses it. */
  readonly check: (generation: string) => PartCommand;
  /** Loads what the driver's link leads to. */
  readonly load: PartCommand;
  /** File of a generation that is loaded by being put in its place, after `load`. @see LAYOUT */
  readonly publish?: { readonly file: string; readonly at: string };
  /** Milliseconds for which the configuration before may still take new connections once a new one has answered. */
  readonly overlap: number;
  /** Milliseconds for which the configuration before may still answer on connections that were open at a load. */
  readonly linger: number;
  /** The same for new visitors, who may meet a connection that the parts keep between them. */
  readonly pooled: number;
}
