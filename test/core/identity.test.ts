import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseSubnet, chooseUid } from '../../src/core/identity.ts';
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

  test('a pool that is used up says so', () => {
    expect(() => chooseSubnet('10.0.0.0/18', 18, 'a', ['10.0.0.0/8'])).toThrow('no free subnet');
  });
});
