import { describe, expect, test } from 'vitest';
import { loadProjects, loadWorkspace, selectProjects, selectSound, validate } from '../../src/ops/load.ts';
import { DefinitionError, HostctlError } from '../../src/errors.ts';
import { brief } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const SITE = (hostname: string): string =>
  `hostnames: [${hostname}]\napps:\n  web: { runtime: node, source: /src/app }\n`;

async function worldWith(definitions: Readonly<Record<string, string>>): Promise<World> {
  const world = await World.with(definitions);
  world.source('app', { 'package.json': '{}' });
  return world;
}

const load = (world: World): ReturnType<typeof loadProjects> =>
  loadProjects(world.files, world.workspace, world.templates.runtimes);

/** `file line:column …` of everything `hostctl validate` finds. */
async function validated(world: World): Promise<string[]> {
  const error: unknown = await validate(world.files, '/work', world.templates).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DefinitionError)) throw error;
  return brief(error.problems).map((line, index) => `${error.problems[index]!.file} ${line}`);
}

/** Makes the operating system refuse what is asked of a path. */
function close(world: World, call: 'read' | 'kind' | 'list', path: string): void {
  const open = world.files[call].bind(world.files) as (asked: string) => Promise<never>;
  Object.assign(world.files, {
    [call]: async (asked: string) => {
      if (asked === path) throw new HostctlError('NOT_READABLE', `${path} cannot be read (EACCES)`);
      return open(asked);
    },
  });
}

describe('what cannot be read is a problem of its file alone', () => {
  test.each([
    [
      'a definition',
      'read',
      '/work/projects/bad.yaml',
      'projects/bad.yaml 0:0 : the file cannot be read: check its owner and mode',
    ],
    [
      'hostctl.yaml',
      'read',
      '/work/hostctl.yaml',
      'hostctl.yaml 0:0 : the file cannot be read: check its owner and mode',
    ],
    [
      'a source',
      'list',
      '/src/other',
      'projects/bad.yaml 3:33 apps.web.source: `/src/other` cannot be read → looked for /src/other',
    ],
    [
      'a folder around a source',
      'kind',
      '/src/other',
      'projects/bad.yaml 3:33 apps.web.source: `/src/other` cannot be read → looked for /src/other',
    ],
    [
      'a folder of media',
      'kind',
      '/src/media',
      'projects/bad.yaml 5:15 media./a.from: `/src/media` cannot be read → looked for /src/media',
    ],
    [
      'the folder of the definitions',
      'list',
      '/work/projects',
      'projects 0:0 : the folder cannot be read: check its owner and mode',
    ],
  ] as const)('%s', async (_, call, path, expected) => {
    const bad = SITE('bad.org').replace('/src/app', '/src/other');
    const world = await worldWith({ good: SITE('good.org'), bad: `${bad}media:\n  /a: { from: /src/media }\n` });
    world.source('other', { 'package.json': '{}' });
    world.source('media', { a: '' });
    close(world, call, path);
    expect(await validated(world)).toEqual([expected]);
    const loaded = await load(world);
    if (path !== '/work/projects') expect(selectProjects(loaded, ['good'])).toMatchObject([{ name: 'good' }]);
    else expect(() => selectProjects(loaded, ['good'])).toThrow(DefinitionError);
  });

  test('a file where the folder of the definitions should be is no workspace without projects', async () => {
    const world = await worldWith({});
    world.files.texts.set('/work/projects', '');
    expect(await validated(world)).toEqual(['projects 0:0 : is a file: definitions stand in a folder']);
    const loaded = await load(world);
    expect(() => selectProjects(loaded, 'all')).toThrow(DefinitionError);
    expect(() => selectSound(loaded)).toThrow(DefinitionError);
  });
});

test('a hostname two projects claim is told even when one of them has other problems', async () => {
  const world = await worldWith({ a: SITE('a.org'), b: `hostnames: ["x y", 5, A.org]\napps: {}\n` });
  expect(await validated(world)).toEqual([
    'projects/b.yaml 1:13 hostnames[0]: `x y` holds a space or a comma: write one hostname per list item',
    'projects/b.yaml 1:20 hostnames[1]: expected text, not `5`',
    'projects/b.yaml 2:1 apps: a project needs at least one app',
    'projects/a.yaml 1:13 hostnames[0]: `a.org` is also claimed by projects/b.yaml → one hostname leads to one project',
    'projects/b.yaml 1:23 hostnames[2]: `a.org` is also claimed by projects/a.yaml → one hostname leads to one project',
  ]);
});

test.each(['constructor', '__proto__', 'toString', 'Blog'])('%s is no name for a project', async (name) => {
  const world = await worldWith({ [name]: SITE('a.org') });
  expect(await validated(world)).toEqual([
    expect.stringMatching(/^projects\/\w+\.yaml 1:1 : `\w+` (cannot be used as a name|is no project name)/),
  ]);
});

describe('of all projects', () => {
  test('the sound ones are told from the broken ones', async () => {
    const world = await worldWith({ a: SITE('a.org'), b: 'apps: {}\n', c: SITE('c.org'), d: SITE('c.org') });
    const { projects, broken } = selectSound(await load(world));
    expect(projects.map((project) => project.name)).toEqual(['a']);
    expect(broken.map((item) => [item.project, item.error.exit, item.error.message])).toEqual([
      ['b', 2, '1 problem in 1 file'],
      ['c', 2, '1 problem in 1 file'],
      ['d', 2, '1 problem in 1 file'],
    ]);
  });
});

describe('hostctl.yaml', () => {
  test('is where a limit that is too low is blamed, not the projects it would be for', async () => {
    const world = await worldWith({ a: SITE('a.org'), b: SITE('b.org') });
    world.files.texts.set('/work/hostctl.yaml', 'defaults: { limits: { memory: 1M } }\n');
    expect(await validated(world)).toEqual([
      'hostctl.yaml 1:31 defaults.limits.memory: an app cannot run in less than 6M',
    ]);
  });

  test('names bases there are', async () => {
    const world = await worldWith({});
    world.files.texts.set('/work/hostctl.yaml', 'bases: { images: { pyton: "a:1", mod-wsgi: "b:1" } }\nkeep: 1\n');
    expect(await validated(world)).toEqual([
      'hostctl.yaml 1:20 bases.images.pyton: there is no base `pyton` → did you mean `python`?',
      'hostctl.yaml 2:1 keep: unknown key `keep` → known here: instance, data, engine, proxy, tls, bases, builds, memory, network, defaults, notify',
    ]);
    await expect(loadWorkspace(world.files, '/work', world.templates.bases)).rejects.toThrow('2 problems in 1 file');
  });

  test('tells of bases as the templates have them', async () => {
    const world = await worldWith({});
    const images = world.templates.bases.map((base) => `${base.name}: "a:1"`).join(', ');
    world.files.texts.set('/work/hostctl.yaml', `bases: { images: { ${images} } }\n`);
    expect(await validate(world.files, '/work', world.templates)).toEqual([]);
  });
});
