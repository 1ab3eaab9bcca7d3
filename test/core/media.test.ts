import { describe, expect, test } from 'vitest';
import { loadProjects } from '../../src/ops/load.ts';
import { brief, check } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const APPS = `hostnames: [www.example.org]
apps:
  web: { runtime: node, source: /src/app }
  api: { runtime: node, source: /src/app, path: /api }
`;
const media = (...lines: string[]): string => `${APPS}media:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const read = async (...lines: string[]) => {
  const { project, problems } = await check(media(...lines));
  expect(brief(problems)).toEqual([]);
  return project!.media;
};

describe('an alias', () => {
  test('is read with its source and how long browsers keep it', async () => {
    expect(
      await read(
        '/folder/: { from: /src/app/media }',
        '/robots.txt: { from: /src/app/robots.txt, cache: 90s }',
        '/static: { from: "image:web:/srv/static", cache: 1500ms }',
        '/up: { from: /src/app/media, writable-by: api }',
        '/new: { from: /src/none, writable-by: api, mount: /uploads }',
      ),
    ).toEqual([
      { alias: '/folder', source: { kind: 'folder', path: '/src/app/media' }, maxAge: 3600 },
      { alias: '/robots.txt', source: { kind: 'file', path: '/src/app/robots.txt' }, maxAge: 90 },
      { alias: '/static', source: { kind: 'image', app: 'web', path: '/srv/static' }, maxAge: 2 },
      { alias: '/up', source: { kind: 'uploads', app: 'api', mount: '/up', seed: '/src/app/media' }, maxAge: 3600 },
      { alias: '/new', source: { kind: 'uploads', app: 'api', mount: '/uploads' }, maxAge: 3600 },
    ]);
  });

  test.each<[from: string, path: string]>([
    ['./media', '/work/projects/media'],
    ['.//./media', '/work/projects/media'],
    ['../media', '/work/media'],
    ['../..//media', '/media'],
    ['..', '/work'],
    ['.', '/work/projects'],
    ['a/./b', '/work/projects/a/b'],
    ['a..b/..c', '/work/projects/a..b/..c'],
    ['/a/b', '/a/b'],
  ])('from %s leads to %s', async (from, path) => {
    const world = await World.with({ site: media(`/a: { from: ${from}, writable-by: web, mount: /up }`) });
    world.source('app', { 'package.json': '{}' });
    world.files.texts.set(`${path}/file`, '');
    const { projects, problems } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
    expect(brief(problems)).toEqual([]);
    expect(projects[0]!.media[0]!.source).toMatchObject({ kind: 'uploads', seed: path });
  });

  test.each<[string, string[]]>([
    ['/: { from: /src/app/robots.txt }', ['6:3 media./: a single file needs a name → write `/robots.txt`']],
    [
      '/a: { from: /src/app/media, mount: /up }',
      ['6:31 media./a.mount: `mount` is where the app of `writable-by` sees the folder'],
    ],
    [
      '/a: { from: "image:web:/srv", writable-by: web }',
      ['6:46 media./a.writable-by: what comes from an image cannot be written to'],
    ],
    ['/a: { from: "image:web:srv" }', ['6:15 media./a.from: `srv` is no absolute path inside the image']],
    [
      '/a: { from: "image:web:/srv/../etc" }',
      ['6:15 media./a.from: `/srv/../etc` is no absolute path inside the image'],
    ],
    ['/a: { from: "image:web" }', ['6:15 media./a.from: `image:web` is not image:APP:/path']],
    [
      '/a: { from: "image:job:/srv" }',
      ['6:15 media./a.from: there is no app `job` in this project → apps here: web, api'],
    ],
    [
      '/a: { from: /src/app/media, writable-by: job }',
      ['6:44 media./a.writable-by: there is no app `job` in this project → apps here: web, api'],
    ],
    [
      '/: { from: /src/none, writable-by: web }',
      [
        '6:3 media./: an app cannot see uploads at `/` → add `mount: /uploads`',
        '6:3 media./: `/` is already answered by the app `web`',
      ],
    ],
    [
      '/a: { from: /src/app/robots.txt, writable-by: web }',
      ['6:15 media./a.from: uploads need a folder, this is a file'],
    ],
    ['/a: { from: /src/none }', ['6:15 media./a.from: `/src/none` is not there → looked for /src/none']],
    ['/a: { from: a/../b }', ['6:15 media./a.from: `a/../b` holds `..` after a name: write where it leads']],
    ['/a: { from: /a/.. }', ['6:15 media./a.from: `/a/..` holds `..` after a name: write where it leads']],
    ['/a: { from: ../a/.. }', ['6:15 media./a.from: `../a/..` holds `..` after a name: write where it leads']],
    ['/a: { from: / }', ['6:15 media./a.from: the whole machine cannot be served']],
    ['/a: { from: ../.. }', ['6:15 media./a.from: the whole machine cannot be served']],
    ['/a: { from: // }', ['6:15 media./a.from: the whole machine cannot be served']],
    ['a: { from: /src/app/media }', ['6:3 media.a: `a` does not start with a slash: write `/a`']],
    ['/api: { from: /src/app/media }', ['6:3 media./api: `/api` is already answered by the app `api`']],
    ['/: { from: /src/app/media }', ['6:3 media./: `/` is already answered by the app `web`']],
  ])('is refused: %s', async (line, expected) => {
    expect(brief((await check(media(line))).problems)).toEqual(expected);
  });

  test('is refused where it is another one’s, or lies below a file', async () => {
    const { problems } = await check(
      media(
        '/a: { from: /src/app/media }',
        '/a/: { from: /src/app/media }',
        '/b: { from: /src/app/robots.txt }',
        '/b/c: { from: /src/app/media }',
        '/bc: { from: /src/app/media }',
      ),
    );
    expect(brief(problems)).toEqual([
      '7:3 media./a/: `/a` is already answered by the alias `/a`',
      '9:3 media./b/c: `/b/c` lies below `/b`, which is a single file',
    ]);
  });

  test('needs a hostname', async () => {
    const line = 'media:\n  /a: { from: /src/app/media }\n';
    const { problems } = await check(`apps:\n  job: { image: "shop:1" }\n${line}`);
    expect(brief(problems)).toEqual([
      '3:1 media: the project has media, but no hostname → add `hostnames: [www.example.org]`',
    ]);
    expect((await check(`hostnames: []\napps:\n  job: { image: "shop:1" }\n${line}`)).problems).toHaveLength(1);
    expect(brief((await check('apps:\n  job: { image: "shop:1" }\nmedia: {}\n')).problems)).toEqual([]);
  });

  test('of what may not be read says so', async () => {
    const world = await World.with({ site: media('/a: { from: /src/closed }') });
    world.source('app', { 'package.json': '{}' });
    const kind = world.files.kind.bind(world.files);
    world.files.kind = async (path) => (path === '/src/closed' ? ('closed' as unknown as 'file') : kind(path));
    const { problems } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
    expect(brief(problems)).toEqual(['6:15 media./a.from: `/src/closed` cannot be read → looked for /src/closed']);
  });
});

describe('collected static files', () => {
  const django = (more = '', rest = ''): string =>
    `hostnames: [a.org]\napps:\n  web: { runtime: django, source: /src/django${more} }\n${rest}`;

  test('get an alias below the path of their app', async () => {
    expect((await check(django())).project?.media).toEqual([
      { alias: '/static', source: { kind: 'image', app: 'web', path: '/srv/static' }, maxAge: 3600 },
    ]);
    expect((await check(django(', path: /shop'))).project?.media[0]?.alias).toBe('/shop/static');
    expect((await check(django(', static: true'))).project?.media).toHaveLength(1);
    expect((await check(django(', static: false'))).project?.media).toEqual([]);
  });

  test('leave an alias to who says something else', async () => {
    const { project } = await check(django('', 'media:\n  /static: { from: /src/app/media, cache: 5s }\n'));
    expect(project?.media).toEqual([
      { alias: '/static', source: { kind: 'folder', path: '/src/app/media' }, maxAge: 5 },
    ]);
  });

  test.each([
    [
      django('', '  api: { runtime: node, source: /src/app, path: /static }\n'),
      '3:3 apps.web: `/static`, where the collected static files go, is already answered by the app `api` → choose another path, or add `static: false`',
    ],
    [
      django(', path: /a/b', 'media:\n  /a: { from: /src/app/robots.txt }\n'),
      '3:3 apps.web: `/a/b/static`, where the collected static files go, lies below `/a`, which is a single file → choose another path, or add `static: false`',
    ],
  ])('are refused where the path is taken: %#', async (text, expected) => {
    expect(brief((await check(text)).problems)).toEqual([expected]);
  });

  test('are none of an app nobody visits, nor of other runtimes', async () => {
    const { project } = await check('hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app }\n');
    expect(project?.media).toEqual([]);
  });
});
