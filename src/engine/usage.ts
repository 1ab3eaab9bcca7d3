import { z } from 'zod';
import type { Usage } from '../ports.ts';

/** One answer of `GET /containers/<name>/stats?one-shot=true`. */
export const statsSample = z.object({
  /** ISO 8601 with nanoseconds. */
  read: z.string(),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z.object({ usage: z.number().optional(), stats: z.record(z.string(), z.number()).optional() }),
  pids_stats: z.object({ current: z.number().optional() }).optional(),
});

export type StatsSample = z.infer<typeof statsSample>;

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
