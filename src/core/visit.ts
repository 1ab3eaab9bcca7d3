/** Asking the proxy, as a visitor and as its owner. */
import type { Upstream } from './routes.ts';

export type Answer =
  | { readonly ok: true; readonly status: number; readonly ms: number; readonly location?: string }
  | { readonly ok: false; readonly reason: string; readonly ms: number };

export interface ProbeRequest {
  readonly host: string;
  readonly path: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Whose site it is; it lets hostctl in also while it is closed for maintenance. */
  readonly project?: string;
  /** Goes where the proxy sends who asks for https instead: the site has it, or may. */
  readonly secure?: boolean;
  /** Sees the 404 for nobody's hostname, which hostctl's other visits get no answer for. */
  readonly anybody?: boolean;
}

export interface Prober {
  /** Asks a container that is not routed yet, with the headers a visitor's request would have. */
  candidate(upstream: ProbeTarget, request: ProbeRequest): Promise<Answer>;
  /** Asks through the public port, as a visitor does. */
  visit(request: ProbeRequest): Promise<Answer>;
  /** Name of the generation the proxy has loaded, or undefined while it does not answer. */
  generation(): Promise<string | undefined>;
  /** Routes the proxy has taken in and cannot use, with its reasons. */
  faults(): Promise<string[]>;
}

export type ProbeTarget = { readonly kind: 'socket'; readonly path: string } | Extract<Upstream, { kind: 'port' }>;
