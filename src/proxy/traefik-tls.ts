import { namesToOrder } from '../core/certificate.ts';
import { INSIDE } from '../core/layout.ts';
import type { Workspace, WorkspaceTls } from '../core/model.ts';
import { hashOf } from '../core/names.ts';
import type { Site } from '../core/routes.ts';
import { securedOf, type TlsInput } from './nginx-tls.ts';
import { literal } from './traefik-rules.ts';

/** Traefik's entry point for https. */
export const SECURE = 'websecure';

/** The suites of Mozilla's intermediate guideline 6.0 for TLS 1.2; those of 1.3 cannot be chosen. */
const CIPHERS = ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'].flatMap((suite) => [
  `TLS_ECDHE_ECDSA_WITH_${suite}`,
  `TLS_ECDHE_RSA_WITH_${suite}`,
]);

/** File below `acme/` in which Traefik keeps the certificates of one authority; another authority begins anew. */
export function storageFile(directory: string): string {
  return `acme-${hashOf(directory, 12)}.json`;
}

/** File below `acme/` with the certificates of a private authority; another content is another file. */
export function trustFile(trust: string): string {
  return `ca-${hashOf(trust, 12)}.pem`;
}

/** One resolver per challenge; each is idle until a router names it. */
export function resolverArguments({ tls }: Workspace): string[] {
  return [
    ...resolver('http', ['httpChallenge.entryPoint=web'], tls),
    ...resolver('tls-alpn', ['tlsChallenge=true'], tls),
    ...(tls.dns.provider === undefined ? [] : resolver('dns', dnsChallenge(tls), tls)),
  ];
}

function resolver(name: string, challenge: readonly string[], tls: WorkspaceTls): string[] {
  return [
    `storage=${INSIDE.acme}/${storageFile(tls.directory)}`,
    `caServer=${tls.directory}`,
    'keyType=EC256',
    ...(tls.email === undefined ? [] : [`email=${tls.email}`]),
    ...(tls.trust === undefined ? [] : [`caCertificates=${INSIDE.acme}/${trustFile(tls.trust)}`]),
    ...challenge,
  ].map((setting) => `--certificatesResolvers.${name}.acme.${setting}`);
}

/** Servers that were chosen are the ones that must tell the record; otherwise those of its zone. */
function dnsChallenge({ dns, resolvers }: WorkspaceTls): string[] {
  return [
    `dnsChallenge.provider=${dns.provider}`,
    ...(resolvers.length === 0
      ? []
      : [
          `dnsChallenge.resolvers=${resolvers.map(withPort).join(',')}`,
          'dnsChallenge.propagation.requireAllRNS=true',
          'dnsChallenge.propagation.disableANSChecks=true',
        ]),
  ];
}

function withPort(server: string): string {
  if (server.startsWith('[')) return server.endsWith(']') ? `${server}:53` : server;
  const colons = server.split(':').length - 1;
  if (colons > 1) return `[${server}]:53`;
  return colons === 1 ? server : `${server}:53`;
}

/** Certificates and how handshakes are made. */
export function tlsSection(input: TlsInput): object {
  const { sites, certificates } = input;
  const own = sites.flatMap((site) => {
    const version = certificates[site.project]?.version;
    if (version === undefined || securedOf(site, input).length === 0) return [];
    const directory = `${INSIDE.certificates}/${site.project}/${version}`;
    return [{ certFile: `${directory}/chain.pem`, keyFile: `${directory}/key.pem` }];
  });
  return {
    certificates: own.toSorted((a, b) => (a.certFile < b.certFile ? -1 : 1)),
    options: {
      default: {
        minVersion: 'VersionTLS12',
        cipherSuites: CIPHERS,
        curvePreferences: ['X25519MLKEM768', 'X25519', 'CurveP256', 'CurveP384'],
        // Who asks for a name nobody has is shown nobody's certificate.
        sniStrict: true,
      },
    },
  };
}

/** Has Traefik order a site's certificate; nothing is ever served by it. */
export function orderRouter(site: Site): object {
  const [main, ...sans] = namesToOrder(site.hostnames);
  return {
    entryPoints: [SECURE],
    rule: `Host(${literal('hostctl.invalid')}) && Path(${literal(`/${site.project}`)})`,
    priority: 1,
    service: 'noop@internal',
    tls: { certResolver: site.tls?.acme, domains: [{ main, sans }] },
  };
}
