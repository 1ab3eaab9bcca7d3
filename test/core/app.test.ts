import { beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/core/model.ts';
import type { Surroundings } from '../../src/core/report.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { loadTemplates } from '../../src/local/templates.ts';
import { HOST, readProject, TEMPLATES } from '../support/project.ts';

const { limits } = normaliseWorkspace({}, '/work');
let runtimes: readonly Runtime[];
beforeAll(async () => {
  ({ runtimes } = await loadTemplates(TEMPLATES));
});
const read = (text: string, about: Partial<Surroundings> = {}) => readProject(text, { runtimes, ...about });
const only = (more: string, name = 'web'): string => `hostnames: [a.org]\napps:\n  ${name}: { ${more} }\n`;
function app(more: string, about: Partial<Surroundings> = {}): App {
  const { project, found } = read(only(more), about);
  expect(found).toEqual([]);
  return project!.apps[0]!;
}
const NODE = 'runtime: node, source: /src/app';
const IMAGE = 'image: a, port: 80';

describe('defaults', () => {
  test('of an image', () => {
    expect(app(IMAGE)).toEqual({
      name: 'web',
      source: { kind: 'image', ref: 'a:latest' },
      listen: { kind: 'port', port: 80 },
      path: '/',
      env: {},
      secrets: [],
      limits,
      health: { path: '/', expect: [], within: 60_000 },
      replicas: 1,
      sticky: false,
      volumes: [],
      writable: [],
      needs: [],
      egress: true,
      drain: 10_000,
      stop: 20_000,
      relax: [],
    });
  });

  test('of a runtime', () => {
    expect(app(NODE)).toMatchObject({
      source: {
        kind: 'runtime',
        runtime: 'node',
        dir: '/src/app',
        server: 'node',
        values: { processes: '1', threads: '4' },
      },
      listen: { kind: 'socket' },
      keepAlive: 5000,
      env: { NODE_ENV: 'production' },
    });
    expect(app(NODE)).not.toHaveProperty('command');
    expect(app(NODE)).not.toHaveProperty('release');
    // mod_wsgi and uWSGI close idle connections without saying so.
    expect(app('runtime: wsgi, source: /src/app, wsgi: a')).not.toHaveProperty('keepAlive');
  });

  test('give way to what is written', () => {
    expect(
      app(
        `${NODE}, env: { NODE_ENV: test, A: b }, replicas: 3, sticky: true, egress: false, drain: 1s, stop: 2s, ` +
          'writable: [/w], volumes: { a: /a, b: { at: /b }, c: { at: /c, shared: true } }, ' +
          'secrets: [ONE, { name: TWO, env: true }], command: [run, it], release: migrate it, ' +
          'limits: { memory: 1G, cpus: 2, pids: 7 }, ' +
          'relax: [{ allow: exec-tmp, reason: because }], health: { path: /up, expect: [401], within: 5s, watch: 9s }',
      ),
    ).toMatchObject({
      env: { NODE_ENV: 'test', A: 'b' },
      replicas: 3,
      sticky: true,
      egress: false,
      drain: 1000,
      stop: 2000,
      writable: ['/w'],
      volumes: [
        { name: 'a', at: '/a', shared: false },
        { name: 'b', at: '/b', shared: false },
        { name: 'c', at: '/c', shared: true },
      ],
      secrets: [
        { name: 'ONE', env: false },
        { name: 'TWO', env: true },
      ],
      command: ['run', 'it'],
      release: ['migrate', 'it'],
      limits: { memory: 1024 ** 3, cpus: 2, pids: 7 },
      relax: [{ allow: 'exec-tmp', reason: 'because' }],
      health: { path: '/up', expect: [401], within: 5000, watch: 9000 },
    });
    expect(app(`${IMAGE}, limits: { cpus: 2 }`).limits).toEqual({ ...limits, cpus: 2 });
    expect(app(`${IMAGE}, limits: { pids: 2 }`).limits).toEqual({ ...limits, pids: 2 });
    expect(app('runtime: php, source: /src/app, writable: [/w]').writable.at(-1)).toBe('/w');
  });

  test('of the watch come from the workspace, and the usual is not written down', () => {
    expect(app(IMAGE).health).not.toHaveProperty('watch');
    expect(app(IMAGE, { watch: 5000 }).health.watch).toBe(5000);
    expect(app(`${IMAGE}, health: { watch: 3s }`, { watch: 5000 }).health).not.toHaveProperty('watch');
    expect(app(`${IMAGE}, health: { watch: 0s }`).health.watch).toBe(0);
  });
});

describe('the path an app answers', () => {
  const paths = (text: string): (string | undefined)[] => {
    const { project, found } = read(text);
    expect(found).toEqual([]);
    return project!.apps.map(({ path }) => path);
  };

  test.each<[what: string, text: string, paths: (string | undefined)[]]>([
    ['web', only(IMAGE), ['/']],
    ['web, with another', only(`${IMAGE}, path: /x/`), ['/x']],
    ['the only app with a port', only(IMAGE, 'job'), ['/']],
    ['the only app of a runtime', only(NODE, 'job'), ['/']],
    ['the only app without a port', only('image: a', 'job'), [undefined]],
    ['the only app without a hostname', `apps:\n  job: { ${IMAGE} }\n`, [undefined]],
    [
      'web of several',
      `${only(IMAGE, 'one')}  web: { ${IMAGE} }\n  two: { ${IMAGE}, path: /two }\n`,
      [undefined, '/', '/two'],
    ],
  ])('%s', (_, text, expected) => {
    expect(paths(text)).toEqual(expected);
  });

  test.each<[what: string, text: string, ...expected: string[]]>([
    [
      'without a hostname',
      `apps:\n  job: { ${IMAGE}, path: /x }\n`,
      'apps.job.path (key): a path needs a hostname → add `hostnames: [www.example.org]`',
    ],
    [
      'web without a hostname',
      `apps:\n  web: { ${IMAGE} }\n`,
      'apps.web (key): `web` answers requests, but the project has no hostname → add `hostnames: [www.example.org]`, or give an app that answers none another name',
    ],
    ['that is none', only(`${IMAGE}, path: x`), expect.stringMatching(/^apps\.web\.path: `x` /) as string],
    [
      'that another has',
      `${only(IMAGE)}  api: { ${IMAGE}, path: / }\n`,
      'apps.api.path: `/` already leads to the app `web`',
    ],
    [
      'of an image without a port',
      only('image: a'),
      'apps.web (key): `web` answers requests, but nothing says on which port → add `port`',
    ],
    [
      'of a Dockerfile without a port',
      only('dockerfile: /src/own'),
      'apps.web (key): `web` answers requests, but nothing says on which port → add `port`',
    ],
    [
      'that is not there, to stick to',
      `apps:\n  job: { ${IMAGE}, sticky: true }\n`,
      'apps.job.sticky (key): no visitor reaches `job`, so there is nothing to stick to → add the `path` it answers, or leave `sticky` out',
    ],
  ])('%s', (_, text, ...expected) => {
    expect(read(text).found).toEqual(expected);
  });

  test('one that sticks to nothing on purpose is none', () => {
    expect(read(`apps:\n  job: { ${IMAGE}, sticky: false }\n`).found).toEqual([]);
    expect(read(only(`${IMAGE}, sticky: true`)).found).toEqual([]);
  });
});

describe('where it listens', () => {
  test.each<[what: string, more: string, listen: App['listen'], sockets?: boolean]>([
    ['a runtime', NODE, { kind: 'socket' }],
    ['with a port', `${NODE}, port: 5000`, { kind: 'port', port: 5000 }],
    ['where the proxy reaches no sockets', NODE, { kind: 'port', port: 8000 }, false],
    ['a Dockerfile', 'dockerfile: /src/own, port: 7', { kind: 'port', port: 7 }],
  ])('%s', (_, more, listen, sockets = true) => {
    expect(app(more, { host: { ...HOST, sockets } }).listen).toEqual(listen);
  });

  test('nowhere, without requests; on a socket, for probes alone', () => {
    const listens = (more: string): unknown => {
      const { project, found } = read(`apps:\n  job: { ${more} }\n`);
      expect(found).toEqual([]);
      return project!.apps[0]!.listen.kind;
    };
    expect(listens(NODE)).toBe('none');
    expect(listens('image: a')).toBe('none');
    expect(listens(`${NODE}, health: { path: /up }`)).toBe('socket');
    expect(listens('runtime: wsgi, source: /src/app, wsgi: a, health: { path: /up }')).toBe('socket');
  });

  test('a server that knows no sockets has a port of its own', () => {
    const server = { base: 'x', port: ['run'] };
    const made = (more: object): Runtime[] => [
      { ...runtimes[0]!, name: 'mine', find: {}, servers: { x: { ...server, ...more } } },
    ];
    expect(app('runtime: mine, source: /src/app', { runtimes: made({ defaultPort: 81 }) }).listen).toEqual({
      kind: 'port',
      port: 81,
    });
    expect(app('runtime: mine, source: /src/app', { runtimes: made({}) }).listen).toEqual({ kind: 'port', port: 8000 });
  });

  test('one of a runtime that only answers requests has to answer some', () => {
    const job = (more: string): string[] => [
      ...read(`apps:\n  job: { runtime: static, source: /src/app${more} }\n`).found,
    ];
    expect(job('')).toEqual([
      'apps.job (key): `job` answers no requests, so what should it run? → add a `command`, or the `path` or `port` it answers',
    ]);
    expect(job(', port: 80')).toEqual([]);
    expect(job(', command: run')).toEqual([]);
    expect(job(', health: { path: / }')).toEqual([]);
  });
});

describe('what it is made from', () => {
  test.each([
    ['a', 'a:latest'],
    ['a:1', 'a:1'],
    ['reg:5000/a', 'reg:5000/a:latest'],
    ['reg:5000/a:1', 'reg:5000/a:1'],
    [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
  ])('the image %s', (image, ref) => {
    expect(app(`image: "${image}", port: 80`).source).toEqual({ kind: 'image', ref });
  });

  test.each<[more: string, dir: string, file: string]>([
    ['dockerfile: /src/own', '/src/own', '/src/own/Dockerfile'],
    ['dockerfile: ../../src/own', '/src/own', '/src/own/Dockerfile'],
    ['dockerfile: /src/own/other.dockerfile', '/src/own', '/src/own/other.dockerfile'],
    ['dockerfile: /src/own/other.dockerfile, source: /src/app', '/src/app', '/src/own/other.dockerfile'],
  ])('%s', (more, dir, file) => {
    expect(app(`${more}, port: 80`).source).toEqual({ kind: 'dockerfile', dir, file });
  });

  test.each<[more: string, ...expected: string[]]>([
    ['dockerfile: /src/none', 'apps.web.dockerfile: `/src/none` is not there → looked for /src/none'],
    ['dockerfile: none', 'apps.web.dockerfile: `none` is not there → looked for /work/projects/none'],
    ['dockerfile: /src/app', 'apps.web.dockerfile: `/src/app` is not there → looked for /src/app/Dockerfile'],
    ['dockerfile: /src/closed', 'apps.web.dockerfile: `/src/closed` cannot be read → looked for /src/closed'],
    ['dockerfile: /src/twice', 'apps.web.dockerfile: `/src/twice` cannot be read → looked for /src/twice/Dockerfile'],
    ['dockerfile: /src/own, source: ../none', 'apps.web.source: `../none` is not there → looked for /work/none'],
    ['runtime: node, source: /src/none', 'apps.web.source: `/src/none` is not there → looked for /src/none'],
    ['runtime: node, source: /src/file', 'apps.web.source: `/src/file` is a file, not a folder → looked for /src/file'],
    ['runtime: node, source: /src/closed', 'apps.web.source: `/src/closed` cannot be read → looked for /src/closed'],
    ['runtime: node', 'apps.web.source (key): a runtime needs a `source` → add `source: ../projectname`'],
    ['image: a, source: /src/app', 'apps.web.source (key): an image is not built, so it has no source'],
    ['limits: {}', 'apps.web (key): `web` has neither `runtime`, `dockerfile` nor `image` → write exactly one of them'],
    [
      'image: a, dockerfile: /src/own',
      'apps.web (key): `dockerfile` and `image` exclude each other → write exactly one of them',
    ],
    [
      `${NODE}, image: a, dockerfile: /src/own`,
      'apps.web (key): `runtime` and `dockerfile` and `image` exclude each other → write exactly one of them',
      'apps.web.source (key): an image is not built, so it has no source',
    ],
    ['runtime: nod, source: /src/app', 'apps.web.runtime: there is no runtime `nod` → did you mean `node`?'],
    [
      'runtime: cobol, source: /src/app',
      'apps.web.runtime: there is no runtime `cobol` → one of asgi, django, node, php, static, wsgi',
    ],
    [
      'runtime: django, source: /src/app, wsgi: a, server: { kind: apache }',
      'apps.web.server.kind: the django runtime has no server `apache` → one of uwsgi, mod_wsgi',
    ],
    [
      `${NODE}, wsgi: a, asgi: a, root: a, server: {}, static: true`,
      ...['wsgi', 'asgi', 'root', 'server', 'static'].map(
        (key) => `apps.web.${key} (key): the node runtime has no use for \`${key}\``,
      ),
    ],
    ['image: a, root: a', 'apps.web.root (key): an app without a runtime has no use for `root`'],
    ['dockerfile: /src/own, static: false', 'apps.web.static (key): an app without a runtime has no use for `static`'],
    [
      'runtime: wsgi, source: /src/app',
      'apps.web (key): nothing in the source says which `wsgi` to start → add `wsgi:`',
    ],
    ['image: a, health: { path: /, command: check }', 'apps.web.health (key): `path` and `command` exclude each other'],
  ])('%s', (more, ...expected) => {
    const text = only(/^(runtime|.*port)/.test(more) ? more : `${more}, port: 80`);
    expect(read(text).found).toEqual(expected);
  });

  test('what the source says, and what the definition says instead', () => {
    const facts: Surroundings['facts'] = () => ({ names: ['wsgi.py'], texts: { 'wsgi.py': 'application = 1\n' } });
    const values = (more: string, about: Partial<Surroundings> = {}): object =>
      (app(`runtime: wsgi, source: /src/app${more}`, about).source as { values: object }).values;
    expect(values('', { facts })).toMatchObject({ wsgi: 'wsgi:application' });
    expect(values(', wsgi: a, server: { processes: 2, threads: 8 }')).toMatchObject({ processes: '2', threads: '8' });
    expect(values(', wsgi: mine', { facts })).toMatchObject({ wsgi: 'mine:application' });
    expect(values(', wsgi: "mine:it"')).toMatchObject({ wsgi: 'mine:it' });
    // Who starts something else needs none.
    expect(values(', command: run')).toMatchObject({ wsgi: '' });
    expect(app('runtime: asgi, source: /src/app, asgi: mine').source).toMatchObject({ values: { asgi: 'mine:app' } });
    expect(app('runtime: static, source: /src/app, root: public').source).toMatchObject({ values: { root: 'public' } });
    expect(app('runtime: static, source: /src/app').source).toMatchObject({ values: { root: '.' } });
    expect(app('runtime: django, source: /src/app, wsgi: a, server: { kind: mod_wsgi }').source).toMatchObject({
      server: 'mod_wsgi',
    });
  });
});

describe('when it is ready', () => {
  test.each<[what: string, more: string, health: Partial<App['health']>]>([
    ['at its path', `${IMAGE}, path: /api`, { path: '/api' }],
    ['where its runtime says', 'runtime: static, source: /src/app', { path: '/' }],
    ['where it says', `${IMAGE}, path: /api, health: { path: /up }`, { path: '/up' }],
    ['with other statuses', `${IMAGE}, health: { expect: [401, 403] }`, { path: '/', expect: [401, 403] }],
    ['by a command', `${IMAGE}, health: { command: "check it" }`, { command: ['check', 'it'] }],
  ])('%s', (_, more, health) => {
    expect(app(more).health).toEqual({ expect: [], within: 60_000, ...health });
  });

  test('the page of a runtime is one of the root alone', () => {
    const made = [{ ...runtimes[0]!, name: 'mine', health: '/ready', find: {} }];
    expect(app('runtime: mine, source: /src/app', { runtimes: made }).health.path).toBe('/ready');
    expect(app('runtime: mine, source: /src/app, path: /x', { runtimes: made }).health.path).toBe('/x');
  });

  test('without requests there is nothing to ask', () => {
    expect(read(`apps:\n  job: { image: a }\n`).project!.apps[0]!.health).toEqual({ expect: [], within: 60_000 });
  });
});

describe('the project', () => {
  test('has its defaults, and its name from the file', () => {
    const { project } = read(`name: site\n${only(IMAGE)}`);
    expect(project).toMatchObject({
      name: 'site',
      file: 'projects/site.yaml',
      hostnames: [{ kind: 'exact', name: 'a.org' }],
      media: [],
      pages: [],
      maxBody: 16 * 1024 ** 2,
      timeout: 60_000,
    });
    expect(project).not.toHaveProperty('tls');
    expect(project).not.toHaveProperty('settings');
    expect(
      read(`${only(IMAGE)}tls: { acme: http }\nhttp: { body: 1M, timeout: 5s, compress: true }\n`).project,
    ).toMatchObject({
      maxBody: 1024 ** 2,
      timeout: 5000,
      settings: { compress: true },
      tls: { source: { kind: 'acme', challenge: 'http' } },
    });
  });

  test.each<[what: string, text: string, ...expected: string[]]>([
    [
      'of another name',
      `name: other\n${only(IMAGE)}`,
      'name: the file is called site.yaml → write `site` or rename it',
    ],
    ['without apps', 'apps: {}\n', 'apps (key): a project needs at least one app'],
    [
      'with a name twice',
      only(IMAGE).replace('[a.org]', '[a.org, b.org, A.org, a.ORG]'),
      'hostnames[2]: `A.org` is the same name as `a.org`',
      'hostnames[3]: `a.ORG` is the same name as `A.org`',
    ],
    [
      'with a name that is none',
      only(IMAGE).replace('[a.org]', '[a.org, "a b", b.org]'),
      'hostnames[1]: `a b` holds a space or a comma: write one hostname per list item',
    ],
    ['that needs itself', only(`${IMAGE}, needs: [web]`), 'apps.web.needs[0]: an app cannot need itself'],
    [
      'that needs nobody',
      `${only(`${IMAGE}, needs: [db, cahe, queue]`)}  db: { image: a }\n  cache: { image: a }\n`,
      'apps.web.needs[1]: there is no app `cahe` in this project → did you mean `cache`?',
      'apps.web.needs[2]: there is no app `queue` in this project → apps here: web, db, cache',
    ],
    [
      'in a circle',
      `${only(`${IMAGE}, needs: [a]`)}  a: { image: a, needs: [b] }\n  b: { image: a, needs: [c] }\n  c: { image: a, needs: [a] }\n`,
      'apps.a.needs: the apps need each other in a circle: a → b → c → a',
    ],
    [
      'in a circle that is not the first thing looked at',
      `${only(`${IMAGE}, needs: [d]`)}  d: { image: a }\n  a: { image: a, needs: [d, b] }\n  b: { image: a, needs: [d, a] }\n`,
      'apps.a.needs: the apps need each other in a circle: a → b → a',
    ],
  ])('%s', (_, text, ...expected) => {
    const { project, found } = read(text);
    expect(found).toEqual(expected);
    expect(project).toBeUndefined();
  });

  test('needs that meet again are no circle', () => {
    expect(
      read(
        `${only(`${IMAGE}, needs: [a, b]`)}  a: { image: a, needs: [c] }\n  b: { image: a, needs: [c] }\n  c: { image: a }\n`,
      ).found,
    ).toEqual([]);
  });
});
