import { type CertificateFacts, covers, namesToOrder } from './certificate.ts';
import type { Registrable } from './check-hostnames.ts';
import { type Concern, someOf } from './concern.ts';
import type { Project, Workspace } from './model.ts';
import { quote } from './units.ts';

/** Let's Encrypt's limits, as published: https://letsencrypt.org/docs/rate-limits/ */
const CERTIFICATES_PER_DOMAIN_AND_WEEK = 50;
const ORDERS_PER_THREE_HOURS = 300;
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/';

const DAY_MS = 24 * 3_600_000;
/** A certificate of the user's own that nobody renewed until then was forgotten. */
const SOON_DAYS = 14;

/** Certificates that are to be ordered against what a certificate authority gives out. */
export function checkOrders(
  projects: readonly Project[],
  { tls }: Pick<Workspace, 'tls'>,
  registrable: Registrable,
): Concern[] {
  const ordering = projects.filter((project) => project.tls?.source.kind === 'acme');
  const unknown = ordering.flatMap((project) => unissuable(project, registrable));
  if (!tls.directory.startsWith(LETS_ENCRYPT)) return unknown;
  const byDomain = new Map<string, Set<Project>>();
  for (const project of ordering) {
    for (const name of namesToOrder(project.hostnames)) {
      const domain = registrable(name.replace('*.', ''));
      if (domain !== undefined) byDomain.set(domain, (byDomain.get(domain) ?? new Set()).add(project));
    }
  }
  const crowded = [...byDomain].filter(([, wanting]) => wanting.size > CERTIFICATES_PER_DOMAIN_AND_WEEK);
  return [
    ...unknown,
    ...crowded.map(([domain, wanting]): Concern => ({
      level: 'warning',
      topic: 'certificates',
      path: ['tls'],
      on: 'key',
      message: `${wanting.size} projects order a certificate for names of ${quote(domain)}: Let's Encrypt issues ${CERTIFICATES_PER_DOMAIN_AND_WEEK} new ones a week for one domain; renewals do not count`,
      hint: `deploy the rest a week later, or give them one ${quote(`*.${domain}`)} of your own with \`certificate:\` and \`key:\``,
    })),
    ...(ordering.length > ORDERS_PER_THREE_HOURS
      ? [
          {
            level: 'warning' as const,
            topic: 'certificates' as const,
            path: ['tls'],
            on: 'key' as const,
            message: `${ordering.length} projects order a certificate: Let's Encrypt takes ${ORDERS_PER_THREE_HOURS} orders in three hours`,
            hint: 'deploy them in parts',
          },
        ]
      : []),
  ];
}

/** Names no public authority knows, such as those below `.localhost`. A private one may. */
function unissuable(project: Project, registrable: Registrable): Concern[] {
  return project.hostnames.flatMap(({ kind, name }, index) =>
    (kind === 'exact' || kind === 'leading') && registrable(name.replace('*.', '')) === undefined
      ? [
          {
            level: 'warning' as const,
            topic: 'certificates' as const,
            project: project.name,
            path: ['hostnames', index],
            message: `no public certificate authority issues a certificate for ${quote(name)}: it is in no public domain`,
            hint: 'leave `tls` out, or name a certificate authority of your own under `tls.ca` in hostctl.yaml',
          },
        ]
      : [],
  );
}

/** A certificate of the user's own: its time, and the hostnames it is not for. @param now milliseconds since 1970 */
export function checkOwnCertificate(project: Project, facts: CertificateFacts, now: number): Concern[] {
  const days = Math.floor((facts.notAfter - now) / DAY_MS);
  const until = new Date(facts.notAfter).toISOString().slice(0, 10);
  const at = { topic: 'certificates', project: project.name, path: ['tls', 'certificate'] } as const;
  const concerns: Concern[] = [];
  if (days < 0) concerns.push({ ...at, level: 'error', message: `ended on ${until}`, hint: 'renew it' });
  else if (days < SOON_DAYS) {
    concerns.push({ ...at, level: 'warning', message: `ends on ${until}, in ${days} days`, hint: 'renew it' });
  }
  if (facts.notBefore > now) {
    concerns.push({
      ...at,
      level: 'error',
      message: `is not valid before ${new Date(facts.notBefore).toISOString().slice(0, 10)}`,
    });
  }
  const others = project.hostnames.filter((hostname) => !covers(facts.names, hostname)).map(({ name }) => quote(name));
  if (others.length > 0) {
    const message = `is not for ${someOf(others)}: browsers will warn visitors of ${others.length > 1 ? 'these' : 'this'}`;
    concerns.push({ ...at, level: 'warning', message, hint: `it is for ${someOf(facts.names.map(quote))}` });
  }
  return concerns;
}
