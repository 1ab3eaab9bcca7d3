import { describe, expect, test } from 'vitest';
import { createBody } from '../../src/engine/options.ts';
import { differences, type Inspected } from '../../src/engine/readback.ts';
import type { ContainerSpec } from '../../src/core/container.ts';

const SPEC: ContainerSpec = {
  name: 'blog-web-c1f6c87',
  image: 'hostctl/blog-web:0123456789ab',
  uid: 20_001,
  entrypoint: ['/bin/sh', '-c', 'exec "$@"', 'hostctl'],
  command: ['node', 'server.js'],
  env: { PORT: '/run/hostctl/app.sock' },
  labels: { 'hostctl.instance': 'hostctl' },
  limits: { memory: 268_435_456, cpus: 0.5, pids: 100 },
  files: 4096,
  readOnly: true,
  tmpfs: [
    { path: '/tmp', size: 67_108_864, exec: false },
    { path: '/cache', size: 1024, exec: true, uid: 20_001 },
  ],
  capabilities: ['CHOWN', 'NET_BIND_SERVICE'],
  newPrivileges: false,
  mounts: [{ source: '/var/lib/hostctl/sockets/x', target: '/run/hostctl', readOnly: false }],
  networks: [
    { name: 'hostctl-blog', aliases: ['web'] },
    { name: 'hostctl.egress', aliases: [] },
  ],
  publish: [{ address: '127.0.0.1', hostPort: 80, port: 8080 }],
  stopTimeout: 20,
  stopSignal: 'SIGQUIT',
  restart: 'always',
};

/** What an engine that took over everything answers to an inspect, the way it writes it. */
const inspected = (): Inspected => {
  const body = createBody(SPEC);
  const { Image: _image, HostConfig, ...config } = body;
  return structuredClone({
    Config: { ...config, Env: [...(config['Env'] as string[]), 'PATH=/usr/bin'] },
    HostConfig: {
      ...HostConfig,
      CapAdd: ['CAP_NET_BIND_SERVICE', 'CAP_CHOWN'],
      CapDrop: ['ALL'],
      PublishAllPorts: false,
    },
  });
};

test('the whole request', () => {
  expect(createBody(SPEC)).toMatchInlineSnapshot(`
    {
      "Cmd": [
        "node",
        "server.js",
      ],
      "Entrypoint": [
        "/bin/sh",
        "-c",
        "exec "$@"",
        "hostctl",
      ],
      "Env": [
        "PORT=/run/hostctl/app.sock",
      ],
      "ExposedPorts": {
        "8080/tcp": {},
      },
      "Healthcheck": {
        "Interval": 4020000000000,
        "Retries": 2,
        "Test": [
          "CMD",
          "/sbin/docker-init",
          "--version",
        ],
        "Timeout": 60000000000,
      },
      "HostConfig": {
        "AutoRemove": false,
        "CapAdd": [
          "CHOWN",
          "NET_BIND_SERVICE",
        ],
        "CapDrop": [
          "ALL",
        ],
        "CgroupnsMode": "private",
        "Init": true,
        "IpcMode": "private",
        "LogConfig": {
          "Config": {
            "max-file": "3",
            "max-size": "10m",
          },
          "Type": "json-file",
        },
        "Memory": 268435456,
        "MemorySwap": 268435456,
        "Mounts": [
          {
            "BindOptions": {
              "Propagation": "rprivate",
            },
            "ReadOnly": false,
            "Source": "/var/lib/hostctl/sockets/x",
            "Target": "/run/hostctl",
            "Type": "bind",
          },
        ],
        "NanoCpus": 500000000,
        "NetworkMode": "hostctl-blog",
        "OomKillDisable": false,
        "PidsLimit": 100,
        "PortBindings": {
          "8080/tcp": [
            {
              "HostIp": "127.0.0.1",
              "HostPort": "80",
            },
          ],
        },
        "Privileged": false,
        "PublishAllPorts": false,
        "ReadonlyRootfs": true,
        "RestartPolicy": {
          "MaximumRetryCount": 0,
          "Name": "always",
        },
        "SecurityOpt": [
          "no-new-privileges:true",
        ],
        "ShmSize": 16777216,
        "Tmpfs": {
          "/cache": "rw,nosuid,nodev,exec,size=1024,nr_inodes=16384,mode=0750,uid=20001,gid=20001",
          "/tmp": "rw,nosuid,nodev,noexec,size=67108864,nr_inodes=16384,mode=1777",
        },
        "Ulimits": [
          {
            "Hard": 4096,
            "Name": "nofile",
            "Soft": 4096,
          },
          {
            "Hard": 0,
            "Name": "core",
            "Soft": 0,
          },
        ],
      },
      "Image": "hostctl/blog-web:0123456789ab",
      "Labels": {
        "hostctl.instance": "hostctl",
      },
      "NetworkingConfig": {
        "EndpointsConfig": {
          "hostctl-blog": {
            "Aliases": [
              "web",
            ],
          },
        },
      },
      "OpenStdin": false,
      "StopSignal": "SIGQUIT",
      "StopTimeout": 20,
      "Tty": false,
      "User": "20001:20001",
    }
  `);
});

test('lists the engine would read differently when empty are left out', () => {
  const body = createBody({ ...SPEC, newPrivileges: true });
  expect(body.HostConfig).not.toHaveProperty('SecurityOpt');
  for (const field of ['MaskedPaths', 'ReadonlyPaths', 'Binds']) expect(body.HostConfig).not.toHaveProperty(field);
});

describe('read-back', () => {
  test('accepts what an engine writes down for the same thing', () => {
    expect(differences(createBody(SPEC), inspected())).toEqual([]);
  });

  // Fields whose value is the engine's own default cannot be told from being ignored, and need not be.
  const DEFAULTS = new Set(['AutoRemove', 'OomKillDisable', 'Privileged', 'PublishAllPorts']);
  const fields = Object.keys(createBody(SPEC).HostConfig).filter((field) => !DEFAULTS.has(field));

  test.each(fields)('notices that %s was ignored', (field) => {
    const got = inspected();
    expect(differences(createBody(SPEC), { ...got, HostConfig: { ...got.HostConfig, [field]: undefined } })).toEqual([
      field,
    ]);
  });

  test.each([...DEFAULTS])('notices that %s is on', (field) => {
    const got = inspected();
    expect(differences(createBody(SPEC), { ...got, HostConfig: { ...got.HostConfig, [field]: true } })).toEqual([
      field,
    ]);
  });

  test.each(['User', 'Entrypoint', 'Cmd', 'StopSignal', 'StopTimeout'])('notices that %s is another', (field) => {
    const got = inspected();
    expect(differences(createBody(SPEC), { ...got, Config: { ...got.Config, [field]: 'other' } })).toEqual([field]);
  });

  test('notices a variable that is missing', () => {
    const got = inspected();
    expect(differences(createBody(SPEC), { ...got, Config: { ...got.Config, Env: null } })).toEqual(['Env']);
  });
});
