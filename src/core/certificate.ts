import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Hostname } from './hostnames.ts';
import { quote } from './units.ts';

/** How a certificate authority is shown that a hostname is ours. */
export type Challenge = 'http' | 'tls-alpn' | 'dns';

/** Where a project's certificate comes from. Paths are absolute, on this machine. */
export type CertificateSource =
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string }
  | { readonly kind: 'acme'; readonly challenge: Challenge };

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** DNS names, lower case; a star stands for one label. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate with its chain and its key, in the form every proxy reads: plain PEM blocks, the key as PKCS #8. */
export interface KeyPair extends CertificateFacts {
  readonly chain: string;
  readonly key: string;
}

export type PairResult =
  | { readonly ok: true; readonly pair: KeyPair }
  | { readonly ok: false; readonly at: 'certificate' | 'key'; readonly message: string; readonly hint?: string };

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** Below, OpenSSL as Debian ships it refuses to load a key, and with it the whole configuration. */
const LEAST_RSA_BITS = 2048;
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Checks that a certificate file and a key file belong together and that a proxy can use them. */
export function readPair(certificate: string, key: string): PairResult {
  const no = (at: 'certificate' | 'key', message: string, hint?: string): PairResult => ({
    ok: false,
    at,
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  const blocks = certificate.match(BLOCK) ?? [];
  if (blocks.length === 0) {
    return no('certificate', 'holds no certificate', 'a PEM file begins with -----BEGIN CERTIFICATE-----');
  }
  const chain = blocks.map(parseCertificate);
  const broken = chain.indexOf(undefined);
  if (broken >= 0) return no('certificate', `holds a certificate that cannot be read: number ${broken + 1}`);
  const leaf = chain[0]!;
  const opened = openKey(key);
  if (typeof opened === 'string') return no('key', opened);
  const weak = weakness(opened);
  if (weak !== undefined) return no('key', weak);
  if (!leaf.checkPrivateKey(opened)) {
    const place = chain.findIndex((item) => item?.checkPrivateKey(opened));
    return place > 0
      ? no('certificate', 'holds the certificate of the key, but not as the first', 'put it in front of its chain')
      : no('key', 'does not belong to the certificate');
  }
  const facts = factsOf(leaf);
  if (facts.names.length === 0) return no('certificate', 'names no hostname: it has no subjectAltName');
  return {
    ok: true,
    pair: {
      ...facts,
      chain: `${blocks.map((block) => block.replaceAll('\r', '')).join('\n')}\n`,
      key: opened.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  };
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The key, or why it cannot be used. */
function openKey(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(pem) || (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    return encrypted ? 'is protected by a passphrase, which a proxy cannot type' : 'holds no private key in PEM form';
  }
}

function weakness(key: KeyObject): string | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    return modulusLength! < LEAST_RSA_BITS
      ? `has ${modulusLength} bits: RSA needs at least ${LEAST_RSA_BITS}`
      : undefined;
  }
  if (key.asymmetricKeyType === 'ec') {
    return CURVES.has(namedCurve!) ? undefined : `is on the curve ${namedCurve}, which browsers do not take`;
  }
  return `is of the kind ${key.asymmetricKeyType}: browsers take RSA and ECDSA`;
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,]+)/g)].map((match) => match[1]!);
  return {
    names: names.map((name) => name.toLowerCase()),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  };
}

/** Whether a certificate with these names is right for visitors of a hostname; for a glob: for one of them. */
export function covers(names: readonly string[], hostname: Hostname): boolean {
  if (hostname.kind === 'exact') {
    const parent = hostname.name.replace(/^[^.]+/, '*');
    return names.includes(hostname.name) || names.includes(parent);
  }
  if (hostname.kind === 'leading') return names.includes(hostname.name);
  const source = [...hostname.name].map((character) =>
    character === '*' ? '.*' : character === '?' ? '.' : character.replace('.', '\\.'),
  );
  const pattern = new RegExp(`^${source.join('')}$`);
  return names.some((name) => pattern.test(name.replace('*', 'a')));
}

/** Names that are not among those of a certificate; a wildcard covers what it stands for. */
export function uncoveredNames(wanted: readonly string[], names: readonly string[]): string[] {
  return wanted.filter((name) => !names.includes(name) && !names.includes(name.replace(/^[^.]+/, '*')));
}

/** The names a certificate authority is asked for; globs and `www.*` have none. */
export function namesToOrder(hostnames: readonly Hostname[]): string[] {
  return hostnames.filter(({ kind }) => kind === 'exact' || kind === 'leading').map(({ name }) => name);
}

/** Names of a list, but not a hundred of them. */
export function someNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(quote).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** A certificate in the data root. */
export interface StoredCertificate extends CertificateFacts {
  /** Its directory below the project's; absent for one that the proxy ordered and keeps. */
  readonly version?: string;
  /** URL of the directory it was ordered from; absent for one of the user's own. */
  readonly authority?: string;
  /** Set when the newest copy cannot be read and this earlier one stands in for it. */
  readonly standsIn?: boolean;
}

const DAY_MS = 24 * 3600 * 1000;
const RENEW_BEFORE_MS = 30 * DAY_MS;

/** When a certificate should be renewed, in milliseconds since 1970: 30 days before its end, or a third of a short life. */
export function dueAt({ notBefore, notAfter }: CertificateFacts): number {
  return notAfter - Math.min(RENEW_BEFORE_MS, (notAfter - notBefore) / 3);
}

/** Whole days until its end; negative once it is over. */
export function daysLeft({ notAfter }: Pick<CertificateFacts, 'notAfter'>, now: number): number {
  return Math.floor((notAfter - now) / DAY_MS);
}
