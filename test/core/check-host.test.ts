import { beforeAll, describe, expect, test } from 'vitest';
import {
  checkMemory,
  checkPool,
  checkSources,
  checkUids,
  checkVolumes,
  readMemory,
  readRoutes,
  readUsers,
} from '../../src/core/check-host.ts';
import type { Concern } from '../../src/core/concern.ts';
import type { Project } from '../../src/core/model.ts';
import { brief, check } from '../support/definitions.ts';

const M = 1024 ** 2;

async function project(name: string, text: string): Promise<Project> {
  const { project: found, problems } = await check(text, name);
  expect(brief(problems)).toEqual([]);
  return found!;
}
let plain: Project;
beforeAll(async () => {
  plain = await project('plain', 'apps:\n  job: { image: job }\n');
});
/** A project of one app with this many megabytes. */
const using = (name: string, memory: number, replicas = 1): Project => ({
  ...plain,
  name,
  apps: plain.apps.map((app) => ({ ...app, replicas, limits: { ...app.limits, memory: memory * M } })),
});
const line = ({ level, project: name = 'hostctl.yaml', path, on, message, hint }: Concern): string =>
  `${level} ${[name, ...path].join(' ')}${on ? ` (${on})` : ''}: ${message}${hint === undefined ? '' : ` → ${hint}`}`;

