import { desiredState } from '../core/desired.ts';
import { overcommitted } from '../core/memory.ts';
import { liveLinks, planHost } from '../core/host-plan.ts';
import type { Project } from '../core/model.ts';
import { type PlanOptions, planProject } from '../core/plan.ts';
import type { Observed, Desired } from '../core/state.ts';
import type { Plan, ProjectPlan, Step, StepOf } from '../core/steps.ts';
import { needsHttps } from '../core/tls-plan.ts';
import type { Context } from '../ports.ts';
import { ensureBase } from './bases.ts';
import { type Images, makeImage, presentOrigin, resolveImages } from './images.ts';
import { commitmentOf, weighPlans } from './memory.ts';
import { identitiesFor, liveSites, readKey } from './observe.ts';
import { reported } from './progress.ts';
import { frontNames } from './driver.ts';
import { proxyBases, proxySpecs } from './proxy.ts';
import { secretMissing } from './secret-store.ts';

/** Images of some projects, those that are missing included. */
export async function lookAtImages(projects: readonly Project[], ctx: Context): Promise<Map<string, Images>> {
  const pairs = await Promise.all(
    projects.map(async (project) => [project.name, await resolveImages(project, ctx)] as const),
  );
  return new Map(pairs);
}

/** The steps that bring missing images, each base once. */
export function imageSteps(
  images: ReadonlyMap<string, Images>,
  proxyBases: readonly StepOf<'base'>[],
): { host: Step[]; of: (project: string) => Step[] } {
  const bases = new Map<string, Step>(proxyBases.map((step) => [step.base, step]));
  for (const { steps } of images.values()) {
    for (const step of steps) if (step.do === 'base') bases.set(step.base, step);
  }
  return {
    host: [...bases.values()],
    of: (project) => (images.get(project)?.steps ?? []).filter((step) => step.do !== 'base'),
  };
}

/** Brings the bases a host's proxy needs; the others come with the projects. */
export async function prepareProxyBases(ctx: Context): Promise<void> {
  for (const step of await proxyBaseSteps(ctx)) {
    const base = ctx.templates.bases.find((item) => item.name === step.base)!;
    await reported('host', step, ctx, () => ensureBase(base, ctx, outputOf('host', ctx)));
  }
}

/** The steps that bring the proxy's bases, where they are not there. */
export async function proxyBaseSteps(ctx: Context): Promise<StepOf<'base'>[]> {
  const bases = proxyBases(ctx);
  const origins = await Promise.all(bases.map((base) => presentOrigin(base, ctx)));
  return bases
    .filter((_, index) => origins[index] === undefined)
    .map((base) => ({ do: 'base', base: base.name, why: 'the proxy is made of it' }));
}

/** Makes the images that are missing. A project whose image fails is left out and its error kept. */
export async function prepareImages(
  projects: readonly Project[],
  ctx: Context,
): Promise<{ images: ReadonlyMap<string, Images>; failures: ReadonlyMap<string, unknown> }> {
  const failures = new Map<string, unknown>();
  const sound = (): Project[] => projects.filter((project) => !failures.has(project.name));
  let images = await lookAtEach(sound(), failures, ctx);
  const bases = new Map([...images.values()].flatMap((item) => item.bases.map((base) => [base.name, base] as const)));
  for (const base of bases.values()) {
    const step: Step = { do: 'base', base: base.name, why: 'not on the engine' };
    try {
      await reported('host', step, ctx, () => ensureBase(base, ctx, outputOf('host', ctx)));
    } catch (error) {
      for (const [project, item] of images) if (item.bases.includes(base)) failures.set(project, error);
    }
  }
  // A build's tag depends on its base, which was not known before.
  if (bases.size > 0) images = await lookAtEach(sound(), failures, ctx);

  const jobs = [...images].flatMap(([project, item]) => item.jobs.map((job) => ({ project, job, item })));
  for (const { project, job, item } of jobs) {
    const step = item.steps.find((candidate) => 'app' in candidate && candidate.app === job.app)!;
    try {
      await reported(project, step, ctx, () => makeImage(job, ctx, outputOf(project, ctx)));
    } catch (error) {
      failures.set(project, error);
    }
  }
  if (jobs.length > 0) images = new Map([...images, ...(await lookAtEach(sound(), failures, ctx))]);
  return { images, failures };
}

/** Images of those projects that can be looked at; the others fail. */
async function lookAtEach(
  projects: readonly Project[],
  failures: Map<string, unknown>,
  ctx: Context,
): Promise<Map<string, Images>> {
  const found = new Map<string, Images>();
  await Promise.all(
    projects.map(async (project) => {
      try {
        found.set(project.name, await resolveImages(project, ctx));
      } catch (error) {
        failures.set(project.name, error);
      }
    }),
  );
  return found;
}

