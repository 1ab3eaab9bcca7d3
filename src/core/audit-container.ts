import type { Relaxation } from './model.ts';
import { sensitivePath } from './sensitive.ts';

/**
 * Section 5 of the CIS Docker Benchmark, 1.6, over what the engine says of a container; stricter where the benchmark's own
 * script is satisfied with less. 5.1 is about the engine, 5.23 and 5.24 about who calls `docker exec`, 5.28 about pulling.
 */

/** The parts of `GET /containers/<name>/json` that are looked at, as the engine has them. */
export interface Inspection {
  readonly AppArmorProfile?: string;
  readonly State?: { readonly Health?: { readonly Status?: string } | null };
  readonly Config: {
    readonly User?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly [field: string]: unknown;
  };
  readonly HostConfig: HostSettings;
  readonly Mounts?:
    | readonly { readonly Source?: string; readonly Propagation?: string; readonly RW?: boolean }[]
    | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null };
}

/** What the engine wrote down about a container. */
export interface ReadBack {
  readonly settings: Inspection;
  /** Names of those that are not, or no longer, as hostctl asks for them; empty where nobody said what that is. */
  readonly drift: readonly string[];
}

interface HostSettings {
  readonly SecurityOpt?: readonly string[] | null;
  readonly CapAdd?: readonly string[] | null;
  readonly CapDrop?: readonly string[] | null;
  readonly Privileged?: boolean;
  readonly PortBindings?: Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>> | null;
  readonly NetworkMode?: string;
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly NanoCpus?: number;
  readonly CpuShares?: number;
  readonly ReadonlyRootfs?: boolean;
  readonly RestartPolicy?: { readonly Name?: string } | null;
  readonly PidMode?: string;
  readonly IpcMode?: string;
  readonly UTSMode?: string;
  readonly UsernsMode?: string;
  readonly CgroupParent?: string;
  readonly CgroupnsMode?: string;
  readonly Devices?: readonly unknown[] | null;
  readonly Ulimits?: readonly { readonly Name?: string }[] | null;
  readonly PidsLimit?: number | null;
  readonly Tmpfs?: Readonly<Record<string, string>> | null;
  readonly Sysctls?: Readonly<Record<string, string>> | null;
  readonly MaskedPaths?: readonly string[] | null;
}

/** What is true of a container apart from its own settings. */
export interface Circumstances {
  /** Whether the engine can use AppArmor on this kernel. */
  readonly apparmor: boolean;
  /** Whether it is the proxy's part that publishes the ports. */
  readonly edge: boolean;
  /** What its definition asks to be spared, with its reasons. */
  readonly relax: readonly Relaxation[];
}

export interface Result {
  /** `5.4` of the benchmark. */
  readonly id: string;
  readonly check: string;
  /** `accepted`: not as the benchmark wants it, with the reason in `detail`. */
  readonly state: 'passed' | 'accepted' | 'failed';
  /** What is wrong with it; absent when nothing is. */
  readonly detail?: string;
}

/** Undefined when all is well, else what is wrong. */
type Check = (container: Inspection, host: HostSettings) => string | undefined;

