import { beforeAll, describe, expect, test } from 'vitest';
import { type DesiredInput, desiredState, wrapsImage } from '../../src/core/desired.ts';
import { LABEL } from '../../src/core/names.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import type { Desired, Workload } from '../../src/core/state.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { loadTemplates } from '../../src/local/templates.ts';
import { readProject, TEMPLATES } from '../support/project.ts';

const workspace = normaliseWorkspace({}, '/work');
const DATA = workspace.data;
let runtimes: readonly Runtime[];
beforeAll(async () => {
  ({ runtimes } = await loadTemplates(TEMPLATES));
});

function desired(text: string, more: Partial<DesiredInput> = {}): Desired {
  const { project, found } = readProject(text, { runtimes });
  expect(found).toEqual([]);
  const apps = project!.apps.map(({ name }) => name);
  return desiredState({
    project: project!,
    workspace,
    identity: { uids: Object.fromEntries(apps.map((name, index) => [name, 20_001 + index])) },
    images: Object.fromEntries(apps.map((name) => [name, { ref: `${name}:1`, identity: `id of ${name}` }])),
    runtimes,
    mediaVersions: {},
    key: 'k'.repeat(64),
    secrets: { ONE: 3, TWO: 1, OTHER: 9 },
    ...more,
  });
}
const site = (more: string, others = ''): string => `hostnames: [a.org]\napps:\n  web: { ${more} }\n${others}`;
const one = (text: string, more: Partial<DesiredInput> = {}): Workload => desired(text, more).workloads[0]!;
const NODE = 'runtime: node, source: /src/app';
const IMAGE = 'image: a, port: 80';