/** Images that were made before a lock was waited for: another deploy may have removed them as unused meanwhile. */
export async function stillPresent(project: Project, images: Images, ctx: Context): Promise<Images> {
  const found = await Promise.all(Object.values(images.identities).map(({ ref }) => ctx.engine.image(ref)));
  if (!found.includes(undefined)) return images;
  const again = await prepareImages([project], ctx);
  for (const error of again.failures.values()) throw error;
  return again.images.get(project.name)!;
}

function outputOf(project: string, ctx: Context): (line: string) => void {
  return (line) => ctx.ui.event({ type: 'output', project, line });
}

/** What a project should be, from its definition. */
export async function desiredFor(project: Project, images: Images, observed: Observed, ctx: Context): Promise<Desired> {
  const mediaVersions: Record<string, string> = {};
  for (const { alias, source } of [...project.media, ...project.pages]) {
    if (source.kind === 'folder' || source.kind === 'file')
      mediaVersions[alias] = await ctx.files.fingerprint(source.path);
  }
  return desiredState({
    project,
    workspace: ctx.workspace,
    identity: observed.identities[project.name]!,
    images: images.identities,
    runtimes: ctx.templates.runtimes,
    mediaVersions,
    key: await readKey(ctx),
    secrets: newestOf(project, observed),
  });
}

/** Which versions a deploy uses. That there are any was looked at before the images were made. */
function newestOf({ name, apps }: Project, observed: Observed): Record<string, number> {
  const stored = observed.secrets[name] ?? {};
  const names = new Set(apps.flatMap((app) => app.secrets.map((secret) => secret.name)));
  return Object.fromEntries(
    [...names].map((secret) => {
      const newest = stored[secret]?.at(-1);
      if (newest === undefined) throw secretMissing(name, secret);
      return [secret, newest];
    }),
  );
}

/** What projects should be, with the uids they would be given where they have none. */
export async function desiredForAll(
  projects: readonly Project[],
  images: ReadonlyMap<string, Images>,
  observed: Observed,
  ctx: Context,
): Promise<Desired[]> {
  const known = { ...observed, identities: identitiesFor(projects, observed) };
  return Promise.all(projects.map((project) => desiredFor(project, images.get(project.name)!, known, ctx)));
}

/** The whole plan for some desired states. */
export async function planAll(
  desired: readonly Desired[],
  observed: Observed,
  options: Omit<PlanOptions, 'workspace' | 'proxies' | 'at' | 'by'>,
  ctx: Context,
): Promise<Plan> {
  const full: PlanOptions = {
    ...options,
    workspace: ctx.workspace,
    proxies: frontNames(ctx),
    at: new Date(ctx.clock.now()).toISOString(),
    by: ctx.who,
  };
  const sites = [...liveSites(observed.histories), ...desired.flatMap((item) => item.site ?? [])];
  const secure = needsHttps(sites, observed, ctx.workspace);
  const host = planHost(observed, await proxySpecs(observed, secure, ctx), ctx.workspace);
  const restored = host.some((step) => step.do === 'restore') ? withLinks(observed) : observed;
  // Networks that are only planned take their subnets too.
  let known = withNetworks(restored, host);
  const stopFirst = new Map<string, () => ProjectPlan>();
  const plans = desired.map((item) => {
    const before = known;
    const plan = planProject(item, before, full);
    stopFirst.set(item.project, () => planProject(item, before, { ...full, stopFirst: true }));
    known = withNetworks(known, plan.before);
    return plan;
  });
  const projects = await weighPlans(plans, ({ project }) => stopFirst.get(project)!(), observed, ctx);
  const starts = projects.some(({ memory }) => memory !== undefined);
  const warning = starts ? overcommitted(commitmentOf(observed, desired, ctx)) : undefined;
  return { host, projects, ...(warning === undefined ? {} : { overcommitted: warning }) };
}

function withLinks(observed: Observed): Observed {
  const { links, mediaLinks } = liveLinks(observed.histories);
  return {
    ...observed,
    links: { ...observed.links, ...links },
    mediaLinks: { ...observed.mediaLinks, ...mediaLinks },
  };
}

function withNetworks(observed: Observed, steps: readonly Step[]): Observed {
  const planned = steps.flatMap((step) =>
    step.do === 'network'
      ? [{ id: '', name: step.network.name, labels: step.network.labels, subnets: [step.network.subnet] }]
      : [],
  );
  return planned.length === 0 ? observed : { ...observed, networks: [...observed.networks, ...planned] };
}
