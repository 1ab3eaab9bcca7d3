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

/** Without something that an engine may leave out. */
function unset(key: 'AppArmorProfile' | 'State' | 'NetworkSettings'): Inspection {
  const copy: Partial<Record<string, unknown>> = { ...SOUND };
  delete copy[key];
  return copy as unknown as Inspection;
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

  test.each<[id: string, container: Inspection, detail: string]>([
    ['5.2', { ...SOUND, AppArmorProfile: '' }, 'no AppArmor profile'],
    ['5.2', unset('AppArmorProfile'), 'no AppArmor profile'],
    [
      '5.3',
      changed({ SecurityOpt: ['label:disable', 'label=type:x', 'systempaths=y'] }),
      'label:disable, systempaths=y',
    ],
    ['5.4', changed({ CapAdd: ['CAP_CHOWN', 'KILL'] }), 'CHOWN, KILL'],
    ['5.4', changed({ CapDrop: null }), 'the engine’s default'],
    ['5.4', changed({ CapDrop: ['MKNOD', 'NOTALL', 'ALLOW'] }), 'the engine’s default'],
    ['5.5', changed({ Privileged: true }), 'privileged'],
    ['5.6', { ...SOUND, Mounts: [{ Source: '/etc' }, { Source: '/srv/x' }, { Source: '/root' }] }, '/etc, /root'],
    ['5.10', changed({ NetworkMode: 'host' }), 'that of the host'],
    ['5.11', changed({ Memory: 0 }), 'none'],
    ['5.11', changed({ MemorySwap: 2 ** 29 }), 'swap on top of it'],
    ['5.12', changed({ NanoCpus: 0 }), 'none'],
    ['5.13', changed({ ReadonlyRootfs: false }), 'writable'],
    ['5.16', changed({ PidMode: 'host' }), 'host'],
    ['5.16', changed({ PidMode: 'container:x' }), 'container:x'],
    ['5.17', changed({ IpcMode: 'shareable' }), 'shareable'],
    ['5.17', changed({ IpcMode: 'host' }), 'host'],
    ['5.17', changed({ IpcMode: 'container:x' }), 'container:x'],
    ['5.18', changed({ Devices: [{}] }), 'devices of the host'],
    ['5.19', changed({ Ulimits: [{ Name: 'nproc' }] }), 'the engine’s own limit'],
    ['5.19', changed({ Ulimits: null }), 'the engine’s own limit'],
    [
      '5.20',
      {
        ...SOUND,
        Mounts: [
          { Source: '/srv/a', Propagation: 'shared' },
          { Source: '/srv/b', Propagation: 'rslave' },
          { Source: '/srv/c', Propagation: 'rshared' },
        ],
      },
      '/srv/a, /srv/c',
    ],
    ['5.21', changed({ UTSMode: 'host' }), 'that of the host'],
    ['5.22', changed({ SecurityOpt: ['seccomp:unconfined', 'seccomp=/a.json'] }), 'seccomp:unconfined'],
    ['5.25', changed({ CgroupParent: '/x' }), 'not its own'],
    ['5.25', changed({ CgroupnsMode: 'host' }), 'not its own'],
    ['5.26', changed({ SecurityOpt: [] }), 'it may gain privileges'],
    ['5.26', changed({ SecurityOpt: ['no-new-privileges:false'] }), 'it may gain privileges'],
    ['5.26', changed({ SecurityOpt: ['no-new-privileges-x'] }), 'it may gain privileges'],
    ['5.26', changed({ SecurityOpt: ['x-no-new-privileges'] }), 'it may gain privileges'],
    ['5.27', { ...SOUND, State: { Health: null } }, 'none'],
    ['5.27', unset('State'), 'none'],
    ['5.29', changed({ PidsLimit: 0 }), 'no limit'],
    ['5.29', changed({ PidsLimit: null }), 'no limit'],
    ['5.29', changed({ PidsLimit: -1 }), 'no limit'],
    ['5.30', { ...SOUND, NetworkSettings: { Networks: { bridge: {} } } }, 'it is on docker0'],
    ['5.31', changed({ UsernsMode: 'host' }), 'that of the host'],
    ['5.32', mount('/opt/containerd.sock'), '/opt/containerd.sock'],
    ['5.32', mount('/opt/podman.sock'), '/opt/podman.sock'],
    ['5.32', mount('/opt/crio.sock'), '/opt/crio.sock'],
    ['4.1', { ...SOUND, Config: {} }, 'root'],
    ['4.1', { ...SOUND, Config: { User: 'root:app' } }, 'root'],
    ['4.1', { ...SOUND, Config: { User: ':5' } }, 'root'],
    ['sysctl', changed({ Sysctls: { 'net.a': '1', 'net.b': '1' } }), 'net.a, net.b'],
    ['masked', changed({ MaskedPaths: [] }), 'not masked'],
    ['masked', changed({ SecurityOpt: ['systempaths=unconfined'] }), 'not masked'],
  ])('%s says what is wrong: %#', (id, container, detail) => {
    expect(examine(container, PLAIN).find((item) => item.id === id)).toMatchObject({ state: 'failed', detail });
  });

  test.each<[id: string, container: Inspection]>([
    ['5.3', changed({ SecurityOpt: ['label=type:x', 'x-label=disable'] })],
    ['5.3', changed({ SecurityOpt: null })],
    ['5.4', changed({ CapDrop: ['CAP_ALL'] })],
    ['5.4', changed({ CapDrop: ['all'] })],
    ['5.6', { ...SOUND, Mounts: null }],
    ['5.9', changed({ PortBindings: null })],
    ['5.9', changed({ PortBindings: { '80/tcp': null } })],
    ['5.17', changed({ IpcMode: 'none' })],
    ['5.18', changed({ Devices: null })],
    ['5.20', mount('/srv/a', 'rprivate-shared')],
    ['5.20', { ...SOUND, Mounts: [{}] }],
    ['5.22', changed({ SecurityOpt: ['x-seccomp=unconfined'] })],
    ['5.25', changed({ CgroupParent: '' })],
    ['5.26', changed({ SecurityOpt: ['no-new-privileges'] })],
    ['5.26', changed({ SecurityOpt: ['no-new-privileges=true'] })],
    ['5.29', changed({ PidsLimit: 1 })],
    ['5.30', unset('NetworkSettings')],
    ['5.32', mount('/opt/docker.sock.d')],
    ['5.32', mount('/opt/mydocker.sock')],
    ['5.32', { ...SOUND, Mounts: null }],
    ['5.32', { ...SOUND, Mounts: [{}] }],
    ['4.1', { ...SOUND, Config: { User: '1' } }],
    ['4.1', { ...SOUND, Config: { User: 'rooter' } }],
    ['4.1', { ...SOUND, Config: { User: 'app:0' } }],
    ['4.1', { ...SOUND, Config: { User: '10:0' } }],
    ['masked', changed({ MaskedPaths: null })],
    ['masked', changed({ SecurityOpt: ['systempaths=unconfined-x'] })],
  ])('%s finds nothing wrong with this: %#', (id, container) => {
    expect(examine(container, PLAIN).find((item) => item.id === id)).toEqual({
      id,
      check: expect.any(String) as string,
      state: 'passed',
    });
  });

  test('all checks have a name and an order', () => {
    expect(examine(SOUND, PLAIN).map(({ id, check }) => `${id} ${check}`)).toEqual([
      '5.2 AppArmor',
      '5.3 security options',
      '5.4 capabilities',
      '5.5 privileged',
      '5.6 directories of the host',
      '5.8 privileged ports',
      '5.9 published ports',
      '5.10 network namespace',
      '5.11 memory limit',
      '5.12 cpu limit',
      '5.13 read-only root',
      '5.14 addresses of published ports',
      '5.16 process namespace',
      '5.17 IPC namespace',
      '5.18 devices',
      '5.19 open files',
      '5.20 mount propagation',
      '5.21 UTS namespace',
      '5.22 seccomp',
      '5.25 control group',
      '5.26 no new privileges',
      '5.27 health check',
      '5.29 number of processes',
      '5.30 default bridge',
      '5.31 user namespace',
      '5.32 engine socket',
      '4.1 user',
      'sysctl kernel settings',
      'masked paths in /proc',
    ]);
  });

  test('published ports are told with their addresses, and excused at the edge', () => {
    const container = changed({
      PortBindings: {
        '80/tcp': [
          { HostIp: '0.0.0.0', HostPort: '1024' },
          { HostIp: '[::]', HostPort: '1025' },
        ],
        '81/tcp': [{}],
      },
    });
    const told = (edge: boolean): string[] =>
      examine(container, { ...PLAIN, edge }).flatMap(({ id, state, detail }) =>
        state === 'passed' ? [] : [`${id} ${state} ${detail}`],
      );
    const details = [
      'port 1024, port 0',
      '0.0.0.0:1024, [::]:1025, :0',
      'port 1024 on every address, port 1025 on every address, port 0 on every address',
    ];
    const ids = ['5.8', '5.9', '5.14'];
    expect(told(false)).toEqual(ids.map((id, index) => `${id} failed ${details[index]}`));
    expect(told(true)).toEqual(ids.map((id, index) => `${id} accepted ${details[index]}: it is the proxy’s job`));
  });

  test('what is relaxed is told with the reasons', () => {
    const relax = ['writable-rootfs', 'new-privileges', 'image-user', 'cap:KILL', 'cap:CHOWN'].map((allow) => ({
      allow,
      reason: `for ${allow}`,
    }));
    const container = {
      ...changed({ ReadonlyRootfs: false, SecurityOpt: [], CapAdd: ['CHOWN', 'KILL'] }),
      Config: { User: '' },
    };
    const told = examine(container, { ...PLAIN, apparmor: false, relax });
    expect(told.flatMap(({ id, state, detail }) => (state === 'passed' ? [] : [`${id} ${state} ${detail}`]))).toEqual([
      '5.4 accepted CHOWN, KILL: relaxed, for cap:CHOWN, for cap:KILL',
      '5.13 accepted writable: relaxed, for writable-rootfs',
      '5.26 accepted it may gain privileges: relaxed, for new-privileges',
      '4.1 accepted root: relaxed, for image-user',
    ]);
    expect(
      examine({ ...SOUND, AppArmorProfile: '' }, { ...PLAIN, apparmor: false }).find(({ id }) => id === '5.2'),
    ).toMatchObject({ state: 'accepted', detail: 'no AppArmor profile: this kernel has none' });
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

describe('what a container is exposed by', () => {
  const told = (container: Inspection, apparmor = true): string[] =>
    exposures(container, { apparmor })
      .filter(({ what }) => what !== 'it shares the kernel')
      .map(({ what, tenths }) => `${what} ${tenths}`);
  const QUIET: Inspection = { ...SOUND, NetworkSettings: { Networks: { hostctl_a: {}, 'a.egress.b': {} } } };
  const quiet = (host: Partial<Inspection['HostConfig']>): Inspection => ({
    ...QUIET,
    HostConfig: { ...SOUND.HostConfig, ...host },
  });

  test.each<[what: string[], container: Inspection, apparmor?: boolean]>([
    [[], QUIET],
    [['no AppArmor 5'], QUIET, false],
    [['egress 3'], SOUND],
    [['published ports 5'], quiet({ PortBindings: { '80/tcp': [] } })],
    [[], quiet({ PortBindings: null })],
    [['writable root 8'], quiet({ ReadonlyRootfs: false })],
    [['programs in /tmp 2'], quiet({ Tmpfs: { '/a': 'rw,noexec', '/tmp': 'rw,nosuid' } })],
    [['programs in /tmp 2'], quiet({ Tmpfs: { '/tmp': 'rw,noexecs' } })],
    [['programs in /tmp 2'], quiet({ Tmpfs: { '/tmp': 'xnoexec' } })],
    [[], quiet({ Tmpfs: null })],
    [[], quiet({ Tmpfs: {} })],
    [['new privileges 10'], quiet({ SecurityOpt: null })],
    [['new privileges 10'], quiet({ SecurityOpt: ['no-new-privileges:false'] })],
    [['new privileges 10'], quiet({ SecurityOpt: ['not-no-new-privileges'] })],
    [[], quiet({ SecurityOpt: ['x', 'no-new-privileges'] })],
    [[], quiet({ SecurityOpt: ['no-new-privileges=true'] })],
    [['root 15'], { ...QUIET, Config: {} }],
    [['root 15'], { ...QUIET, Config: { User: '' } }],
    [['root 15'], { ...QUIET, Config: { User: '0' } }],
    [['root 15'], { ...QUIET, Config: { User: '0:5' } }],
    [['root 15'], { ...QUIET, Config: { User: 'root' } }],
    [[], { ...QUIET, Config: { User: '1000' } }],
    [[], { ...QUIET, Config: { User: 'app:0' } }],
    [['the engine’s capabilities 20'], quiet({ CapDrop: null })],
    [['the engine’s capabilities 20'], quiet({ CapDrop: ['KILL'] })],
    [
      ['capability SYS_ADMIN 40', 'capability CHOWN 4', 'capability NET_BIND_SERVICE 1'],
      quiet({ CapAdd: ['NET_BIND_SERVICE', 'CAP_CHOWN', 'SYS_ADMIN'] }),
    ],
    [
      ['SETUID', 'SETGID', 'DAC_OVERRIDE', 'FOWNER', 'KILL'].map((cap) => `capability ${cap} 4`),
      quiet({ CapAdd: ['SETUID', 'SETGID', 'DAC_OVERRIDE', 'FOWNER', 'KILL'] }),
    ],
    [['privileged 80'], quiet({ Privileged: true })],
    [['no seccomp 20'], quiet({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] })],
    [['no seccomp 20'], quiet({ SecurityOpt: ['no-new-privileges', 'seccomp:unconfined'] })],
    [[], quiet({ SecurityOpt: ['no-new-privileges', 'seccomp=/a.json', 'x-seccomp=unconfined'] })],
    [['a namespace of the host 40'], quiet({ NetworkMode: 'host' })],
    [['a namespace of the host 40'], quiet({ PidMode: 'host' })],
    [['a namespace of the host 40'], quiet({ IpcMode: 'host' })],
    [['a namespace of the host 40'], quiet({ UTSMode: 'host', PidMode: 'host' })],
    [['devices 20'], quiet({ Devices: [{}] })],
    [[], quiet({ Devices: null })],
    [['a socket of the host 80'], { ...QUIET, Mounts: [{ Source: '/a' }, { Source: '/b.sock' }] }],
    [[], { ...QUIET, Mounts: [{ Source: '/b.sock.d' }, {}] }],
    [[], { ...QUIET, Mounts: null }],
    [['a limit is missing 8'], quiet({ Memory: 0 })],
    [['a limit is missing 8'], quiet({ NanoCpus: 0 })],
    [['a limit is missing 8'], quiet({ PidsLimit: null })],
  ])('%j', (what, container, apparmor) => {
    expect(told(container, apparmor)).toEqual(what);
  });

  test('what weighs most comes first, and the kernel is always shared', () => {
    const found = exposures({ ...quiet({ ReadonlyRootfs: false, Privileged: true }), Config: {} }, { apparmor: true });
    expect(found.map(({ what }) => what)).toEqual(['privileged', 'root', 'writable root', 'it shares the kernel']);
    expect(exposures(QUIET, { apparmor: true })).toEqual([{ what: 'it shares the kernel', tenths: 3 }]);
    expect(exposureOf(found)).toBe(10);
    expect(exposureOf([{ what: 'a', tenths: 99 }])).toBe(9.9);
    expect(exposureOf([])).toBe(0);
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
