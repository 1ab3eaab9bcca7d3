import type { Directive, Ledger } from './ledger.ts';
import type { SitePlan, VirtualHost } from './hosts.ts';
import { wholeRedirect, type WholeRedirect } from './whole.ts';

const NAMES = new Set(['servername', 'serveralias']);

/** What a virtual host that only redirects says besides is never reached, but logs and names are what they are. */
function settleRest(host: VirtualHost, redirect: WholeRedirect, ledger: Ledger): void {
  for (const directive of host.body) {
    if (NAMES.has(directive.name) || redirect.directives.includes(directive)) continue;
    ledger.settleAll(directive, 'implied', 'never reached: everything is redirected');
  }
}

/** Virtual hosts for port 80 that send everything to HTTPS become `tls.redirect`, which is the default. */
export function foldSecure(plan: SitePlan, ledger: Ledger): SitePlan {
  const secure = plan.hosts.filter((host) => host.secure);
  if (secure.length === 0) return plan;
  const folded = plan.hosts.filter((host) => {
    const redirect = host.secure ? undefined : wholeRedirect(host.body);
    const own = redirect?.host === undefined || plan.names.some(({ name }) => name === redirect.host);
    if (!redirect || redirect.scheme !== 'https' || !own) return true;
    for (const directive of redirect.directives)
      settleRedirect(directive, 'tls.redirect: plain http goes to https', ledger);
    settleRest(host, redirect, ledger);
    if (host.section) ledger.settle(host.section, 'mapped', 'tls.redirect: the plain side of the site');
    return false;
  });
  return { ...plan, hosts: folded };
}

/** A site that only redirects to another one gives its names to it, which then has a canonical hostname. */
export function foldCanonical(plans: readonly SitePlan[], ledger: Ledger): SitePlan[] {
  const left = [...plans];
  for (const plan of plans) {
    const redirects = plan.hosts.map((host) => wholeRedirect(host.body));
    const host = redirects[0]?.host;
    if (host === undefined || redirects.some((item) => item?.host !== host)) continue;
    const owner = left.find((other) => other !== plan && other.names.some(({ name }) => name === host));
    const directives = redirects.flatMap((item) => item!.directives);
    if (plan.names.some(({ name }) => name === host)) continue;
    left.splice(left.indexOf(plan), 1);
    for (const [index, item] of plan.hosts.entries()) settleRest(item, redirects[index]!, ledger);
    if (!owner) {
      for (const directive of directives) abandon(directive, host, ledger);
      for (const { section } of plan.hosts)
        if (section) ledger.settle(section, 'decide', 'no site of its own, it only redirects');
      continue;
    }
    const others = owner.names.filter(({ name }) => name !== host).map(({ name }) => name);
    const note = `http.canonical: ${host}`;
    for (const directive of directives) {
      if (others.length === 0) settleRedirect(directive, note, ledger);
      else
        ledger.settle(
          directive,
          'decide',
          `${note}; it also redirects ${others.join(', ')}, which Apache serves. Is that meant?`,
        );
    }
    for (const { section } of plan.hosts)
      if (section) ledger.settle(section, 'mapped', `its names go to the site of ${host}`);
    owner.names.push(...plan.names);
    owner.canonical = host;
  }
  return left;
}

function abandon(directive: Directive, host: string, ledger: Ledger): void {
  ledger.settle(
    directive,
    'decide',
    `no definition is only a redirect: add these names to the hostnames of ${host}'s own, with http.canonical: ${host}`,
  );
}

function settleRedirect(directive: Directive, note: string, ledger: Ledger): void {
  ledger.settle(directive, 'mapped', note);
}
