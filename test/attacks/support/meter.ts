import { Agent } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { ask } from '../../e2e/support/http.ts';
import type { Lab } from '../../e2e/support/lab.ts';

/** What a neighbour's visitors noticed. Milliseconds. */
export interface Latency {
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly firstFailure?: string;
}

/** Visits a site at a steady rate, whatever becomes of its answers, while `work` goes on; at least `seconds` long. */
export async function measure(
  lab: Lab,
  host: string,
  work: () => Promise<unknown>,
  { seconds = 2, perSecond = 50 } = {},
): Promise<Latency> {
  const kept = new Agent({ keepAlive: true, maxSockets: 64 });
  const times: number[] = [];
  let failed = 0;
  let firstFailure: string | undefined;
  const pending = new Set<Promise<void>>();
  const since = performance.now();
  const visit = async (number: number): Promise<void> => {
    const sent = performance.now();
    const reply = await ask(lab, host, '/', number % 2 === 0 ? { agent: kept } : {});
    times.push(performance.now() - sent);
    if (reply.status === 200) return;
    failed += 1;
    firstFailure ??= `${reply.status} ${reply.body.slice(0, 60)} after ${Math.round(performance.now() - sent)} ms`;
  };
  let count = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - since) / 1000) * perSecond;
    for (; count < due; count += 1) {
      const sent = visit(count).finally(() => pending.delete(sent));
      pending.add(sent);
    }
  }, 5);
  try {
    await Promise.all([work(), setTimeout(seconds * 1000)]);
  } finally {
    clearInterval(timer);
    await Promise.all(pending);
    kept.destroy();
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    requests: sorted.length,
    failed,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    ...(firstFailure ? { firstFailure } : {}),
  };
}

export function latencyCells({ requests, failed, p50, p99, max }: Latency): string[] {
  return [String(requests), String(failed), ...[p50, p99, max].map((ms) => ms.toFixed(1))];
}

export const LATENCY_HEAD = ['requests', 'failed', 'p50 ms', 'p99 ms', 'max ms'];
