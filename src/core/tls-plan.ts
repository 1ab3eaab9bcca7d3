import { covers, namesToOrder, type StoredCertificate, uncoveredNames } from './certificate.ts';
import type { Workspace } from './model.ts';
import { LABEL } from './names.ts';
import type { Site } from './routes.ts';
import type { Desired, Observed } from './state.ts';
import type { OwnCertificate, Step } from './steps.ts';
import { quote } from './units.ts';

/** Copies files of the user into the data root when they are not what is there. */
export function planOwnCertificate(desired: Desired, observed: Observed, own: OwnCertificate | undefined): Step[] {
  const stored = observed.certificates[desired.project];
  if (own === undefined || (stored?.version === own.version && !stored.standsIn)) return [];
  return [{ do: 'tls', project: desired.project, own, why: stored ? 'a new certificate' : 'its certificate' }];
}

/** Orders a certificate after the switch: until then nobody could answer for a new hostname. */
export function planOrder(
  desired: Desired,
  observed: Observed,
  { workspace, at }: { readonly workspace: Workspace; readonly at: string },
): Step[] {
  const { site } = desired;
  // A Traefik that is not ours has resolvers of its own.
  if (site?.tls?.acme === undefined || workspace.proxy.existing) return [];
  const stored = observed.certificates[site.project];
  const over = stored && stored.notAfter <= Date.parse(at) ? 'it has expired' : undefined;
  const why = orderReason(site, stored, workspace.tls.directory) ?? over;
  return why === undefined ? [] : [{ do: 'order', site, why }];
}

/** Why what is there cannot serve this site, apart from its age. @param directory URL of the certificate authority */
export function orderReason(site: Site, stored: StoredCertificate | undefined, directory: string): string | undefined {
  if (!stored) return 'there is no certificate yet; until there is, the site speaks plain http';
  if (stored.authority === undefined) return 'so far it is one of your own';
  if (stored.authority !== directory) return 'it is from another certificate authority';
  const [missing] = uncoveredNames(namesToOrder(site.hostnames), stored.names);
  return missing === undefined ? undefined : `it is not for ${quote(missing)}`;
}

/** Exact hostnames a certificate is not for: they stay on plain http. */
export function uncovered(site: Site, names: readonly string[]): string[] {
  return site.hostnames.filter((hostname) => !covers(names, hostname)).map(({ name }) => name);
}

/**
 * Whether the proxy has to publish the port for https. One that does goes on doing so: another proxy would be an
 * interruption for everybody.
 */
export function needsHttps(sites: readonly Site[], observed: Observed, workspace: Workspace): boolean {
  const { httpsWanted, https } = workspace.proxy;
  const open = observed.containers.some(({ labels }) => labels[LABEL.https] === String(https));
  return httpsWanted || open || sites.some((site) => site.tls !== undefined);
}
