import { expect, test } from 'vitest';
import { deploy } from '../../src/ops/deploy.ts';
import { logs } from '../../src/ops/logs.ts';
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
