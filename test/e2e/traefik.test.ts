import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { ask, askRaw, Traffic } from './support/http.ts';
import { freePort, Lab } from './support/lab.ts';

/** Answers with its version, echoes what comes on a websocket, and runs what a test sends it. */
const server = (version: string): string => `import http from 'node:http';
import { execFile } from 'node:child_process';
http.createServer((request, response) => {
  const command = request.headers['x-run'];
  if (!command) return response.end('${version}');
  execFile('/bin/sh', ['-c', command], { timeout: 20000 }, (error, out) => response.end(out));
}).on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
  socket.on('error', () => undefined);
  socket.pipe(socket);
}).listen(process.env.PORT, () => {});
process.on('SIGTERM', () => process.exit());
`;

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

function define(lab: Lab, name: string, version = '1'): void {
  lab.write(`${name}/package.json`, '{ "type": "module" }');
  lab.write(`${name}/server.js`, server(version));
  lab.write(`${name}-files/a.txt`, `a file of ${name}`);
  lab.define(
    name,
    `hostnames: [${name}.org]\napps:\n  web: { runtime: node, source: ../${name} }\nmedia:\n  /media: { from: ../${name}-files }\n`,
  );
}

async function traefikImage(lab: Lab): Promise<string> {
  const images = await lab.engine.images('hostctl.role=base');
  return images.flatMap((image) => image.tags).find((tag) => tag.startsWith('hostctl/base-traefik:'))!;
}

const inode = (lab: Lab): number => statSync(join(lab.data, LAYOUT.dynamicFile)).ino;

describe('Traefik', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open({ driver: 'traefik' });
    for (const name of ['one', 'two']) define(lab, name);
    await lab.ok('deploy --all');
  });
  afterAll(() => lab.close());

  test('has no engine socket, no capability, a read-only root and a user of its own', async () => {
    const all = await lab.inspectAll();
    for (const name of [`${lab.instance}-traefik`, `${lab.instance}-media`]) {
      const { Config, HostConfig, Mounts } = all.get(name)!;
      expect(Config.User).toBe('19999:19999');
      expect(HostConfig).toMatchObject({ CapDrop: ['ALL'], ReadonlyRootfs: true, Privileged: false });
      expect(HostConfig['SecurityOpt']).toContain('no-new-privileges:true');
      expect(Mounts.filter((mount) => !mount.Source.startsWith(lab.data))).toEqual([]);
    }
    const ports = (name: string) => Object.keys((all.get(name)!.HostConfig['PortBindings'] as object | null) ?? {});
    expect(ports(`${lab.instance}-media`)).toEqual([]);
    expect(ports(`${lab.instance}-traefik`)).toContain('8080/tcp');
  });

  test('its admin entry point answers neither an app nor a visitor', async () => {
    // Whatever else may stand at such an address outside, it is not Traefik that tells.
    const networks = Object.values((await lab.inspectAll()).get(`${lab.instance}-traefik`)!.NetworkSettings.Networks);
    const script = (host: string): string =>
      `node -e "fetch('http://${host}:9000/api/rawdata',{signal:AbortSignal.timeout(2000)}).then(r=>r.text()).then(t=>console.log(t.includes('routers')?'told':'none'),e=>console.log('none')).then(()=>process.exit())"`;
    for (const host of ['traefik.hostctl', ...networks.map((network) => network.IPAddress)]) {
      const { body } = await ask(lab, 'one.org', '/', { headers: { 'X-Run': script(host) } });
      expect(body.trim(), host).toBe('none');
    }
    for (const path of ['/api/rawdata', '/dashboard/', '/ping', '/metrics'])
      expect((await ask(lab, 'traefik.hostctl', path)).status, path).toBe(404);
  });

  test('no protocol but a websocket gets through, whatever else is named beside it', async () => {
    const request = (upgrades: readonly string[]): string =>
      [
        'GET / HTTP/1.1',
        'Host: one.org',
        'Connection: Upgrade, close',
        ...upgrades.map((name) => `Upgrade: ${name}`),
        '',
        '',
      ].join('\r\n');
    for (const upgrades of [['h2c'], ['h2c', 'websocket'], ['tcp', 'h2c']])
      expect((await askRaw(lab, request(upgrades))).status, upgrades.join()).toBe(200);
  });

  test('its file is written only when something changes', async () => {
    const before = inode(lab);
    await lab.ok('deploy --all');
    expect(inode(lab)).toBe(before);
    define(lab, 'one', '2');
    await lab.ok('deploy one');
    expect(inode(lab)).not.toBe(before);
    expect((await ask(lab, 'one.org', '/')).body).toBe('2');
  });

  test('websockets survive what is deployed beside them', async () => {
    const socket = await upgrade(lab, 'one.org');
    try {
      expect(await echo(socket, 'before')).toBe('before');
      define(lab, 'two', 'next');
      await lab.ok('deploy two');
      await setTimeout(3000);
      expect(await echo(socket, 'after')).toBe('after');
    } finally {
      socket.destroy();
    }
  });

  test.each(['traefik', 'media'])('what kills %s is over at once: it comes back with its networks', async (part) => {
    const { State } = (await lab.inspectAll()).get(`${lab.instance}-${part}`)!;
    process.kill(State.Pid, 'SIGKILL');
    await expect
      .poll(async () => [(await ask(lab, 'one.org', '/')).body, (await ask(lab, 'one.org', '/media/a.txt')).body], {
        timeout: 20_000,
      })
      .toEqual(['2', 'a file of one']);
    await lab.ok('deploy --all');
    define(lab, 'two', part);
    await lab.ok('deploy two');
    expect((await ask(lab, 'two.org', '/')).body).toBe(part);
  });

  test('a broken file in its place is seen, and the next deploy mends it', async () => {
    docker('stop', `${lab.instance}-traefik`);
    await lab.ok('deploy --all');
    expect((await ask(lab, 'one.org', '/')).body).toBe('2');
    const at = join(lab.data, LAYOUT.dynamicFile);
    rmSync(at);
    docker('restart', `${lab.instance}-traefik`);
    await expect.poll(async () => (await ask(lab, 'one.org', '/')).status, { timeout: 10_000 }).toBe(404);
    await lab.ok('deploy --all');
    expect((await ask(lab, 'one.org', '/')).body).toBe('2');
  });
});

