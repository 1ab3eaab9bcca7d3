import { beforeEach, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { findPrunable, prune } from '../../src/ops/prune.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.with({ blog: BLOG });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
});

const put = () => deploy(['blog'], world, { wait: 0 });
const names = (items: readonly { kind: string; name: string }[]): string[] =>
  items.map((item) => `${item.kind} ${item.name}`);
const everything = (): string[] => [
  ...world.engine.boxes.keys(),
  ...world.engine.imageIds.keys(),
  ...world.engine.nets.keys(),
  ...world.host.entries.keys(),
];

/** An attempt that does not become ready, and leaves container, image, socket and copy behind. */
async function fail(text: string): Promise<void> {
  const behaviour = { ends: 1 };
  world.source('blog', { 'server.js': text, 'files/a.txt': text });
  world.engine.behaviours.set('hostctl/blog:*', behaviour);
  await put();
  world.engine.behaviours.delete('hostctl/blog:*');
}

test('finds nothing where all is needed, and changes nothing', async () => {
  await put();
  world.source('blog', { 'server.js': 'two', 'files/a.txt': 'B' });
  await put();
  const before = everything();
  const found = names(await findPrunable(world)).filter((name) => !name.startsWith('folder proxy/generations/'));
  expect(found).toEqual([]);
  await prune(world);
  expect(everything()).toEqual(before.filter((name) => everything().includes(name)));
  expect((await rollback('blog', undefined, 0, world)).error).toBeUndefined();
});

test('removes what an attempt that failed has left, and no more', async () => {
  await put();
  const before = everything();
  await fail('two');
  const found = names(await findPrunable(world));
  expect(found.map((name) => name.replace(/[0-9a-f]{7,}/g, 'x'))).toEqual([
    'container blog-web-x',
    'image hostctl/blog:x',
    'folder sockets/blog-web-x-x',
    'folder media/blog/files.x',
    // From before there was any site.
    'folder proxy/generations/x',
  ]);
  expect(names(await prune(world))).toEqual(found);
  expect(everything().filter((name) => !before.includes(name))).toEqual([]);
  const gone = before.filter((name) => !everything().includes(name));
  expect(gone.filter((name) => !name.startsWith('proxy/generations/'))).toEqual([]);
  world.source('blog', { 'server.js': 'one', 'files/a.txt': 'A' });
  expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
});

test('leaves data, and what is not of this instance, alone', async () => {
  world.define('blog', `${BLOG}  /up: { from: ./up, writable-by: web, mount: /up }\n`);
  await put();
  await world.host.write('projects/blog/volumes/old/data/file', 'data');
  await world.host.write('projects/gone/volumes/web/data/file', 'data');
  await world.host.write('media/gone/up.uploads/up/file', 'data');
  await world.host.write('tls/gone/1/chain.pem', 'data');
  const labels = { 'hostctl.project': 'blog', 'hostctl.role': 'image' };
  const image = (ref: string, more: Readonly<Record<string, string>>): void => {
    world.engine.imageIds.set(ref, { id: `sha256:${ref}`, labels: more, tags: [ref], digests: [], size: 1 });
  };
  image('hostctl/blog:other', { ...labels, 'hostctl.instance': 'other' });
  image('hostctl/blog:mine', {});
  // Made from one of hostctl's, whose labels it has therefore.
  image('mine/blog:1', { ...labels, 'hostctl.instance': 'hostctl' });
  await fail('two');
  const before = everything();
  await prune(world);
  const gone = before.filter((name) => !everything().includes(name));
  expect(gone.filter((name) => /volumes|uploads|^tls|other|mine/.test(name))).toEqual([]);
  expect(gone.length).toBeGreaterThan(0);
});

test('leaves a project alone that is being deployed, and says so', async () => {
  await put();
  await fail('two');
  const unlock = await world.host.lock('blog', 'deploy');
  const before = everything();
  await prune(world);
  await unlock();
  expect(everything().filter((name) => name.startsWith('blog-'))).toEqual(
    before.filter((name) => name.startsWith('blog-')),
  );
  expect(world.ui.events.at(-1)).toMatchObject({
    type: 'note',
    text: expect.stringContaining('blog is left alone') as string,
  });
});

test('takes what is left of a project that is gone', async () => {
  world.define('tcp', 'hostnames: [tcp.org]\napps:\n  web: { runtime: node, source: /src/blog, port: 80 }\n');
  await deploy(['tcp', 'blog'], world, { wait: 0 });
  // Its records were lost; its container was stopped by hand.
  await world.engine.stop(world.running('tcp')[0]!);
  await world.host.remove(LAYOUT.releases('tcp'));
  await world.host.remove(LAYOUT.current('tcp'));
  const gone = names(await prune(world));
  expect(gone.some((name) => name.startsWith('container tcp-web-'))).toBe(true);
  expect(gone).toContain('network hostctl_tcp');
  expect(world.running('blog')).toHaveLength(1);
});