describe('a container', () => {
  test('of a runtime on a socket', () => {
    const web = one(site(NODE));
    const { name } = web.container;
    expect(name).toBe(`site-web-${web.spec.slice(0, 7)}`);
    expect(web.spec).toMatch(/^[0-9a-f]{40}$/);
    expect(web.container).toEqual({
      name,
      image: 'web:1',
      uid: 20_001,
      entrypoint: ['/bin/sh', '-c', `umask 007; rm -f /run/hostctl/${name}.sock; exec "$@"`, 'hostctl'],
      command: ['/bin/sh', '/hostctl/start'],
      env: { HOME: '/tmp', PORT: `/run/hostctl/${name}.sock`, NODE_ENV: 'production' },
      labels: {
        [LABEL.instance]: 'hostctl',
        [LABEL.role]: 'app',
        [LABEL.project]: 'site',
        [LABEL.app]: 'web',
        [LABEL.replica]: '1',
        [LABEL.spec]: web.spec,
        [LABEL.uid]: '20001',
      },
      limits: workspace.limits,
      files: 4096,
      readOnly: true,
      tmpfs: [{ path: '/tmp', size: 64 * 1024 ** 2, exec: false }],
      capabilities: [],
      newPrivileges: false,
      mounts: [{ source: `${DATA}/sockets/${web.socketDir}`, target: '/run/hostctl', readOnly: false }],
      networks: [{ name: 'hostctl.egress', aliases: [] }],
      publish: [],
      stopTimeout: 20,
      restart: 'always',
    });
    expect(web).toMatchObject({ socket: `${web.socketDir}/${name}.sock`, drain: 10_000, overlap: true, needs: [] });
    expect(web.link).toMatch(/^site\.web\.1-[0-9a-f]{20}\.sock$/);
    for (const key of ['release', 'relax', 'secrets']) expect(web).not.toHaveProperty(key);
  });

  test('of a runtime on a port', () => {
    const web = one(site(`${NODE}, port: 5000`));
    expect(web.container.entrypoint).toEqual(['/bin/sh', '-c', 'umask 007; exec "$@"', 'hostctl']);
    expect(web.container.env['PORT']).toBe('5000');
    expect(web.container.mounts).toEqual([]);
    for (const key of ['socketDir', 'socket', 'link']) expect(web).not.toHaveProperty(key);
    // What a server is told of where to listen.
    const asgi = (more: string): readonly string[] =>
      one(site(`runtime: asgi, source: /src/app, asgi: mine${more}`)).container.command!;
    expect(asgi(', port: 5000').slice(0, 5)).toEqual(['uvicorn', '--host', '0.0.0.0', '--port', '5000']);
    expect(asgi('').slice(0, 2)).toEqual(['uvicorn', '--uds']);
    expect(asgi('')[2]).toMatch(/^\/run\/hostctl\/site-web-[0-9a-f]{7}\.sock$/);
    expect(asgi('').at(-1)).toBe('mine:app');
    expect(asgi(', command: [run, "it now"]')).toEqual(['run', 'it now']);
  });

  test('of a runtime without requests', () => {
    const job = one(`apps:\n  job: { ${NODE}, command: work, egress: false }\n`);
    expect(job.container.env).toEqual({ HOME: '/tmp', NODE_ENV: 'production' });
    expect(job.container.networks).toEqual([]);
    expect(job.container.entrypoint).toEqual(['/bin/sh', '-c', 'umask 007; exec "$@"', 'hostctl']);
  });

  test('of an image, which keeps its own start', () => {
    const web = one(site(`${IMAGE}, env: { A: b }`));
    expect(web.container).not.toHaveProperty('entrypoint');
    expect(web.container).not.toHaveProperty('command');
    expect(web.container.env).toEqual({ A: 'b' });
    expect(one(site(`${IMAGE}, command: run it`)).container.command).toEqual(['run', 'it']);
  });

  test('of a Dockerfile, which is told its port', () => {
    expect(one(site('dockerfile: /src/own, port: 80')).container.env).toEqual({ PORT: '80' });
    expect(one(site('dockerfile: /src/own, port: 80, env: { PORT: "81" }')).container.env).toEqual({ PORT: '81' });
  });

  test('with what it gives up', () => {
    const web = one(
      site(
        `${IMAGE}, writable: [/w, /tmp], relax: [${['cap:SETUID', 'cap:CHOWN', 'writable-rootfs', 'exec-tmp', 'new-privileges', 'image-user'].map((allow) => `{ allow: "${allow}", reason: because }`).join(', ')}]`,
      ),
    );
    expect(web.container).toMatchObject({
      readOnly: false,
      capabilities: ['CHOWN', 'SETUID'],
      newPrivileges: true,
      tmpfs: [
        { path: '/tmp', size: 64 * 1024 ** 2, exec: true },
        { path: '/w', size: 64 * 1024 ** 2, exec: true, uid: 20_001 },
      ],
    });
    expect(web.container).not.toHaveProperty('uid');
    expect(web.container.labels[LABEL.relax]).toBe(
      'cap:SETUID,cap:CHOWN,writable-rootfs,exec-tmp,new-privileges,image-user',
    );
    expect(web.relax).toHaveLength(6);
  });

  test.each<[allow: string, part: object]>([
    ['writable-rootfs', { readOnly: false }],
    ['exec-tmp', { tmpfs: [{ exec: true }] }],
    ['new-privileges', { newPrivileges: true }],
    ['image-user', { uid: undefined }],
    ['cap:KILL', { capabilities: ['KILL'] }],
  ])('with %s and nothing else given up', (allow, part) => {
    const { container } = one(site(`${IMAGE}, relax: [{ allow: "${allow}", reason: because }]`));
    const usual = { readOnly: true, newPrivileges: false, capabilities: [], uid: 20_001, tmpfs: [{ exec: false }] };
    expect({ uid: undefined, ...container }).toMatchObject({ ...usual, ...part });
  });

  test('with data of its own', () => {
    const web = one(
      `${site(`${IMAGE}, volumes: { data: /data, more: { at: /more, shared: true } }`, `  api: { image: a }\n`)}media:
  /up: { from: ./up, writable-by: web, mount: /srv/up }
  /other: { from: ./up, writable-by: api, mount: /srv/other }
  /files: { from: /src/app }
`,
    );
    expect(web.container.mounts).toEqual([
      { source: `${DATA}/projects/site/volumes/web/data`, target: '/data', readOnly: false },
      { source: `${DATA}/projects/site/volumes/web/more`, target: '/more', readOnly: false },
      { source: expect.stringMatching(/\/media\/site\/up\.[^/]+\/up$/) as string, target: '/srv/up', readOnly: false },
    ]);
    expect(web.volumes).toEqual(['projects/site/volumes/web/data', 'projects/site/volumes/web/more']);
  });

  test.each<[more: string, overlap: boolean]>([
    ['', true],
    [', volumes: { a: /a }', false],
    [', volumes: { a: { at: /a, shared: true } }', true],
    [', volumes: { a: { at: /a, shared: true }, b: /b }', false],
    [', replicas: 2, volumes: { a: { at: /a, shared: true } }', true],
  ])('may have a second copy beside it: %s', (more, overlap) => {
    expect(one(site(IMAGE + more)).overlap).toBe(overlap);
  });

  test('with times in whole seconds, and its release command', () => {
    const web = one(site(`${IMAGE}, stop: 1500ms, drain: 3s, release: migrate it`));
    expect(web.container.stopTimeout).toBe(2);
    expect(web).toMatchObject({ drain: 3000, release: ['migrate', 'it'] });
  });
});

