import { expect, test } from 'vitest';
import { deploy } from '../../src/ops/deploy.ts';
import { logs, runningContainer } from '../../src/ops/logs.ts';
import type { LogOptions } from '../../src/ports.ts';
import { World } from '../support/world.ts';

async function read(world: World, options: LogOptions): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of logs({ project: 'blog' }, undefined, options, world)) texts.push(line.text);
  return texts;
}

test('who follows goes on with the copy a deploy puts in the place of the old one, from its first line', async () => {
  const world = await World.with({
    blog: 'hostnames: [www.blog.org]\napps:\n  web: { runtime: node, source: /src/blog }\n',
  });
  const put = (): Promise<unknown> => {
    return deploy(['blog'], world, { wait: 0 });
  };
  world.source('blog', { 'package.json': '{}', 'server.js': 'one' });
  await put();
  const [old] = world.running('blog');
  world.engine.logs = async function* follow(name, options) {
    yield { stream: 'stdout', text: `${name === old ? 'old' : 'new'}, last ${options?.tail ?? 'all'}` };
    if (name !== old || !options?.follow) return;
    world.source('blog', { 'server.js': 'two' });
    await put();
  };
  expect(await read(world, { tail: 5 })).toEqual(['old, last 5']);
  expect(await read(world, { tail: 5, follow: true })).toEqual(['old, last 5', 'new, last all']);
  expect(world.running('blog')).not.toContain(old);
});

test('an app that was renamed is the one that is meant, whatever is kept of the old one', async () => {
  const text = 'hostnames: [www.blog.org]\napps:\n  web: { runtime: node, source: /src/blog }\n';
  const world = await World.with({ blog: text });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one' });
  await deploy(['blog'], world, { wait: 0 });
  world.define('blog', text.replace('web:', 'site:'));
  await deploy(['blog'], world, { wait: 0 });
  expect([...world.engine.boxes.keys()].filter((name) => name.startsWith('blog-'))).toHaveLength(2);
  expect(await runningContainer('blog', world)).toBe(world.running('blog')[0]);
});
