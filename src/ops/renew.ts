import { dueAt } from '../core/certificate.ts';
import type { CertificateStatus, Renewal } from '../core/results.ts';
import type { Site } from '../core/routes.ts';
import type { Observed } from '../core/state.ts';
import { orderReason } from '../core/tls-plan.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { requireDeployed } from './containers.ts';
import { driverOf } from './driver.ts';
import { makeDataRoot } from './directories.ts';
import { recorded } from './journal.ts';
import { liveSites, observe } from './observe.ts';
import { orderCertificate } from './order.ts';
import { certificateStatuses } from './status.ts';

export interface RenewOptions {
  /** Also what is good for a long time yet. */
  readonly force: boolean;
}

/**
 * Orders anew what ends soon, or is missing. Goes by what is live, not by the definitions. A failure keeps the
 * certificate that is there and does not stop the others.
 */
export async function renew(names: readonly string[], options: RenewOptions, ctx: Context): Promise<Renewal[]> {
  const observed = await observe(ctx);
  for (const name of names) requireDeployed(name, observed);
  if (options.force && driverOf(ctx).storage) {
    throw new HostctlError('RENEWS_ITSELF', 'Traefik renews its certificates by itself, 30 days before their end', {
      exit: EXIT.definition,
      hints: ['without --force, missing ones are ordered'],
    });
  }
  const sites = liveSites(observed.histories).filter(
    (site) => site.tls?.acme !== undefined && (names.length === 0 || names.includes(site.project)),
  );
  await makeDataRoot(ctx);
  const renewals: Renewal[] = [];
  for (const site of sites) renewals.push(await renewOne(site, observed, options, ctx));
  return renewals;
}

/** The certificates of sites that have `tls`. */
export async function certificates(names: readonly string[], ctx: Context): Promise<CertificateStatus[]> {
  const observed = await observe(ctx);
  for (const name of names) requireDeployed(name, observed);
  const all = certificateStatuses(observed, ctx);
  return names.length === 0 ? all : all.filter(({ project }) => names.includes(project));
}

async function renewOne(site: Site, observed: Observed, options: RenewOptions, ctx: Context): Promise<Renewal> {
  const { project } = site;
  const stored = observed.certificates[project];
  const missing = orderReason(site, stored, ctx.workspace.tls.directory);
  const due = !driverOf(ctx).storage && stored && (stored.standsIn || dueAt(stored) <= ctx.clock.now());
  const expires = stored ? new Date(stored.notAfter).toISOString() : null;
  if (missing === undefined && !due && !options.force) return { project, renewed: false, expires };
  try {
    const notAfter = await recorded(project, 'tls renew', ctx, async (begin) => {
      await begin();
      return orderCertificate(site, ctx);
    });
    return { project, renewed: true, expires: new Date(notAfter).toISOString() };
  } catch (error) {
    return { project, renewed: false, expires, error };
  }
}
