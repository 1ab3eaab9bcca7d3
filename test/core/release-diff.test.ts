import { beforeEach, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { diffReleases, oneRelease, rollback } from '../../src/ops/rollback.ts';
import { World } from '../support/world.ts';

let world: World;

const ONE = `
hostnames: [blog.org]
apps:
  web: { image: "shop:1", port: 80, env: { A: one, B: same }, limits: { memory: 64M }, volumes: { data: { at: /data, shared: true } } }
media:
  /files: { from: /src/blog/files }
  /up: { from: ./up, writable-by: web, mount: /up }
`;
const TWO = `
hostnames: [blog.org, www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, env: { A: two, C: new }, limits: { memory: 96M }, release: [sh, -c, "echo migrated"] }
  job: { image: "shop:1" }
media:
  /files: { from: /src/blog/files }
  /more: { from: /src/blog/more }
http: { redirects: { /old: /new }, hsts: 1d }
`;

beforeEach(async () => {
  world = await World.with({ blog: ONE });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A', 'more/m.txt': 'M' });
  await world.engine.pull('shop:1');
});

const put = async (text: string) => {
  world.define('blog', text);
  const [outcome] = await deploy(['blog'], world, { wait: 0 });
  expect(outcome?.error).toBeUndefined();
};

test('a diff names every part that differs, and no value of a variable', async () => {
  await put(ONE);
  world.source('blog', { 'files/a.txt': 'B' });
  await put(TWO);
  const { changes, stays } = await diffReleases('blog', 1, undefined, world);
  expect(changes.map(({ app, what }) => `${app ?? '-'} ${what}`)).toEqual([
    'job app',
    'web image',
    'web env A',
    'web env B',
    'web env C',
    'web env NODE_ENV',
    'web limits',
    'web command',
    'web volumes',
    'web networks',
    'web release',
    '- hostnames',
    '- routes',
    '- media /files',
    '- media /more',
    '- media /up',
    '- http.hsts',
    '- http.redirects',
  ]);
  expect(changes.find((item) => item.what === 'limits')).toEqual({
    app: 'web',
    what: 'limits',
    before: '64M, 0.5 cpus, 100 pids',
    after: '96M, 0.5 cpus, 100 pids',
  });
  expect(JSON.stringify(changes)).not.toMatch(/"(one|two|same|new)"/);
  expect(stays).toEqual([
    expect.stringMatching(
      /^release 2 ran web: sh -c echo migrated \(\d+m?s\); what it did to a database stays$/,
    ) as unknown,
    'volumes are not part of a release: projects/blog/volumes/web/data stay as they are now',
    'uploads stay as they are now, deleted ones stay deleted: /up',
  ]);
});

test('a record holds what release commands did, and the digest of an image from a registry', async () => {
  await put(ONE);
  await put(TWO);
  const release = await oneRelease('blog', 2, world);
  expect(release.hooks).toMatchObject([
    { app: 'web', command: ['sh', '-c', 'echo migrated'], code: 0, log: ['migrated'] },
  ]);
  expect(release.digests).toEqual({ job: 'shop@sha256:shop:1' });
  expect(release.by).toBe('tester@here');
  expect((await oneRelease('blog', 1, world)).hooks).toEqual([]);
});

test('records from before there were hooks in them are read, and say what may have run', async () => {
  await put(ONE);
  await put(TWO);
  const path = LAYOUT.release('blog', 2);
  const old = JSON.parse((await world.host.read(path))!) as Record<string, unknown>;
  delete old['hooks'];
  delete old['digests'];
  await world.host.write(path, JSON.stringify(old));
  const { stays } = await diffReleases('blog', 1, 2, world);
  expect(stays[0]).toBe('release 2 may have run web: sh -c echo migrated; what it did to a database stays');
});

test('a rollback restores all of it at once, and says what it does not', async () => {
  await put(ONE);
  const state = (): unknown => ({
    // The link of an alias that is gone stays with the copy it leads to: both are of a kept release.
    links: [...world.host.entries].filter(
      ([path, { target }]) => target !== undefined && /^(links|media)\/(?!.*more)/.test(path),
    ),
    running: world.running('blog').map((name) => [name, world.engine.boxes.get(name)!.limits]),
    networks: [...world.engine.boxes.get('hostctl-proxy')!.networks].toSorted(),
    served: [world.servedBy('blog.org'), world.servedBy('www.blog.org')],
  });
  const config = async (): Promise<string | undefined> =>
    world.host.read(`proxy/${await world.host.readLink(LAYOUT.live.nginx)}/sites/blog.conf`);
  const [before, text, first] = [state(), await config(), await oneRelease('blog', 1, world)];
  world.source('blog', { 'files/a.txt': 'B' });
  await put(TWO);
  expect(state()).not.toEqual(before);
  expect(await config()).not.toEqual(text);
  world.ui.events.length = 0;
  expect(await rollback('blog', 1, 0, world)).toMatchObject({ release: 3 });
  expect(await config()).toEqual(text);
  expect(state()).toEqual(before);
  const { desired } = await oneRelease('blog', 3, world);
  expect(desired).toEqual(first.desired);
  const notes = world.ui.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  expect(notes[0]).toContain('release 2 ran web: sh -c echo migrated');
});

test('a rollback takes the image it was, also when its tag means another one by now', async () => {
  await put(ONE);
  await put(TWO);
  for (const name of world.engine.boxes.keys())
    if (name.startsWith('blog-web')) world.engine.boxes.get(name)!.state = 'exited';
  const kept = [...world.engine.boxes.keys()].find((name) => name.startsWith('blog-web'));
  await world.engine.remove(kept!);
  const was = world.engine.imageIds.get('shop:1')!;
  world.engine.imageIds.set('shop:1', { ...was, id: 'sha256:moved' });
  world.engine.imageIds.set(was.id, { ...was, tags: [] });
  await rollback('blog', 1, 0, world);
  expect(world.engine.boxes.get(kept!)!.spec.image).toBe(was.id);
});
