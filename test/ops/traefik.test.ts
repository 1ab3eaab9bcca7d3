import { beforeEach, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { World } from '../support/world.ts';

const site = (version: string): string =>
  `hostnames: [a.org]\napps:\n  web: { image: "app:${version}", port: 8000, health: { path: / } }\n`;

let world: World;
beforeEach(async () => {
  world = await World.with({ a: site('1') }, { proxy: { driver: 'traefik' } });
  for (const version of ['1', '2']) {
    world.engine.addImage(`app:${version}`);
    world.engine.behaviours.set(`app:${version}`, { answers: 200 });
  }
  const [outcome] = await deploy(['a'], world, { wait: 0 });
  expect(outcome?.error).toBeUndefined();
});

const file = (): string => world.host.entries.get(LAYOUT.dynamicFile)!.text!;

describe('the file Traefik reads', () => {
  test('comes from the live releases and is not written without a change', async () => {
    expect(file()).toContain('Host(`a.org`)');
    const before = world.host.writes.length;
    await deploy(['a'], world, { wait: 0 });
    expect(world.host.writes.slice(before).filter((write) => write.includes('dynamic/'))).toEqual([]);
    expect(formatPlan(await plan(['a'], world))).toBe('Up to date.\n');
  });

  test('goes back to what it was when Traefik cannot use a router of the new one', async () => {
    const before = file();
    world.define('a', site('2'));
    let asked = 0;
    world.prober.faults = async () => {
      asked += 1;
      return asked === 1 ? ['a.web@file: invalid rule'] : [];
    };
    const [outcome] = await deploy(['a'], world, { wait: 0 });
    expect(outcome?.error).toMatchObject({ code: 'PROXY_REFUSED', message: expect.stringContaining('invalid rule') });
    expect(file()).toBe(before);
    expect(world.running('a')).toHaveLength(1);
    const [again] = await deploy(['a'], world, { wait: 0 });
    expect(again?.error).toBeUndefined();
    expect(file()).not.toBe(before);
  });

  test('is written anew when Traefik has something else loaded than the records say', async () => {
    world.prober.generation = async () => undefined;
    expect(formatPlan(await plan(['a'], world))).toContain('restore');
  });
});

test('a definition for the other driver keeps what runs until it is deployed', async () => {
  Object.assign(world.workspace.proxy, { driver: 'nginx' });
  const steps = formatPlan(await plan(['a'], world));
  expect(steps).toContain('takes the place of hostctl-media and hostctl-traefik');
  await deploy(['a'], world, { wait: 0 });
  expect([...world.engine.boxes.keys()].filter((name) => name.startsWith('hostctl-'))).toEqual(['hostctl-proxy']);
  expect(world.servedBy('a.org')).toMatch(/^a-web-/);
});

test('an edge that cannot start gives the ports back to the one before', async () => {
  Object.assign(world.workspace.proxy, { driver: 'nginx' });
  world.engine.failOn = { call: /^start hostctl-proxy/, error: new Error('no space left on device') };
  await expect(deploy(['a'], world, { wait: 0 })).rejects.toThrow('no space');
  expect(world.engine.boxes.get('hostctl-traefik')?.state).toBe('running');
  expect(world.engine.boxes.get('hostctl-proxy')).toBeUndefined();
  await deploy(['a'], world, { wait: 0 });
  expect(world.engine.boxes.get('hostctl-proxy')?.state).toBe('running');
});
