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
