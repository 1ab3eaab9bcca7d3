import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fenceTable } from '../../src/core/fence.ts';
import { ask, askRaw } from '../e2e/support/http.ts';
import { DRIVERS, type Inspect, Lab } from '../e2e/support/lab.ts';
import { type Attempt, defineServant, inside, tryAll } from './support/evil.ts';
import { LONG, printTable } from './support/report.ts';

/** What a service of this host, and a neighbour, say to whoever reaches them. */
const WORD = 'the-word-of-a-service';

let service: Server;
let datagrams: Socket;
let port: number;
let udpPort: number;

beforeAll(async () => {
  service = createServer((_, response) => response.end(WORD));
  await new Promise<void>((resolve) => service.listen(0, '::', resolve));
  port = (service.address() as { port: number }).port;
  datagrams = createSocket('udp4', (_, from) => datagrams.send(WORD, from.port, from.address));
  await new Promise<void>((resolve) => datagrams.bind(0, '0.0.0.0', resolve));
  udpPort = datagrams.address().port;
});
afterAll(() => {
  service.close();
  datagrams.close();
});

describe.each(DRIVERS)('from inside an app, behind %s', (driver) => {
  /** What does not depend on the proxy is tried behind one of them, and in the long version behind both. */
  const once = test.skipIf(!LONG && driver !== 'nginx');

  let lab: Lab;
  let evil: Inspect;
  let good: Inspect;
  let tcp: Inspect;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    defineServant(lab, 'evil', 'port');
    defineServant(lab, 'sly', 'socket');
    defineServant(lab, 'good', 'socket');
    lab.example('tcp-site');
    lab.define('tcp', 'hostnames: [tcp.org]\napps:\n  web: { dockerfile: ../tcp-site, port: 8000 }\n');
    await lab.ok('deploy --all');
    [evil] = (await lab.running('evil')) as [Inspect];
    [good] = (await lab.running('good')) as [Inspect];
    [tcp] = (await lab.running('tcp')) as [Inspect];
    // Something for the neighbour to lose.
    const secret = 'echo secret > /data/secret; mkdir -p /uploads; echo ${WORD} > /uploads/own.txt';
    expect((await inside(lab, 'good.org', secret)).code).toBe(0);
    const listener = `python3 -c "import http.server as h
class H(h.BaseHTTPRequestHandler):
  def do_GET(s): s.send_response(200); s.end_headers(); s.wfile.write(b'${WORD}')
h.HTTPServer(('0.0.0.0', 9999), H).serve_forever()" >/dev/null 2>&1 &`;
    await inside(lab, 'good.org', listener);
  });
  afterAll(() => lab.close());

  test('nothing gets through but what is known to', async () => {
    const attempts = [
      ...(await networkAttempts(lab, { evil, good, tcp })),
      ...fileAttempts(lab, good),
      ...privilegeAttempts((await lab.engine.info()).version),
    ];
    expect(new Set(attempts.map(({ name }) => name)).size).toBe(attempts.length);
    expect(attempts.length).toBeGreaterThanOrEqual(40);
    const tried = await tryAll(lab, 'evil.org', attempts);
    printTable(
      `${tried.length} attempts from inside an app behind ${driver}`,
      ['attempt', 'expected', 'observed', 'what was said'],
      tried.map(({ name, known, through, evidence }) => [
        name,
        known === undefined ? 'held' : 'open',
        through ? 'OPEN' : 'held',
        `${evidence.split('\n').at(-1)!.slice(0, 60)}${known === undefined ? '' : ` (${known})`}`,
      ]),
    );
    expect(tried.filter(({ through, known }) => through && known === undefined)).toEqual([]);
  });

  test('what it plants in its uploads and in place of its socket leads nowhere', async () => {
    const root = readdirSync(join(lab.data, 'media/good')).find((name) => name.startsWith('uploads-'))!;
    const targets = [
      '/etc/passwd',
      `/srv/media/good/${root}/own.txt`,
      `../../good/${root}/own.txt`,
      '/etc/hostctl/live/nginx.conf',
      '/run/hostctl/admin/admin.sock',
    ];
    const plant = targets.map((target, index) => `ln -sfn ${target} /uploads/link${index}`).join('; ');
    await inside(lab, 'sly.org', `${plant}; ln -sfn / /uploads/dir; mkfifo /uploads/pipe; ln /data/x /uploads/hard`);
    const paths = [...targets.map((_, index) => `link${index}`), 'dir/etc/passwd', 'pipe', '../good/own.txt'];
    const rows: string[][] = [];
    for (const path of paths) {
      const { status, body } = await ask(lab, 'sly.org', `/uploads/${path}`);
      rows.push([`/uploads/${path}`, String(status)]);
      expect(body, path).not.toMatch(new RegExp(`root:|${WORD}|worker_processes`));
      expect([400, 403, 404, 200], path).toContain(status);
    }
    // Its own socket, replaced by links to others.
    const sly = (await lab.running('sly'))[0]!.Name.slice(1);
    const mine = `/run/hostctl/${sly}.sock`;
    const names = driver === 'nginx' ? readdirSync(join(lab.data, 'sockets')) : [];
    const of = good.Name.slice(1);
    const guesses = [
      '/run/hostctl/admin/admin.sock',
      `../${of}/${of}.sock`,
      `../${of}-0123456789abcdef0123/${of}.sock`,
    ];
    for (const guess of driver === 'nginx' ? guesses : []) {
      await inside(
        lab,
        'sly.org',
        `mv ${mine} ${mine}.kept; ln -s ${guess} ${mine}; (sleep 1; mv ${mine}.kept ${mine}) &`,
      );
      const { status, body } = await ask(lab, 'sly.org', '/.hostctl/generation');
      rows.push([`socket → ${guess.slice(0, 50)}`, String(status)]);
      expect(body).not.toMatch(/^[0-9a-f]{12}$|fine good/);
      await new Promise((resolve) => setTimeout(resolve, 1300));
    }
    expect((await ask(lab, 'sly.org', '/')).body).toContain('fine sly');
    // What it would have to know is nowhere it can look.
    const seen = await inside(
      lab,
      'evil.org',
      'cat /proc/self/mountinfo /proc/net/unix; env; ls -laR /run /data /uploads',
    );
    for (const name of names.filter((item) => !item.startsWith(sly))) expect(seen.out).not.toContain(name.slice(-20));
    printTable(`planted links, behind ${driver}`, ['planted', 'answer'], rows);
  });

  test('visitors do not reach the proxy’s administration', async () => {
    const requests = [
      '/.hostctl/generation',
      '/hostctl/generation',
      '/api/rawdata',
      '/api/version',
      '/dashboard/',
      '/ping',
    ];
    for (const path of requests) {
      for (const host of ['evil.org', 'x', `nginx.${lab.instance}.hostctl`, 'traefik.hostctl', 'hostctl.invalid']) {
        const { body } = await ask(lab, host, path, {
          headers: { 'X-Hostctl-Key': 'x', 'X-Hostctl-Target': '127.0.0.1:9000' },
        });
        expect(body, `${host}${path}`).not.toMatch(/^[0-9a-f]{12}$|"routers"|"Version"|^OK$/);
      }
    }
    const { text } = await askRaw(
      lab,
      'GET http://traefik.hostctl:9000/api/version HTTP/1.1\r\nHost: traefik.hostctl:9000\r\nConnection: close\r\n\r\n',
    );
    expect(text).not.toContain('"Version"');
  });

  once('without the fence the services of this host are open: it is the fence that holds', async () => {
    const gateway = (
      await inside(
        lab,
        'evil.org',
        `python3 -c "
import struct,socket
for l in open('/proc/net/route'):
  f=l.split()
  if f[1]=='00000000': print(socket.inet_ntoa(struct.pack('<L',int(f[2],16))))"`,
      )
    ).out.trim();
    const attempt: Attempt = { name: 'host', words: ['says', gateway, String(port), WORD] };
    expect((await tryAll(lab, 'evil.org', [attempt]))[0]).toMatchObject({ through: false });
    execFileSync('nft', ['delete', 'table', 'inet', fenceTable(lab.instance)]);
    expect((await tryAll(lab, 'evil.org', [attempt]))[0]).toMatchObject({ through: true });
    expect(await lab.ok('plan evil')).toContain('apps reach services of this host');
    expect((await lab.hostctl('doctor')).out).toContain('reach whatever listens on all addresses');
    await lab.ok('deploy evil');
    expect((await tryAll(lab, 'evil.org', [attempt]))[0]).toMatchObject({ through: false });
  });

  once('hostctl audit says the same of this machine, and finds what was changed behind its back', async () => {
    const { code, out } = await lab.hostctl('audit --probe');
    expect(code, out).toBe(0);
    expect(out).toMatch(/✓ \d+ of \d+ attempts? from inside were held/);
    execFileSync('docker', ['update', '--pids-limit', '5000', tcp.Name.slice(1)], { stdio: 'ignore' });
    const after = await lab.hostctl('audit tcp');
    expect(after.code).toBe(1);
    expect(after.out).toContain(`✗ ${tcp.Name.slice(1)}: PidsLimit not as hostctl asks for it`);
    expect((await lab.hostctl('audit evil --max-exposure 0.1')).code).toBe(1);
  });
});

