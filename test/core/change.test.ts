import { describe, expect, test } from 'vitest';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { setSecret } from '../../src/ops/secrets.ts';
import { World } from '../support/world.ts';

const IMAGE = 'hostnames: [a.org]\napps:\n  web: { image: web, port: 80 }\n';
const NODE = 'hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app }\n';
const inNode = (more: string): string => NODE.replace(' }', `, ${more} }`);
const inImage = (more: string): string => IMAGE.replace(' }', `, ${more} }`);

async function live(text: string): Promise<World> {
  const world = await World.with({ site: text });
  world.source('app', { 'package.json': '{}', 'media/a.txt': 'A' });
  for (const image of ['web:latest', 'web:2']) world.engine.addImage(image);
  for (const name of ['TOKEN', 'OTHER']) await setSecret('site', name, Buffer.from('one'), world);
  const [outcome] = await deploy(['site'], world, { wait: 0 });
  expect(outcome?.error).toBeUndefined();
  return world;
}

/** Why each new container is made. */
async function runs(world: World, name = 'site'): Promise<string[]> {
  const { projects } = await plan([name], world);
  return projects.flatMap(({ before }) => before.flatMap((step) => (step.do === 'run' ? [step.why] : [])));
}
/** The same without the part that is a hash. */
const whys = async (world: World) => (await runs(world)).map((why) => why.replace(/\(was [0-9a-f]{7}\)$/, '(was …)'));

describe('what changed, in the words of the definition', () => {
  test.each<[what: string, before: string, after: string]>([
    ['image', IMAGE, IMAGE.replace('image: web', 'image: "web:2"')],
    ['env DEBUG', IMAGE, inImage('env: { DEBUG: "1" }')],
    ['env DEBUG', inImage('env: { DEBUG: "1" }'), IMAGE],
    ['env A, env B', inImage('env: { B: "1", A: "1", C: "1" }'), inImage('env: { B: "2", A: "2", C: "1" }')],
    ['command', IMAGE, inImage('command: serve --all')],
    ['command', NODE, inNode('command: node other.js')],
    [
      'uid, relax',
      IMAGE,
      inImage('relax: [{ allow: image-user, reason: wanted }, { allow: new-privileges, reason: wanted }]'),
    ],
    ['stop', IMAGE, inImage('stop: 30s')],
    ['writable', IMAGE, inImage('writable: [/srv/cache]')],
    ['writable', IMAGE, inImage('relax: [{ allow: exec-tmp, reason: wanted }]')],
    ['relax', IMAGE, inImage('relax: [{ allow: writable-rootfs, reason: wanted }]')],
    ['relax', IMAGE, inImage('relax: [{ allow: "cap:CHOWN", reason: wanted }]')],
    ['relax', IMAGE, inImage('relax: [{ allow: new-privileges, reason: wanted }]')],
    ['networks', IMAGE, inImage('egress: false')],
    ['volumes or uploads', IMAGE, inImage('volumes: { data: /data }')],
    ['volumes or uploads', NODE, inNode('volumes: { data: /data }')],
    ['volumes or uploads', inImage('volumes: { data: /data }'), inImage('volumes: { data: /srv/data }')],
    ['volumes or uploads', NODE, `${NODE}media:\n  /files: { from: /src/none, writable-by: web, mount: /files }\n`],
    ['port', IMAGE, IMAGE.replace('80', '81')],
    ['env PORT, command, networks, port', NODE, inNode('port: 8000')],
    ['secret TOKEN (now version 1)', IMAGE, inImage('secrets: [TOKEN]')],
    ['secret TOKEN (no more)', inImage('secrets: [TOKEN]'), IMAGE],
    [
      'secret TOKEN (no more), secret OTHER (now version 1), stop',
      inImage('secrets: [TOKEN]'),
      inImage('secrets: [OTHER], stop: 3s'),
    ],
    ['secret TOKEN (now version 1)', inImage('secrets: [OTHER]'), inImage('secrets: [OTHER, TOKEN]')],
  ])('%s', async (what, before, after) => {
    const world = await live(before);
    world.define('site', after);
    expect(await whys(world)).toEqual([`${what} changed (was …)`]);
  });

  test('the hash it had is shown by its first characters', async () => {
    const world = await live(IMAGE);
    const [name] = world.running('site');
    world.define('site', inImage('stop: 30s'));
    expect(await runs(world)).toEqual([`stop changed (was ${name!.slice(-7)})`]);
  });

  test('a source by the tag of its build, for every replica alike', async () => {
    const world = await live(inNode('replicas: 2'));
    world.source('app', { 'new.js': 'new' });
    expect(await whys(world)).toEqual(['source changed (was …)', 'source changed (was …)']);
  });

  test('an image of the same name that is another one, for every replica alike', async () => {
    const world = await live(inImage('replicas: 2'));
    expect(await whys(world)).toEqual([]);
    world.engine.imageIds.set('web:latest', { ...world.engine.imageIds.get('web:latest')!, id: 'sha256:other' });
    expect(await whys(world)).toEqual(['image changed (was …)', 'image changed (was …)']);
    world.define('site', inImage('replicas: 2, stop: 30s'));
    expect(await whys(world)).toEqual(['image, stop changed (was …)', 'image, stop changed (was …)']);
  });

  test('an image that was removed since cannot be compared', async () => {
    const world = await live(IMAGE);
    world.engine.imageIds.delete('web:latest');
    expect(await whys(world)).toEqual(['image changed (was …)']);
    world.define('site', inImage('stop: 30s'));
    expect(await whys(world)).toEqual(['stop changed (was …)']);
  });

  test('an app whose project is called like nothing special says what it mounts', async () => {
    const world = await World.with({ undefined: IMAGE });
    world.engine.addImage('web:latest');
    await deploy(['undefined'], world, { wait: 0 });
    world.define('undefined', inImage('volumes: { data: /data }'));
    expect(await runs(world, 'undefined')).toEqual([expect.stringMatching(/^volumes or uploads changed/)]);
  });
});
