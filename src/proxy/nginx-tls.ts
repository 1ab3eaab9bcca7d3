import { covers } from '../core/certificate.ts';
import type { Hostname } from '../core/hostnames.ts';
import { INSIDE } from '../core/layout.ts';
import { PROXY_HTTPS_PORT } from '../core/proxy-part.ts';
import type { Site } from '../core/routes.ts';
import type { DriverInput } from './driver.ts';
import { block, READING } from './nginx-text.ts';
import { plainPath } from './quote.ts';

export type TlsInput = Pick<DriverInput, 'sites' | 'settings' | 'certificates'>;

/** The hostnames of a site that visitors can ask for over https without a warning. */
export function securedOf(
  { hostnames, project, tls }: Site,
  { settings, certificates }: Omit<TlsInput, 'sites'>,
): Hostname[] {
  if (!tls) return [];
  // A Traefik that is not ours has certificates we do not know.
  if (settings.existing) return [...hostnames];
  const names = certificates[project]?.names ?? [];
  return hostnames.filter((hostname) => covers(names, hostname));
}

/** Whether some site has https for names that end like others: it must not answer there for those that have none. */
export function hasWildHttps(input: TlsInput): boolean {
  return input.sites.some((site) => securedOf(site, input).some(({ kind }) => kind !== 'exact'));
}

/**
 * A site's servers: what it serves, on http and, for the names its certificate is for, on https. A site without a
 * certificate speaks plain http until it has one.
 * @param names `server_name` lines @param body the rest of a server that serves the site
 */
export function servers(
  site: Site,
  input: TlsInput,
  place: { readonly listen: string; readonly https: boolean },
  names: (hostnames: readonly Hostname[]) => string[],
  body: readonly string[],
): string[] {
  const server = (listens: readonly string[], hostnames: readonly Hostname[], lines = body): string[] =>
    hostnames.length === 0 ? [] : block('server', [...listens, ...names(hostnames), ...lines]);
  const http = [`listen ${place.listen};`, ...(place.https ? challenge(site) : [])];
  const secured = securedOf(site, input);
  const plain = site.hostnames.filter((name) => !secured.includes(name));
  const moves = site.tls?.redirect === true;
  if (!place.https) {
    const first = moves ? moveBehind(input.settings.https) : [];
    return [...server([...http, ...first], secured), ...server(http, site.hostnames.length > 0 ? plain : [])];
  }
  const https = secured.length > 0 ? listenSecurely(site, input) : [];
  return [
    ...(moves
      ? [...server(https, secured), ...server(http, secured, block('location /', move(input.settings.https)))]
      : []),
    ...(moves ? [] : server([...https, ...http], secured)),
    ...server(http, plain),
    ...(hasWildHttps(input) ? server([`listen ${PROXY_HTTPS_PORT} ssl;`], plain, REFUSAL) : []),
  ];
}

const REFUSAL = ['ssl_reject_handshake on;', 'return 404;'];

function listenSecurely({ project }: Site, { certificates }: TlsInput): string[] {
  const directory = `${INSIDE.certificates}/${project}/${certificates[project]!.version}`;
  return [
    `listen ${PROXY_HTTPS_PORT} ssl;`,
    'http2 on;',
    `ssl_certificate ${plainPath(`${directory}/chain.pem`)};`,
    `ssl_certificate_key ${plainPath(`${directory}/key.pem`)};`,
  ];
}

/** Leads to the same on https; 308 keeps the method and the body. */
function move(port: number): string[] {
  return [...block(`if (${READING})`, [`return 301 ${target(port)};`]), `return 308 ${target(port)};`];
}

/** The same where http and https come in by one door. */
function moveBehind(port: number): string[] {
  return [
    'set $hostctl_asked "$hostctl_scheme $request_method";',
    ...block('if ($hostctl_asked ~ "^http (GET|HEAD)$")', [`return 301 ${target(port)};`]),
    ...block('if ($hostctl_scheme = http)', [`return 308 ${target(port)};`]),
  ];
}

function target(port: number): string {
  return `https://$host${port === 443 ? '' : `:${port}`}$request_uri`;
}

/** Answers to a certificate authority: a directory per name, in which only pending ones have a file. */
function challenge(site: Site): string[] {
  if (site.tls?.acme !== 'http') return [];
  return block('location ^~ /.well-known/acme-challenge/', [
    `root ${INSIDE.challenges}/$host;`,
    'default_type text/plain;',
    'try_files $uri =404;',
  ]);
}
