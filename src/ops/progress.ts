import type { Step } from '../core/steps.ts';
import type { Context } from '../ports.ts';

/** Does the work of a step and tells the person how it goes. `project` is `host` for what all projects share. */
export async function reported<T>(project: string, step: Step, ctx: Context, work: () => Promise<T>): Promise<T> {
  const since = ctx.clock.now();
  ctx.ui.event({ type: 'step', status: 'started', project, step });
  try {
    const result = await work();
    ctx.ui.event({ type: 'step', status: 'done', project, step, ms: ctx.clock.now() - since });
    return result;
  } catch (error) {
    ctx.ui.event({ type: 'step', status: 'failed', project, step, ms: ctx.clock.now() - since });
    throw error;
  }
}
