import { Resolver } from 'node:dns/promises';
import type { Dns } from '../core/order.ts';
import { quote } from '../core/units.ts';
import { HostctlError } from '../errors.ts';

const TIMEOUT_MS = 3000;
const TRIES = 2;

/** Asks DNS servers, and never the hosts file: a certificate authority does not either. */
export class SystemDns implements Dns {
  async addresses(name: string, servers: readonly string[]): Promise<string[]> {
    const resolver = resolverFor(servers);
    const [v4, v6] = await Promise.all([
      asked(name, () => resolver.resolve4(name)),
      asked(name, () => resolver.resolve6(name)),
    ]);
    return [...v4, ...v6];
  }

  async texts(name: string, servers: readonly string[]): Promise<string[]> {
    const records = await asked(name, () => resolverFor(servers).resolveTxt(name));
    return records.map((parts) => parts.join(''));
  }
}

/** A new one each time: nothing that was asked before is remembered. */
function resolverFor(servers: readonly string[]): Resolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  return resolver;
}

async function asked<T>(name: string, work: () => Promise<T[]>): Promise<T[]> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
    throw new HostctlError('DNS_SILENT', `DNS does not answer for ${quote(name)}: ${code}`, {
      hints: ['`tls.resolvers` in hostctl.yaml names other DNS servers'],
      cause: error,
    });
  }
}
