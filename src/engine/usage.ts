import type { Usage } from '../ports.ts';

/** One answer of `GET /containers/<name>/stats?one-shot=true`. */
export interface StatsSample {
  /** ISO 8601 with nanoseconds. */
  readonly read: string;
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage: number } };
  readonly memory_stats: { readonly usage?: number; readonly stats?: Readonly<Record<string, number>> };
  readonly pids_stats?: { readonly current?: number };
}

/** Bytes without file cache the kernel can drop at once. */
export function memoryOf({ memory_stats }: StatsSample): number {
  const { usage = 0, stats = {} } = memory_stats;
  return Math.max(0, usage - (stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0));
}

/** Cores are what was used between the samples. */
export function usageBetween(first: StatsSample, second: StatsSample): Usage {
  const seconds = (Date.parse(second.read) - Date.parse(first.read)) / 1000;
  const used = (second.cpu_stats.cpu_usage.total_usage - first.cpu_stats.cpu_usage.total_usage) / 1e9;
  return {
    memory: memoryOf(second),
    cpus: seconds > 0 ? Math.max(0, used / seconds) : 0,
    pids: second.pids_stats?.current ?? 0,
  };
}
