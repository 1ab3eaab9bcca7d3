import { PROXY_UID } from '../core/identity.ts';
import { LAYOUT } from '../core/layout.ts';
import type { Workload } from '../core/state.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context, Owner } from '../ports.ts';
import { partsOf } from './driver.ts';
import { makeSecretFiles } from './secret-store.ts';

/** Who may do what below the data root. The proxy's group passes through; nobody else on the host does. */
const PASSAGE: Owner = { mode: 0o711, uid: 0, gid: 0 };
export const PROXY_ONLY: Owner = { mode: 0o750, uid: 0, gid: PROXY_UID };
const PROXY_OWN: Owner = { mode: 0o700, uid: PROXY_UID, gid: PROXY_UID };
export const PROXY_FILE: Owner = { mode: 0o640, uid: 0, gid: PROXY_UID };

/** The directories every project shares. */
export async function makeDataRoot(ctx: Context): Promise<void> {
  await ctx.host.sweep();
  await claimRoot(ctx);
  for (const path of ['', LAYOUT.projects, LAYOUT.sockets, LAYOUT.links]) await ctx.host.makeDirectory(path, PASSAGE);
  for (const path of [LAYOUT.media, LAYOUT.proxy, LAYOUT.generations, LAYOUT.tls, LAYOUT.challenges])
    await ctx.host.makeDirectory(path, PROXY_ONLY);
  for (const { from, write } of partsOf(ctx).flatMap((part) => part.mounts)) {
    if (![LAYOUT.sockets, LAYOUT.links].some((path) => path === from)) {
      await ctx.host.makeDirectory(from, write ? PROXY_OWN : PROXY_ONLY);
    }
  }
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
export async function makeWorkloadDirectories(workload: Workload, ctx: Context): Promise<void> {
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
  await makeSecretFiles(workload, ctx);
}
