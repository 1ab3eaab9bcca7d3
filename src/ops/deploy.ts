import type { Project } from '../core/model.ts';
import type { Outcome } from '../core/results.ts';
import type { Plan, Step } from '../core/steps.ts';
import type { Context } from '../ports.ts';
import { makeDataRoot } from './directories.ts';
import { execute } from './execute.ts';
import { loadProjects, selectProjects } from './load.ts';
import { ensureKey, observe } from './observe.ts';
import { desiredFor, imageSteps, lookAtImages, planAll, prepareImages, prepareProxyBase } from './prepare.ts';

export interface DeployOptions {
  /** Milliseconds to wait for the lock of a project. */
  readonly wait: number;
}

/** Makes projects what their definitions say. */
export async function deploy(
  names: readonly string[] | 'all',
  ctx: Context,
  options: DeployOptions,
): Promise<Outcome[]> {
  const projects = await select(names, ctx);
  await makeDataRoot(ctx);
  await ensureKey(ctx);
  await prepareProxyBase(ctx);
  const { images, failures } = await prepareImages(projects, ctx);
  const built = projects.filter((project) => !failures.has(project.name));
  const targets = built.map((project) => ({
    project: project.name,
    desired: (observed: Parameters<typeof desiredFor>[2]) =>
      desiredFor(project, images.get(project.name)!, observed, ctx),
  }));
  const outcomes = targets.length === 0 ? [] : await execute(targets, ctx, { ...options, doing: 'deploy' });
  return [...[...failures].map(([project, error]): Outcome => ({ project, changed: false, error })), ...outcomes];
}

/** What `deploy` would do, without doing any of it. */
export async function plan(names: readonly string[] | 'all', ctx: Context): Promise<Plan> {
  const projects = await select(names, ctx);
  const images = await lookAtImages(projects, ctx);
  const observed = await observe(ctx);
  const desired = await Promise.all(
    projects.map((project) => desiredFor(project, images.get(project.name)!, observed, ctx)),
  );
  const result = await planAll(desired, observed, {}, ctx);
  const missing = imageSteps(images);
  const first = (project: string, steps: readonly Step[]): Step[] => [...missing.of(project), ...steps];
  return {
    host: [...missing.host, ...result.host],
    projects: result.projects.map((item) => ({ ...item, before: first(item.project, item.before) })),
  };
}

async function select(names: readonly string[] | 'all', ctx: Context): Promise<Project[]> {
  const loaded = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  return selectProjects(loaded, names);
}
