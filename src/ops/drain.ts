import { socketInside } from '../core/layout.ts';
import type { Workload } from '../core/state.ts';
import type { Context } from '../ports.ts';
import { frontNames } from './driver.ts';

const POLL_MS = 150;
const COUNT_MS = 2000;

/** Lets the requests an old copy still works on finish: at once when there are none, at the latest after `limit` ms. */
export async function drain(workload: Workload, limit: number, ctx: Context): Promise<void> {
  const until = ctx.clock.ticks() + limit;
  while (ctx.clock.ticks() < until) {
    const open = await openConnections(workload, ctx);
    if (open === 0) return;
    // Where nothing can be counted, only the time is left.
    await ctx.clock.sleep(open === undefined ? until - ctx.clock.ticks() : POLL_MS);
  }
}

/** Connections between the proxy and a container, or undefined when they cannot be counted. */
async function openConnections(workload: Workload, ctx: Context): Promise<number | undefined> {
  const { listen, container } = workload;
  if (listen.kind === 'none') return 0;
  // The kernel lists both ends of a connection where it was made: in the proxy's network, with the name the socket has
  // inside its container.
  if (listen.kind === 'socket') {
    return countIn('/proc/net/unix', (table) => connectedUnix(table, socketInside(container.name)), ctx);
  }
  const state = await ctx.engine.inspect(container.name);
  const addresses = Object.values(state?.addresses ?? {}).filter((address) => address !== '');
  return countIn('/proc/net/tcp', (table) => connectedTcp(table, addresses, listen.port), ctx);
}

/** The sum over all parts of the proxy, each of which has a network of its own; undefined when one cannot be asked. */
async function countIn(path: string, count: (table: string) => number, ctx: Context): Promise<number | undefined> {
  const tables = await Promise.all(frontNames(ctx).map((name) => readTable(name, path, ctx)));
  const counts = tables.map((table) => (table === undefined ? undefined : count(table)));
  return counts.reduce((sum, item) => (sum === undefined || item === undefined ? undefined : sum + item), 0);
}

async function readTable(part: string, path: string, ctx: Context): Promise<string | undefined> {
  try {
    const { code, output } = await ctx.engine.exec(part, ['cat', path], COUNT_MS);
    return code === 0 ? output : undefined;
  } catch {
    // The proxy is not there; nor are its connections.
    return undefined;
  }
}

/** Accepted connections of a socket path: state 03 in the kernel's table. */
export function connectedUnix(table: string, path: string): number {
  return table.split('\n').filter((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[5] === '03' && fields[7] === path;
  }).length;
}

/** Established connections to one of the addresses: state 01 in the kernel's table, addresses in reversed hex. */
export function connectedTcp(table: string, addresses: readonly string[], port: number): number {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const wanted = new Set(
    addresses.map((address) => {
      const parts = address.split('.').toReversed();
      return `${parts.map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0')).join('')}:${hexPort}`;
    }),
  );
  return table.split('\n').filter((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[3] === '01' && wanted.has(fields[2] ?? '');
  }).length;
}
