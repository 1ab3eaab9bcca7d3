import { type Commitment, type MemoryFacts, type MemoryNeed, reserveOf } from './memory.ts';
import { LABEL } from './names.ts';
import type { ContainerView, Desired, Observed, Workload } from './state.ts';
import type { ProjectPlan } from './steps.ts';

/** What a plan's new containers take beside what runs already; undefined when it starts none. */
export function memoryNeed(plan: ProjectPlan, observed: Observed, facts: MemoryFacts): MemoryNeed | undefined {
  const starting = startedBy(plan, observed);
  if (starting.length === 0) return undefined;
  const stopped = plan.before.flatMap((step) => (step.do === 'stop' ? [step.container.name] : []));
  const copies = copiesOf(starting, plan.project, observed);
  const beside = copies.filter(({ name }) => !stopped.includes(name));
  // A release command runs in a container of its own, with the limits of its app.
  const tasks = plan.before.flatMap((step) => (step.do === 'task' ? [step.workload.container.limits.memory] : []));
  const worst = sum(starting.map(({ container }) => container.limits.memory)) + Math.max(0, ...tasks);
  const needs = Math.max(0, worst - sum(stopped.map((name) => facts.used[name] ?? 0)));
  const reserve = reserveOf(observed.engine.memory);
  return {
    needs,
    ...likelyUse(starting, copies, facts),
    beside: beside.length > 0,
    ...overlap(plan, starting, beside, observed),
    free: facts.free,
    reserve,
    fits: needs + reserve <= facts.free,
  };
}

/** Copies that run of the apps a plan starts something of. */
export function runningCopies(plan: ProjectPlan, observed: Observed): ContainerView[] {
  return copiesOf(startedBy(plan, observed), plan.project, observed);
}

function startedBy(plan: ProjectPlan, observed: Observed): Workload[] {
  const runs = new Set(observed.containers.filter(({ state }) => state === 'running').map(({ name }) => name));
  return plan.before.flatMap((step) =>
    (step.do === 'run' || step.do === 'start') && !runs.has(step.workload.container.name) ? [step.workload] : [],
  );
}

function copiesOf(workloads: readonly Workload[], project: string, observed: Observed): ContainerView[] {
  const apps = new Set(workloads.map(({ app }) => app));
  return observed.containers.filter(
    ({ labels, state }) =>
      state === 'running' &&
      labels[LABEL.role] === 'app' &&
      labels[LABEL.project] === project &&
      apps.has(labels[LABEL.app] ?? ''),
  );
}

/** A new copy will probably use what the ones before it use now; nobody knows, so it is told and decides nothing. */
function likelyUse(
  starting: readonly Workload[],
  copies: readonly ContainerView[],
  { used }: MemoryFacts,
): { likely?: number } {
  const known = copies.filter(({ name }) => used[name] !== undefined);
  if (known.length === 0) return {};
  const each = starting.map(({ app, container }) => {
    const figures = known.filter(({ labels }) => labels[LABEL.app] === app).map(({ name }) => used[name]!);
    return figures.length > 0 ? sum(figures) / figures.length : container.limits.memory;
  });
  return { likely: Math.round(sum(each)) };
}

/** How long old copies run beside new ones: until those are ready, and then until what they were asked is answered. */
function overlap(
  plan: ProjectPlan,
  starting: readonly Workload[],
  beside: readonly ContainerView[],
  observed: Observed,
): { ms?: number; measured: boolean } {
  const leaving = plan.after.flatMap((step) =>
    step.do === 'retire' && beside.some(({ name }) => name === step.container.name) ? [step.drain] : [],
  );
  const last = observed.histories[plan.project]?.current?.startedIn;
  if (leaving.length === 0) return { measured: false };
  const start = last ?? Math.max(...starting.map(({ health }) => health.within));
  const watched = plan.after.flatMap((step) => (step.do === 'watch' ? [step.ms] : []));
  return { ms: start + Math.max(...watched, ...leaving), measured: last !== undefined };
}

/** Memory limits of all that is live, once some projects are as they should be. @param proxy bytes it may use */
export function committed(observed: Observed, desired: readonly Desired[], proxy: number): Commitment {
  const changing = new Map(desired.map((item) => [item.project, item]));
  const others = Object.entries(observed.histories).flatMap(([project, { current }]) =>
    current && !changing.has(project) ? [current.desired] : [],
  );
  const workloads = [...others, ...changing.values()].flatMap((item) => item.workloads);
  return {
    limits: proxy + sum(workloads.map(({ container }) => container.limits.memory)),
    total: observed.engine.memory,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, item) => total + item, 0);
}
