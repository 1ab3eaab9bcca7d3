import { describe, expect, test } from 'vitest';
import { type Circumstances, examine, type Inspection } from '../../src/core/audit-container.ts';
import { exposureOf, exposures } from '../../src/core/exposure.ts';
import { listeningEverywhere, probeProgram, probesFor, readProbes } from '../../src/core/probes.ts';
import { audit } from '../../src/ops/audit.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { auditFails } from '../../src/ui/audit.ts';
import { World } from '../support/world.ts';

/** A container as hostctl makes it. */
const SOUND: Inspection = {
  AppArmorProfile: 'docker-default',
  State: { Health: { Status: 'healthy' } },
  Config: { User: '20001:20001' },
  HostConfig: {
    SecurityOpt: ['no-new-privileges:true'],
    CapDrop: ['ALL'],
    CapAdd: null,
    Privileged: false,
    PortBindings: {},
    NetworkMode: 'hostctl.egress',
    Memory: 2 ** 28,
    MemorySwap: 2 ** 28,
    NanoCpus: 5e8,
    ReadonlyRootfs: true,
    PidMode: '',
    IpcMode: 'private',
    UTSMode: '',
    UsernsMode: '',
    CgroupParent: '',
    CgroupnsMode: 'private',
    Devices: [],
    Ulimits: [{ Name: 'nofile' }],
    PidsLimit: 100,
    Tmpfs: { '/tmp': 'rw,nosuid,nodev,noexec,size=1' },
    MaskedPaths: ['/proc/kcore'],
  },
  Mounts: [{ Source: '/var/lib/hostctl/sockets/x', Propagation: 'rprivate', RW: true }],
  NetworkSettings: { Networks: { 'hostctl.egress': {} } },
};
const PLAIN: Circumstances = { apparmor: true, edge: false, relax: [] };

function failed(container: Inspection, circumstances: Partial<Circumstances> = {}): string[] {
  return examine(container, { ...PLAIN, ...circumstances }).flatMap(({ id, state }) =>
    state === 'failed' ? [id] : [],
  );
}

function changed(host: Partial<Inspection['HostConfig']>): Inspection {
  return { ...SOUND, HostConfig: { ...SOUND.HostConfig, ...host } };
}

const mount = (Source: string, Propagation = 'rprivate'): Inspection => ({
  ...SOUND,
  Mounts: [{ Source, Propagation }],
});

describe('section 5', () => {
  test('finds nothing in a container of hostctl', () => {
    expect(failed(SOUND)).toEqual([]);
  });

  // One that fails each, and nothing else.
  test.each<[string, Inspection]>([
    ['5.2', { ...SOUND, AppArmorProfile: 'unconfined' }],
    ['5.3', changed({ SecurityOpt: ['no-new-privileges', 'label=disable'] })],
    ['5.4', changed({ CapAdd: ['CAP_NET_ADMIN'] })],
    ['5.4', changed({ CapDrop: [] })],
    ['5.5', changed({ Privileged: true })],
    ...['/', '/etc', '/etc/passwd', '//root/', '/var/run', '/home', '/var/lib/docker/volumes/x', '/run/user/0'].map(
      (path): [string, Inspection] => ['5.6', mount(path)],
    ),
    ['5.10', changed({ NetworkMode: 'host' })],
    ['5.11', changed({ Memory: 0 })],
    ['5.11', changed({ MemorySwap: -1 })],
    ['5.12', changed({ NanoCpus: 0 })],
    ['5.13', changed({ ReadonlyRootfs: false })],
    ['5.16', changed({ PidMode: 'host' })],
    ['5.16', changed({ PidMode: 'container:x' })],
    ['5.17', changed({ IpcMode: 'shareable' })],
    ['5.17', changed({ IpcMode: 'host' })],
    ['5.18', changed({ Devices: [{}] })],
    ['5.19', changed({ Ulimits: [] })],
    ['5.20', mount('/var/lib/hostctl/x', 'rshared')],
    ['5.21', changed({ UTSMode: 'host' })],
    ['5.22', changed({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] })],
    ['5.25', changed({ CgroupParent: '/x' })],
    ['5.26', changed({ SecurityOpt: ['no-new-privileges:false'] })],
    ['5.27', { ...SOUND, State: {} }],
    ['5.29', changed({ PidsLimit: -1 })],
    ['5.30', { ...SOUND, NetworkSettings: { Networks: { bridge: {} } } }],
    ['5.31', changed({ UsernsMode: 'host' })],
    ['5.32', mount('/opt/proxy/docker.sock')],
    ['4.1', { ...SOUND, Config: { User: '' } }],
    ['4.1', { ...SOUND, Config: { User: '0:0' } }],
    ['sysctl', changed({ Sysctls: { 'net.ipv4.ip_forward': '1' } })],
    ['masked', changed({ MaskedPaths: [] })],
  ])('%s', (id, container) => {
    expect(failed(container)).toEqual([id]);
  });

  test.each([
    ['0.0.0.0', '80', ['5.8', '5.9', '5.14']],
    ['::', '8080', ['5.9', '5.14']],
    ['', '8080', ['5.9', '5.14']],
    ['127.0.0.1', '8080', ['5.9']],
  ])('ports: %s:%s', (HostIp, HostPort, ids) => {
    const container = changed({ PortBindings: { '80/tcp': [{ HostIp, HostPort }] } });
    expect(failed(container)).toEqual(ids);
    expect(failed(container, { edge: true })).toEqual([]);
  });

  test('what `relax` names is accepted with its reason, and nothing else is', () => {
    const relax = [{ allow: 'cap:CHOWN', reason: 'starts as root' }];
    const one = changed({ CapAdd: ['CHOWN'] });
    expect(examine(one, { ...PLAIN, relax })).toContainEqual({
      id: '5.4',
      check: 'capabilities',
      state: 'accepted',
      detail: 'CHOWN: relaxed, starts as root',
    });
    expect(failed(changed({ CapAdd: ['CHOWN', 'SETUID'] }), { relax })).toEqual(['5.4']);
    expect(failed(changed({ CapDrop: [] }), { relax })).toEqual(['5.4']);
    expect(failed(changed({ ReadonlyRootfs: false }), { relax })).toEqual(['5.13']);
  });

  test('a kernel without AppArmor is no fault of the container', () => {
    expect(failed({ ...SOUND, AppArmorProfile: '' }, { apparmor: false })).toEqual([]);
    expect(failed({ ...SOUND, AppArmorProfile: '' })).toEqual(['5.2']);
  });
});

