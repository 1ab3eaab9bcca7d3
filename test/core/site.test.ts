import { describe, expect, test } from 'vitest';
import type { Project } from '../../src/core/model.ts';
import { mediaSets, outlineOf, siteOf } from '../../src/core/site.ts';
import type { Workload } from '../../src/core/state.ts';
import { check } from '../support/definitions.ts';

async function read(text: string): Promise<Project> {
  const { project, problems } = await check(text, 'shop');
  expect(problems).toEqual([]);
  return project!;
}
const workload = (app: string, name: string, more: Partial<Workload> = {}): Workload =>
  ({
    project: 'shop',
    app,
    spec: 'abcdef0123456789',
    listen: { kind: 'socket' },
    container: { name },
    ...more,
  }) as unknown as Workload;

const TEXT = `hostnames: [www.example.org, example.net]
apps:
  web: { runtime: node, source: /src/app, replicas: 2, sticky: true }
  api: { image: "api:1", path: /api, port: 8000, replicas: 2 }
  chat: { image: "chat:1", path: /api/chat, port: 9000, replicas: 2, sticky: true }
  one: { image: "one:1", path: /one, port: 80, sticky: true }
  job: { image: "job:1" }
media:
  /a/b: { from: /src/app/media }
  /robots.txt: { from: /src/app/robots.txt, cache: 5s }
  /up: { from: ./up, writable-by: web }
  /img: { from: "image:api:/srv/img" }
http: { body: 5M, timeout: 20s, hsts: 1d, errors: { 404: /src/pages/404.html } }
tls: { acme: http, redirect: false }
`;
const HOSTNAMES = [
  { name: 'www.example.org', kind: 'exact' },
  { name: 'example.net', kind: 'exact' },
];

test('a definition alone says where requests go, by the names of its apps', async () => {
  const site = outlineOf(await read(TEXT));
  expect(site).toMatchObject({
    project: 'shop',
    hostnames: HOSTNAMES,
    maxBody: 5 * 1024 ** 2,
    settings: { hsts: { maxAge: 86_400 } },
    tls: { acme: 'http', redirect: false },
  });
  const port = (app: string, number: number) => [{ kind: 'port', host: `shop-${app}`, port: number }];
  const media = (root: string, more: object = {}) => ({
    to: 'media',
    root,
    file: false,
    uploads: false,
    maxAge: 3600,
    ...more,
  });
  expect(site.routes).toEqual([
    { path: '/robots.txt', target: media('shop/robots.txt.live', { file: true, maxAge: 5 }) },
    {
      path: '/api/chat',
      target: { to: 'app', app: 'chat', upstreams: port('chat', 9000), readTimeout: 20_000, sticky: true },
    },
    { path: '/a/b', target: media('shop/a,b.live') },
    { path: '/api', target: { to: 'app', app: 'api', upstreams: port('api', 8000), readTimeout: 20_000 } },
    { path: '/img', target: media('shop/img.live') },
    { path: '/one', target: { to: 'app', app: 'one', upstreams: port('one', 80), readTimeout: 20_000 } },
    { path: '/up', target: media('shop/up.uploads', { uploads: true }) },
    {
      path: '/',
      target: {
        to: 'app',
        app: 'web',
        upstreams: [{ kind: 'socket', link: 'shop.web' }],
        readTimeout: 20_000,
        sticky: true,
      },
    },
  ]);
});

test('a site without settings and tls has neither key', async () => {
  const plain = await read('hostnames: [a.org]\napps:\n  web: { image: "shop:1", port: 80 }\n');
  const keys = ['project', 'hostnames', 'routes', 'maxBody'];
  expect(Object.keys(outlineOf(plain))).toEqual(keys);
  const live = siteOf(plain, [workload('web', 'w', { listen: { kind: 'port', port: 80 } })], []);
  expect(Object.keys(live!)).toEqual(keys);
});

