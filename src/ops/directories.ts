import { PROXY_UID } from '../core/identity.ts';
import { LAYOUT, uploadsPath } from '../core/layout.ts';
import { LABEL } from '../core/names.ts';
import type { MediaSet, Workload } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context, Owner } from '../ports.ts';

/** Who may do what below the data root. The proxy's group passes through; nobody else on the host does. */
const PASSAGE: Owner = { mode: 0o711, uid: 0, gid: 0 };
const PROXY_ONLY: Owner = { mode: 0o750, uid: 0, gid: PROXY_UID };
const PROXY_OWN: Owner = { mode: 0o700, uid: PROXY_UID, gid: PROXY_UID };
const HELPER_LIMITS = { memory: 64 * 1024 ** 2, cpus: 1, pids: 16 };
export const PROXY_FILE: Owner = { mode: 0o640, uid: 0, gid: PROXY_UID };

/** The directories every project shares. */
export async function makeDataRoot(ctx: Context): Promise<void> {
  await ctx.host.sweep();
  await claimRoot(ctx);
  for (const path of ['', LAYOUT.projects, LAYOUT.sockets, LAYOUT.links]) await ctx.host.makeDirectory(path, PASSAGE);
  for (const path of [LAYOUT.media, LAYOUT.proxy, LAYOUT.generations]) await ctx.host.makeDirectory(path, PROXY_ONLY);
  for (const path of [LAYOUT.admin, LAYOUT.spool]) await ctx.host.makeDirectory(path, PROXY_OWN);
}

/** Two instances on one data root would each serve, and clean away, what belongs to the other. */
async function claimRoot(ctx: Context): Promise<void> {
  const { instance, data } = ctx.workspace;
  const owner = (await ctx.host.read(LAYOUT.instance))?.trim();
  if (owner === instance) return;
  if (owner !== undefined) {
    throw new HostctlError('DATA_ROOT', `${data} belongs to the instance ${owner}, not to ${instance}`, {
      exit: EXIT.definition,
      hints: ['give this workspace a `data` of its own in hostctl.yaml'],
    });
  }
  await ctx.host.write(LAYOUT.instance, `${instance}\n`);
}

/** What a container's mounts lead to; must stand before it is made. */
export async function makeWorkloadDirectories(
  workload: Workload,
  media: readonly MediaSet[],
  ctx: Context,
): Promise<void> {
  const uid = workload.container.uid;
  if (workload.socketDir !== undefined) {
    // New files get the proxy's group through the set-group bit, so it may use the socket.
    const owner = { mode: 0o2710, uid: uid ?? 0, gid: PROXY_UID };
    await ctx.host.makeDirectory(`${LAYOUT.sockets}/${workload.socketDir}`, owner);
  }
  for (const volume of workload.volumes) {
    // An image that chooses its own user must be able to write there too.
    const owner = uid === undefined ? { mode: 0o777, uid: 0, gid: 0 } : { mode: 0o750, uid, gid: uid };
    await ctx.host.makeDirectory(volume, owner);
  }
  for (const set of media) {
    if (set.source.kind === 'uploads' && set.source.app === workload.app) await makeUploads(set, uid ?? 0, ctx);
  }
}

/** An empty folder for uploads, or one with what the workspace has to begin with. */
async function makeUploads(set: MediaSet, uid: number, ctx: Context): Promise<void> {
  const root = `${LAYOUT.media}/${set.root}`;
  const [project, name] = set.root.split('/') as [string, string];
  await ctx.host.makeDirectory(LAYOUT.mediaOf(project), PROXY_ONLY);
  const seed = set.source.kind === 'uploads' ? set.source.seed : undefined;
  const inside = set.alias === '/' ? '' : set.alias.slice(1);
  const present = (await ctx.host.list(LAYOUT.mediaOf(project))).includes(name);
  if (!present && seed !== undefined) {
    const options = { ...PROXY_ONLY, strip: 0, prefix: inside, files: { uid, gid: PROXY_UID } };
    await ctx.host.unpack(root, await ctx.files.tar(seed), options);
  }
  const at = uploadsPath(set.root, set.alias);
  // Those of an earlier owner change hands after the switch.
  if (present && (await ctx.host.owner(at)) !== undefined) return;
  await ctx.host.makeDirectory(root, PROXY_ONLY);
  await ctx.host.makeDirectory(at, { mode: 0o2750, uid, gid: PROXY_UID });
}

/**
 * Gives uploads to another user, from inside a container that sees nothing else: an app may put a link in place of a
 * folder at any moment, and there it leads nowhere.
 */
export async function giveUploads(step: StepOf<'own'>, image: string, ctx: Context): Promise<void> {
  const { instance, data } = ctx.workspace;
  const name = `${step.project}-own`;
  await ctx.engine.remove(name);
  await ctx.engine.create({
    name,
    image,
    uid: 0,
    entrypoint: ['chown', '-hR', `${step.uid}:${PROXY_UID}`, '/uploads'],
    command: [],
    env: {},
    labels: { [LABEL.instance]: instance, [LABEL.role]: 'helper', [LABEL.project]: step.project },
    limits: HELPER_LIMITS,
    files: 1024,
    readOnly: true,
    tmpfs: [],
    capabilities: ['CHOWN', 'DAC_OVERRIDE'],
    newPrivileges: false,
    mounts: [{ source: `${data}/${uploadsPath(step.set.root, step.set.alias)}`, target: '/uploads', readOnly: false }],
    networks: [],
    publish: [],
    stopTimeout: 5,
    restart: 'no',
  });
  try {
    await ctx.engine.start(name);
    const code = await ctx.engine.wait(name);
    if (code !== 0)
      throw new HostctlError('DATA_ROOT', `the uploads of ${step.set.alias} could not be given to ${step.uid}`);
  } finally {
    await ctx.engine.remove(name);
  }
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