describe('a change of the proxy', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
    for (const name of ['one', 'two']) define(lab, name);
    await lab.ok('deploy --all');
  });
  afterAll(() => lab.close());

  const choose = (driver: string, port = lab.port): void => {
    const { rest, proxy } = lab.settings;
    lab.write(
      'hostctl.yaml',
      rest + proxy.replace(/driver: \w+/, `driver: ${driver}`).replace(/http: \d+/, `http: ${port}`),
    );
  };

  test.each(['traefik', 'nginx'])('to %s is one deploy: planned, and over in about a second', async (driver) => {
    choose(driver);
    const plan = await lab.ok('plan --all');
    expect(plan).toMatch(/proxy {3}.*takes the place of .*: sites do not answer for about a second/);
    const traffic = new Traffic(lab, 'one.org', '/media/a.txt', 50);
    await lab.ok('deploy --all');
    await setTimeout(1000);
    const { failed } = await traffic.stop();
    // At 50 requests a second, so that 20 ms each is what visitors noticed.
    expect(failed * 20).toBeLessThan(4000);
    for (const name of ['one', 'two']) {
      expect((await ask(lab, `${name}.org`, '/')).body).toBe('1');
      expect((await ask(lab, `${name}.org`, '/media/a.txt')).body).toBe(`a file of ${name}`);
    }
    expect(await lab.ok('plan --all')).toBe('Up to date.\n');
    const names = [...(await lab.inspectAll()).keys()].filter((name) => name.startsWith(lab.instance)).toSorted();
    const parts = driver === 'nginx' ? ['proxy'] : ['media', 'traefik'];
    expect(names).toEqual(parts.map((part) => `${lab.instance}-${part}`));
  });

  test('takes releases of the other one along: a rollback goes back to a socket under Traefik', async () => {
    choose('traefik');
    await lab.ok('deploy two');
    expect((await ask(lab, 'one.org', '/')).body).toBe('1');
    await lab.ok('rollback two');
    expect((await ask(lab, 'two.org', '/')).body).toBe('1');
  });

  test('that cannot have the port leaves the old one serving', async () => {
    choose('nginx');
    await lab.ok('deploy --all');
    const blocker = await freePort();
    const other = docker('run', '-d', '-p', `127.0.0.1:${blocker}:80`, await traefikImage(lab), 'sleep', '60');
    try {
      choose('traefik', blocker);
      const { code, err } = await lab.hostctl('deploy --all');
      expect(code).toBe(1);
      expect(err).toContain(`port ${blocker} is taken`);
      expect((await ask(lab, 'one.org', '/')).body).toBe('1');
    } finally {
      docker('rm', '-f', other);
    }
  });
});

