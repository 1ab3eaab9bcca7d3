import { addedCapabilities, type Circumstances, dropsAll, type Inspection } from './audit-container.ts';

/** One thing that brings a container nearer to its neighbours and the host. */
export interface Exposed {
  readonly what: string;
  /** Tenths of a point out of ten, so that sums are exact. */
  readonly tenths: number;
}

const MOST = 100;
const HARMLESS = new Set(['NET_BIND_SERVICE']);
const COMMON = new Set(['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE', 'FOWNER', 'KILL']);

/** What a container is exposed by, in order of weight. A default app without network is at 0.3 where there is AppArmor. */
export function exposures(container: Inspection, { apparmor }: Pick<Circumstances, 'apparmor'>): Exposed[] {
  const { HostConfig: host, Config, Mounts, NetworkSettings } = container;
  const options = host.SecurityOpt ?? [];
  const networks = Object.keys(NetworkSettings?.Networks ?? {});
  const found: (Exposed | false)[] = [
    { what: 'it shares the kernel', tenths: 3 },
    !apparmor && { what: 'no AppArmor', tenths: 5 },
    networks.some((name) => name.endsWith('.egress')) && { what: 'egress', tenths: 3 },
    Object.keys(host.PortBindings ?? {}).length > 0 && { what: 'published ports', tenths: 5 },
    host.ReadonlyRootfs !== true && { what: 'writable root', tenths: 8 },
    Object.values(host.Tmpfs ?? {}).some((item) => !/\bnoexec\b/.test(item)) && { what: 'programs in /tmp', tenths: 2 },
    !options.some((item) => /^no-new-privileges([=:]true)?$/.test(item)) && { what: 'new privileges', tenths: 10 },
    /^(root|0)?(:|$)/.test(Config.User ?? '') && { what: 'root', tenths: 15 },
    !dropsAll(host) && { what: 'the engine’s capabilities', tenths: 20 },
    ...addedCapabilities(host).map((cap) => ({ what: `capability ${cap}`, tenths: capabilityWeight(cap) })),
    host.Privileged === true && { what: 'privileged', tenths: 80 },
    options.some((item) => /^seccomp[=:]unconfined/.test(item)) && { what: 'no seccomp', tenths: 20 },
    [host.NetworkMode, host.PidMode, host.IpcMode, host.UTSMode].includes('host') && {
      what: 'a namespace of the host',
      tenths: 40,
    },
    (host.Devices ?? []).length > 0 && { what: 'devices', tenths: 20 },
    (Mounts ?? []).some(({ Source = '' }) => Source.endsWith('.sock')) && { what: 'a socket of the host', tenths: 80 },
    (!host.Memory || !host.NanoCpus || !host.PidsLimit) && { what: 'a limit is missing', tenths: 8 },
  ];
  return found.filter((item) => item !== false).toSorted((a, b) => b.tenths - a.tenths);
}

function capabilityWeight(cap: string): number {
  if (HARMLESS.has(cap)) return 1;
  return COMMON.has(cap) ? 4 : 40;
}

/** From 0 to 10; more is worse. */
export function exposureOf(found: readonly Exposed[]): number {
  const sum = found.reduce((total, { tenths }) => total + tenths, 0);
  return Math.min(sum, MOST) / 10;
}
