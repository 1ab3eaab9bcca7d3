import { generateKeyPairSync } from 'node:crypto';
import { namesToOrder, readPair, uncoveredNames } from '../core/certificate.ts';
import { LAYOUT } from '../core/layout.ts';
import { hashOf } from '../core/names.ts';
import type { Site } from '../core/routes.ts';
import { quote } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { readCertificates } from './certificates.ts';
import { driverOf } from './driver.ts';
import { proveByDns, proveByHttp } from './proof.ts';
import { orderByProxy } from './proxy-orders.ts';
import { install } from './tls.ts';

const LOCK_WAIT_MS = 10 * 60_000;

/**
 * Orders a certificate for the names of a site and puts it in force. Whatever fails, the one before stays. Returns its
 * end, in milliseconds since 1970.
 */
export async function orderCertificate(site: Site, ctx: Context): Promise<number> {
  // One at a time: hooks of DNS providers are rarely made for more, and there is one account.
  const unlock = await ctx.host.lock('the certificates', `ordering one for ${site.project}`, LOCK_WAIT_MS);
  try {
    const { directory, email, trust } = ctx.workspace.tls;
    const names = namesToOrder(site.hostnames);
    const dns = site.tls?.acme === 'dns';
    if (!dns) await checkAddresses(names, ctx);
    if (driverOf(ctx).storage) return await orderByProxy(site, ctx);
    const issued = await ctx.authority({
      directory,
      account: await accountKey(directory, ctx),
      ...(email === undefined ? {} : { email }),
      ...(trust === undefined ? {} : { trust }),
      names,
      challenge: dns ? 'dns-01' : 'http-01',
      prove: (proof) => (dns ? proveByDns(proof, ctx) : proveByHttp(proof, ctx)),
    });
    const read = readPair(issued.chain, issued.key);
    if (!read.ok) throw new HostctlError('ORDER_FAILED', `the certificate that was issued ${read.message}`);
    const [missing] = uncoveredNames(names, read.pair.names);
    if (missing !== undefined) {
      throw new HostctlError('ORDER_FAILED', `the certificate that was issued is not for ${quote(missing)}`);
    }
    await install(site.project, read.pair, directory, ctx);
    return read.pair.notAfter;
  } finally {
    await unlock();
  }
}

/** The same at the end of a deploy: the release is live whatever comes of it. */
export async function orderAtLast(site: Site, ctx: Context): Promise<void> {
  try {
    await orderCertificate(site, ctx);
  } catch (error) {
    if (!(error instanceof HostctlError)) throw error;
    const before = (await readCertificates([site], ctx))[site.project];
    const live = `the release is live, ${before ? 'with the certificate it had' : 'and speaks plain http until it has a certificate'}`;
    throw new HostctlError(error.code, error.message, {
      exit: error.exit,
      hints: [live, ...error.hints],
      cause: error,
    });
  }
}

/** A name nobody finds would only use up one of the few failures a certificate authority forgives. */
async function checkAddresses(names: readonly string[], ctx: Context): Promise<void> {
  for (const name of names) {
    const found = await ctx.dns.addresses(name, ctx.workspace.tls.resolvers);
    if (found.length > 0) continue;
    throw new HostctlError('NOT_IN_DNS', `no certificate was ordered: ${quote(name)} has no address in DNS`, {
      hints: [`make an A or AAAA record for ${name} that leads to this host`, 'then run hostctl tls renew'],
    });
  }
}

/** The key of the account at an authority, made at the first order. */
async function accountKey(directory: string, ctx: Context): Promise<string> {
  const path = LAYOUT.account(hashOf(directory, 12));
  const found = await ctx.host.read(path);
  if (found !== undefined) return (JSON.parse(found) as { key: string }).key;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await ctx.host.write(path, `${JSON.stringify({ directory, key }, undefined, 2)}\n`);
  return key;
}
