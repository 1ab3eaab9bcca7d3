import type { Step } from '../core/steps.ts';
import type { Context } from '../ports.ts';

export interface StepOfProject {
  /** `host` for what all projects share. */
  readonly project: string;
  readonly step: Step;
}

/** Does the work of a step and tells the person how it goes. */
export function reported<T>(project: string, step: Step, ctx: Context, work: () => Promise<T>): Promise<T> {
  return reportedTogether([{ project, step }], ctx, work);
}

/** The same for steps that are one piece of work. */
export async function reportedTogether<T>(
  steps: readonly StepOfProject[],
  ctx: Context,
  work: () => Promise<T>,
): Promise<T> {
  const since = ctx.clock.ticks();
  for (const item of steps) ctx.ui.event({ type: 'step', status: 'started', ...item });
  const end = (status: 'done' | 'failed'): void => {
    for (const item of steps)
      ctx.ui.event({ type: 'step', status, ...item, ms: Math.round(ctx.clock.ticks() - since) });
  };
  try {
    const result = await work();
    end('done');
    return result;
  } catch (error) {
    end('failed');
    throw error;
  }
}
