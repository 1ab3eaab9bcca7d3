import { describe, expect, test } from 'vitest';
import { fenceRules, fenceUnit, isInForce, resolversIn } from '../../src/core/fence.ts';
import { LAYOUT } from '../../src/core/layout.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { doctor } from '../../src/ops/doctor.ts';
import { setup } from '../../src/ops/setup.ts';
import { undoSetup } from '../../src/ops/undo.ts';
import { World } from '../support/world.ts';

const INPUT = {
  instance: 'host-ctl',
  bridge: 'br-0123456789ab',
  proxy: { driver: 'nginx', address: '0.0.0.0', http: 80, https: 443, httpsWanted: false },
  pool: '10.213.0.0/16',
  resolvers: ['192.0.2.53'],
} as const;

describe('the rules', () => {
  test('let apps have the proxy and the name servers of this host, and nothing else', () => {
    expect(fenceRules(INPUT).replaceAll(/hostctl [0-9a-f]{12}/g, 'hostctl HASH')).toMatchInlineSnapshot(`
      "add table inet hostctl_host_ctl
      delete table inet hostctl_host_ctl
      table inet hostctl_host_ctl {
        chain host {
          type filter hook input priority -5; policy accept;
          iifname != "br-0123456789ab" accept
          ct state established,related accept
          ip daddr { 192.0.2.53 } meta l4proto { tcp, udp } th dport 53 accept
          tcp dport { 80, 443 } accept
          drop comment "hostctl HASH"
        }
        chain beyond {
          type filter hook forward priority -5; policy accept;
          iifname != "br-0123456789ab" accept
          ip daddr { 192.0.2.53 } meta l4proto { tcp, udp } th dport 53 accept
          ip daddr { 169.254.0.0/16, 10.213.0.0/16 } drop comment "hostctl HASH"
        }
      }
      "
    `);
  });

  test.each([
    ['0.0.0.0', 'tcp dport'],
    ['192.0.2.7', 'ip daddr 192.0.2.7 tcp dport'],
    ['2001:db8::7', 'ip6 daddr 2001:db8::7 tcp dport'],
  ])('of a proxy at %s are about that address', (address, rule) => {
    expect(fenceRules({ ...INPUT, proxy: { ...INPUT.proxy, address } })).toContain(
      `\n    ${rule} { 80, 443 } accept\n`,
    );
  });

  test.each(['0.0.0.0', '::'])('of a proxy at %s are about every address', (address) => {
    expect(fenceRules({ ...INPUT, proxy: { ...INPUT.proxy, address } })).toContain(
      '\n    tcp dport { 80, 443 } accept\n',
    );
  });

  test('name no server where there is none', () => {
    expect(fenceRules({ ...INPUT, resolvers: [] })).not.toContain('th dport');
  });

  test('are known again by what drops; a rule less or another setting is another table', () => {
    const rules = fenceRules(INPUT);
    expect(isInForce(rules, rules)).toBe(true);
    expect(isInForce(rules, fenceRules({ ...INPUT, bridge: 'br-ba9876543210' }))).toBe(false);
    expect(isInForce(rules, rules.replace(/^ +drop comment .*\n/m, ''))).toBe(false);
    expect(isInForce(rules, '')).toBe(false);
  });

  test('the unit loads them from a path with any letters', () => {
    expect(fenceUnit('/srv/100%/fence.nft')).toContain('ExecStart=nft -f "/srv/100%%/fence.nft"\n');
  });
});

test('name servers are those the engine would ask over the network', () => {
  const confs = [
    '# x\nnameserver 127.0.0.53\nnameserver 192.0.2.9\nnameserver 2001:db8::1\n',
    'nameserver 192.0.2.9\n',
  ];
  expect(resolversIn(confs, '{ "dns": ["172.17.0.1", 7] }')).toEqual(['172.17.0.1', '192.0.2.9']);
  expect(resolversIn([], 'no json')).toEqual([]);
});

/** A host whose packet filter can be used, with one app. */
async function host(): Promise<World> {
  const world = await World.with({ site: 'hostnames: [site.org]\napps: { web: { image: "busybox:1", port: 80 } }\n' });
  world.engine.addImage('busybox:1');
  world.machine.programs.add('nft');
  world.machine.texts.set('/proc/self/net/dev', 'Inter-|\n br-hostctl.egre: 0 0\n');
  return world;
}

describe('on a host', () => {
  test('it goes up with the first deploy, comes back when it is gone, and goes with the rest', async () => {
    const world = await host();
    await deploy(['site'], world, { wait: 0 });
    expect(world.machine.table).toContain('iifname != "br-hostctl.egre" accept');
    expect(await world.host.read(LAYOUT.fence)).toBe(world.machine.table);
    expect((await plan(['site'], world)).host).toEqual([]);

    world.machine.table = '';
    expect((await plan(['site'], world)).host).toEqual([
      { do: 'fence', why: 'not in force: apps reach services of this host' },
    ]);
    expect(await doctor(world)).toContainEqual(
      expect.objectContaining({ check: 'fence', state: 'warning', advice: expect.stringContaining('hostctl setup') }),
    );
    await setup(world, { yes: true });
    expect(world.machine.table).not.toBe('');
    expect(await doctor(world)).toContainEqual(expect.objectContaining({ check: 'fence', state: 'ok' }));

    for (const box of world.engine.boxes.values())
      if (box.spec.labels['hostctl.project']) world.engine.boxes.delete(box.spec.name);
    await world.host.remove('projects');
    expect(await undoSetup(world)).toContain('packet filter table hostctl_hostctl');
    expect(world.machine.table).toBe('');
  });

  test('is put up again at every start where systemd runs', async () => {
    const world = await host();
    world.machine.runsSystemd = true;
    await deploy(['site'], world, { wait: 0 });
    expect(world.files.texts.get('/etc/systemd/system/hostctl-hostctl-fence.service')).toContain(
      'ExecStart=nft -f "/var/lib/hostctl/fence.nft"',
    );
  });

  test.each([
    ['without the program', (world: World) => void world.machine.programs.delete('nft'), /nft is missing/],
    [
      'whose engine is somewhere else',
      (world: World) => void world.machine.texts.set('/proc/self/net/dev', 'eth0: 0'),
      /apart from this system/,
    ],
  ])('%s a deploy works as before, and doctor says what is open', async (_, spoil, said) => {
    const world = await host();
    spoil(world);
    await deploy(['site'], world, { wait: 0 });
    expect(world.machine.table).toBe('');
    expect((await plan(['site'], world)).host).toEqual([]);
    expect((await doctor(world)).find(({ check }) => check === 'fence')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(said),
    });
  });
});
