import type { Desired, History, HookRecord } from '../core/state.ts';
import type { ContainerState, Context } from '../ports.ts';
import type { Watch } from './watch.ts';

/** What carrying out one project's steps needs beside the steps. */
export interface Run {
  readonly ctx: Context;
  readonly desired: Desired;
  readonly history: History;
  /** When visitors were led to the new release, by the clock's ticks. */
  switched?: number;
  /** When the proxy loaded another configuration for this, likewise. */
  reloaded?: number;
  /** What release commands did. */
  readonly hooks: HookRecord[];
  /** Containers as they were when they were ready. */
  readonly proven: Map<string, ContainerState>;
  /** What a visitor sees meanwhile, if the project answers visitors. */
  visits?: Watch;
}

/** A run of steps that are about no release. */
export function bareRun(ctx: Context, project = '', history: History = { releases: [] }): Run {
  return { ctx, desired: { project, workloads: [], media: [], images: {} }, history, hooks: [], proven: new Map() };
}