describe('what runs', () => {
  test('is asked by socket, by the name of all, or one by one', async () => {
    const project = await read(TEXT);
    const listen = (port: number): Partial<Workload> => ({ listen: { kind: 'port', port } });
    const workloads = [
      workload('web', 'shop-web-1', { link: 'shop.web.1-x.sock' }),
      workload('web', 'shop-web-2', { link: 'shop.web.2-x.sock' }),
      workload('api', 'shop-api-1', listen(8000)),
      workload('api', 'shop-api-2', listen(8000)),
      workload('chat', 'shop-chat-1', listen(9000)),
      workload('chat', 'shop-chat-2', listen(9000)),
      workload('one', 'shop-one-1', listen(80)),
      workload('job', 'shop-job-1', { listen: { kind: 'none' } }),
    ];
    const sets = mediaSets(project, {}, {});
    const site = siteOf(project, workloads, sets)!;
    expect(site).toMatchObject({ project: 'shop', hostnames: HOSTNAMES, maxBody: 5 * 1024 ** 2 });
    expect(site.tls).toEqual({ acme: 'http', redirect: false });
    expect(site.settings).toEqual(project.settings);
    // Pages are the proxy's own matter.
    expect(site.routes.map(({ path }) => path)).toEqual(outlineOf(project).routes.map(({ path }) => path));
    const target = (path: string) => site.routes.find((route) => route.path === path)!.target;
    expect(target('/')).toEqual({
      to: 'app',
      app: 'web',
      upstreams: [
        { kind: 'socket', link: 'shop.web.1-x.sock' },
        { kind: 'socket', link: 'shop.web.2-x.sock' },
      ],
      readTimeout: 20_000,
      sticky: true,
    });
    expect(target('/api')).toEqual({
      to: 'app',
      app: 'api',
      upstreams: [{ kind: 'port', host: 'shop-api-abcdef0-of2', port: 8000 }],
      readTimeout: 20_000,
    });
    expect(target('/api/chat')).toEqual({
      to: 'app',
      app: 'chat',
      upstreams: [
        { kind: 'port', host: 'shop-chat-1', port: 9000 },
        { kind: 'port', host: 'shop-chat-2', port: 9000 },
      ],
      readTimeout: 20_000,
      sticky: true,
    });
    expect(target('/one')).toMatchObject({
      upstreams: [{ kind: 'port', host: 'shop-one-abcdef0-of1', port: 80 }],
    });
    expect(target('/robots.txt')).toEqual({
      to: 'media',
      root: 'shop/robots.txt.live',
      file: true,
      uploads: false,
      maxAge: 5,
    });
    expect(target('/up')).toEqual({ to: 'media', root: 'shop/up.uploads', file: false, uploads: true, maxAge: 3600 });
  });

  test('without any request it could get is no site', async () => {
    const project = await read('apps:\n  job: { image: "job:1" }\n');
    expect(siteOf(project, [workload('job', 'j', { listen: { kind: 'none' } })], [])).toBeUndefined();
    expect(outlineOf(project).routes).toEqual([]);
  });

  test('says how long a connection stays open where that is known', async () => {
    const text = `hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app, port: 3000 }\n`;
    const project = await read(text);
    const app = { ...project.apps[0]!, keepAlive: 5000 };
    const one = workload('web', 'w', { listen: { kind: 'port', port: 3000 } });
    expect(siteOf({ ...project, apps: [app] }, [one], [])!.routes[0]!.target).toMatchObject({
      upstreams: [{ kind: 'port', host: 'shop-web-abcdef0-of1', port: 3000, keepAlive: 5000 }],
    });
  });

  test('of the user’s own certificate nothing is ordered', async () => {
    const project = await read('hostnames: [a.org]\napps:\n  web: { image: "shop:1", port: 80 }\n');
    const source = { kind: 'files' as const, certificate: '/c', key: '/k' };
    expect(outlineOf({ ...project, tls: { source, redirect: true } }).tls).toEqual({ redirect: true });
  });
});

describe('the files of an alias', () => {
  const LIVE = { '/a/b': 'v1', '/robots.txt': 'v1' };

  test('stand in a directory of their own, with a link for what has versions', async () => {
    const sets = mediaSets(await read(TEXT), { api: { ref: 'api:1', identity: 'sha256:api' } }, LIVE);
    expect(sets.map(({ alias, link }) => [alias, link])).toEqual([
      ['/a/b', 'shop/a,b.live'],
      ['/robots.txt', 'shop/robots.txt.live'],
      ['/up', undefined],
      ['/img', 'shop/img.live'],
      ['/.hostctl/404.html', 'shop/.hostctl,404.html.live'],
    ]);
    expect(sets[2]).toEqual({
      alias: '/up',
      root: 'shop/up.uploads',
      source: { kind: 'uploads', app: 'web', mount: '/up' },
      maxAge: 3600,
    });
    const { version, ...robots } = sets[1]!;
    expect(version).toMatch(/^[0-9a-f]{10}$/);
    expect(robots).toEqual({
      alias: '/robots.txt',
      root: `shop/robots.txt.${version}`,
      link: 'shop/robots.txt.live',
      source: { kind: 'file', path: '/src/app/robots.txt' },
      maxAge: 5,
    });
  });

  test('have another version with other content, and only then', async () => {
    const project = await read(TEXT);
    const images = { api: { ref: 'api:1', identity: 'sha256:api' } };
    const version = (...args: Parameters<typeof mediaSets> extends [unknown, ...infer R] ? R : never) =>
      Object.fromEntries(mediaSets(project, ...args).map((set) => [set.alias, set.version]));
    const before = version(images, LIVE);
    expect(version(images, LIVE)).toEqual(before);
    expect(new Set(Object.values(before)).size).toBe(5);
    const folder = version(images, { ...LIVE, '/a/b': 'v2' });
    expect(folder).toEqual({ ...before, '/a/b': folder['/a/b'] });
    expect(folder['/a/b']).not.toBe(before['/a/b']);
    const image = version({ api: { ref: 'api:1', identity: 'sha256:new' } }, LIVE);
    expect(image).toEqual({ ...before, '/img': image['/img'] });
    expect(image['/img']).not.toBe(before['/img']);
    // Not known yet is not the same as any that is known.
    expect(version({}, LIVE)['/img']).not.toBe(before['/img']);
    expect(version({}, {})['/a/b']).not.toBe(before['/a/b']);
  });
});
