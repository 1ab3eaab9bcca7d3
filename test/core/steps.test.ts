import { describe, expect, test } from 'vitest';
import { formatPlan, projectSteps, relaxedBy, type Step, stepsOf, subjectOf } from '../../src/core/steps.ts';
import type { MemoryNeed } from '../../src/core/memory.ts';
import type { ContainerView, MediaSet, Release, Workload } from '../../src/core/state.ts';

const MIB = 1024 ** 2;
const workload = {
  app: 'web',
  container: { name: 'shop-web-1' },
  relax: [
    { allow: 'exec-tmp', reason: 'it compiles' },
    { allow: 'image-user', reason: 'its own' },
  ],
} as unknown as Workload;
const plain = { app: 'web', container: { name: 'shop-web-2' } } as unknown as Workload;
const container = { name: 'shop-web-0' } as ContainerView;
const set = { alias: '/files' } as MediaSet;
const hostnames = [
  { kind: 'exact', name: 'a.org' },
  { kind: 'leading', name: '*.a.org' },
  { kind: 'glob', name: '*a.org' },
] as const;
const site = { project: 'shop', hostnames, routes: [], maxBody: 1 };
const release = (desired: object): Release => ({ desired }) as Release;
const forget: Extract<Step, { do: 'forget' }> = {
  do: 'forget',
  project: 'shop',
  containers: ['c'],
  releases: [1, 2],
  media: ['shop/files.1'],
  links: ['l.sock'],
  secrets: [{ name: 'TOKEN', version: 3 }],
  secretFiles: ['projects/shop/secret-files/c'],
  keepImages: ['never told'],
  network: 'hostctl_shop',
  why: '',
};

describe('a step is about', () => {
  test.each<[Step, string]>([
    [{ do: 'base', base: 'debian', why: '' }, 'debian'],
    [{ do: 'build', app: 'web', tag: 'hostctl/shop:1', why: '' }, 'hostctl/shop:1'],
    [{ do: 'pull', app: 'web', ref: 'redis:7', why: '' }, 'redis:7'],
    [
      {
        do: 'network',
        network: { name: 'hostctl_shop', subnet: '10.0.0.0/28', internal: true, between: true, labels: {} },
        why: '',
      },
      'hostctl_shop 10.0.0.0/28',
    ],
    [{ do: 'proxy', names: ['a', 'b'], replaces: ['c'], secure: true, why: '' }, 'a and b'],
    [{ do: 'restore', why: '' }, 'the routes of the live releases'],
    [{ do: 'fence', why: '' }, 'between apps and this host'],
    [{ do: 'connect', network: 'n', container: 'c', why: '' }, 'c to n'],
    [{ do: 'stop', container, timeout: 1, why: '' }, 'shop-web-0'],
    [{ do: 'retire', container, drain: 1, timeout: 1, why: '' }, 'shop-web-0'],
    [{ do: 'run', workload, why: '' }, 'shop-web-1'],
    [{ do: 'start', workload, why: '' }, 'shop-web-1'],
    [{ do: 'ready', workload, why: '' }, 'shop-web-1'],
    [{ do: 'watch', workloads: [workload, plain], ms: 1, why: '' }, 'shop-web-1, shop-web-2'],
    [{ do: 'task', workload, command: ['migrate', 'all'], why: '' }, 'web: migrate all'],
    [{ do: 'media', set, why: '' }, '/files'],
    [{ do: 'own', set, project: 'shop', uid: 1, why: '' }, '/files'],
    [
      { do: 'route', release: release({ site }), links: [], media: [], reload: true, why: '' },
      'a.org, *.a.org, *a.org',
    ],
    [{ do: 'route', release: release({}), links: [], media: [], reload: true, why: '' }, 'no hostname'],
    [{ do: 'tls', project: 'shop', own: { certificate: '/c.pem', key: '/k', version: 'v' }, why: '' }, '/c.pem'],
    [{ do: 'order', site, why: '' }, 'a certificate for a.org, *.a.org'],
    [{ do: 'unroute', project: 'shop', why: '' }, 'shop'],
    [
      { do: 'limits', container: 'c', limits: { memory: 64 * MIB, cpus: 0.5, pids: 7 }, why: '' },
      'c to 64M, 0.5 cpus, 7 pids',
    ],
    [
      forget,
      'c, release 1, release 2, shop/files.1, link l.sock, version 3 of secret TOKEN, projects/shop/secret-files/c, hostctl_shop',
    ],
    [
      {
        do: 'forget',
        project: 'shop',
        containers: [],
        releases: [],
        media: [],
        links: [],
        secrets: [],
        secretFiles: [],
        keepImages: [],
        why: '',
      },
      '',
    ],
    [{ do: 'erase', project: 'shop', data: true, why: '' }, 'shop, its volumes, uploads and secrets'],
    [{ do: 'erase', project: 'shop', data: false, why: '' }, 'shop'],
  ])('%j', (step, subject) => {
    expect(subjectOf(step)).toBe(subject);
  });
});