describe('a Traefik of the user’s own', () => {
  let lab: Lab;
  let directory: string;
  const traefik = (): string => `${lab.instance}-theirs`;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hostctl-theirs-'));
    lab = await Lab.open({
      driver: 'traefik',
      more: (instance) =>
        `existing: { container: ${instance}-theirs, directory: ${directory}, entry-points: { http: plain } }`,
    });
    for (const name of ['one', 'two']) define(lab, name);
  });
  afterAll(async () => {
    docker('rm', '-f', traefik(), `${lab.instance}-labelled`);
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('that does not run is told from an engine that does not', async () => {
    const { code, err } = await lab.hostctl('deploy one');
    expect(code).toBe(7);
    expect(err).toContain(`no running container ${traefik()}`);
  });

  test('gets one file, and routes as ours would', async () => {
    const publish = `127.0.0.1:${lab.port}:8000`;
    const start = [
      '--entryPoints.plain.address=:8000',
      '--providers.file.directory=/dynamic',
      '--providers.file.watch=true',
    ];
    const docks = ['--providers.docker=true', '--providers.docker.exposedByDefault=false'];
    docker(
      'run',
      '-d',
      '--name',
      traefik(),
      '-p',
      publish,
      '-v',
      `${directory}:/dynamic:ro`,
      '-v',
      '/var/run/docker.sock:/var/run/docker.sock:ro',
      await traefikImage(lab),
      'traefik',
      ...start,
      ...docks,
    );
    await lab.ok('deploy --all');
    expect(await lab.ok('plan --all')).toBe('Up to date.\n');
    for (const name of ['one', 'two']) {
      expect((await ask(lab, `${name}.org`, '/')).body).toBe('1');
      expect((await ask(lab, `${name}.org`, '/media/a.txt')).body).toBe(`a file of ${name}`);
    }
    define(lab, 'one', '2');
    const traffic = new Traffic(lab, 'one.org', '/', 50);
    await lab.ok('deploy one');
    expect((await traffic.stop()).failed).toBe(0);
    expect((await ask(lab, 'one.org', '/')).body).toBe('2');
    expect([...(await lab.inspectAll()).keys()]).not.toContain(`${lab.instance}-traefik`);
  });

  test('routes by the labels that are printed for it', async () => {
    const { files } = JSON.parse(await lab.ok('render labels one --json')) as {
      files: { path: string; text: string }[];
    };
    const [{ path, text }] = files as [{ path: string; text: string }];
    expect(path).toBe('docker-labels/one/web');
    // The same app under another hostname, started by somebody else.
    const [web] = await lab.running('one');
    const lines = text
      .replaceAll('one.org', 'labelled.org')
      .split('\n')
      .filter((line) => line.startsWith('traefik.'));
    const network = lines.find((line) => line.startsWith('traefik.docker.network='))!.split('=')[1]!;
    docker(
      'run',
      '-d',
      '--name',
      `${lab.instance}-labelled`,
      '--network',
      network,
      '-e',
      'PORT=8000',
      ...lines.flatMap((line) => ['--label', line]),
      web!.Image,
      '/bin/sh',
      '/hostctl/start',
    );
    await expect.poll(async () => (await ask(lab, 'labelled.org', '/')).body, { timeout: 15_000 }).toBe('2');
    expect((await ask(lab, 'labelled.org.evil.org', '/')).status).toBe(404);
  });
});

async function upgrade(lab: Lab, host: string): Promise<Socket> {
  const socket = connect(lab.port, '127.0.0.1');
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n`,
  );
  const head = await next(socket);
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(head);
  return socket;
}

function next(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString()));
    socket.once('close', () => reject(new Error('closed')));
  });
}

function echo(socket: Socket, text: string): Promise<string> {
  const answer = next(socket);
  socket.write(text);
  return answer;
}