describe('secrets', () => {
  test('are files, and variables where an app asks for them', () => {
    const web = one(site(`${NODE}, secrets: [ONE, { name: TWO, env: true }]`));
    const files = `projects/site/`;
    expect(web.secrets).toEqual({ files: expect.stringContaining(files) as string, versions: { ONE: 3, TWO: 1 } });
    expect(web.container.mounts.at(-1)).toEqual({
      source: `${DATA}/${web.secrets!.files}`,
      target: '/run/secrets',
      readOnly: true,
    });
    expect(web.secrets!.files.endsWith(web.container.name)).toBe(true);
    expect(web.container.env).toMatchObject({ ONE_FILE: '/run/secrets/ONE' });
    expect(web.container.env).not.toHaveProperty('TWO_FILE');
    expect(web.container.entrypoint![2]).toMatch(/^umask 007; .*TWO.*; rm -f \/run\/hostctl\/\S+\.sock; exec "\$@"$/s);
  });

  test('of an image as variables put a shell in front of what it starts', () => {
    const text = site(`${IMAGE}, secrets: [{ name: TWO, env: true }]`);
    const image = { ref: 'web:1', identity: 'x' };
    const start = { entrypoint: ['/entry', 'point'], command: ['serve'] };
    const { container, spec } = one(text, { images: { web: { ...image, start } } });
    expect(container.entrypoint).toEqual([
      '/bin/sh',
      '-c',
      expect.stringMatching(/TWO.*exec "\$@"$/s),
      'hostctl',
      '/entry',
      'point',
    ]);
    expect(container.command).toEqual(['serve']);
    expect(spec).not.toBe('pending');
    const own = one(text.replace('port: 80', 'port: 80, command: mine'), { images: { web: { ...image, start } } });
    expect(own.container.command).toEqual(['mine']);
    // What it starts is not known yet.
    expect(one(text, { images: { web: image } }).spec).toBe('pending');
    expect(one(site(`${IMAGE}, secrets: [ONE]`), { images: { web: image } }).spec).not.toBe('pending');
  });

  test.each([
    [`${IMAGE}, secrets: [{ name: TWO, env: true }]`, true],
    [`${IMAGE}, secrets: [ONE, { name: TWO, env: true }]`, true],
    [`${IMAGE}, secrets: [ONE]`, false],
    ['dockerfile: /src/own, port: 80, secrets: [{ name: TWO, env: true }]', true],
    [`${NODE}, secrets: [{ name: TWO, env: true }]`, false],
  ])('of %s: whether its start must be known', (more, wraps) => {
    expect(wrapsImage(readProject(site(more), { runtimes }).project!.apps[0]!)).toBe(wraps);
  });
});

describe('the name of a container', () => {
  const spec = (more: string, input: Partial<DesiredInput> = {}): string => one(site(more), input).spec;

  test.each<[what: string, more: string, input?: Partial<DesiredInput>]>([
    ['a variable', `${IMAGE}, env: { A: b }`],
    ['the port', 'image: a, port: 81'],
    ['the image', IMAGE, { images: { web: { ref: 'web:1', identity: 'another' } } }],
    ['a secret', `${IMAGE}, secrets: [ONE]`],
    ['the uid', IMAGE, { identity: { uids: { web: 30_000 } } }],
    ['the instance', IMAGE, { workspace: { ...workspace, instance: 'other' } }],
    ['the time to stop', `${IMAGE}, stop: 3s`],
  ])('is another for %s', (_, more, input) => {
    expect(spec(more, input)).not.toBe(spec(IMAGE));
  });

  test.each<[what: string, more: string, input?: Partial<DesiredInput>]>([
    ['limits', `${IMAGE}, limits: { memory: 1G, cpus: 2, pids: 9 }`],
    ['more replicas', `${IMAGE}, replicas: 3`],
    ['the time to drain', `${IMAGE}, drain: 3s`],
    ['the name of its image', IMAGE, { images: { web: { ref: 'other', identity: 'id of web' } } }],
    ['secrets of others', IMAGE, { secrets: {} }],
    ['a health check', `${IMAGE}, health: { path: /up }`],
  ])('is the same with other %s', (_, more, input) => {
    expect(spec(more, input)).toBe(spec(IMAGE));
  });

  test('is not known before its image is, and another for a new version of a secret', () => {
    expect(one(site(IMAGE), { images: { web: { ref: 'a:latest' } } })).toMatchObject({
      spec: 'pending',
      container: { name: 'site-web-pending' },
    });
    const more = `${IMAGE}, secrets: [ONE]`;
    expect(spec(more, { secrets: { ONE: 4 } })).not.toBe(spec(more));
  });

  test('is its own for each of two apps that are alike, and for each replica', () => {
    const { workloads } = desired(site(`${IMAGE}, replicas: 2`, `  api: { ${IMAGE}, path: /api }\n`), {
      identity: { uids: { web: 20_001, api: 20_001 } },
      images: { web: { ref: 'a', identity: 'a' }, api: { ref: 'a', identity: 'a' } },
    });
    const [first, second, api] = workloads;
    expect(workloads.map(({ app, replica }) => `${app} ${replica}`)).toEqual(['web 1', 'web 2', 'api 1']);
    expect(second!.spec).toBe(first!.spec);
    expect(second!.container.name).toBe(`${first!.container.name}-2`);
    expect(api!.spec).not.toBe(first!.spec);
  });
});

