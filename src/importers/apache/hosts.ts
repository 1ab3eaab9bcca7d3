import { parseHostname } from '../../core/hostnames.ts';
import { fitsGlob } from './glob.ts';
import type { Directive, Ledger } from './ledger.ts';

/** A name a virtual host answers to. */
interface HostName {
  /** Lower case, without scheme and port. */
  readonly name: string;
  readonly directive: Directive;
}

/** A `<VirtualHost>`, or the lines outside of all. */
export interface VirtualHost {
  readonly section?: Directive;
  readonly body: readonly Directive[];
  /** Empty stands for every port. */
  readonly ports: readonly number[];
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  /** ServerName first. */
  readonly names: readonly HostName[];
}

/** The virtual hosts of one site: those of the same ServerName, the one with TLS first. */
export interface SitePlan {
  readonly hosts: readonly VirtualHost[];
  /** Names of the definition, each with where it was said. */
  readonly names: HostName[];
  /** The hostname all others are redirected to. */
  canonical?: string;
}

export function readHost(body: readonly Directive[], section?: Directive): VirtualHost {
  const ports = (section?.args ?? []).flatMap((address) => {
    const port = /:(\d+)$/.exec(address.replace(/^\[[^\]]*\]/, ''))?.[1];
    return port === undefined ? [] : [Number(port)];
  });
  const engine = body.find(({ name }) => name === 'sslengine')?.args[0]?.toLowerCase();
  const names = body
    .filter(({ name }) => name === 'servername' || name === 'serveralias')
    .toSorted((a, b) => Number(b.name === 'servername') - Number(a.name === 'servername'))
    .flatMap((directive) => directive.args.map((text) => ({ name: plainName(text), directive })));
  const secure = engine === 'on' || (engine === undefined && ports.length > 0 && ports.every((port) => port === 443));
  return { ...(section ? { section } : {}), body, ports, secure, names };
}

/** `https://www.example.org:443` → `www.example.org`. */
function plainName(text: string): string {
  return text
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/:\d+$/, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

const WEB = new Set([80, 443]);

/** Virtual hosts → sites, with names of one owner each. */
export function planSites(hosts: readonly VirtualHost[], ledger: Ledger): SitePlan[] {
  const groups = new Map<string, VirtualHost[]>();
  for (const host of hosts) {
    const odd = host.ports.find((port) => !WEB.has(port));
    const own = host.names.find(({ directive }) => directive.name === 'servername')?.name ?? host.names[0]?.name;
    const key = `${own ?? ''}${odd === undefined || host.ports.some((port) => WEB.has(port)) ? '' : `:${odd}`}`;
    groups.set(key, [...(groups.get(key) ?? []), host]);
  }
  const plans = [...groups.values()].map((group) => ({
    hosts: group.toSorted((a, b) => Number(b.secure) - Number(a.secure)),
    names: group.flatMap((host) => host.names),
  }));
  findShadows(hosts, plans, ledger);
  return plans.map((plan) => ({ ...plan, names: readNames(plan.names, ledger) }));
}

/** Apache takes the first virtual host that fits, stars included; hostctl takes the most exact name. */
function findShadows(hosts: readonly VirtualHost[], plans: SitePlan[], ledger: Ledger): void {
  const planOf = (host: VirtualHost): SitePlan => plans.find((plan) => plan.hosts.includes(host))!;
  for (const [index, later] of hosts.entries()) {
    for (const { name, directive } of later.names) {
      const first = hosts
        .slice(0, index)
        .find((earlier) => planOf(earlier) !== planOf(later) && meet(earlier, later) && answers(earlier, name));
      if (!first) continue;
      const where = first.section ?? first.names[0]!.directive;
      const place = `${where.place.file}:${where.place.line}`;
      const same = first.names.some((other) => other.name === name);
      const plan = planOf(later);
      if (same) plan.names.splice(0, plan.names.length, ...plan.names.filter((item) => item.name !== name));
      ledger.settle(
        directive,
        'decide',
        same
          ? `${name} leads to the virtual host of ${place}, which stands first; it is left out here`
          : `Apache gives ${name} to the virtual host of ${place}, whose stars fit it and which stands first; hostctl gives it to this one`,
      );
    }
  }
}

function meet(a: VirtualHost, b: VirtualHost): boolean {
  return a.ports.length === 0 || b.ports.length === 0 || a.ports.some((port) => b.ports.includes(port));
}

function answers(host: VirtualHost, name: string): boolean {
  return host.names.some(
    (own) => own.name === name || (/[*?]/.test(own.name) && !/[*?]/.test(name) && fitsGlob(own.name, name)),
  );
}

/** The names a definition can have, each once; what is wrong with the others is in the report. */
function readNames(names: readonly HostName[], ledger: Ledger): HostName[] {
  const seen = new Set<string>();
  return names.filter(({ name, directive }) => {
    const parsed = parseHostname(name);
    if (!parsed.ok) {
      ledger.settle(directive, 'decide', `no hostname of a definition: ${parsed.message}`);
      return false;
    }
    const glob = parsed.value.kind === 'glob' && /^\*[a-z0-9]/.test(parsed.value.name);
    if (glob) {
      const bare = parsed.value.name.slice(1);
      ledger.settle(
        directive,
        'decide',
        `hostnames: ${name} also catches evil${bare}, which anyone can register; ${bare} and *.${bare} are safer`,
      );
    }
    if (seen.has(parsed.value.name)) {
      ledger.settle(directive, 'implied', 'hostnames: said before');
      return false;
    }
    seen.add(parsed.value.name);
    ledger.settle(directive, 'mapped', 'hostnames');
    return true;
  });
}
