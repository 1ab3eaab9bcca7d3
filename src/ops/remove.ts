import { LABEL } from '../core/names.ts';
import type { Observed } from '../core/state.ts';
import type { Plan, Step, StepOf } from '../core/steps.ts';
import type { Context } from '../ports.ts';
import { containersOf, requireDeployed } from './containers.ts';
import { recordedAlone } from './journal.ts';
import { observe } from './observe.ts';
import { reported } from './progress.ts';
import { bareRun } from './run.ts';
import { carryOut } from './steps.ts';

/** What removing a project means. Its volumes and uploads stay, unless they are purged. */
export async function planRemove(project: string, purge: boolean, ctx: Context): Promise<Plan> {
  const observed = await observe(ctx);
  // What an earlier removal that was killed left behind, or the data it left on purpose.
  const left = (observed.histories[project]?.releases.length ?? 0) > 0 || (purge && observed.identities[project]);
  if (!left) requireDeployed(project, observed);
  return { host: [], projects: [{ project, before: stepsFor(project, purge, observed), after: [] }] };
}

function stepsFor(project: string, purge: boolean, observed: Observed): Step[] {
  const all = observed.containers.filter((item) => item.labels[LABEL.project] === project);
  const known = observed.histories[project]?.releases.flatMap((release) => release.desired.workloads) ?? [];
  const stops = containersOf(project, observed)
    .filter((item) => item.state === 'running' || item.state === 'restarting')
    .map((container): StepOf<'stop'> => {
      const workload = known.find((item) => item.container.name === container.name);
      return { do: 'stop', container, timeout: workload?.container.stopTimeout ?? 20, why: 'being removed' };
    });
  const forget: Step[] =
    all.length === 0
      ? []
      : [
          {
            do: 'forget',
            project,
            containers: all.map((item) => item.name),
            releases: [],
            media: [],
            links: [],
            secrets: [],
            secretFiles: [],
            keepImages: [],
            why: 'being removed',
          },
        ];
  const unroute: Step[] = observed.histories[project]?.current
    ? [{ do: 'unroute', project, why: 'being removed' }]
    : [];
  const why = purge ? 'purge was asked for: this cannot be undone' : 'volumes, uploads and secrets stay';
  return [...unroute, ...stops, ...forget, { do: 'erase', project, data: purge, why }];
}

/**
 * Removes a project, as planned when it was asked for; what happened to it since is looked at again.
 * @param wait milliseconds to wait for its lock
 */
export async function remove(project: string, purge: boolean, ctx: Context, wait = 0): Promise<void> {
  await recordedAlone({ project, doing: purge ? 'remove --purge' : 'remove', wait }, ctx, async () => {
    const plan = await planRemove(project, purge, ctx);
    const { histories } = await observe(ctx);
    const run = bareRun(ctx, project, histories[project]);
    for (const step of plan.projects.flatMap((item) => item.before)) {
      await reported(project, step, ctx, () => carryOut(step as StepOf<'stop'>, run));
    }
  });
}
