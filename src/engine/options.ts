/** What we ask for → what the engine's API takes. Pure; the hardening that never varies is written here. */
import type { ContainerSpec, NetworkSpec, Tmpfs } from '../core/container.ts';
import type { Limits } from '../core/model.ts';

const LOG = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } };
const SHM_SIZE = 16 * 1024 ** 2;
/** Where the engine puts its init. */
const INIT = '/sbin/docker-init';
/** Files a tmpfs holds; each costs about a kilobyte of the app's memory. */
const TMPFS_FILES = 16_384;

export interface CreateBody {
  readonly Image: string;
  readonly HostConfig: HostConfig;
  readonly [field: string]: unknown;
}

export type HostConfig = Readonly<Record<string, unknown>>;

/** Body of `POST /containers/create`. Fields are left out rather than sent empty where empty means something else. */
export function createBody(spec: ContainerSpec): CreateBody {
  const first = spec.networks[0];
  const exposed = Object.fromEntries(spec.publish.map((item) => [`${item.port}/tcp`, {}]));
  return {
    Image: spec.image,
    ...(spec.uid === undefined ? {} : { User: `${spec.uid}:${spec.uid}` }),
    ...(spec.entrypoint ? { Entrypoint: spec.entrypoint } : {}),
    ...(spec.command ? { Cmd: spec.command } : {}),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: spec.labels,
    ...(spec.stopSignal ? { StopSignal: spec.stopSignal } : {}),
    StopTimeout: spec.stopTimeout,
    Tty: false,
    OpenStdin: false,
    ExposedPorts: exposed,
    Healthcheck: healthcheck(spec.name),
    HostConfig: hostConfig(spec),
    ...(first ? { NetworkingConfig: { EndpointsConfig: { [first.name]: { Aliases: first.aliases } } } } : {}),
  };
}

/**
 * Whether a process can still be started in it, with the init that is in every container. An image's own check costs 50 ms
 * of cpu a probe, every few seconds; hostctl asks the app itself during a deploy. Not all containers in the same minute.
 */
function healthcheck(name: string): Record<string, unknown> {
  const minute = 60e9;
  const spread = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 30, 0);
  return { Test: ['CMD', INIT, '--version'], Interval: (45 + spread) * minute, Timeout: minute, Retries: 2 };
}

function hostConfig(spec: ContainerSpec): HostConfig {
  const ports = Object.fromEntries(
    spec.publish.map((item) => [`${item.port}/tcp`, [{ HostIp: item.address, HostPort: String(item.hostPort) }]]),
  );
  return {
    Init: true,
    Privileged: false,
    CapDrop: ['ALL'],
    CapAdd: spec.capabilities,
    ...(spec.newPrivileges ? {} : { SecurityOpt: ['no-new-privileges:true'] }),
    ReadonlyRootfs: spec.readOnly,
    Tmpfs: Object.fromEntries(spec.tmpfs.map((item) => [item.path, tmpfsOptions(item)])),
    ...limitFields(spec.limits),
    OomKillDisable: false,
    ShmSize: SHM_SIZE,
    Ulimits: [
      { Name: 'nofile', Soft: spec.files, Hard: spec.files },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    RestartPolicy: { Name: spec.restart, MaximumRetryCount: 0 },
    LogConfig: LOG,
    NetworkMode: spec.networks[0]?.name ?? 'none',
    PortBindings: ports,
    PublishAllPorts: false,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    AutoRemove: false,
    Mounts: spec.mounts.map((mount) => ({
      Type: 'bind',
      Source: mount.source,
      Target: mount.target,
      ReadOnly: mount.readOnly,
      BindOptions: { Propagation: 'rprivate' },
    })),
  };
}

function tmpfsOptions(item: Tmpfs): string {
  const owner = item.uid === undefined ? 'mode=1777' : `mode=0750,uid=${item.uid},gid=${item.uid}`;
  return `rw,nosuid,nodev,${item.exec ? 'exec' : 'noexec'},size=${item.size},nr_inodes=${TMPFS_FILES},${owner}`;
}

/** Memory without swap on top, cpu quota and number of processes: at creation and for a change in place. */
export function limitFields(limits: Limits): HostConfig {
  return {
    Memory: limits.memory,
    MemorySwap: limits.memory,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.pids,
  };
}

/** Body of `POST /networks/create`. */
export function networkBody(spec: NetworkSpec): Record<string, unknown> {
  return {
    Name: spec.name,
    CheckDuplicate: true,
    Driver: 'bridge',
    Internal: spec.internal,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Config: [{ Subnet: spec.subnet }] },
    Options: {
      'com.docker.network.bridge.enable_icc': String(spec.between),
      // The host has no address on an internal network, so its services cannot be reached from there.
      ...(spec.internal ? { 'com.docker.network.bridge.inhibit_ipv4': 'true' } : {}),
    },
    Labels: spec.labels,
  };
}
