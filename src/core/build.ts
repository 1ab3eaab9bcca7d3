import type { Limits } from './model.ts';

/** What an engine builds an image with. */
export interface BuildOptions {
  readonly tag: string;
  /** Path inside the context. */
  readonly dockerfile: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly args: Readonly<Record<string, string>>;
  /** What a step may use. Without, BuildKit builds it, which takes no limits. */
  readonly caps?: Pick<Limits, 'memory' | 'cpus'>;
  /** Ends the build, and what runs in it. */
  readonly signal?: AbortSignal;
}
