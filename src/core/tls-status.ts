import { daysLeft, dueAt, type StoredCertificate } from './certificate.ts';
import type { CertificateStatus } from './results.ts';
import type { Site } from './routes.ts';
import { uncovered } from './tls-plan.ts';

/** Below, a certificate of the user needs attention: nobody else renews it. */
export const OWN_DAYS = 21;

/** How it stands with the certificate of a site that has `tls`. @param now milliseconds since 1970 */
export function certificateStatus(site: Site, stored: StoredCertificate | undefined, now: number): CertificateStatus {
  const about = { project: site.project, ordered: site.tls?.acme !== undefined };
  if (!stored) {
    const plain = site.hostnames.map(({ name }) => name);
    return { ...about, state: 'missing', names: [], expires: null, days: null, plain };
  }
  return {
    ...about,
    state: stateOf(stored, now),
    names: stored.names,
    expires: new Date(stored.notAfter).toISOString(),
    days: daysLeft(stored, now),
    plain: uncovered(site, stored.names),
  };
}

function stateOf(stored: StoredCertificate, now: number): CertificateStatus['state'] {
  if (stored.notAfter <= now) return 'expired';
  if (stored.standsIn) return 'damaged';
  if (stored.authority === undefined) return daysLeft(stored, now) < OWN_DAYS ? 'ending' : 'ok';
  // A renewal that is a little late is no news: the timer runs twice a day, and an authority may be away.
  const due = dueAt(stored);
  return now > due + (stored.notAfter - due) / 4 ? 'ending' : 'ok';
}
