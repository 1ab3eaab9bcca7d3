import { PROXY_UID } from '../core/identity.ts';
import { LAYOUT, uploadsPath } from '../core/layout.ts';
import { LABEL } from '../core/names.ts';
import type { MediaSet, Workload } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { PROXY_ONLY } from './directories.ts';
import { helperSpec, runOnce } from './run-once.ts';

/** The folders an app uploads to; must stand before its container is made. */
export async function makeUploads(workload: Workload, media: readonly MediaSet[], ctx: Context): Promise<void> {
  for (const set of media) {
    const { source } = set;
    if (source.kind === 'uploads' && source.app === workload.app) {
      await makeFolder(set, source.seed, workload.container.uid ?? 0, ctx);
    }
  }
}

/** An empty folder, or one with what the workspace has to begin with. */
async function makeFolder(set: MediaSet, seed: string | undefined, uid: number, ctx: Context): Promise<void> {
  const root = `${LAYOUT.media}/${set.root}`;
  const [project, name] = set.root.split('/') as [string, string];
  await ctx.host.makeDirectory(LAYOUT.mediaOf(project), PROXY_ONLY);
  const present = (await ctx.host.list(LAYOUT.mediaOf(project))).includes(name);
  if (!present && seed !== undefined) {
    const prefix = set.alias === '/' ? '' : set.alias.slice(1);
    const options = { ...PROXY_ONLY, strip: 0, prefix, files: { uid, gid: PROXY_UID } };
    await ctx.host.unpack(root, await ctx.files.tar(seed), options);
  }
  await ctx.host.makeDirectory(root, PROXY_ONLY);
  const at = uploadsPath(set.root, set.alias);
  // An earlier owner goes on writing until the switch; root's is what a killed deploy had just begun.
  const owner = (await ctx.host.owner(at)) || uid;
  await ctx.host.makeDirectory(at, { mode: 0o2750, uid: owner, gid: PROXY_UID });
}

/**
 * Gives uploads to another user, from inside a container that sees nothing else: an app may put a link in place of a
 * folder at any moment, and there it leads nowhere.
 */
export async function giveUploads(step: StepOf<'own'>, image: string, ctx: Context): Promise<void> {
  const source = `${ctx.workspace.data}/${uploadsPath(step.set.root, step.set.alias)}`;
  const spec = helperSpec(
    {
      name: `${step.project}-own`,
      image,
      uid: 0,
      entrypoint: ['chown', '-hR', `${step.uid}:${PROXY_UID}`, '/uploads'],
      labels: { [LABEL.project]: step.project },
      capabilities: ['CHOWN', 'DAC_OVERRIDE'],
      mounts: [{ source, target: '/uploads', readOnly: false }],
    },
    ctx,
  );
  await runOnce(spec, ctx, (code) => {
    if (code === 0) return;
    throw new HostctlError('DATA_ROOT', `the uploads of ${step.set.alias} could not be given to ${step.uid}`);
  });
}

/** A copy of a folder, a file or a part of an image, laid out as its URL. */
export async function makeMedia(set: MediaSet, container: string | undefined, ctx: Context): Promise<void> {
  const { source, alias } = set;
  if (source.kind === 'uploads') return;
  const [project] = set.root.split('/') as [string];
  await ctx.host.makeDirectory(LAYOUT.mediaOf(project), PROXY_ONLY);
  const parts = alias.split('/').filter((part) => part !== '');
  const target = `${LAYOUT.media}/${set.root}`;
  // Files that did not change stay the same files: no more space, and the same ETag for who has them.
  const live = set.link && (await ctx.host.readLink(`${LAYOUT.media}/${set.link}`));
  const like = live === undefined ? {} : { like: `${LAYOUT.mediaOf(project)}/${live}` };
  if (source.kind === 'image') {
    const tar = await ctx.engine.copyFrom(container!, source.path);
    await ctx.host.unpack(target, tar, { ...PROXY_ONLY, ...like, strip: 1, prefix: parts.join('/') });
    return;
  }
  const tar = await ctx.files.tar(source.path);
  const single = source.kind === 'file' ? { name: parts.at(-1)! } : {};
  const prefix = (source.kind === 'file' ? parts.slice(0, -1) : parts).join('/');
  await ctx.host.unpack(target, tar, { ...PROXY_ONLY, ...like, strip: 0, prefix, ...single });
}
