import { expect, test } from 'vitest';
import { deploy } from '../../src/ops/deploy.ts';
import { World } from '../support/world.ts';

test('an app that starts slowly is asked often at first, then once a second', async () => {
  const world = await World.with({
    blog: 'hostnames: [www.blog.org]\napps:\n  web: { runtime: node, source: /src/blog, health: { within: 60s } }\n',
  });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one' });
  const asked: number[] = [];
  world.prober.candidate = async () => {
    asked.push(world.clock.now());
    return { ok: false, reason: 'nothing listens yet', ms: 1 };
  };
  const [outcome] = await deploy(['blog'], world, { wait: 0 });
  expect(outcome?.error).toMatchObject({ code: 'NOT_READY' });
  const pauses = asked.slice(1).map((time, index) => time - asked[index]!);
  expect(pauses[0]).toBe(100);
  expect(pauses.at(-1)).toBe(1000);
  expect(asked.length).toBeLessThan(80);
});

test.each([3_600_000, -3_600_000, 86_400_000, -86_400_000])(
  'a clock that is set by %d ms meanwhile ends no wait early and none late',
  async (jump) => {
    const world = await World.with({
      blog: 'hostnames: [www.blog.org]\napps:\n  web: { runtime: node, source: /src/blog, health: { within: 60s } }\n',
      worker: 'apps:\n  db: { image: "postgres:17" }\n',
    });
    world.source('blog', { 'package.json': '{}', 'server.js': 'one' });
    await world.engine.pull('postgres:17');
    let asked = 0;
    const jumps = async (): Promise<{ ok: false; reason: string; ms: number }> => {
      asked += 1;
      if (asked === 3) world.clock.jump = jump;
      return { ok: false, reason: 'nothing listens yet', ms: 1 };
    };
    const candidate = world.prober.candidate.bind(world.prober);
    world.prober.candidate = jumps;
    const since = world.clock.ticks();
    const [failed] = await deploy(['blog'], world, { wait: 0 });
    expect(failed?.error).toMatchObject({ code: 'NOT_READY' });
    expect(Math.round((world.clock.ticks() - since) / 10_000)).toBe(6);

    world.prober.candidate = async (target) => (asked > 80 ? candidate(target) : jumps());
    const before = world.clock.ticks();
    world.clock.jump = 0;
    for (const { error } of await deploy('all', world, { wait: 0 })) expect(error).toBeUndefined();
    // The worker has no check: it has to keep running for two seconds.
    expect(world.clock.ticks() - before).toBeGreaterThan(2000);
    expect(world.clock.ticks() - before).toBeLessThan(60_000);
  },
);
