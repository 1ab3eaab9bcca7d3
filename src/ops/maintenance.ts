import { randomBytes } from 'node:crypto';
import { LAYOUT, passPath, probePass } from '../core/layout.ts';
import { parseNetwork } from '../core/networks.ts';
import type { Closed } from '../core/results.ts';
import type { Maintenance } from '../core/settings.ts';
import type { Observed } from '../core/state.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { requireDeployed } from './containers.ts';
import { recorded } from './journal.ts';
import { ensureKey, observe } from './observe.ts';
import { changeRecord } from './route.ts';
import { hostOf } from './asked.ts';

/**
 * Closes a site to visitors until it is opened again, whatever is deployed meanwhile. Closed once more, it keeps its
 * link; addresses that are given take the place of those given before.
 */
export async function close(project: string, addresses: readonly string[], ctx: Context): Promise<Closed> {
  const bypass = addresses.map(readAddress);
  requireSite(project, await observe(ctx));
  const key = await ensureKey(ctx);
  const change = (text: string | undefined): string => {
    const before = text === undefined ? undefined : (JSON.parse(text) as Maintenance);
    const maintenance: Maintenance = {
      since: before?.since ?? new Date(ctx.clock.now()).toISOString(),
      by: before?.by ?? ctx.who,
      token: before?.token ?? randomBytes(16).toString('hex'),
      probe: probePass(key, project),
      bypass: bypass.length > 0 ? bypass : (before?.bypass ?? []),
    };
    return `${JSON.stringify(maintenance, undefined, 2)}\n`;
  };
  await recorded(project, 'maintenance on', ctx, async (begin) => {
    await begin();
    await changeRecord(LAYOUT.maintenance(project), change, `closing ${project}`, ctx);
  });
  return closedSite(project, await observe(ctx), ctx)[0]!;
}

/** Opens a site again. Returns whether it was closed. */
export async function open(project: string, ctx: Context): Promise<boolean> {
  const observed = await observe(ctx);
  requireDeployed(project, observed);
  await recorded(project, 'maintenance off', ctx, async (begin) => {
    await begin();
    await changeRecord(LAYOUT.maintenance(project), () => undefined, `opening ${project}`, ctx);
  });
  return observed.histories[project]?.maintenance !== undefined;
}

function readAddress(text: string): string {
  const network = parseNetwork(text);
  if (network.ok) return network.value;
  throw new HostctlError('USAGE', `--bypass ${network.message}`, { exit: EXIT.definition });
}

function requireSite(project: string, observed: Observed): void {
  requireDeployed(project, observed);
  if (observed.histories[project]?.current?.desired.site) return;
  throw new HostctlError('NO_SITE', `no visitor reaches ${quote(project)}, so there is nothing to open or close`, {
    exit: EXIT.definition,
    hints: ['only projects with hostnames have visitors'],
  });
}

/** What there is to know of a project that is closed; nothing of one that is open. */
export function closedSite(project: string, observed: Observed, ctx: Context): Closed[] {
  const { maintenance, current } = observed.histories[project] ?? {};
  if (!maintenance || !current?.desired.site) return [];
  const { since, by, token, bypass } = maintenance;
  const { http } = ctx.workspace.proxy;
  const host = `${hostOf(current.desired)}${http === 80 ? '' : `:${http}`}`;
  const all = [...(current.desired.site.settings?.maintenance?.bypass ?? []), ...bypass];
  return [{ project, since, by, link: `http://${host}${passPath(token)}`, bypass: [...new Set(all)] }];
}
