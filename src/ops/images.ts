import { relative } from 'node:path';
import { type Base, type Origin, originsOf } from '../core/base.ts';
import { wrapsImage } from '../core/desired.ts';
import { buildKitNeed } from '../core/dockerfile.ts';
import type { App, Project } from '../core/model.ts';
import { hashOf, LABEL } from '../core/names.ts';
import { chooseServer, type Runtime } from '../core/runtime.ts';
import type { ImageIdentity } from '../core/state.ts';
import type { Step } from '../core/steps.ts';
import { fillTemplate } from '../core/template.ts';
import { count } from '../errors.ts';
import { build } from './builds.ts';
import { workspaceFiles } from '../core/workspace.ts';
import type { BuildContext, Context, ImageView } from '../ports.ts';

/** Build argument of a project's own Dockerfile that asks for one of our bases: `ARG HOSTCTL_PYTHON=python:3.13`. */
const BASE_ARGUMENT = /^\s*ARG\s+HOSTCTL_([A-Z_]+)/gm;
/** An image tag that is not decided before its base is on the engine. */
const PENDING = 'pending';

/** How one image comes to be. */
export type ImageJob =
  | {
      readonly kind: 'build';
      readonly project: string;
      readonly app: string;
      readonly tag: string;
      readonly context: BuildContext;
      readonly dockerfile: string;
      readonly args: Readonly<Record<string, string>>;
      /** What only BuildKit can build of it. */
      readonly buildKit?: string;
    }
  | { readonly kind: 'pull'; readonly project: string; readonly app: string; readonly ref: string };

export interface Images {
  readonly identities: Readonly<Record<string, ImageIdentity>>;
  /** Bases that are not on the engine. */
  readonly bases: readonly Base[];
  /** Images that are not on the engine; builds may have to wait for their base. */
  readonly jobs: readonly ImageJob[];
  readonly steps: readonly Step[];
}

/** Which images a project needs and which of them are missing. Looks, changes nothing. */
export async function resolveImages(project: Project, ctx: Context): Promise<Images> {
  const bases = new Map<string, Base>();
  const jobs: ImageJob[] = [];
  const identities: Record<string, ImageIdentity> = {};
  const steps: Step[] = [];
  for (const app of project.apps) {
    const found = await resolveImage(project, app, ctx, bases);
    identities[app.name] = found.identity;
    const { job } = found;
    if (!job || jobs.some((other) => isSame(other, job))) continue;
    jobs.push(job);
    steps.push(
      job.kind === 'build'
        ? { do: 'build', app: app.name, tag: job.tag, why: buildWhy(job) }
        : { do: 'pull', app: app.name, ref: job.ref, why: 'not on the engine' },
    );
  }
  const missing = [...bases.values()];
  const baseSteps = missing.map((base): Step => ({ do: 'base', base: base.name, why: 'not on the engine' }));
  return { identities, bases: missing, jobs, steps: [...baseSteps, ...steps] };
}

/** Whether two apps wait for one image. Builds whose tag is not known yet may still differ. */
function isSame(a: ImageJob, b: ImageJob): boolean {
  if (a.kind === 'build' && b.kind === 'build') return a.tag === b.tag && !a.tag.endsWith(`:${PENDING}`);
  return a.kind === 'pull' && b.kind === 'pull' && a.ref === b.ref;
}

function buildWhy(job: Extract<ImageJob, { kind: 'build' }>): string {
  return `${count(job.context.files, 'file')} of source, no image of ${job.context.files === 1 ? 'it' : 'them'} yet`;
}

async function resolveImage(
  project: Project,
  app: App,
  ctx: Context,
  bases: Map<string, Base>,
): Promise<{ identity: ImageIdentity; job?: ImageJob }> {
  if (app.source.kind === 'image') {
    const { ref } = app.source;
    const image = await ctx.engine.image(ref);
    if (image) return { identity: { ref, identity: image.id, id: image.id, ...startOf(app, image) } };
    return { identity: { ref }, job: { kind: 'pull', project: project.name, app: app.name, ref } };
  }
  const plan =
    app.source.kind === 'dockerfile' ? await ownBuild(app, ctx, bases) : await runtimeBuild(app, project, ctx, bases);
  const version = plan.bases.includes(undefined)
    ? PENDING
    : hashOf([plan.context.hash, plan.dockerfile, plan.args, plan.bases], 12);
  // Apps made from the same source the same way share an image.
  const tag = `hostctl/${project.name}:${version}`;
  const image = version === PENDING ? undefined : await ctx.engine.image(tag);
  const identity =
    version === PENDING
      ? { ref: tag }
      : { ref: tag, identity: tag, ...(image ? { id: image.id, ...startOf(app, image) } : {}) };
  if (image) return { identity };
  const { bases: _, ...how } = plan;
  return { identity, job: { kind: 'build', project: project.name, app: app.name, tag, ...how } };
}