describe('a plan', () => {
  const run: Step = { do: 'run', workload, why: 'not running yet' };
  const start: Step = { do: 'start', workload: plain, why: 'stopped' };
  const route: Extract<Step, { do: 'route' }> = {
    do: 'route',
    release: release({ site }),
    links: [],
    media: [],
    reload: true,
    why: 'release 1',
  };
  const retire: Step = { do: 'retire', container, drain: 1, timeout: 1, why: 'replaced' };
  const fence: Step = { do: 'fence', why: 'there is none' };
  const project = { project: 'shop', before: [run, start], route, after: [retire] };
  const memory: MemoryNeed = {
    needs: 64 * MIB,
    beside: true,
    measured: false,
    free: 128 * MIB,
    reserve: 8 * MIB,
    fits: true,
  };

  test('is a group of lines for the host and for each project that has something to do', () => {
    expect(
      formatPlan({
        host: [fence],
        projects: [
          { project: 'idle', before: [], after: [] },
          { ...project, memory },
        ],
      }),
    ).toBe(
      `host
  fence   between apps and this host  (there is none)

shop
  memory  needs 64M, 128M free
  run     shop-web-1  (not running yet)
          relaxed: exec-tmp (it compiles)
          relaxed: image-user (its own)
  start   shop-web-2  (stopped)
  route   a.org, *.a.org, *a.org  (release 1)
  retire  shop-web-0  (replaced)
`,
    );
  });

  test('says that there is nothing to do', () => {
    expect(formatPlan({ host: [], projects: [] })).toBe('Up to date.\n');
    expect(formatPlan({ host: [], projects: [{ project: 'idle', before: [], after: [] }] })).toBe('Up to date.\n');
  });

  test.each<[string, Partial<MemoryNeed>, string | undefined]>([
    ['a second copy', {}, '  memory  needs 64M, 128M free'],
    ['a second copy like one that runs', { likely: MIB }, '  memory  needs 64M, 128M free  (what runs now uses 1M)'],
    ['a first copy that fits', { beside: false }, undefined],
    [
      'a first copy that does not',
      { beside: false, fits: false },
      '  memory  needs 64M, 128M free: too little, as 8M must be left',
    ],
  ])('tells of memory for %s', (_, more, line) => {
    const lines = formatPlan({ host: [], projects: [{ ...project, memory: { ...memory, ...more } }] }).split('\n');
    expect(lines.find((item) => item.startsWith('  memory'))).toBe(line);
  });

  test('has all its steps in their order', () => {
    expect(projectSteps(project)).toEqual([run, start, route, retire]);
    expect(projectSteps({ project: 'shop', before: [run], after: [retire] })).toEqual([run, retire]);
    expect(stepsOf({ host: [fence], projects: [project, { project: 'b', before: [start], after: [] }] })).toEqual([
      fence,
      run,
      start,
      route,
      retire,
      start,
    ]);
  });

  test('tells what the hardening of a container that starts gives up, and of no other', () => {
    expect(relaxedBy(run)).toBe(workload.relax);
    expect(relaxedBy({ do: 'start', workload, why: '' })).toBe(workload.relax);
    expect(relaxedBy(start)).toEqual([]);
    expect(relaxedBy({ do: 'ready', workload, why: '' })).toEqual([]);
  });
});
