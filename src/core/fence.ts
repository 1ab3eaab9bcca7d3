import { LABEL } from './names.ts';
import type { ProxySettings, Workspace } from './model.ts';
import { egressNetwork, hashOf } from './names.ts';
import type { Fence, NetworkView } from './state.ts';
import type { Step } from './steps.ts';

/** What the rules are made of. */
export interface FenceInput {
  readonly instance: string;
  /** Interface of the bridge the apps are on. */
  readonly bridge: string;
  readonly proxy: Workspace['proxy'];
  /** The range the networks of apps are taken from: this host has no way into them, and must not ask others for one. */
  readonly pool: string;
  /** IPv4 addresses the engine sends questions about names to. */
  readonly resolvers: readonly string[];
}

/** No name of an instance has an underscore, so no two of them share a table. */
export function fenceTable(instance: string): string {
  return `hostctl_${instance.replaceAll('-', '_')}`;
}

/** The bridge of the network apps reach the outside through, as the engine calls it. */
export function egressBridge(instance: string, networks: readonly NetworkView[]): string | undefined {
  const network = networks.find(({ name }) => name === egressNetwork(instance));
  return network?.labels[LABEL.instance] === instance ? `br-${network.id.slice(0, 12)}` : undefined;
}

/** A ruleset for `nft -f`: replaces the table in one step, and may be loaded as often as one likes. */
export function fenceRules({ instance, bridge, proxy, pool, resolvers }: FenceInput): string {
  const table = `inet ${fenceTable(instance)}`;
  const ports = [...new Set([proxy.http, proxy.https])].join(', ');
  const names =
    resolvers.length > 0 ? `ip daddr { ${resolvers.join(', ')} } meta l4proto { tcp, udp } th dport 53` : '';
  const rules = [
    `add table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    '  chain host {',
    '    type filter hook input priority -5; policy accept;',
    `    iifname != "${bridge}" accept`,
    '    ct state established,related accept',
    ...(names === '' ? [] : [`    ${names} accept`]),
    `    ${addressed(proxy)}tcp dport { ${ports} } accept`,
    '    drop comment "MARK"',
    '  }',
    '  chain beyond {',
    '    type filter hook forward priority -5; policy accept;',
    `    iifname != "${bridge}" accept`,
    ...(names === '' ? [] : [`    ${names} accept`]),
    `    ip daddr { 169.254.0.0/16, ${pool} } drop comment "MARK"`,
    '  }',
    '}',
    '',
  ].join('\n');
  return rules.replaceAll('MARK', fenceMark(rules));
}

function addressed({ address }: ProxySettings): string {
  if (address === '0.0.0.0' || address === '::') return '';
  return address.includes(':') ? `ip6 daddr ${address} ` : `ip daddr ${address} `;
}

function fenceMark(rules: string): string {
  return `hostctl ${hashOf(rules.replaceAll(/hostctl [0-9a-f]{12}/g, 'MARK'), 12)}`;
}

/** Whether what the packet filter lists is the table these rules make: both rules that drop carry their hash. */
export function isInForce(rules: string, listed: string): boolean {
  return listed.split(`drop comment "${fenceMark(rules)}"`).length === 3;
}

/** Addresses the engine may ask about names, from `resolv.conf` and its own settings; loopback is asked from elsewhere. */
export function resolversIn(resolvConfs: readonly string[], daemonJson: string): string[] {
  const named = resolvConfs.flatMap((text) => [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!));
  const found = [...named, ...dnsOf(daemonJson)].filter(
    (address) => /^\d{1,3}(\.\d{1,3}){3}$/.test(address) && !address.startsWith('127.'),
  );
  return [...new Set(found)].toSorted();
}

function dnsOf(text: string): string[] {
  try {
    const { dns } = JSON.parse(text) as { dns?: unknown };
    return Array.isArray(dns) ? dns.map(String) : [];
  } catch {
    return [];
  }
}

/** Goes up with the network it belongs to, and again when it is gone. */
export function planFence({ state }: Fence, networkIsNew: boolean): Step[] {
  if (state !== 'down') return [];
  const why = networkIsNew
    ? 'apps reach the outside, not the services of this host'
    : 'not in force: apps reach services of this host';
  return [{ do: 'fence', why }];
}

const FOLDER = '/etc/systemd/system';

/** Absolute path of the unit that puts the fence up when the machine starts. */
export function fenceUnitPath(instance: string): string {
  return `${FOLDER}/hostctl-${instance}-fence.service`;
}

/** @param file absolute path of the rules */
export function fenceUnit(file: string): string {
  return `# Written by hostctl.
[Unit]
Description=Keep hostctl's apps from the services of this host
After=nftables.service
PartOf=nftables.service
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f "${file.replaceAll('%', '%%')}"

[Install]
WantedBy=multi-user.target
`;
}