/** What the image starts, for an app whose start is wrapped. */
function startOf(app: App, { start }: ImageView): Pick<ImageIdentity, 'start'> {
  return start && wrapsImage(app) ? { start } : {};
}

interface BuildPlan {
  readonly context: BuildContext;
  /** Path inside the context. */
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  /** Ids of the bases; undefined for one that is missing. */
  readonly bases: readonly (string | undefined)[];
  /** What only BuildKit can build of it. */
  readonly buildKit?: string;
}

async function runtimeBuild(app: App, project: Project, ctx: Context, missing: Map<string, Base>): Promise<BuildPlan> {
  const source = app.source as Extract<App['source'], { kind: 'runtime' }>;
  const runtime = ctx.templates.runtimes.find((candidate) => candidate.name === source.runtime)!;
  const server = chooseServer(runtime, source.server)!;
  const base = await findBase(server.spec.base, ctx, missing);
  const values = { ...source.values, base: base.ref };
  const extra = new Map([['hostctl/Dockerfile', fillTemplate(runtime.dockerfile, values)]]);
  for (const [name, text] of Object.entries(runtime.files)) extra.set(`hostctl/${name}`, fillTemplate(text, values));
  if (runtime.static) extra.set('hostctl/build.json', buildFile(app, project, runtime));
  // Docker refuses to copy a folder that is not there, and some sources have no dependencies.
  extra.set('hostctl/deps/.keep', '');
  const context = await ctx.files.context(source.dir, extra, {
    prefix: 'source',
    dependencies: runtime.dependencies,
    ignore: runtime.ignore,
    always: definitionsIn(source.dir, ctx.workspace.dir),
  });
  return { context, dockerfile: 'hostctl/Dockerfile', args: {}, bases: [base.id] };
}

/** A workspace inside a source is not part of the site: its definitions are nobody's to read, and change more often. */
function definitionsIn(source: string, workspace: string): string[] {
  const inside = relative(source, workspace);
  return inside === '..' || inside.startsWith('../') ? [] : workspaceFiles(inside);
}

/** What the build itself needs of the definition: collecting static files runs the app's own settings. */
function buildFile(app: App, project: Project, runtime: Runtime): string {
  const wanted = project.media.some(
    ({ source }) => source.kind === 'image' && source.app === app.name && source.path === runtime.static?.from,
  );
  return `${JSON.stringify({ static: wanted, env: wanted ? app.env : {} })}\n`;
}

async function ownBuild(app: App, ctx: Context, missing: Map<string, Base>): Promise<BuildPlan> {
  const { dir, file } = app.source as Extract<App['source'], { kind: 'dockerfile' }>;
  const text = (await ctx.files.read(file)) ?? '';
  const wanted = [...text.matchAll(BASE_ARGUMENT)].map((match) => match[1]!);
  const args: Record<string, string> = {};
  const ids: (string | undefined)[] = [];
  for (const word of new Set(wanted)) {
    const name = word.toLowerCase().replaceAll('_', '-');
    if (!ctx.templates.bases.some((base) => base.name === name)) continue;
    const base = await findBase(name, ctx, missing);
    args[`HOSTCTL_${word}`] = base.ref;
    ids.push(base.id);
  }
  const within = file.startsWith(`${dir}/`);
  const extra = new Map(within ? [] : [['.hostctl.Dockerfile', text]]);
  const context = await ctx.files.context(dir, extra, { prefix: '', dependencies: [], ignore: [], dockerfile: file });
  const dockerfile = within ? file.slice(dir.length + 1) : '.hostctl.Dockerfile';
  const buildKit = buildKitNeed(text);
  return { context, dockerfile, args, bases: ids, ...(buildKit === undefined ? {} : { buildKit }) };
}

/** The image of a base, or what it will be called; a base that is missing is noted. */
async function findBase(name: string, ctx: Context, missing: Map<string, Base>): Promise<{ ref: string; id?: string }> {
  const base = ctx.templates.bases.find((candidate) => candidate.name === name)!;
  const found = await presentOrigin(base, ctx);
  if (found) return found;
  missing.set(name, base);
  return { ref: originsOf(base, ctx.workspace.bases)[0]!.ref };
}

/** The best way to a base that is on the engine already. */
export async function presentOrigin(base: Base, ctx: Context): Promise<(Origin & { id: string }) | undefined> {
  for (const origin of originsOf(base, ctx.workspace.bases)) {
    const image = await ctx.engine.image(origin.ref);
    if (image) return { ...origin, id: image.id };
  }
  return undefined;
}

/** Builds or pulls what is missing. */
export async function makeImage(job: ImageJob, ctx: Context, onLine: (line: string) => void): Promise<void> {
  if (job.kind === 'pull') return ctx.engine.pull(job.ref, onLine);
  const labels = {
    [LABEL.instance]: ctx.workspace.instance,
    [LABEL.role]: 'image',
    [LABEL.project]: job.project,
  };
  const { tag, dockerfile, args, buildKit } = job;
  await build(job.context, { tag, dockerfile, labels, args }, buildKit, ctx, onLine);
}