/** Whoever shares a bridge is told names and addresses by the engine, and reaches none of them. */
const NAMES = 'the engine’s DNS on a shared bridge';

async function networkAttempts(
  lab: Lab,
  { evil, good, tcp }: { evil: Inspect; good: Inspect; tcp: Inspect },
): Promise<Attempt[]> {
  const addresses = (item: Inspect): string[] =>
    Object.values(item.NetworkSettings.Networks).flatMap(({ IPAddress }) => (IPAddress === '' ? [] : [IPAddress]));
  const all = await lab.inspectAll();
  // On a network of its own project the proxy asks it, and may be asked as by any visitor.
  const apart = Object.entries(all.get(lab.edge)!.NetworkSettings.Networks)
    .filter(([name]) => !(name in evil.NetworkSettings.Networks))
    .map(([, { IPAddress }]) => IPAddress);
  const gateways = Object.values(evil.NetworkSettings.Networks).map(({ Gateway }) => Gateway);
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  const host = [...new Set([...gateways, ...own.map(({ address }) => address)])].slice(0, 5);
  return [
    ...host.map((address) => ({
      name: `service of the host at ${address}`,
      words: ['says', address, String(port), WORD],
    })),
    { name: 'datagrams to a service of the host', words: ['datagram', gateways[0]!, String(udpPort), WORD] },
    { name: 'service of the host over IPv6', words: ['says', 'fe80::1%eth0', String(port), WORD] },
    { name: 'the proxy’s port on the host’s loopback', words: ['says', '127.0.0.1', String(lab.port), 'HTTP'] },
    ...addresses(good).map((address) => ({
      name: `neighbour’s listener at ${address}`,
      words: ['says', address, '9999', WORD],
    })),
    ...addresses(tcp).map((address) => ({
      name: `another project’s app at ${address}`,
      words: ['says', address, '8000', 'plain Dockerfile'],
    })),
    { name: 'another project’s app by name', words: ['resolve', tcp.Name.slice(1)], known: NAMES },
    { name: 'another project’s app by its short name', words: ['resolve', 'tcp'] },
    { name: 'the neighbour by name', words: ['resolve', good.Name.slice(1)], known: NAMES },
    { name: 'nginx behind the proxy by name', words: ['resolve', `nginx.${lab.instance}.hostctl`] },
    { name: 'the proxy’s administration by name', words: ['resolve', 'traefik.hostctl'] },
    ...apart.map((address) => ({
      name: `the proxy at ${address}`,
      words: ['says', address, '8080', 'HTTP/1'],
    })),
    ...apart.map((address) => ({
      name: `the proxy’s administration at ${address}`,
      words: ['says', address, '9000', 'HTTP/1'],
    })),
    { name: 'the engine over TCP', words: ['says', gateways[0]!, '2375', 'HTTP/1'] },
    { name: 'the cloud’s metadata', words: ['connect', '169.254.169.254', '80'] },
    { name: 'the cloud’s credentials', words: ['connect', '169.254.170.2', '80'] },
    { name: 'the cloud’s metadata over IPv6', words: ['connect', 'fd00:ec2::254', '80'] },
    { name: 'packets of its own making', words: ['packet'] },
    { name: 'ICMP of its own making', words: ['icmp'] },
    { name: 'its own interface taken down', words: ['netlink'] },
    { name: 'another address for itself', words: ['address'] },
    { name: 'abstract sockets of the host', words: ['abstract'] },
  ];
}

