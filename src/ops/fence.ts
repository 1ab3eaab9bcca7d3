import {
  egressBridge,
  fenceRules,
  fenceTable,
  fenceUnit,
  fenceUnitPath,
  isInForce,
  resolversIn,
} from '../core/fence.ts';
import { LAYOUT } from '../core/layout.ts';
import type { Fence, NetworkView } from '../core/state.ts';
import type { Context } from '../ports.ts';

/** Where engines look for name servers: systemd-resolved's own file when the usual one only names its loopback address. */
const RESOLV_CONFS = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** Whether apps are kept from the services of this host, and if that cannot be, why. */
export async function readFence(networks: readonly NetworkView[], ctx: Context): Promise<Fence> {
  if (!ctx.machine.root) return { state: 'impossible', why: 'only root may look at the packet filter' };
  if (!(await ctx.machine.has('nft'))) return { state: 'impossible', why: 'the program nft is missing' };
  const bridge = egressBridge(ctx.workspace.instance, networks);
  if (bridge !== undefined && !(await isHere(bridge, ctx))) {
    return { state: 'impossible', why: 'the engine keeps its networks apart from this system' };
  }
  const { code, output } = await ctx.machine.run(['nft', 'list', 'table', 'inet', fenceTable(ctx.workspace.instance)]);
  if (code !== 0 && !output.includes('No such file')) {
    return { state: 'impossible', why: `nft does not work here: ${output.trim().split('\n')[0]}` };
  }
  const up = bridge !== undefined && code === 0 && isInForce(await rulesFor(bridge, ctx), output);
  return { state: up ? 'up' : 'down' };
}

/** Whether the bridge is one of this system, and not of a container or machine the engine runs in. */
async function isHere(bridge: string, ctx: Context): Promise<boolean> {
  return ((await ctx.machine.read('/proc/self/net/dev')) ?? '').includes(`${bridge}:`);
}

async function rulesFor(bridge: string, ctx: Context): Promise<string> {
  const { instance, pool, proxy } = ctx.workspace;
  const texts = await Promise.all(RESOLV_CONFS.map(async (path) => (await ctx.machine.read(path)) ?? ''));
  const daemon = (await ctx.machine.read('/etc/docker/daemon.json')) ?? '';
  return fenceRules({ instance, bridge, proxy, pool, resolvers: resolversIn(texts, daemon) });
}

/** Puts the fence up, now and for the next start of the machine. A deploy does not fail for it: `doctor` and `audit` tell. */
export async function raiseFence(ctx: Context): Promise<void> {
  const bridge = egressBridge(ctx.workspace.instance, await ctx.engine.networks());
  if (bridge === undefined || !(await isHere(bridge, ctx))) return;
  const rules = await rulesFor(bridge, ctx);
  const { code, output } = await ctx.machine.run(['nft', rules]);
  if (code !== 0) {
    const text = `apps reach services of this host, since nft refused the rules against it: ${output.trim()}`;
    ctx.ui.event({ type: 'warning', text });
    return;
  }
  await ctx.host.write(LAYOUT.fence, rules);
  await installUnit(ctx);
}

async function installUnit(ctx: Context): Promise<void> {
  if (!(await ctx.machine.systemd())) return;
  const path = fenceUnitPath(ctx.workspace.instance);
  const wanted = fenceUnit(`${ctx.workspace.data}/${LAYOUT.fence}`);
  if ((await ctx.machine.read(path)) === wanted) return;
  await ctx.files.write(path, wanted);
  await ctx.machine.run(['systemctl', 'daemon-reload']);
  await ctx.machine.run(['systemctl', 'enable', path.split('/').at(-1)!]);
}

/** Takes the fence away again. Returns its name if there was one. */
export async function removeFence(ctx: Context): Promise<string | undefined> {
  const table = fenceTable(ctx.workspace.instance);
  const path = fenceUnitPath(ctx.workspace.instance);
  if ((await ctx.machine.read(path)) !== undefined) {
    await ctx.machine.run(['systemctl', 'disable', path.split('/').at(-1)!]);
    await ctx.machine.run(['rm', '-f', path]);
    await ctx.machine.run(['systemctl', 'daemon-reload']);
  }
  if (!ctx.machine.root || !(await ctx.machine.has('nft'))) return undefined;
  const { code } = await ctx.machine.run(['nft', 'delete', 'table', 'inet', table]);
  await ctx.host.remove(LAYOUT.fence);
  return code === 0 ? `packet filter table ${table}` : undefined;
}
