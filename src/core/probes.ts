/** Something a container must not be able to do, and how to try it with what every base of ours has: bash and perl. */
export interface Probe {
  readonly attempt: string;
  /** Succeeds when the attempt does. */
  readonly script: string;
}

/** What there is to reach from an app. */
export interface Surroundings {
  /** TCP ports of this host that services listen on at all addresses, the proxy's left out. */
  readonly hostPorts: readonly number[];
  /** Where containers of others listen: the proxy and other projects. */
  readonly neighbours: readonly { readonly name: string; readonly address: string; readonly port: number }[];
}

const CONNECT_SECONDS = 2;
/** More of them say no more, and each that is held takes its two seconds. */
const MOST_PORTS = 5;
const MOST_NEIGHBOURS = 8;
/** Of the default route, which the kernel writes in hex and backwards. */
const GATEWAY = `$(perl -lane 'print join ".", reverse map hex, $F[2] =~ /../g if $F[1] eq "00000000"' /proc/net/route | head -1)`;

/** What is tried from inside. Harmless: nothing is sent, and nothing is left behind. */
export function probesFor({ hostPorts, neighbours }: Surroundings): Probe[] {
  return [
    ...hostPorts.slice(0, MOST_PORTS).map((port) => ({
      attempt: `port ${port} of this host`,
      script: connectTo(GATEWAY, port),
    })),
    ...neighbours.slice(0, MOST_NEIGHBOURS).map(({ name, address, port }) => ({
      attempt: `port ${port} of ${name}`,
      script: connectTo(address, port),
    })),
    { attempt: 'the cloud’s metadata at 169.254.169.254', script: connectTo('169.254.169.254', 80) },
    { attempt: 'the engine’s socket', script: 'ls /var/run/docker.sock /run/containerd/containerd.sock' },
    { attempt: 'packets of its own making', script: perl('socket(S, 17, 3, 0) or exit 1') },
    { attempt: 'a user namespace', script: 'unshare --user true' },
    { attempt: 'a mount', script: 'mount -t tmpfs none /tmp' },
    { attempt: 'a keyring', script: perl('syscall(250, 0, -3, 0) >= 0 or exit 1') },
    { attempt: 'a program of the kernel’s', script: perl('syscall(321, 0, "\\0" x 64, 64) >= 0 or exit 1') },
    { attempt: 'the kernel’s memory', script: 'head -c 1 /proc/kcore | grep -q .' },
    { attempt: 'the kernel’s settings', script: 'echo 0 > /proc/sys/kernel/core_pattern' },
    { attempt: 'the control groups', script: 'mkdir /sys/fs/cgroup/probe || mkdir /sys/fs/cgroup/memory/probe' },
    { attempt: 'a program that runs as root', script: 'su -c true || sudo -n true' },
  ];
}

function connectTo(address: string, port: number): string {
  return `timeout ${CONNECT_SECONDS} bash -c "exec 3<>/dev/tcp/${address}/${port}"`;
}

function perl(code: string): string {
  return `perl -e '${code}'`;
}

/** All of them as one program of bash, which says how each went. What is held by silence takes its time, so side by side. */
export function probeProgram(probes: readonly Probe[]): string {
  const tries = probes.map(
    ({ script }, index) => `{ ( ${script} ) >/dev/null 2>&1 && echo ${index} open || echo ${index} held; } &`,
  );
  return [...tries, 'wait'].join('\n');
}

/** Whether each was held; undefined where nothing was said. @param lines what the program wrote */
export function readProbes(probes: readonly Probe[], lines: readonly string[]): { attempt: string; held: boolean }[] {
  return probes.map(({ attempt }, index) => ({ attempt, held: lines.includes(`${index} held`) }));
}

/** Ports in the kernel's table of TCP sockets that listen on every address. @param table `/proc/net/tcp` or `tcp6` */
export function listeningEverywhere(table: string): number[] {
  const found = [...table.matchAll(/^\s*\d+: 0+:([0-9A-F]{4}) \S+ 0A /gm)].map((match) =>
    Number.parseInt(match[1]!, 16),
  );
  return [...new Set(found)].toSorted((a, b) => a - b);
}
