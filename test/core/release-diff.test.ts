import { beforeEach, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { compareReleases, type ReleaseChange, whatStays } from '../../src/core/release-diff.ts';
import type { Desired, MediaSet, Release, Workload } from '../../src/core/state.ts';
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

const CONTAINER: Workload['container'] = {
  name: 'shop-web-aaaaaaa',
  image: 'shop:1',
  uid: 20_000,
  command: ['run', 'shop-web-aaaaaaa.sock'],
  env: { PORT: '1', HOME: '/a', B: 'b', A: 'a' },
  labels: {},
  limits: { memory: 64 * 1024 ** 2, cpus: 1, pids: 10 },
  files: 1,
  readOnly: true,
  tmpfs: [],
  capabilities: [],
  newPrivileges: false,
  mounts: [],
  networks: [{ name: 'hostctl_shop', aliases: ['x'] }],
  publish: [],
  stopTimeout: 1,
  restart: 'always',
};
const WEB: Workload = {
  project: 'shop',
  app: 'web',
  replica: 1,
  spec: 'aaaaaaa',
  container: CONTAINER,
  health: { path: '/', expect: [200], within: 1 },
  listen: { kind: 'socket' },
  link: 'shop.web.1-aaaa.sock',
  needs: [],
  overlap: true,
  drain: 1,
  volumes: ['projects/shop/volumes/web/data'],
  secrets: { files: 'f', versions: { TOKEN: 1, KEY: 1 } },
};
const FILES: MediaSet = {
  alias: '/files',
  root: 'shop/files.1',
  source: { kind: 'folder', path: '/a' },
  maxAge: 1,
};
const DESIRED: Desired = {
  project: 'shop',
  workloads: [WEB],
  media: [FILES],
  images: { web: { ref: 'shop:1', id: 'sha256:0123456789abcdef' } },
  site: {
    project: 'shop',
    hostnames: [
      { kind: 'exact', name: 'a.org' },
      { kind: 'exact', name: 'b.org' },
    ],
    maxBody: 1,
    routes: [
      {
        path: '/',
        target: { to: 'app', app: 'web', upstreams: [{ kind: 'socket', link: WEB.link! }], readTimeout: 1 },
      },
      { path: '/files', target: { to: 'media', root: 'shop/files.1', file: false, uploads: false, maxAge: 1 } },
    ],
    settings: { compress: true },
    tls: { redirect: true },
  },
};
const record = (desired: Desired, id = 1, more: Partial<Release> = {}): Release => ({
  format: 1,
  id,
  project: 'shop',
  at: '2026-01-01T00:00:00Z',
  by: 'a@b',
  desired,
  ...more,
});
const diff = (a: Desired, b: Desired): ReleaseChange[] => compareReleases(record(a), record(b, 2));
const web = (more: Partial<Workload>): Desired => ({ ...DESIRED, workloads: [{ ...WEB, ...more }] });
const inside = (more: Partial<Workload['container']>): Desired => web({ container: { ...CONTAINER, ...more } });
const { site: SITE, ...NO_SITE } = DESIRED;
const at = (more: Partial<NonNullable<Desired['site']>>): Desired => ({ ...DESIRED, site: { ...SITE!, ...more } });

describe('a difference', () => {
  test('is none between a release and itself, nor in the names of containers', () => {
    expect(diff(DESIRED, DESIRED)).toEqual([]);
    const name = 'shop-web-bbbbbbb';
    const link = 'shop.web.1-bbbb.sock';
    const renamed: Desired = {
      ...at({
        routes: [
          { path: '/', target: { to: 'app', app: 'web', upstreams: [{ kind: 'socket', link }], readTimeout: 1 } },
          SITE!.routes[1]!,
        ],
      }),
      workloads: [{ ...WEB, link, container: { ...CONTAINER, name, command: ['run', `${name}.sock`] } }],
    };
    expect(diff(DESIRED, renamed)).toEqual([]);
    expect(diff(renamed, DESIRED)).toEqual([]);
  });

  const more = { app: 'web' };
  test.each<[string, Desired, ReleaseChange[]]>([
    [
      'an app that goes',
      { ...DESIRED, workloads: [] },
      [{ app: 'web', what: 'app', before: 'goes' }, { what: 'routes' }],
    ],
    [
      'apps by name',
      { ...DESIRED, workloads: [{ ...WEB, app: 'z' }, WEB, { ...WEB, app: 'b' }] },
      [
        { app: 'b', what: 'app', after: 'is new' },
        { app: 'z', what: 'app', after: 'is new' },
      ],
    ],
    [
      'an image, with the beginning of its id',
      { ...DESIRED, images: { web: { ref: 'shop:2', id: 'sha256:fedcba9876543210' } } },
      [{ ...more, what: 'image', before: 'shop:1 (0123456789ab)', after: 'shop:2 (fedcba987654)' }],
    ],
    [
      'an image that was not on the engine',
      { ...DESIRED, images: { web: { ref: 'shop:2' } } },
      [{ ...more, what: 'image', before: 'shop:1 (0123456789ab)', after: 'shop:2' }],
    ],
    [
      'no image at all',
      { ...DESIRED, images: {} },
      [{ ...more, what: 'image', before: 'shop:1 (0123456789ab)', after: 'none' }],
    ],
    [
      'variables by name, but not those hostctl sets',
      inside({ env: { PORT: '2', HOME: '/b', C: 'c', A: 'b' } }),
      [
        { ...more, what: 'env A' },
        { ...more, what: 'env B', before: 'is no more' },
        { ...more, what: 'env C', after: 'is set' },
      ],
    ],
    [
      'versions of secrets by name',
      web({ secrets: { files: 'g', versions: { TOKEN: 2, NEW: 1 } } }),
      [
        { ...more, what: 'secret KEY', before: 'version 1', after: 'none' },
        { ...more, what: 'secret NEW', before: 'none', after: 'version 1' },
        { ...more, what: 'secret TOKEN', before: 'version 1', after: 'version 2' },
      ],
    ],
    [
      'limits',
      inside({ limits: { memory: 1024 ** 3, cpus: 0.5, pids: 11 } }),
      [{ ...more, what: 'limits', before: '64M, 1 cpus, 10 pids', after: '1G, 0.5 cpus, 11 pids' }],
    ],
    [
      'replicas',
      { ...DESIRED, workloads: [WEB, { ...WEB, replica: 2 }] },
      [{ ...more, what: 'replicas', before: '1', after: '2' }],
    ],
    [
      'a command',
      inside({ command: ['go', 'fast'] }),
      [{ ...more, what: 'command', before: 'run shop-web-aaaaaaa.sock', after: 'go fast' }],
    ],
    [
      'volumes',
      web({ volumes: ['a', 'b'] }),
      [{ ...more, what: 'volumes', before: 'projects/shop/volumes/web/data', after: 'a, b' }],
    ],
    [
      'networks by name',
      inside({
        networks: [
          { name: 'hostctl_shop', aliases: ['y'] },
          { name: 'hostctl.egress', aliases: [] },
        ],
      }),
      [{ ...more, what: 'networks', before: 'hostctl_shop', after: 'hostctl_shop, hostctl.egress' }],
    ],
    ['health', web({ health: { path: '/up', expect: [200], within: 1 } }), [{ ...more, what: 'health' }]],
    ['a release command', web({ release: ['do', 'it'] }), [{ ...more, what: 'release', before: '', after: 'do it' }]],
    ['the user', inside({ uid: 1 }), [{ ...more, what: 'hardening' }]],
    ['a writable root', inside({ readOnly: false }), [{ ...more, what: 'hardening' }]],
    ['capabilities', inside({ capabilities: ['x'] }), [{ ...more, what: 'hardening' }]],
    ['privileges', inside({ newPrivileges: true }), [{ ...more, what: 'hardening' }]],
    [
      'hostnames',
      at({ hostnames: [SITE!.hostnames[1]!] }),
      [{ what: 'hostnames', before: 'a.org, b.org', after: 'b.org' }],
    ],
    ['what a body may have', at({ maxBody: 2 }), [{ what: 'routes' }]],
    ['a route', at({ routes: [{ ...SITE!.routes[0]!, path: '/a' }, SITE!.routes[1]!] }), [{ what: 'routes' }]],
    [
      'settings by name',
      at({ settings: { rate: { requests: 1, period: 1, burst: 1 }, canonical: 'a.org' } }),
      [
        { what: 'http.canonical', after: 'is new' },
        { what: 'http.compress', before: 'goes' },
        { what: 'http.rate', after: 'is new' },
      ],
    ],
    ['how http leads to https', at({ tls: { redirect: false } }), [{ what: 'tls' }]],
    ['files', { ...DESIRED, media: [{ ...FILES, root: 'shop/files.2' }] }, [{ what: 'media /files' }]],
    ['how long they may be kept', { ...DESIRED, media: [{ ...FILES, maxAge: 2 }] }, [{ what: 'media /files' }]],
    [
      'aliases by name',
      {
        ...DESIRED,
        media: [
          { ...FILES, alias: '/z' },
          { ...FILES, alias: '/b' },
        ],
      },
      [
        { what: 'media /b', after: 'is new' },
        { what: 'media /files', before: 'goes' },
        { what: 'media /z', after: 'is new' },
      ],
    ],
    [
      'a whole site',
      NO_SITE,
      [
        { what: 'hostnames', before: 'a.org, b.org', after: '' },
        { what: 'routes' },
        { what: 'http.compress', before: 'goes' },
        { what: 'tls', before: 'goes' },
      ],
    ],
  ])('is told: %s', (_, changed, expected) => {
    expect(diff(DESIRED, changed)).toEqual(expected);
  });

  test('of routes to files is told by their alias alone', () => {
    const moved = at({ routes: [SITE!.routes[0]!] });
    expect(diff(DESIRED, moved)).toEqual([]);
    expect(diff(NO_SITE, NO_SITE)).toEqual([]);
  });

  test('may be told the other way round', () => {
    const { secrets: _, ...bare } = WEB;
    const { command: __, ...idle } = CONTAINER;
    expect(diff({ ...NO_SITE, workloads: [{ ...bare, container: idle }] }, DESIRED)).toEqual([
      { app: 'web', what: 'secret KEY', before: 'none', after: 'version 1' },
      { app: 'web', what: 'secret TOKEN', before: 'none', after: 'version 1' },
      { app: 'web', what: 'command', before: '', after: 'run shop-web-aaaaaaa.sock' },
      { what: 'hostnames', before: '', after: 'a.org, b.org' },
      { what: 'routes' },
      { what: 'http.compress', after: 'is new' },
      { what: 'tls', after: 'is new' },
    ]);
  });
});

describe('what stays', () => {
  const { tls: _, ...plain } = SITE!;
  const bare: Desired = { ...DESIRED, site: plain, workloads: [], media: [FILES] };
  const migrating: Desired = {
    ...bare,
    workloads: [
      { ...WEB, volumes: [], release: ['migrate', 'all'] },
      { ...WEB, volumes: [], release: ['migrate', 'all'], replica: 2 },
      { ...WEB, volumes: [], app: 'job' },
    ],
  };
  const stays = (from: Release, to: Release, ...others: Release[]): string[] =>
    whatStays(from, to, { current: from, releases: [from, ...others, to].toSorted((a, b) => b.id - a.id) });
  const hook = (app: string) => ({ app, command: ['migrate', 'all'], code: 0, ms: 1500, log: [] });

  test('is nothing where nothing was done', () => {
    expect(stays(record(bare, 2), record(bare, 1))).toEqual([]);
  });

  test('is what each release after that one did, the oldest first', () => {
    expect(
      stays(
        record(bare, 6, { hooks: [hook('web'), hook('job')] }),
        record(bare, 1, { hooks: [hook('old')] }),
        record(migrating, 5),
        record(migrating, 4, { rollbackOf: 1 }),
        record(migrating, 3, { hooks: [] }),
        record(bare, 2, { hooks: [hook('web')], rollbackOf: 1 }),
        record(bare, 7, { hooks: [hook('later')] }),
      ),
    ).toEqual([
      'release 2 ran web: migrate all (1.5s); what it did to a database stays',
      'release 5 may have run web: migrate all; what it did to a database stays',
      'release 6 ran web: migrate all (1.5s); what it did to a database stays',
      'release 6 ran job: migrate all (1.5s); what it did to a database stays',
    ]);
  });

  test('is not known of releases that are off the record', () => {
    expect(stays(record(bare, 5), record(bare, 1), record(bare, 3))).toEqual([
      'nothing is on record any more of what release 2, 4 ran',
    ]);
  });

  test('are volumes, uploads and the certificate', () => {
    const up: MediaSet = { alias: '/up', root: 'u', source: { kind: 'uploads', app: 'web', mount: '/up' }, maxAge: 1 };
    const from: Desired = { ...bare, workloads: [{ ...WEB, volumes: ['a', 'b'] }], media: [FILES, up] };
    const to: Desired = {
      ...DESIRED,
      workloads: [{ ...WEB, volumes: ['b', 'c'] }],
      media: [up, { ...up, alias: '/old' }],
    };
    expect(stays(record(from, 2), record(to, 1))).toEqual([
      'volumes are not part of a release: a, b, c stay as they are now',
      'uploads stay as they are now, deleted ones stay deleted: /up, /old',
      'the newest certificate stays in force',
    ]);
    expect(stays(record({ ...bare, site: SITE! }, 2), record({ ...NO_SITE, workloads: [] }, 1))).toEqual([]);
  });
});
