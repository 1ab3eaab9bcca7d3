import { type Commitment, type MemoryFacts, type MemoryNeed, readAvailable } from '../core/memory.ts';
import { committed, memoryNeed, runningCopies } from '../core/memory-plan.ts';
import type { Desired, Observed } from '../core/state.ts';
import type { ProjectPlan } from '../core/steps.ts';
import type { Context } from '../ports.ts';
import { partsOf } from './driver.ts';

/** Bytes of this machine's memory that programs can still get; undefined where it cannot be read. */
export async function freeMemory(ctx: Context): Promise<number | undefined> {
  return readAvailable(await ctx.machine.read('/proc/meminfo'));
}

/**
 * Says of each plan what its new containers take beside the old ones. What would not fit is planned again, with the old
 * copies stopped first, where hostctl.yaml wants it so.
 * @param stopFirst the plan of a project whose copies may not run side by side
 */
export async function weighPlans(
  plans: readonly ProjectPlan[],
  stopFirst: (plan: ProjectPlan) => ProjectPlan,
  observed: Observed,
  ctx: Context,
): Promise<ProjectPlan[]> {
  const facts = await lookAtMemory(plans, observed, ctx);
  if (!facts) return [...plans];
  return plans.map((plan) => {
    const memory = memoryNeed(plan, observed, facts);
    if (!memory) return plan;
    if (memory.fits || !memory.beside || ctx.workspace.whenShort !== 'stop-first') return { ...plan, memory };
    const other = stopFirst(plan);
    return { ...other, memory: memoryNeed(other, observed, facts)! };
  });
}

async function lookAtMemory(
  plans: readonly ProjectPlan[],
  observed: Observed,
  ctx: Context,
): Promise<MemoryFacts | undefined> {
  const free = await freeMemory(ctx);
  if (free === undefined) return undefined;
  const names = plans.flatMap((plan) => runningCopies(plan, observed).map(({ name }) => name));
  const used = await Promise.all(names.map(async (name) => [name, await ctx.engine.memory(name)] as const));
  return {
    free,
    used: Object.fromEntries(used.flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, bytes]]))),
  };
}

/** Memory limits of everything on this host, against what it has. @param desired what some projects are about to be */
export function commitmentOf(observed: Observed, desired: readonly Desired[], ctx: Context): Commitment {
  const proxy = partsOf(ctx).reduce((total, part) => total + part.memory, 0);
  return committed(observed, desired, proxy);
}

/** What the plans of projects that are switched together need at once. */
export function needOf(plans: readonly ProjectPlan[]): MemoryNeed | undefined {
  const needs = plans.flatMap(({ memory }) => memory ?? []);
  if (needs.length < 2) return needs[0];
  const together = needs.reduce((total, { needs: bytes }) => total + bytes, 0);
  return { ...needs[0]!, needs: together, beside: needs.some(({ beside }) => beside) };
}
