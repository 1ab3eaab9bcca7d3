import type { Edge } from './edge.ts';
import { note, type Site } from './site.ts';

/** Routes over https → `tls`. */
export function mapTls(site: Site, edge: Edge): void {
  const { routes, definition, ledger } = site;
  const secure = routes.filter((route) => route.secure);
  if (secure.length === 0) return;
  const resolvers = secure.flatMap(({ resolver }) => resolver ?? []);
  const wild = definition.hostnames.some((host) => host.includes('*'));
  const known = resolvers.map((name) => edge.resolvers.get(name.toLowerCase())).find((how) => how !== undefined);
  const acme = wild ? 'dns' : (known ?? 'http');
  definition.tls = { acme };
  if (
    !edge.redirects &&
    secure.some((route) => routes.some((other) => other.open && !other.secure && other.path === route.path))
  )
    definition.tls.redirect = false;
  if (secure.some((route) => route.open)) definition.tls.redirect = false;
  for (const route of secure) {
    const item = resolverOf(site, route.item);
    const guess = known === undefined && !wild ? '; the resolver is not in this file, and http fits most' : '';
    if (item && acme === 'dns')
      ledger.settle(item, 'decide', 'tls.acme: dns; hostctl.yaml: tls.dns says how records are made');
    else if (item) ledger.settle(item, 'mapped', `tls.acme: ${acme}${guess}`);
    else if (route.item.path.includes('labels') && resolvers.length === 0 && !edge.orders)
      ledger.settle(
        route.item,
        'decide',
        'which certificate? tls.acme orders one, tls.certificate and tls.key name files',
      );
  }
  for (const mail of edge.mails)
    note(site, `hostctl.yaml takes the address certificates are ordered with: tls: { email: ${mail} }`);
  if (edge.staging) note(site, 'the certificates were those of a test authority: tls: { ca: staging } in hostctl.yaml');
}

/** The label that names the resolver of the router a rule belongs to. */
function resolverOf(
  { wiring }: Site,
  rule: Site['routes'][number]['item'],
): ReturnType<Site['wiring']['routers'][number]['keys']['get']> {
  return wiring.routers.find(({ keys }) => keys.get('rule') === rule)?.keys.get('tls.certresolver');
}
