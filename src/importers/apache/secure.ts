import type { Definition } from '../definition.ts';
import { missingNote, pathFor } from './paths.ts';
import { named, settle, type Site, type Spot } from './site.ts';

/** Certificates → `tls`. @param plain whether a virtual host without TLS serves the site too */
export function mapTls(site: Site, secure: boolean, plain: boolean): void {
  const [certificate] = named(site, 'sslcertificatefile');
  const [key] = named(site, 'sslcertificatekeyfile');
  if (secure) site.definition.tls = tlsOf(site, certificate, key);
  if (secure && plain) site.definition.tls!.redirect = false;
  for (const spot of named(site, 'sslcertificatefile', 'sslcertificatekeyfile', 'sslcertificatechainfile')) {
    settleFile(site, spot);
  }
  for (const spot of named(site, 'sslengine'))
    settle(site, spot, secure ? 'mapped' : 'implied', secure ? 'tls' : 'plain http');
  for (const spot of named(
    site,
    'sslverifyclient',
    'sslverifydepth',
    'sslcacertificatefile',
    'sslcacertificatepath',
    'sslrequire',
    'sslrequiressl',
  )) {
    if (spot.directive.name === 'sslrequiressl')
      settle(site, spot, secure ? 'implied' : 'decide', 'tls.redirect: nothing is served over plain http');
    else if (spot.directive.args[0]?.toLowerCase() === 'none') settle(site, spot, 'implied', 'no client certificates');
    else settle(site, spot, 'unsupported', 'hostctl asks visitors for no certificates: this rule would be gone');
  }
}

function tlsOf(site: Site, certificate: Spot | undefined, key: Spot | undefined): NonNullable<Definition['tls']> {
  const path = certificate?.directive.args[0];
  if (path === undefined) site.notes.push('no certificate is named in these files: tls.acme orders one');
  if (path === undefined || isLetsEncrypt(path)) {
    return { acme: site.definition.hostnames.some((name) => name.startsWith('*')) ? 'dns' : 'http' };
  }
  return { certificate: pathFor(site, path), key: pathFor(site, key?.directive.args[0] ?? path) };
}

function isLetsEncrypt(path: string): boolean {
  return /\/(?:letsencrypt|dehydrated|acme(?:\.sh)?)\//.test(path);
}

function settleFile(site: Site, spot: Spot): void {
  const [path = ''] = spot.directive.args;
  if (isLetsEncrypt(path)) {
    const wildcard = site.definition.tls?.acme === 'dns';
    settle(
      site,
      spot,
      wildcard ? 'decide' : 'mapped',
      wildcard
        ? 'tls.acme: dns, for names with a star; it needs tls.dns in hostctl.yaml'
        : 'tls.acme: http; hostctl orders a certificate of its own',
    );
  } else if (/snakeoil/.test(path)) {
    settle(
      site,
      spot,
      'decide',
      "Debian's placeholder, which no browser trusts: use tls.acme, or a certificate of yours",
    );
  } else if (spot.directive.name === 'sslcertificatechainfile') {
    const own = named(site, 'sslcertificatefile')[0]?.directive.args[0] ?? 'the certificate';
    settle(site, spot, 'decide', `tls.certificate holds the chain too: cat ${own} ${path} > fullchain.pem`);
  } else
    settle(
      site,
      spot,
      'mapped',
      `tls.${spot.directive.name === 'sslcertificatefile' ? 'certificate' : 'key'}${missingNote(site, path)}`,
    );
}
