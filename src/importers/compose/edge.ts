import { knownImage } from './images.ts';
import type { Item, Ledger } from './ledger.ts';
import { mountsOf } from './mounts.ts';
import { portsOf } from './ports.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { readWords } from './words.ts';

/** What the proxies of a file say of all sites. */
export interface Edge {
  /** How Traefik's resolvers show whose a hostname is. */
  readonly resolvers: ReadonlyMap<string, 'http' | 'tls-alpn' | 'dns'>;
  /** Whether a resolver holds for all of an entry point. */
  readonly orders: boolean;
  /** Whether http leads to https everywhere. */
  readonly redirects: boolean;
  readonly mails: readonly string[];
  /** Whether the certificates are those of a test authority. */
  readonly staging: boolean;
}

const OWN = 'hostctl has a proxy of its own';
const CHALLENGES = { httpchallenge: 'http', tlschallenge: 'tls-alpn', dnschallenge: 'dns' } as const;

/** A proxy for other containers: Traefik, nginx-proxy and what goes with them. */
export function isEdge(service: Service): boolean {
  return knownImage(textOf(itemAt(service, 'image')) ?? '').kind === 'edge';
}

/** Settles everything such services say but Traefik's labels, and keeps what is about the sites. */
export function readEdge(services: readonly Service[], ledger: Ledger): Edge {
  const flags = services.flatMap(flagsOf);
  const resolvers = new Map<string, 'http' | 'tls-alpn' | 'dns'>();
  for (const [flag] of flags) {
    const match = /^certificatesresolvers\.([^.]+)\.acme\.(httpchallenge|tlschallenge|dnschallenge)/.exec(flag);
    if (match) resolvers.set(match[1]!, CHALLENGES[match[2] as 'httpchallenge']);
  }
  const valueOf = (wanted: RegExp): string[] => flags.flatMap(([flag, value]) => (wanted.test(flag) ? [value] : []));
  const edge: Edge = {
    resolvers,
    orders: valueOf(/^entrypoints\.[^.]+\.http\.tls\.certresolver$|^acme\./).length > 0,
    redirects: valueOf(/^entrypoints\.[^.]+\.http\.redirections\.entrypoint\.to$/).length > 0,
    mails: [
      ...valueOf(/^certificatesresolvers\.[^.]+\.acme\.email$/),
      ...services.flatMap((service) => textOf(itemAt(service, 'environment', 'DEFAULT_EMAIL')) ?? []),
    ],
    staging: valueOf(/\.acme\.caserver$/).some((url) => url.includes('staging')),
  };
  for (const service of services) settleService(service, edge, ledger);
  return edge;
}

/** `--a.b=c` of the command and `TRAEFIK_A_B=c` of the environment, in lower case. */
function flagsOf(service: Service): [flag: string, value: string][] {
  const words = itemsUnder(service, 'command').flatMap(({ value }) => readWords(value) ?? []);
  const written = words.flatMap((word, index): [string, string][] => {
    const match = /^--?([\w.[\]-]+)(?:=(.*))?$/s.exec(word);
    if (!match) return [];
    const next = words[index + 1];
    const value = match[2] ?? (next === undefined || next.startsWith('-') ? 'true' : next);
    return [[match[1]!.toLowerCase(), value]];
  });
  const named = itemsUnder(service, 'environment').flatMap((item): [string, string][] => {
    const name = item.path[1] ?? '';
    return name.startsWith('TRAEFIK_') ? [[name.slice(8).toLowerCase().replaceAll('_', '.'), textOf(item) ?? '']] : [];
  });
  return [...written, ...named];
}

function settleService(service: Service, edge: Edge, ledger: Ledger): void {
  for (const mount of mountsOf(service)) settleMount(mount, ledger);
  for (const port of portsOf(service)) {
    const usual = port.published === undefined || ['80', '443', '8080'].includes(port.published);
    if (usual) ledger.settle(port.item, 'implied', 'sites answer on the ports of hostctl.yaml');
    else
      ledger.settle(
        port.item,
        'decide',
        `port ${port.published}: sites answer on the ports of hostctl.yaml, and no others`,
      );
  }
  for (const item of service.items) {
    if (ledger.has(item) || item.path.includes('labels')) continue;
    const [key, name = ''] = item.path;
    if (key === 'command') settleCommand(service, item, ledger);
    else if (key === 'environment' && isCredential(name)) settleCredential(item, edge, ledger);
    else ledger.settle(item, 'implied', OWN);
  }
}

/** What Traefik is told that no definition says. */
const OPEN_FLAG = /^entrypoints\.[^.]+\.http\.middlewares|^entrypoints\.[^.]+\.forwardedheaders|^providers\.file/;

function settleCommand(service: Service, item: Item, ledger: Ledger): void {
  const open = flagsOf(service).flatMap(([flag]) => (OPEN_FLAG.test(flag) ? [flag] : []));
  if (open.length === 0) ledger.settle(item, 'implied', `${OWN}; resolvers and redirects are in tls of the definition`);
  else
    ledger.settle(
      item,
      'decide',
      `it holds for every site: what do ${[...new Set(open)].join(', ')} say? http of the definition`,
    );
}

function isCredential(name: string): boolean {
  return /TOKEN|SECRET|PASSWORD|API|KEY|ACCESS/.test(name) && !name.startsWith('TRAEFIK_');
}

function settleCredential(item: Item, edge: Edge, ledger: Ledger): void {
  const dns = [...edge.resolvers.values()].includes('dns');
  if (dns) ledger.settle(item, 'decide', 'hostctl.yaml: tls.dns names a file with what the DNS provider asks for');
  else ledger.settle(item, 'implied', OWN);
}

function settleMount({ item, kind, source, target }: ReturnType<typeof mountsOf>[number], ledger: Ledger): void {
  if (source.endsWith('docker.sock'))
    ledger.settle(item, 'implied', "hostctl's proxy has no Docker socket, and needs none");
  else if (/htpasswd/.test(target)) ledger.settle(item, 'decide', 'these are passwords for sites: http.access: users');
  else if (kind === 'named' || /acme|letsencrypt|certs?$|localtime|timezone|log|html|dhparam/.test(target))
    ledger.settle(item, 'implied', /acme|letsencrypt|cert/.test(target) ? 'certificates are ordered anew' : OWN);
  else ledger.settle(item, 'decide', 'what it says of sites goes into http of their definitions');
}