describe('exposure', () => {
  const score = (container: Inspection, apparmor = true): number => exposureOf(exposures(container, { apparmor }));

  test('is small by default, and each thing that is given up adds to it', () => {
    expect(score({ ...SOUND, NetworkSettings: {} })).toBe(0.3);
    expect(score(SOUND)).toBe(0.6);
    expect(score(SOUND, false)).toBe(1.1);
    expect(score(changed({ ReadonlyRootfs: false, SecurityOpt: [] }))).toBe(2.4);
    expect(score(changed({ CapAdd: ['NET_BIND_SERVICE', 'CHOWN'] }))).toBe(1.1);
    expect(score(changed({ CapAdd: ['SYS_ADMIN'] }))).toBe(4.6);
    expect(score({ ...changed({ Privileged: true, NetworkMode: 'host' }), Config: { User: 'root' } })).toBe(10);
  });
});

describe('probes', () => {
  test('ask for what others have, and are read by number', () => {
    const neighbours = [{ name: 'b-web', address: '10.0.0.2', port: 8000 }];
    const probes = probesFor({ hostPorts: [5432], neighbours });
    expect(probes.map(({ attempt }) => attempt).slice(0, 2)).toEqual(['port 5432 of this host', 'port 8000 of b-web']);
    expect(probeProgram(probes)).toContain('/dev/tcp/10.0.0.2/8000');
    const lines = probes.map((_, index) => `${index} ${index === 1 ? 'open' : 'held'}`);
    expect(readProbes(probes, lines).filter(({ held }) => !held)).toEqual([
      { attempt: 'port 8000 of b-web', held: false },
    ]);
    // A program that never came so far has shown nothing.
    expect(readProbes(probes, []).some(({ held }) => held)).toBe(false);
  });

  test('services on all addresses are found in the kernel’s table', () => {
    const table = `  sl  local_address rem_address   st tx_queue
   0: 00000000:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 00000000:0016 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 3 1
`;
    expect(listeningEverywhere(table)).toEqual([5432]);
  });
});

describe('hostctl audit', () => {
  test('finds nothing wrong with what was just deployed, and what was changed since', async () => {
    const world = await World.with({
      site: 'hostnames: [site.org]\napps: { web: { image: "busybox:1", port: 80, relax: [{ allow: exec-tmp, reason: a plugin }] } }\n',
    });
    world.engine.addImage('busybox:1');
    await deploy(['site'], world, { wait: 0 });
    const found = await audit([], { probe: false }, world);
    expect(found.containers.map(({ container, drift }) => [container.replace(/-[0-9a-f]{7}$/, ''), drift])).toEqual([
      ['hostctl-proxy', []],
      ['site-web', []],
    ]);
    expect(found.containers.flatMap((item) => item.findings.filter(({ state }) => state === 'failed'))).toEqual([]);
    expect(auditFails(found, 10)).toBe(false);
    expect(auditFails(found, 0.5)).toBe(true);

    const [name] = world.running('site');
    await world.engine.setLimits(name!, { memory: 2 ** 30, cpus: 4, pids: 1000 });
    const after = await audit(['site'], { probe: false }, world);
    expect(after.containers).toHaveLength(1);
    expect(after.containers[0]!.drift.toSorted()).toEqual(['Memory', 'MemorySwap', 'NanoCpus', 'PidsLimit']);
    expect(auditFails(after, 10)).toBe(true);
  });

  test('a project that is not there is an error', async () => {
    const world = await World.with({});
    await expect(audit(['nobody'], { probe: false }, world)).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
  });
});
