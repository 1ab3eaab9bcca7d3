import type { Observed } from '../core/state.ts';
import type { Project } from '../core/model.ts';
import type { Outcome } from '../core/results.ts';
import type { Plan, Step } from '../core/steps.ts';
import type { Context } from '../ports.ts';
import { makeDataRoot } from './directories.ts';
import { execute, type ExecuteOptions, takenRoutes } from './execute.ts';
import { recordedAll } from './journal.ts';
import { loadProjects, type Selection, selectProjects, selectSound } from './load.ts';
import { missingSecrets } from './need-secrets.ts';
import { claimIdentities, ensureKey, observeSettled } from './observe.ts';
import {
  desiredFor,
  desiredForAll,
  imageSteps,
  lookAtImages,
  planAll,
  prepareImages,
  prepareProxyBases,
  proxyBaseSteps,
  stillPresent,
} from './prepare.ts';
import { ownCertificates } from './tls.ts';

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
  // Before anything is read: who begins later has seen the newer definitions and sources.
  const turn = Math.round(ctx.clock.ticks() * 1000);
  const { projects, broken } = await select(names, ctx);
  const known = [...projects, ...broken.map((item) => ({ name: item.project }))].map(({ name }) => name);
  return recordedAll(known, 'deploy', ctx, async (recorder) => [
    ...broken.map((item): Outcome => ({ ...item, changed: false })),
    ...(await deployAll(projects, { ...options, turn, recorder }, ctx)),
  ]);
}

async function deployAll(
  projects: readonly Project[],
  options: Omit<ExecuteOptions, 'doing' | 'own'>,
  ctx: Context,
): Promise<Outcome[]> {
  // Who would not wait for a lock should not wait for a build either.
  if (options.wait === 0 && projects.length === 1) await (await ctx.host.lock(projects[0]!.name, 'deploy'))();
  await makeDataRoot(ctx);
  await ensureKey(ctx);
  await prepareProxyBases(ctx);
  const { images, failures } = await prepareImages(projects, ctx);
  const certificates = await ownCertificates(projects, ctx);
  const fails = new Map([...failures, ...certificates.failures]);
  const built = projects.filter((project) => !fails.has(project.name));
  await claimIdentities(built, ctx);
  const targets = built.map((project) => ({
    project: project.name,
    desired: async (observed: Observed) =>
      desiredFor(project, await stillPresent(project, images.get(project.name)!, ctx), observed, ctx),
  }));
  const { own } = certificates;
  const outcomes = targets.length === 0 ? [] : await execute(targets, ctx, { ...options, own, doing: 'deploy' });
  return [...[...fails].map(([project, error]): Outcome => ({ project, changed: false, error })), ...outcomes];
}

/** A plan, and the definitions that are no good: their projects stay as they are. */
export interface Planned extends Plan {
  readonly broken: Selection['broken'];
}

/** What `deploy` would do, without doing any of it. */
export async function plan(names: readonly string[] | 'all', ctx: Context): Promise<Planned> {
  const { projects, broken } = await select(names, ctx);
  const images = await lookAtImages(projects, ctx);
  const observed = await observeSettled(ctx);
  const desired = await desiredForAll(projects, images, observed, ctx);
  for (const error of takenRoutes(desired, observed).values()) throw error;
  const { own } = await ownCertificates(projects, ctx);
  const result = await planAll(desired, observed, { own }, ctx);
  const missing = imageSteps(images, await proxyBaseSteps(ctx));
  const first = (project: string, steps: readonly Step[]): Step[] => [...missing.of(project), ...steps];
  return {
    ...result,
    broken,
    host: [...missing.host, ...result.host],
    projects: result.projects.map((item) => ({ ...item, before: first(item.project, item.before) })),
  };
}

/** All that are sound, or exactly those that were named. */
async function select(names: readonly string[] | 'all', ctx: Context): Promise<Selection> {
  const read = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  const loaded = { ...read, problems: [...read.problems, ...(await missingSecrets(read, names, ctx))] };
  return names === 'all' ? selectSound(loaded) : { projects: selectProjects(loaded, names), broken: [] };
}