function fileAttempts(lab: Lab, good: Inspect): Attempt[] {
  const data = lab.data;
  return [
    { name: 'the engine’s socket', words: ['unix', '/var/run/docker.sock'] },
    { name: 'containerd’s socket', words: ['unix', '/run/containerd/containerd.sock'] },
    { name: 'the proxy’s admin socket', words: ['unix', '/run/hostctl/admin/admin.sock'] },
    { name: 'the data root', words: ['listing', data] },
    { name: 'the data root’s key', words: ['read', `${data}/key`] },
    { name: 'the neighbour’s volume', words: ['read', `${data}/projects/good/volumes/web/data/secret`] },
    { name: 'the neighbour’s uploads', words: ['listing', `${data}/media/good`] },
    { name: 'the neighbour’s socket', words: ['unix', `/run/hostctl/${good.Name.slice(1)}.sock`] },
    { name: 'secrets of others', words: ['listing', '/run/secrets/..data'] },
    { name: 'a secret of its own making', words: ['write', '/run/secrets/planted'] },
    { name: 'passwords of the image', words: ['read', '/etc/shadow'] },
    { name: 'the image’s programs', words: ['write', '/usr/bin/python3'] },
    { name: 'the image’s users', words: ['write', '/etc/passwd'] },
    { name: 'the app’s own code', words: ['write', '/app/server.py'] },
    { name: 'its volume given to root', words: ['own', '/data'] },
    { name: 'a program in /tmp', words: ['runs', '/bin/sh', '-c', 'cp /usr/bin/id /tmp/id && /tmp/id'] },
    { name: 'a hard link to the image', words: ['link', '/etc/passwd', '/data/link'] },
    { name: 'root of another process', words: ['listing', '/proc/1/root/../../proc/2/root'] },
  ];
}

