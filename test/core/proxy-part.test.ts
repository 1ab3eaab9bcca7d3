import { describe, expect, test } from 'vitest';
import { partContainer, type ProxyPart } from '../../src/core/proxy-part.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';

const MIB = 1024 ** 2;
const IMAGE = { ref: 'hostctl/nginx:1', id: 'sha256:nginx' };
const workspace = normaliseWorkspace(
  { proxy: { address: '127.0.0.1', http: 8000, https: 8001 }, data: '/data' },
  '/work',
);
const edge: ProxyPart = {
  name: 'proxy',
  base: 'nginx',
  edge: true,
  start: ['nginx', '-g'],
  mounts: [
    { from: 'media', at: '/srv/media', write: false },
    { from: 'spool', at: '/spool', write: true },
  ],
  secureMounts: [{ from: 'tls', at: '/tls', write: false }],
  memory: 64 * MIB,
  pids: 10,
  stopSignal: 'SIGQUIT',
};
const inner: ProxyPart = {
  name: 'files',
  base: 'nginx',
  edge: false,
  alias: 'nginx.hostctl',
  start: ['nginx'],
  env: { A: 'b' },
  mounts: [],
  memory: 1,
  pids: 1,
};
const container = (part: ProxyPart, secure = false, image = IMAGE, cpus = 2) =>
  partContainer(part, workspace, image, cpus, secure);

describe('a part of the proxy', () => {
  test('that publishes has the port, and sees what it serves and nothing else', () => {
    const { labels, ...rest } = container(edge);
    expect(rest).toEqual({
      name: 'hostctl-proxy',
      image: 'hostctl/nginx:1',
      uid: 19_999,
      entrypoint: ['nginx', '-g'],
      command: [],
      env: {},
      limits: { memory: 64 * MIB, cpus: 2, pids: 10 },
      files: 16_384,
      readOnly: true,
      tmpfs: [{ path: '/tmp', size: 16 * MIB, exec: false }],
      capabilities: [],
      newPrivileges: false,
      mounts: [
        { source: '/data/media', target: '/srv/media', readOnly: true },
        { source: '/data/spool', target: '/spool', readOnly: false },
      ],
      networks: [{ name: 'hostctl.edge', aliases: [] }],
      publish: [{ address: '127.0.0.1', hostPort: 8000, port: 8080 }],
      stopTimeout: 30,
      stopSignal: 'SIGQUIT',
      restart: 'always',
    });
    expect(labels).toEqual({
      'hostctl.instance': 'hostctl',
      'hostctl.role': 'proxy',
      'hostctl.spec': expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      'hostctl.uid': '19999',
      'hostctl.port': '8000',
    });
  });

  test('has a second port and certificates once there is https', () => {
    const { publish, mounts, labels } = container(edge, true);
    expect(publish).toEqual([
      { address: '127.0.0.1', hostPort: 8000, port: 8080 },
      { address: '127.0.0.1', hostPort: 8001, port: 8443 },
    ]);
    expect(mounts.at(-1)).toEqual({ source: '/data/tls', target: '/tls', readOnly: true });
    expect(labels['hostctl.https']).toBe('8001');
  });

  test('behind another has a name on the network between them, and no port', () => {
    const { networks, publish, labels, mounts, env, ...rest } = container(inner, true);
    expect({ networks, publish, mounts, env }).toEqual({
      networks: [{ name: 'hostctl.inner', aliases: ['nginx.hostctl'] }],
      publish: [],
      mounts: [],
      env: { A: 'b' },
    });
    expect(Object.keys(labels)).toEqual(['hostctl.instance', 'hostctl.role', 'hostctl.spec', 'hostctl.uid']);
    expect(rest).not.toHaveProperty('stopSignal');
    expect(container({ ...inner, edge: true }).networks.map(({ name }) => name)).toEqual([
      'hostctl.edge',
      'hostctl.inner',
    ]);
  });

  test('is another container with another image or anything else, and only then', () => {
    const spec = (...args: Parameters<typeof container>): string => container(...args).labels['hostctl.spec']!;
    expect(spec(edge)).toBe(spec({ ...edge }));
    const others = [
      spec(edge),
      spec(edge, true),
      spec(edge, false, { ...IMAGE, id: 'sha256:new' }),
      spec(edge, false, IMAGE, 1),
      spec({ ...edge, memory: 1 }),
      spec({ ...edge, start: ['nginx'] }),
    ];
    expect(new Set(others).size).toBe(others.length);
    expect(spec(inner, true)).toBe(spec(inner, false));
  });
});