describe('networks', () => {
  const networks = (text: string): [string[][], Desired['network']] => {
    const all = desired(text);
    return [all.workloads.map(({ container }) => container.networks.map(({ name }) => name)), all.network];
  };
  const [OWN, OUT] = ['hostctl_site', 'hostctl.egress'];

  test.each<[what: string, text: string, of: string[][], proxy: boolean | undefined]>([
    ['on a socket', site(NODE), [[OUT]], undefined],
    ['on a port', site(IMAGE), [[OWN, OUT]], true],
    ['without the outside', site(`${IMAGE}, egress: false`), [[OWN]], true],
    ['on a port nobody asks', 'apps:\n  job: { image: a, port: 80 }\n', [[OUT]], undefined],
    [
      'on a port that only probes ask',
      'apps:\n  job: { image: a, port: 80, health: { path: /up } }\n',
      [[OWN, OUT]],
      true,
    ],
    ['with a health command', 'apps:\n  job: { image: a, port: 80, health: { command: up } }\n', [[OUT]], undefined],
    [
      'on a socket, with another that it needs',
      site(`${NODE}, needs: [db]`, '  db: { image: a }\n  job: { image: a }\n'),
      [[OWN, OUT], [OWN, OUT], [OUT]],
      false,
    ],
    [
      'on a socket beside one on a port',
      site(NODE, '  api: { image: a, port: 80, path: /api }\n'),
      [[OUT], [OWN, OUT]],
      true,
    ],
    [
      'on a port, with another that it needs',
      site(`${IMAGE}, needs: [db]`, '  db: { image: a }\n'),
      [
        [OWN, OUT],
        [OWN, OUT],
      ],
      true,
    ],
  ])('%s', (_, text, of, proxy) => {
    expect(networks(text)).toEqual([of, proxy === undefined ? undefined : { name: OWN, proxy }]);
  });

  test('names on them: the app, and the groups that the proxy asks', () => {
    const { workloads } = desired(site(`${IMAGE}, replicas: 2, needs: [db]`, '  db: { image: a }\n'));
    const [first, second, db] = workloads.map(({ container }) => container);
    expect(first!.networks[0]!.aliases.slice(0, 3)).toEqual(['web', `${first!.name}-of1`, `${first!.name}-of2`]);
    expect(second!.networks[0]!.aliases.slice(0, 2)).toEqual(['web', `${first!.name}-of2`]);
    expect(first!.networks[1]!.aliases).toEqual([]);
    expect(db!.networks[0]!.aliases).toEqual(['db']);
  });
});

test('a project is its workloads, its files and its site', () => {
  const text = `${site(IMAGE)}media:\n  /files: { from: /src/app }\n`;
  const all = desired(text, { mediaVersions: { '/files': 'one' } });
  expect(all).toMatchObject({
    project: 'site',
    images: { web: { ref: 'web:1' } },
    media: [{ alias: '/files', source: { kind: 'folder', path: '/src/app' } }],
    site: { project: 'site' },
  });
  expect(desired(text, { mediaVersions: { '/files': 'two' } }).media[0]!.root).not.toBe(all.media[0]!.root);
  const job = desired('apps:\n  job: { image: a }\n');
  expect(job).not.toHaveProperty('site');
  expect(job).not.toHaveProperty('network');
});
