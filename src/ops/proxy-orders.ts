/** Certificates that a proxy orders and keeps by itself. */
import { namesToOrder, type StoredCertificate, uncoveredNames } from '../core/certificate.ts';
import { LAYOUT } from '../core/layout.ts';
import type { Site } from '../core/routes.ts';
import { quote } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { edgeName } from './driver.ts';
import { restoreRoutes } from './route.ts';
import { readKept } from './certificates.ts';

const POLL_MS = 500;
const WAIT_MS = 90_000;

/** Has the proxy order a certificate, and waits until it has one. Returns its end, in milliseconds since 1970. */
export async function orderByProxy(site: Site, ctx: Context): Promise<number> {
  const marker = LAYOUT.ordering(site.project);
  const since = Math.floor(ctx.clock.now() / 1000);
  await ctx.host.write(marker, `${JSON.stringify(namesToOrder(site.hostnames))}\n`);
  try {
    await restoreRoutes(ctx);
    const kept = await waitFor(site, since, ctx);
    await restoreRoutes(ctx);
    return kept.notAfter;
  } catch (error) {
    // It would try again and again, and use up what the authority forgives.
    await ctx.host.remove(marker);
    await restoreRoutes(ctx).catch(() => undefined);
    throw error;
  }
}

async function waitFor(site: Site, since: number, ctx: Context): Promise<StoredCertificate> {
  const until = ctx.clock.ticks() + WAIT_MS + (site.tls?.acme === 'dns' ? ctx.workspace.tls.dns.wait : 0);
  for (;;) {
    const kept = await readKept(site, ctx);
    if (kept && uncoveredNames(namesToOrder(site.hostnames), kept.names).length === 0) return kept;
    const refusal = await refusalOf(site, since, ctx);
    if (refusal !== undefined || ctx.clock.ticks() > until) {
      const names = namesToOrder(site.hostnames).map(quote).join(', ');
      throw new HostctlError(
        'ORDER_FAILED',
        `the certificate for ${names} was refused: ${refusal ?? 'no answer in time'}`,
        {
          hints: [`docker logs ${edgeName(ctx)}`],
        },
      );
    }
    await ctx.clock.sleep(POLL_MS);
  }
}

/** What the proxy says of an order that failed. */
async function refusalOf(site: Site, since: number, ctx: Context): Promise<string | undefined> {
  const names = namesToOrder(site.hostnames);
  for await (const { text } of ctx.engine.logs(edgeName(ctx), { since, tail: 200 })) {
    if (!text.includes('Unable to obtain ACME certificate') || !names.some((name) => text.includes(name))) continue;
    const quoted = /error="((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
    return quoted.replaceAll('\\n', ' ').replaceAll('\\"', '"');
  }
  return undefined;
}
