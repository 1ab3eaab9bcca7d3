import { type KeyPair, namesToOrder, readPair, type StoredCertificate, uncoveredNames } from '../core/certificate.ts';
import { LAYOUT } from '../core/layout.ts';
import { hashOf } from '../core/names.ts';
import type { Site } from '../core/routes.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { PROXY_FILE, PROXY_ONLY } from './directories.ts';
import { driverOf } from './driver.ts';

const CHAIN = 'chain.pem';
const KEY = 'key.pem';
const ORIGIN = 'origin.json';
const VERSION = /^[0-9a-f]{12}$/;
/** The one in force, and the one before it. */
const KEPT = 2;
const STORAGE_TRIES = 20;
const STORAGE_POLL_MS = 100;

/** What a certificate's directory is called. @param authority URL it was ordered from; absent for one of the user's own */
export function versionOf(pair: Pick<KeyPair, 'chain' | 'key'>, authority?: string): string {
  return hashOf([pair.chain, pair.key, authority], 12);
}

/**
 * Every certificate a proxy can load, by project. One whose files were damaged is left out, or an earlier one stands in
 * for it: nginx would refuse everybody's configuration for it.
 * @param sites those whose certificate may be kept by a proxy that orders by itself
 */
export async function readCertificates(
  sites: readonly Site[],
  ctx: Context,
): Promise<Record<string, StoredCertificate>> {
  const projects = await ctx.host.list(LAYOUT.tls);
  const found = await Promise.all(projects.map(async (project) => [project, await readOf(project, ctx)] as const));
  const stored = found.flatMap(([project, item]) => (item ? [[project, item] as const] : []));
  if (!driverOf(ctx).storage) return Object.fromEntries(stored);
  // What hostctl ordered for another driver, nobody would renew.
  const own = stored.filter(([, { authority }]) => authority === undefined);
  const kept = await Promise.all(
    sites
      .filter((site) => site.tls?.acme !== undefined)
      .map(async (site) => [site.project, await readKept(site, ctx)] as const),
  );
  return Object.fromEntries([...own, ...kept.flatMap(([project, item]) => (item ? [[project, item] as const] : []))]);
}

/** Projects whose certificate the proxy may order by itself, as far as their names are still the same. */
export async function readOrdering(sites: readonly Site[], ctx: Context): Promise<string[]> {
  if (!driverOf(ctx).storage) return [];
  const marked = await Promise.all(
    sites
      .filter((site) => site.tls?.acme !== undefined)
      .map(async (site) => {
        const names = (await ctx.host.read(LAYOUT.ordering(site.project)))?.trim();
        return names === JSON.stringify(namesToOrder(site.hostnames)) ? [site.project] : [];
      }),
  );
  return marked.flat();
}

/** The certificate a proxy ordered that is for the most names of a site, and lasts longest. */
export async function readKept(site: Site, ctx: Context): Promise<StoredCertificate | undefined> {
  const { directory } = ctx.workspace.tls;
  const wanted = namesToOrder(site.hostnames);
  const lacks = ({ names }: StoredCertificate): number => uncoveredNames(wanted, names).length;
  const kept = (await readStorage(driverOf(ctx).storage!(directory), ctx)).flatMap((item): StoredCertificate[] => {
    const read = readPair(decode(item.certificate), decode(item.key));
    if (!read.ok) return [];
    const { names, notBefore, notAfter } = read.pair;
    return [{ names, notBefore, notAfter, authority: directory }];
  });
  return kept
    .filter((item) => lacks(item) < wanted.length)
    .toSorted((a, b) => lacks(a) - lacks(b) || b.notAfter - a.notAfter)
    .at(0);
}

interface Kept {
  readonly certificate: string;
  readonly key: string;
}