function privilegeAttempts(version: string): Attempt[] {
  const old = Number(version.split('.')[0]) < 25 ? { known: 'the profile of engines before 25' } : {};
  return [
    { name: 'a program that runs as root', words: ['setuid', '/usr/local/bin/rootpython'] },
    { name: 'a program with a capability', words: ['able', '/usr/local/bin/ablepython'] },
    { name: 'su', words: ['runs', '/bin/sh', '-c', 'echo x | su -c id'] },
    { name: 'uid 0', words: ['become_root'] },
    { name: 'the proxy’s group', words: ['join_group', '19999'] },
    { name: 'mount', words: ['mount', 'tmpfs', '/tmp'] },
    { name: 'mount of proc', words: ['mount', 'proc', '/tmp'] },
    { name: 'bind mount', words: ['bind', '/proc', '/tmp'] },
    { name: 'root made writable', words: ['remount', '/'] },
    { name: 'chroot', words: ['chroot'] },
    { name: 'a user namespace', words: ['unshare', '10000000'] },
    { name: 'a network namespace', words: ['unshare', '40000000'] },
    { name: 'a mount namespace', words: ['unshare', '20000'] },
    { name: 'the namespace of process 1', words: ['setns', '/proc/1/ns/mnt'] },
    { name: 'a disk as a device', words: ['device', '/data/disk', '254', '0'] },
    { name: 'files by handle', words: ['handle'] },
    { name: 'physical memory', words: ['read', '/dev/mem'] },
    { name: 'the kernel’s memory', words: ['read', '/proc/kcore'] },
    { name: 'the kernel’s log', words: ['log'] },
    { name: 'the kernel’s log as a device', words: ['read', '/dev/kmsg'] },
    { name: 'sysrq', words: ['write', '/proc/sysrq-trigger', 'h'] },
    { name: 'where core dumps go', words: ['write', '/proc/sys/kernel/core_pattern', '|/tmp/x'] },
    { name: 'the host’s modprobe', words: ['write', '/proc/sys/kernel/modprobe', '/tmp/x'] },
    { name: 'release agent of the control groups', words: ['write', '/sys/fs/cgroup/memory/release_agent', '/tmp/x'] },
    { name: 'its own memory limit', words: ['write', '/sys/fs/cgroup/memory/memory.limit_in_bytes', '-1'] },
    { name: 'a control group of its own', words: ['make', '/sys/fs/cgroup/memory/own'] },
    { name: 'hotplug helper', words: ['write', '/sys/kernel/uevent_helper', '/tmp/x'] },
    { name: 'power state', words: ['write', '/sys/power/state', 'mem'] },
    { name: 'keys of the kernel', words: ['read', '/proc/keys'] },
    { name: 'a keyring', words: ['keyring'] },
    { name: 'a key', words: ['add_key'] },
    { name: 'bpf', words: ['bpf'] },
    { name: 'performance counters', words: ['perf'] },
    { name: 'userfaultfd', words: ['userfault'] },
    { name: 'io_uring', words: ['uring'], ...old },
    { name: 'AF_VSOCK', words: ['vsock'], ...old },
    { name: 'a kernel module', words: ['module'] },
    { name: 'another kernel', words: ['kexec'] },
    { name: 'the clock', words: ['clock'] },
    { name: 'the hostname', words: ['hostname'] },
    { name: 'a reboot', words: ['reboot'] },
    { name: 'swap off', words: ['swap'] },
    { name: 'ports of the machine', words: ['ports'] },
    { name: 'more open files', words: ['limit'] },
    { name: 'a better priority', words: ['nice'] },
    { name: 'realtime', words: ['realtime'] },
    { name: 'a lower oom score', words: ['write', '/proc/self/oom_score_adj', '-500'] },
    { name: 'processes of others', words: ['processes'] },
    { name: 'a signal to others', words: ['kill', '4000'] },
  ];
}
