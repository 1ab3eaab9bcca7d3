import { LAYOUT } from '../core/layout.ts';
import type { Proof } from '../core/order.ts';
import { formatDuration, quote } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { PROXY_FILE } from './directories.ts';

const VISIT_MS = 5000;
const DNS_POLL_MS = 2000;
const HOOK_MS = 5 * 60_000;

/** Has the proxy answer for a name, and asks it as the authority will. */
export async function proveByHttp({ name, token, value }: Proof, ctx: Context): Promise<() => Promise<void>> {
  const path = `/.well-known/acme-challenge/${token}`;
  const takeAway = (): Promise<void> => ctx.host.remove(`${LAYOUT.challenges}/${name}`);
  await ctx.host.write(`${LAYOUT.challenges}/${name}${path}`, value, PROXY_FILE);
  const answer = await ctx.prober.visit({ host: name, path, timeout: VISIT_MS });
  if (answer.ok && answer.status === 200) return takeAway;
  await takeAway();
  const reason = answer.ok ? `answered ${answer.status}` : answer.reason;
  throw new HostctlError('CHALLENGE', `http://${name}${path} does not work through the proxy: ${reason}`, {
    hints: ['hostctl doctor'],
  });
}

/** Has the user's program make a TXT record, and waits until DNS tells it. */
export async function proveByDns({ name, value }: Proof, ctx: Context): Promise<() => Promise<void>> {
  const record = `_acme-challenge.${name}`;
  const takeAway = (): Promise<void> => callHook(['unset', record, value], ctx);
  await callHook(['set', record, value], ctx);
  const { resolvers, dns } = ctx.workspace.tls;
  const until = ctx.clock.ticks() + dns.wait;
  while (!(await ctx.dns.texts(record, resolvers)).includes(value)) {
    if (ctx.clock.ticks() > until) {
      await takeAway();
      throw new HostctlError(
        'CHALLENGE',
        `the DNS servers do not tell the TXT record of ${quote(record)}, ${formatDuration(dns.wait)} after the hook made it`,
        { hints: ['raise `tls.dns.wait` in hostctl.yaml if the provider is that slow', `dig TXT ${record}`] },
      );
    }
    await ctx.clock.sleep(DNS_POLL_MS);
  }
  return takeAway;
}

async function callHook(words: readonly string[], ctx: Context): Promise<void> {
  const argv = [...(ctx.workspace.tls.dns.hook ?? []), ...words];
  const { code, output } = await ctx.machine.run(argv, { within: HOOK_MS });
  if (code === 0) return;
  const said = output.trim().split('\n').slice(-5).join('\n  ');
  throw new HostctlError('DNS_HOOK', `${argv.slice(0, -1).join(' ')} ended with ${code}:\n  ${said}`, {
    hints: ['hostctl calls it with `set NAME VALUE` and `unset NAME VALUE`; it must end with 0'],
  });
}
