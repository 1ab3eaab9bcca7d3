import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseSubnet, chooseUid, parseCidr } from '../../src/core/identity.ts';
import { World } from '../support/world.ts';
import { claimIdentities, identitiesFor, observe } from '../../src/ops/observe.ts';
import { loadProjects } from '../../src/ops/load.ts';

/** Two projects whose app `job` would like the same uid. */
function sameChoice(): [string, string] {
  const owners = new Map<number, string>();
  for (let index = 0; ; index += 1) {
    const uid = chooseUid(`p${index}`, 'job', new Set());
    const owner = owners.get(uid);
    if (owner !== undefined) return [owner, `p${index}`];
    owners.set(uid, `p${index}`);
  }
}

describe('uids', () => {
  test('are the same on every host', () => {
    expect(chooseUid('projectname', 'web', new Set())).toBe(chooseUid('projectname', 'web', new Set()));
    expect(chooseUid('projectname', 'web', new Set())).toBe(46_722);
  });

  test('come after the first choice in one order on every host, and then one after the other', () => {
    const taken = new Set<number>();
    const chosen = Array.from({ length: 18 }, () => {
      const uid = chooseUid('projectname', 'web', taken);
      taken.add(uid);
      return uid;
    });
    // 16 by hashing, which fall on numbers far from each other; what follows stands behind the first choice.
    expect(chosen.slice(0, 3)).toEqual([46_722, 27_746, 55_676]);
    expect(new Set(chosen.slice(0, 16).map((uid) => Math.floor(uid / 100))).size).toBe(16);
    expect(chosen.slice(16)).toEqual([46_723, 46_724]);
  });

  test('are found down to the last one, and then no more', () => {
    const all = Array.from({ length: 40_000 }, (_, index) => 20_000 + index);
    for (const free of [20_000, 46_721, 46_723, 59_999]) {
      expect(chooseUid('projectname', 'web', new Set(all.filter((uid) => uid !== free)))).toBe(free);
    }
    expect(() => chooseUid('projectname', 'web', new Set(all))).toThrow('all 40000 uids are taken');
  });

  test('are never shared, whatever comes and goes', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name, fc.boolean()), { maxLength: 400 }), (history) => {
        const owners = new Map<number, string>();
        const uids = new Map<string, number>();
        for (const [project, app, gone] of history) {
          const key = `${project}/${app}`;
          if (gone) {
            owners.delete(uids.get(key) ?? 0);
            uids.delete(key);
          } else if (!uids.has(key)) {
            const uid = chooseUid(project, app, new Set(owners.keys()));
            expect(owners.has(uid)).toBe(false);
            expect(uid).toBeGreaterThanOrEqual(20_000);
            expect(uid).toBeLessThan(60_000);
            owners.set(uid, key);
            uids.set(key, uid);
          }
        }
      }),
    );
  });

  test('a collision is resolved, and a number that data still belongs to is not given away', async () => {
    const world = await World.with({ blog: 'apps: { job: { image: "busybox:1" } }\n' });
    const wanted = chooseUid('blog', 'job', new Set());
    await world.host.write('projects/gone/identity.json', JSON.stringify({ uids: { web: wanted } }));
    const { projects } = await loadProjects(world.files, world.workspace, []);
    const identities = identitiesFor(projects, await observe(world));
    expect(identities['blog']!.uids['job']).not.toBe(wanted);
  });

  test('two projects whose first choice is the same, deployed together, get two', async () => {
    const [one, other] = sameChoice();
    const text = 'apps: { job: { image: "busybox:1" } }\n';
    const world = await World.with({ [one]: text, [other]: text });
    const { projects } = await loadProjects(world.files, world.workspace, []);
    await claimIdentities(projects, world);
    const { identities } = await observe(world);
    expect(identities[one]!.uids['job']).not.toBe(identities[other]!.uids['job']);
  });
});

describe('subnets', () => {
  const range = (cidr: string): [number, number] => {
    const [address, prefix] = cidr.split('/') as [string, string];
    const start = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    return [start, start + 2 ** (32 - Number(prefix))];
  };

  test('300 projects and the shared networks never overlap', () => {
    const taken = [chooseSubnet('10.213.0.0/16', 20, 'egress', ['172.17.0.0/16'])];
    for (let index = 0; index < 300; index += 1)
      taken.push(chooseSubnet('10.213.0.0/16', 28, `project-${index}`, taken));
    const ranges = taken.map(range).toSorted(([a], [b]) => a - b);
    for (const [index, [start]] of ranges.entries())
      if (index > 0) expect(start).toBeGreaterThanOrEqual(ranges[index - 1]![1]);
  });

  test('are the same on every host, and lie within the pool', () => {
    expect(chooseSubnet('10.213.0.0/16', 24, 'shop', [])).toBe('10.213.106.0/24');
    for (let index = 0; index < 50; index += 1) {
      const [start, end] = range(chooseSubnet('10.213.64.0/18', 22, `p${index}`, []));
      const pool = range('10.213.64.0/18');
      expect(start >= pool[0] && end <= pool[1]).toBe(true);
      expect(start % 1024).toBe(0);
    }
  });

  test('fill a pool to its last place, beside what others take', () => {
    const others = ['10.0.0.0/24', '10.0.3.128/25', 'fd00::/64', '10.0.4.0/24', '9.255.255.0/24'];
    const taken = [...others];
    for (const key of ['a', 'b']) taken.push(chooseSubnet('10.0.0.0/22', 24, key, taken));
    expect(taken.slice(others.length).toSorted()).toEqual(['10.0.1.0/24', '10.0.2.0/24']);
    expect(() => chooseSubnet('10.0.0.0/22', 24, 'c', taken)).toThrow(
      expect.objectContaining({
        code: 'POOL_FULL',
        message: 'no free subnet of size /24 is left in 10.0.0.0/22 for c',
        hints: ['docker network ls shows what takes it', 'or choose another range under network.pool in hostctl.yaml'],
      }) as Error,
    );
  });

  test('touch their neighbours and share nothing', () => {
    expect(chooseSubnet('10.0.0.0/23', 24, 'a', ['10.0.1.0/24'])).toBe('10.0.0.0/24');
    expect(chooseSubnet('10.0.0.0/23', 24, 'a', ['10.0.0.0/24'])).toBe('10.0.1.0/24');
  });

  test.each([
    ['10.1.2.3/32', 0x0a010203, 1],
    ['10.1.2.3/24', 0x0a010200, 256],
    ['10.1.2.3/30', 0x0a010200, 4],
    ['255.255.255.255/0', 0, 2 ** 32],
    ['192.168.255.0/17', 0xc0a88000, 32_768],
  ])('%s are addresses from the first of the network on', (cidr, start, size) => {
    expect(parseCidr(cidr)).toEqual({ start, end: start + size });
  });

  test('a pool that is used up says so', () => {
    expect(() => chooseSubnet('10.0.0.0/18', 18, 'a', ['10.0.0.0/8'])).toThrow('no free subnet');
  });
});