/** Traefik's own file: resolver → certificates. It is written in place, so a reader may come too early. */
async function readStorage(path: string, ctx: Context): Promise<Kept[]> {
  for (let tries = 0; ; tries += 1) {
    const text = await ctx.host.read(path);
    if (text === undefined || text === '') return [];
    try {
      const resolvers = JSON.parse(text) as Record<string, { Certificates?: Kept[] | null } | null>;
      return Object.values(resolvers).flatMap((resolver) => resolver?.Certificates ?? []);
    } catch (error) {
      if (tries < STORAGE_TRIES) await ctx.clock.sleep(STORAGE_POLL_MS);
      else
        throw new HostctlError(
          'RECORD_BROKEN',
          `${ctx.workspace.data}/${path} cannot be read: ${(error as Error).message}`,
          {
            hints: ['restore it from a backup, or move it away: the proxy then orders anew'],
          },
        );
    }
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

async function readOf(project: string, ctx: Context): Promise<StoredCertificate | undefined> {
  const live = await ctx.host.readLink(LAYOUT.liveCertificate(project));
  const stored = live === undefined ? undefined : await readVersion(project, live, ctx);
  if (stored || live === undefined) return stored;
  const earlier = await Promise.all(
    (await versions(project, ctx)).filter((name) => name !== live).map((name) => readVersion(project, name, ctx)),
  );
  const best = earlier
    .filter((item) => item !== undefined)
    .toSorted((a, b) => b.notAfter - a.notAfter)
    .at(0);
  return best && { ...best, standsIn: true };
}

async function versions(project: string, ctx: Context): Promise<string[]> {
  return (await ctx.host.list(LAYOUT.certificates(project))).filter((name) => VERSION.test(name));
}

async function readVersion(project: string, version: string, ctx: Context): Promise<StoredCertificate | undefined> {
  const dir = LAYOUT.certificate(project, version);
  const [chain, key, origin] = await Promise.all([CHAIN, KEY, ORIGIN].map((name) => ctx.host.read(`${dir}/${name}`)));
  if (chain === undefined || key === undefined || origin === undefined) return undefined;
  const read = readPair(chain, key);
  if (!read.ok) return undefined;
  const { names, notBefore, notAfter } = read.pair;
  const { authority } = JSON.parse(origin) as { authority?: string };
  return { version, names, notBefore, notAfter, ...(authority === undefined ? {} : { authority }) };
}

/** Writes a certificate beside the one in force. Returns what puts it in force, which returns what undoes that. */
export async function storeCertificate(
  project: string,
  pair: KeyPair,
  authority: string | undefined,
  ctx: Context,
): Promise<() => Promise<() => Promise<void>>> {
  const version = versionOf(pair, authority);
  const dir = LAYOUT.certificate(project, version);
  for (const path of [LAYOUT.certificates(project), dir]) await ctx.host.makeDirectory(path, PROXY_ONLY);
  await ctx.host.write(`${dir}/${CHAIN}`, pair.chain, PROXY_FILE);
  await ctx.host.write(`${dir}/${KEY}`, pair.key, PROXY_FILE);
  await ctx.host.write(`${dir}/${ORIGIN}`, `${JSON.stringify({ authority })}\n`);
  const link = LAYOUT.liveCertificate(project);
  return async () => {
    const before = await ctx.host.readLink(link);
    await ctx.host.link(link, version);
    return () => (before === undefined ? ctx.host.remove(link) : ctx.host.link(link, before));
  };
}

/** Forgets all but the certificate in force and the one before it. */
export async function forgetCertificates(project: string, ctx: Context): Promise<void> {
  const live = await ctx.host.readLink(LAYOUT.liveCertificate(project));
  const names = await versions(project, ctx);
  const known = await Promise.all(names.map(async (name) => ({ name, read: await readVersion(project, name, ctx) })));
  const earlier = known
    .filter(({ name }) => name !== live)
    .toSorted((a, b) => (b.read?.notAfter ?? 0) - (a.read?.notAfter ?? 0));
  for (const { name } of earlier.slice(KEPT - 1)) await ctx.host.remove(LAYOUT.certificate(project, name));
}
