import { beforeEach, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { restart } from '../../src/ops/lifecycle.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

let world: World;
/** For each container, in the order in which they were stopped: how many replicas visitors were led to meanwhile. */
let asked: [name: string, replicas: number][];

beforeEach(async () => {
  world = await World.with({ blog: BLOG.replace('source: /src/blog', 'source: /src/blog, replicas: 3') });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  await deploy(['blog'], world, { wait: 0 });
  asked = [];
  const stop = world.engine.stop.bind(world.engine);
  world.engine.stop = async (name) => {
    asked.push([name, await replicas()]);
    return stop(name);
  };
});

async function replicas(): Promise<number> {
  const generation = (await world.host.readLink(LAYOUT.live.nginx))!.replace('generations/', '');
  const text = (await world.host.read(`${LAYOUT.generations}/${generation}/sites/blog.conf`))!;
  return text.match(/server unix:/g)!.length;
}

describe('a restart of replicas', () => {
  test('leads visitors to the others while one is away, and to all in the end', async () => {
    const names = world.running('blog');
    expect(names).toHaveLength(3);
    expect((await restart('blog', undefined, world)).toSorted()).toEqual(names.toSorted());
    expect(asked.map(([name]) => name).toSorted()).toEqual(names.toSorted());
    expect(asked.map(([, count]) => count)).toEqual([2, 2, 2]);
    expect(await replicas()).toBe(3);
    expect(world.running('blog')).toHaveLength(3);
  });

  test('that fails half-way leads visitors to all of them again', async () => {
    const stop = world.engine.stop.bind(world.engine);
    world.engine.stop = (name) => (asked.length === 1 ? Promise.reject(new Error('gone')) : stop(name));
    await expect(restart('blog', undefined, world)).rejects.toThrow('gone');
    expect(await replicas()).toBe(3);
  });

  test('needs no proxy', async () => {
    world.engine.boxes.get('hostctl-proxy')!.state = 'exited';
    await restart('blog', undefined, world);
    expect(asked.map(([, count]) => count)).toEqual([3, 3, 3]);
    expect(world.running('blog')).toHaveLength(3);
  });
});
