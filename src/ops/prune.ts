import { LAYOUT } from '../core/layout.ts';
import { LABEL } from '../core/names.ts';
import { type BuiltImage, planPrune, type Pruned } from '../core/prune.ts';
import type { PruneItem } from '../core/results.ts';
import type { Observed } from '../core/state.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { observe } from './observe.ts';
import { oldGenerations } from './generation.ts';

/** What `prune` would remove. */
export async function findPrunable(ctx: Context): Promise<PruneItem[]> {
  const observed = await observe(ctx);
  const images = await builtImages(ctx);
  const found = await Promise.all(
    projectsOf(observed, images).map((project) => prunable(project, observed, images, ctx)),
  );
  return [...found.flat().map(shown), ...(await generations(ctx)).map(shown)];
}

/** Removes it, project by project, each with its lock: one that is being deployed is left alone. Returns what went. */
export async function prune(ctx: Context): Promise<PruneItem[]> {
  const done: PruneItem[] = [];
  const projects = projectsOf(await observe(ctx), await builtImages(ctx));
  for (const project of projects) {
    await withLock(project, ctx, async () => {
      const images = await builtImages(ctx);
      for (const item of await prunable(project, await observe(ctx), images, ctx)) {
        await removeItem(item, ctx);
        done.push(shown(item));
      }
    });
  }
  await withLock('the proxy', ctx, async () => {
    for (const item of await generations(ctx)) {
      await removeItem(item, ctx);
      done.push(shown(item));
    }
  });
  return done;
}

async function withLock(name: string, ctx: Context, work: () => Promise<void>): Promise<void> {
  let unlock: () => Promise<void>;
  try {
    unlock = await ctx.host.lock(name, 'prune');
  } catch (error) {
    if (!(error instanceof HostctlError && error.code === 'LOCKED')) throw error;
    ctx.ui.event({ type: 'note', text: `${name} is left alone: ${error.message}` });
    return;
  }
  try {
    await work();
  } finally {
    await unlock();
  }
}

/** All that anything of this instance is labelled with, or on record. */
function projectsOf(observed: Observed, images: readonly BuiltImage[]): string[] {
  const labelled = observed.containers.flatMap((item) => item.labels[LABEL.project] ?? []);
  const networks = observed.networks.flatMap((item) => item.labels[LABEL.project] ?? []);
  const names = [...Object.keys(observed.histories), ...labelled, ...networks, ...images.map((image) => image.project)];
  return [...new Set(names)].toSorted();
}

async function prunable(
  project: string,
  observed: Observed,
  images: readonly BuiltImage[],
  ctx: Context,
): Promise<Pruned[]> {
  const [sockets, files] = await Promise.all([ctx.host.list(LAYOUT.sockets), ctx.host.list(LAYOUT.releases(project))]);
  const records = files.map((file) => Number.parseInt(file, 10)).filter((id) => Number.isInteger(id));
  return planPrune(project, observed, { images, sockets, records, instance: ctx.workspace.instance });
}

async function builtImages(ctx: Context): Promise<BuiltImage[]> {
  const images = await ctx.engine.images(`${LABEL.instance}=${ctx.workspace.instance}`);
  return images.flatMap(({ id, labels, tags, size }) => {
    const project = labels[LABEL.project];
    return project === undefined || labels[LABEL.role] !== 'image' ? [] : [{ id, project, tags, size }];
  });
}

async function generations(ctx: Context): Promise<Pruned[]> {
  const why = 'a configuration the proxy had before';
  return (await oldGenerations([], ctx)).map((name) => {
    const path = `${LAYOUT.generations}/${name}`;
    return { kind: 'folder', name: path, why, path };
  });
}

function shown({ path: _path, ...item }: Pruned): PruneItem {
  return item;
}

async function removeItem({ kind, project, name, path }: Pruned, ctx: Context): Promise<void> {
  if (kind === 'container') {
    // Before the container: killed in between, the next one still knows of it.
    await ctx.host.remove(LAYOUT.secretFilesOf(project!, name));
    await ctx.engine.remove(name);
  } else if (kind === 'image') await ctx.engine.removeImage(name);
  else if (kind === 'network') await ctx.engine.removeNetwork(name);
  else await ctx.host.remove(path!);
}