describe('what the machine says of itself', () => {
  test.each<[text: string | undefined, memory: number | undefined]>([
    ['MemTotal:        2048 kB\nMemFree: 1 kB\n', 2 * M],
    ['MemFree: 1 kB\nMemTotal: 1 kB\n', 1024],
    ['xMemTotal: 5 kB\n', undefined],
    ['MemTotal: 5 kB or so\n', undefined],
    ['MemTotal: 5 MB\n', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('memory of %j', (text, memory) => {
    expect(readMemory(text)).toBe(memory);
  });

  const HEAD = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n';
  test.each<[rows: string, routes: string[]]>([
    ['', []],
    ['eth0 000A0A0A 0 1 0 0 0 00FFFFFF', ['10.10.10.0/24 eth0']],
    ['  eth0\t0000000A\t0\t1\t0\t0\t0\t000000FF\t0\t0 ', ['10.0.0.0/8 eth0']],
    ['tun0 0101A8C0 0 1 0 0 0 FFFFFFFF', ['192.168.1.1/32 tun0']],
    ['eth0 00000000 0 1 0 0 0 00000080', ['0.0.0.0/1 eth0']],
    ['eth0 00000000 0 1 0 0 0 00000000', []],
    ['docker0 0000000A 0 1 0 0 0 000000FF', []],
    ['br-12 0000000A 0 1 0 0 0 000000FF', []],
    ['veth1 0000000A 0 1 0 0 0 000000FF', []],
    ['lo 0000000A 0 1 0 0 0 000000FF', []],
    ['local 0000000A 0 1 0 0 0 000000FF', ['10.0.0.0/8 local']],
    ['xdocker 0000000A 0 1 0 0 0 000000FF', ['10.0.0.0/8 xdocker']],
    ['eth0 0000000A 0 1', []],
    ['eth0', []],
  ])('routes of %j', (rows, routes) => {
    expect(readRoutes(`${HEAD}${rows}\n`).map(({ cidr, through }) => `${cidr} ${through}`)).toEqual(routes);
  });

  test('no routes of no table, and none of its first line', () => {
    expect(readRoutes(undefined)).toEqual([]);
    expect(readRoutes('eth0 0000000A 0 1 0 0 0 000000FF')).toEqual([]);
  });

  test('users', () => {
    expect(readUsers('root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000\n\n:x:5:5\nbob:x\nbad:x::5\n')).toEqual([
      { name: 'root', uid: 0 },
      { name: 'ada', uid: 1000 },
    ]);
    expect(readUsers(undefined)).toEqual([]);
  });
});

describe('memory', () => {
  const facts = (memory?: number) => ({ routes: [], users: [], ...(memory === undefined ? {} : { memory }) });

  test('is no concern where it cannot be read', () => {
    expect(checkMemory([using('a', 2048)], 32 * M, facts())).toEqual([]);
  });

  test('that is just enough is a note, and one byte less a warning', () => {
    const projects = [using('a', 64), using('b', 128, 2)];
    const sum = 'all apps together may use 352M (b 256M, a 64M; the proxy 32M)';
    expect(checkMemory(projects, 32 * M, facts(352 * M)).map(line)).toEqual([
      `note hostctl.yaml: ${sum}; this host has 352M`,
    ]);
    expect(checkMemory(projects, 32 * M, facts(351 * M)).map(line)).toEqual([
      `warning hostctl.yaml: ${sum}, and this host has 351M → lower limits that are never reached: hostctl status shows what is used`,
    ]);
  });

  test('of one app alone, and only that app', () => {
    const projects = [using('a', 65), using('b', 64)];
    const found = checkMemory(projects, 0, facts(64 * M)).map(line);
    expect(found[0]).toBe(
      'warning a apps job limits memory: `job` may use 65M, and this host has 64M → a limit the host cannot keep limits nothing',
    );
    expect(found).toHaveLength(2);
    expect(found[1]).toMatch(/^warning hostctl.yaml: all apps together may use 129M \(a 65M, b 64M; the proxy \S+\)/);
  });

  test('only the largest projects are named', () => {
    const projects = [10, 60, 20, 50, 30].map((memory, index) => using(`p${index}`, memory));
    expect(checkMemory(projects, M, facts(1024 * M)).map(line)).toEqual([
      'note hostctl.yaml: all apps together may use 171M (p1 60M, p3 50M, p4 30M and 2 more; the proxy 1M); this host has 1G',
    ]);
  });
});

describe('the range of the networks', () => {
  const pool = (cidr: string, networks: number, ...routes: string[]): string[] =>
    checkPool(cidr, networks, { users: [], routes: routes.map((item) => ({ cidr: item, through: 'tun0' })) }).map(line);
  const meets = (route: string): string =>
    `warning hostctl.yaml network pool: networks are taken from 10.1.0.0/16, and this host reaches ${route} through tun0: one of the two would not be reachable → choose another private range under \`network.pool\``;

  test.each([['10.1.0.0/16'], ['10.0.0.0/8'], ['10.1.255.255/32'], ['10.1.0.0/32'], ['0.0.0.0/1']])(
    'meets %s',
    (route) => {
      expect(pool('10.1.0.0/16', 1, route)).toEqual([meets(route)]);
    },
  );

  test.each([['10.0.0.0/16'], ['10.2.0.0/16'], ['10.0.255.255/32'], ['10.2.0.0/32']])('does not meet %s', (route) => {
    expect(pool('10.1.0.0/16', 1, route)).toEqual([]);
  });

  test('every route that it meets is told, in order', () => {
    expect(pool('10.1.0.0/16', 1, '10.1.2.0/24', '10.9.0.0/16', '10.1.1.0/24')).toEqual([
      meets('10.1.2.0/24'),
      meets('10.1.1.0/24'),
    ]);
  });

  test.each([
    ['10.1.0.0/16', 3838, 3838],
    ['10.1.0.0/19', 254, 254],
    ['10.1.0.0/20', 0, 0],
    ['10.1.0.0/24', 0, 0],
  ])('%s has room for %i', (cidr, most, room) => {
    const full = (networks: number): string =>
      `error hostctl.yaml network pool: ${cidr} has room for ${room} projects with a network, and there are ${networks} → choose a larger range under \`network.pool\``;
    if (cidr !== '10.1.0.0/20' && cidr !== '10.1.0.0/24') expect(pool(cidr, most)).toEqual([]);
    expect(pool(cidr, most + 1)).toEqual([full(most + 1)]);
  });
});

describe('uids', () => {
  const told = (uids: Record<string, Record<string, number>>, users: { name: string; uid: number }[] = []): string[] =>
    checkUids(Object.fromEntries(Object.entries(uids).map(([name, of]) => [name, { uids: of }])), {
      routes: [],
      users,
    }).map(line);
  const shared = (app: string, others: string): string =>
    `error ${app} (key): has the uid 7 of ${others} as well: each can read what the other wrote → remove one of them (\`hostctl remove\`), move its identity.json away, deploy it and give its data to the new uid`;

  test('of one app each are no concern', () => {
    expect(told({ a: { web: 1, job: 2 }, b: { web: 3 } }, [{ name: 'root', uid: 0 }])).toEqual([]);
  });

  test('of several, in one project or in two', () => {
    expect(told({ a: { web: 7, job: 7 } })).toEqual([shared('a apps web', 'a/job'), shared('a apps job', 'a/web')]);
    expect(told({ a: { web: 7 }, b: { web: 7, job: 7 } })).toEqual([
      shared('a apps web', 'b/web, b/job'),
      shared('b apps web', 'a/web, b/job'),
      shared('b apps job', 'a/web, b/web'),
    ]);
  });

  test('of a user of the host', () => {
    const users = [
      { name: 'ada', uid: 6 },
      { name: 'bob', uid: 7 },
    ];
    const user = (app: string): string =>
      `warning ${app} (key): has the uid 7, which is the user \`bob\` of this host → give that user another uid`;
    expect(told({ a: { web: 7 } }, users)).toEqual([user('a apps web')]);
    expect(told({ a: { web: 7 }, b: { web: 7 } }, users)).toEqual([
      shared('a apps web', 'b/web'),
      user('a apps web'),
      shared('b apps web', 'a/web'),
      user('b apps web'),
    ]);
  });
});

describe('volumes', () => {
  test('without a definition, of a broken one, of none', async () => {
    const projects = [await project('a', 'apps:\n  job: { image: job, volumes: { data: /data } }\n')];
    expect(
      checkVolumes(projects, ['a', 'broken'], {
        broken: ['web/data'],
        empty: [],
        gone: ['web/a', 'web/b'],
        a: ['job/data', 'old/data', 'job/other'],
      }).map(line),
    ).toEqual([
      'note hostctl.yaml: data of `gone` is kept, and there is no definition of it: web/a, web/b → hostctl remove gone --purge deletes it',
      'note a apps (key): data of volumes that no app has any more is kept: old/data, job/other → see "Renaming an app" in the docs of operations',
    ]);
    expect(checkVolumes(projects, ['a'], { a: ['job/data'] })).toEqual([]);
  });
});

describe('sources', () => {
  const DATA = '/src';
  const text = `hostnames: [a.org]
apps:
  web: { runtime: node, source: /src/app }
  job: { image: job }
media:
  /m: { from: /src/app/media }
  /r.txt: { from: /src/app/robots.txt }
  /up: { from: /src/pages, writable-by: web, mount: /up }
  /i: { from: "image:web:/src/app" }
`;
  const inside = (path: string, what: string, data: string): string =>
    `\`${path}\` is in the data root ${data}, or around it: other projects' data would ${what}`;
  const media = (at: string, path: string, data: string): string =>
    `error a media ${at} from: ${inside(path, 'be served', data)} → copy what it needs to a folder of its own`;
  const app = (path: string, data: string): string =>
    `error a apps web source: ${inside(path, 'get into the image', data)} → copy what it needs to a folder of its own`;

  test('in the data root, at it, and around it', async () => {
    const found = await project('a', text);
    const told = (data: string): string[] => checkSources(found, data).map(line);
    expect(told(DATA)).toEqual([
      media('/m', '/src/app/media', DATA),
      media('/r.txt', '/src/app/robots.txt', DATA),
      // What uploads begin with is copied, too.
      media('/up', '/src/pages', DATA),
      app('/src/app', DATA),
    ]);
    expect(told('/src/app/media')).toEqual([
      media('/m', '/src/app/media', '/src/app/media'),
      app('/src/app', '/src/app/media'),
    ]);
    expect(told('/src/app/media/deep')).toEqual([
      media('/m', '/src/app/media', '/src/app/media/deep'),
      app('/src/app', '/src/app/media/deep'),
    ]);
    for (const data of ['/var/lib/hostctl', '/src/app2', '/sr', '/src/ap']) expect(told(data)).toEqual([]);
  });
});