const CHECKS: readonly (readonly [id: string, check: string, look: Check])[] = [
  [
    '5.2',
    'AppArmor',
    ({ AppArmorProfile: profile }) =>
      without(profile === '' || profile === undefined || profile === 'unconfined', 'no AppArmor profile'),
  ],
  [
    '5.3',
    'security options',
    (_, { SecurityOpt }) => worst((SecurityOpt ?? []).filter((item) => /^(label[=:]disable|systempaths=)/.test(item))),
  ],
  ['5.4', 'capabilities', capabilities],
  ['5.5', 'privileged', (_, { Privileged }) => without(Privileged === true, 'privileged')],
  [
    '5.6',
    'directories of the host',
    ({ Mounts }) => worst((Mounts ?? []).flatMap(({ Source = '' }) => (sensitivePath(Source) ? [Source] : []))),
  ],
  [
    '5.8',
    'privileged ports',
    (_, host) =>
      worst(
        ports(host)
          .filter(({ port }) => port <= 1024)
          .map(({ port }) => `port ${port}`),
      ),
  ],
  ['5.9', 'published ports', (_, host) => worst(ports(host).map(({ address, port }) => `${address}:${port}`))],
  ['5.10', 'network namespace', (_, { NetworkMode }) => without(NetworkMode === 'host', 'that of the host')],
  [
    '5.11',
    'memory limit',
    (_, host) => without(!host.Memory || host.MemorySwap !== host.Memory, host.Memory ? 'swap on top of it' : 'none'),
  ],
  ['5.12', 'cpu limit', (_, { NanoCpus }) => without(!NanoCpus, 'none')],
  ['5.13', 'read-only root', (_, { ReadonlyRootfs }) => without(ReadonlyRootfs !== true, 'writable')],
  [
    '5.14',
    'addresses of published ports',
    (_, host) =>
      worst(
        ports(host)
          .filter(({ address }) => ['', '0.0.0.0', '::', '[::]'].includes(address))
          .map(({ port }) => `port ${port} on every address`),
      ),
  ],
  ['5.16', 'process namespace', (_, { PidMode }) => shared(PidMode)],
  [
    '5.17',
    'IPC namespace',
    (_, { IpcMode }) => without(['host', 'shareable'].includes(IpcMode ?? ''), IpcMode ?? '') ?? shared(IpcMode),
  ],
  ['5.18', 'devices', (_, { Devices }) => without((Devices ?? []).length > 0, 'devices of the host')],
  [
    '5.19',
    'open files',
    (_, { Ulimits }) => without(!(Ulimits ?? []).some(({ Name }) => Name === 'nofile'), 'the engine’s own limit'),
  ],
  [
    '5.20',
    'mount propagation',
    ({ Mounts }) =>
      worst(
        (Mounts ?? []).flatMap(({ Propagation = '', Source = '' }) => (/^r?shared$/.test(Propagation) ? [Source] : [])),
      ),
  ],
  ['5.21', 'UTS namespace', (_, { UTSMode }) => without(UTSMode === 'host', 'that of the host')],
  [
    '5.22',
    'seccomp',
    (_, { SecurityOpt }) => worst((SecurityOpt ?? []).filter((item) => /^seccomp[=:]unconfined/.test(item))),
  ],
  [
    '5.25',
    'control group',
    (_, { CgroupParent, CgroupnsMode }) =>
      without((CgroupParent ?? '') !== '' || CgroupnsMode === 'host', 'not its own'),
  ],
  [
    '5.26',
    'no new privileges',
    (_, { SecurityOpt }) =>
      without(
        !(SecurityOpt ?? []).some((item) => /^no-new-privileges([=:]true)?$/.test(item)),
        'it may gain privileges',
      ),
  ],
  ['5.27', 'health check', ({ State }) => without(!State?.Health, 'none')],
  ['5.29', 'number of processes', (_, { PidsLimit }) => without(!PidsLimit || PidsLimit < 0, 'no limit')],
  [
    '5.30',
    'default bridge',
    ({ NetworkSettings }) => without('bridge' in (NetworkSettings?.Networks ?? {}), 'it is on docker0'),
  ],
  ['5.31', 'user namespace', (_, { UsernsMode }) => without(UsernsMode === 'host', 'that of the host')],
  [
    '5.32',
    'engine socket',
    ({ Mounts }) =>
      worst(
        (Mounts ?? []).flatMap(({ Source = '' }) =>
          /\/(docker|containerd|podman|crio)\.sock$/.test(Source) ? [Source] : [],
        ),
      ),
  ],
  // Not of the benchmark's section 5, and as much worth.
  ['4.1', 'user', ({ Config }) => without(/^(root|0)?(:|$)/.test(Config.User ?? ''), 'root')],
  ['sysctl', 'kernel settings', (_, { Sysctls }) => worst(Object.keys(Sysctls ?? {}))],
  [
    'masked',
    'paths in /proc',
    (_, { MaskedPaths, SecurityOpt }) =>
      without(MaskedPaths?.length === 0 || (SecurityOpt ?? []).includes('systempaths=unconfined'), 'not masked'),
  ],
];

const EDGE_JOB = new Set(['5.8', '5.9', '5.14']);

/** Every check, in the order of the benchmark. */
export function examine(container: Inspection, circumstances: Circumstances): Result[] {
  return CHECKS.map(([id, check, look]): Result => {
    const detail = look(container, container.HostConfig);
    if (detail === undefined) return { id, check, state: 'passed' };
    const excuse = excuseFor(id, container, circumstances);
    if (excuse !== undefined) return { id, check, state: 'accepted', detail: `${detail}: ${excuse}` };
    return { id, check, state: 'failed', detail };
  });
}

/** The item of `relax` a check answers to. */
const RELAXED: Readonly<Record<string, string>> = {
  '5.13': 'writable-rootfs',
  '5.26': 'new-privileges',
  '4.1': 'image-user',
};

function excuseFor(
  id: string,
  { HostConfig }: Inspection,
  { apparmor, edge, relax }: Circumstances,
): string | undefined {
  if (id === '5.2' && !apparmor) return 'this kernel has none';
  if (EDGE_JOB.has(id) && edge) return 'it is the proxy’s job';
  const wanted = id === '5.4' ? addedCapabilities(HostConfig).map((cap) => `cap:${cap}`) : [RELAXED[id]];
  const reasons = wanted.map((allow) => relax.find((item) => item.allow === allow)?.reason);
  return reasons.length === 0 || reasons.includes(undefined) ? undefined : `relaxed, ${reasons.join(', ')}`;
}

function without(wrong: boolean, detail: string): string | undefined {
  return wrong ? detail : undefined;
}

function worst(found: readonly string[]): string | undefined {
  return found.length === 0 ? undefined : found.join(', ');
}

function shared(mode: string | undefined): string | undefined {
  return without(/^(host|container:)/.test(mode ?? ''), mode ?? '');
}

/** The benchmark looks at what was added alone, and so at nothing of a container that has the engine's default. */
function capabilities(_: Inspection, host: HostSettings): string | undefined {
  return dropsAll(host) ? worst(addedCapabilities(host)) : 'the engine’s default';
}

export function dropsAll({ CapDrop }: HostSettings): boolean {
  return (CapDrop ?? []).some((cap) => /^(CAP_)?ALL$/i.test(cap));
}

export function addedCapabilities({ CapAdd }: HostSettings): string[] {
  return (CapAdd ?? []).map((cap) => cap.replace(/^CAP_/, ''));
}

function ports({ PortBindings }: HostSettings): { address: string; port: number }[] {
  return Object.values(PortBindings ?? {}).flatMap((bindings) =>
    (bindings ?? []).map(({ HostIp, HostPort }) => ({ address: HostIp ?? '', port: Number(HostPort ?? 0) })),
  );
}
