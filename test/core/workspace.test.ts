import { describe, expect, test } from 'vitest';
import { normaliseWorkspace, workspaceFiles } from '../../src/core/workspace.ts';

const MIB = 1024 ** 2;

test('an absent hostctl.yaml is one of defaults', () => {
  const { tls: _, ...rest } = normaliseWorkspace({}, '/work');
  expect(rest).toEqual({
    dir: '/work',
    instance: 'hostctl',
    data: '/var/lib/hostctl',
    proxy: { driver: 'traefik', address: '0.0.0.0', http: 80, https: 443, httpsWanted: false },
    bases: { from: 'auto', images: {} },
    builds: {},
    whenShort: 'refuse',
    pool: '10.213.0.0/16',
    limits: { memory: 256 * MIB, cpus: 0.5, pids: 100 },
    keep: 3,
    watch: 3000,
  });
});

test('what is written is taken', () => {
  const { tls: _, ...rest } = normaliseWorkspace(
    {
      instance: 'other',
      engine: 'unix:///run/other.sock',
      proxy: {
        driver: 'nginx',
        address: '127.0.0.1',
        http: 8080,
        https: 8443,
        existing: { container: 'traefik', directory: '/dynamic' },
      },
      bases: { from: 'debian', images: { nginx: 'mine:1' }, registry: 'r.example', mirror: 'http://m' },
      builds: { memory: '1G', cpus: 2 },
      memory: { 'when-short': 'ignore' },
      network: { pool: '10.1.0.0/16' },
      defaults: { limits: { memory: '64M', cpus: 1, pids: 7 }, keep: 0, watch: '0s' },
      notify: { webhook: 'https://h.example' },
    },
    '/work',
  );
  expect(rest).toEqual({
    dir: '/work',
    instance: 'other',
    data: '/var/lib/other',
    engine: 'unix:///run/other.sock',
    proxy: {
      driver: 'nginx',
      address: '127.0.0.1',
      http: 8080,
      https: 8443,
      httpsWanted: true,
      existing: { container: 'traefik', directory: '/dynamic', entryPoints: { http: 'web', https: 'websecure' } },
    },
    bases: { from: 'debian', images: { nginx: 'mine:1' }, registry: 'r.example', mirror: 'http://m' },
    builds: { memory: 1024 * MIB, cpus: 2 },
    whenShort: 'ignore',
    pool: '10.1.0.0/16',
    limits: { memory: 64 * MIB, cpus: 1, pids: 7 },
    keep: 0,
    watch: 0,
    notify: { on: ['failure', 'revert'], webhook: 'https://h.example' },
  });
  expect(normaliseWorkspace({ instance: 'other', data: '/data' }, '/work').data).toBe('/data');
});

test('another Traefik may have entry points of other names', () => {
  const entryPoints = (names: object) =>
    normaliseWorkspace({ proxy: { existing: { container: 't', directory: '/d', 'entry-points': names } } }, '/w').proxy
      .existing?.entryPoints;
  expect(entryPoints({ http: 'a' })).toEqual({ http: 'a', https: 'websecure' });
  expect(entryPoints({ https: 'b' })).toEqual({ http: 'web', https: 'b' });
});

describe('a program that is told', () => {
  test.each([
    [
      ['./tell', 'a/b'],
      ['/work/tell', 'a/b'],
    ],
    [['/bin/tell'], ['/bin/tell']],
    [
      ['tell', './x'],
      ['tell', './x'],
    ],
  ])('as %j is %j', (command, found) => {
    expect(normaliseWorkspace({ notify: { on: ['success'], command } }, '/work').notify).toEqual({
      on: ['success'],
      command: found,
    });
  });
});

test('the files of a workspace are told from the root of its source', () => {
  expect(workspaceFiles('')).toEqual(['hostctl.yaml', '.hostctl', 'projects/*.yaml', 'projects/*.yml']);
  expect(workspaceFiles('ops/x')).toEqual([
    'ops/x/hostctl.yaml',
    'ops/x/.hostctl',
    'ops/x/projects/*.yaml',
    'ops/x/projects/*.yml',
  ]);
});
