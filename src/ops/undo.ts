import { LAYOUT } from '../core/layout.ts';
import { LABEL } from '../core/names.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { removeFence } from './fence.ts';
import { observe } from './observe.ts';
import { removeRenewal } from './renewal-timer.ts';

/** Takes away what `setup` made: proxy, networks, data root. Refuses while projects are deployed; keeps their data. */
export async function undoSetup(ctx: Context): Promise<string[]> {
  const observed = await observe(ctx);
  const deployed = Object.keys(observed.histories).filter((name) => observed.histories[name]!.current);
  if (deployed.length > 0) {
    throw new HostctlError('STILL_DEPLOYED', `${deployed.join(', ')} would go with it`, {
      exit: EXIT.definition,
      hints: [`hostctl remove ${deployed[0]} first`],
    });
  }
  const timer = await removeRenewal(ctx);
  const removed: string[] = timer === undefined ? [] : [timer];
  for (const container of observed.containers) {
    await ctx.engine.stop(container.name, 10);
    await ctx.engine.remove(container.name);
    removed.push(container.name);
  }
  for (const network of observed.networks) {
    if (network.labels[LABEL.instance] !== ctx.workspace.instance) continue;
    await ctx.engine.removeNetwork(network.name);
    removed.push(network.name);
  }
  const fence = await removeFence(ctx);
  if (fence !== undefined) removed.push(fence);
  const left = await ctx.host.list(LAYOUT.projects);
  if (left.length > 0) {
    const text = `${ctx.workspace.data} stays: it holds the data of ${left.join(', ')}, which were removed without --purge`;
    ctx.ui.event({ type: 'note', text });
  } else {
    await ctx.host.remove('');
    removed.push(ctx.workspace.data);
  }
  return removed;
}
