import { parse } from 'tldts';

/**
 * The domain that was registered for a name: `example.co.uk` for `www.example.co.uk`. By the public suffix list of the day
 * this version was made, which certificate authorities count by as well; undefined for what is in no public domain, and
 * for a public suffix itself.
 */
export function registrableDomain(name: string): string | undefined {
  const { domain, isIcann, isPrivate } = parse(name, { allowPrivateDomains: true, validateHostname: false });
  // An unknown last label counts as a suffix there.
  return isIcann || isPrivate ? (domain ?? undefined) : undefined;
}
