import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, Traffic } from './support/http.ts';
import { type Inspect, Lab } from './support/lab.ts';

/** Answers requests, and runs what a test sends it: an app that has been taken over. */
const SERVANT = `import http from 'node:http';
import { execFile } from 'node:child_process';
http.createServer((request, response) => {
  const command = request.headers['x-run'];
  if (!command) return response.end('fine');
  execFile('/bin/sh', ['-c', command], { timeout: 20000, maxBuffer: 1e7 }, (error, out, err) => {
    response.end(JSON.stringify({ code: error ? (error.code ?? error.signal ?? 1) : 0, out, err }));
  });
}).listen(process.env.PORT);
`;

let lab: Lab;
let a: Inspect;
let b: Inspect;

beforeAll(async () => {
  lab = await Lab.open();
  for (const name of ['a', 'b']) {
    lab.write(`${name}/package.json`, '{ "type": "module" }');
    lab.write(`${name}/server.js`, SERVANT);
    lab.define(
      name,
      `hostnames: [${name}.org]
apps:
  web:
    runtime: node
    source: ../${name}
    limits: { memory: 128M, cpus: 0.5, pids: 40 }
    volumes: { data: /data }
media:
  /uploads: { from: ../none, writable-by: web }
`,
    );
  }
  lab.example('tcp-site');
  lab.define('tcp', 'hostnames: [tcp.org]\napps:\n  web: { dockerfile: ../tcp-site, port: 8000 }\n');
  lab.define('closed', 'hostnames: [closed.org]\napps:\n  web: { runtime: node, source: ../a, egress: false }\n');
  await lab.ok('deploy --all');
  [a] = (await lab.running('a')) as [Inspect];
  [b] = (await lab.running('b')) as [Inspect];
});
afterAll(() => lab.close());

/** Runs a shell command inside the app, as the app. */
async function run(host: string, command: string): Promise<{ code: number | string; out: string; err: string }> {
  const reply = await ask(lab, host, '/', { headers: { 'X-Run': command } });
  return JSON.parse(reply.body) as { code: number | string; out: string; err: string };
}

/** What an HTTP request from inside an app ends with: a body, or the reason there is none. */
async function dial(host: string, address: string, port: number): Promise<string> {
  const script = `fetch('http://${address}:${port}/',{signal:AbortSignal.timeout(3000)}).then(r=>r.text()).then(t=>console.log('answered',t),e=>console.log(e.cause?.code??e.name)).then(()=>process.exit())`;
  return (await run(host, `node -e "${script}"`)).out.trim();
}

describe('every container', () => {
  test('has a user of its own, no capabilities, no new privileges, a read-only root, limits and no published port', async () => {
    const all = [...(await lab.inspectAll()).values()];
    const users = all.map((item) => item.Config.User);
    expect(new Set(users).size).toBe(users.length);
    for (const item of all) {
      const uid = Number(item.Config.User.split(':')[0]);
      expect(uid, item.Name).toBeGreaterThanOrEqual(19_999);
      expect(item.HostConfig, item.Name).toMatchObject({
        Privileged: false,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        ReadonlyRootfs: true,
        RestartPolicy: { Name: 'always' },
        PublishAllPorts: false,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
        IpcMode: 'private',
        Init: true,
      });
      expect(item.HostConfig['CapAdd'] ?? []).toEqual([]);
      expect(item.HostConfig.Memory).toBeGreaterThan(0);
      expect(item.HostConfig['MemorySwap']).toBe(item.HostConfig.Memory);
      expect(item.HostConfig['PidsLimit']).toBeGreaterThan(0);
      const proxy = item.Name === `/${lab.instance}-proxy`;
      expect(Object.keys((item.HostConfig['PortBindings'] as object | null) ?? {})).toEqual(proxy ? ['8080/tcp'] : []);
      expect(JSON.stringify(item.Mounts)).not.toContain('docker.sock');
    }
  });

  test('runs as that user, whose number is on its label and on its files', async () => {
    const { out } = await run(
      'a.org',
      'id; cat /proc/self/status | grep -E "Cap|NoNew|Seccomp"; touch /data/x && stat -c %u /data/x; touch /app/x; ls /app/x',
    );
    const uid = a.Config.Labels['hostctl.uid'];
    expect(out).toContain(`uid=${uid} gid=${uid} groups=${uid}`);
    expect(out).toMatch(/CapEff:\s0000000000000000/);
    expect(out).toMatch(/CapBnd:\s0000000000000000/);
    expect(out).toMatch(/NoNewPrivs:\s1/);
    expect(out).toMatch(/Seccomp:\s2/);
    expect(out).toContain(`\n${uid}\n`);
    expect(out).not.toContain('/app/x');
  });
});

describe('app A and app B', () => {
  test('A sees neither files, nor sockets, nor processes of B', async () => {
    const { out } = await run(
      'a.org',
      'cat /proc/mounts; ls -la /run/hostctl /data /uploads; ls -d /proc/[0-9]* | wc -l; find / -name "*.sock" 2>/dev/null',
    );
    expect(out).not.toContain(b.Name.slice(1));
    expect(out.match(/\.sock$/gm)).toEqual(Array(2).fill('.sock'));
    expect(out.split(`${a.Name.slice(1)}.sock`)).toHaveLength(3);
    expect(Number(/^(\d+)$/m.exec(out)![1])).toBeLessThan(12);
  });

  test('even on the host, one user cannot read what belongs to the other, nor use its socket', () => {
    const [uidA, uidB] = [a, b].map((item) => Number(item.Config.Labels['hostctl.uid']));
    const as = (uid: number, ...argv: string[]): string => {
      try {
        return execFileSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...argv], {
          encoding: 'utf8',
          stdio: 'pipe',
        });
      } catch (error) {
        return `refused ${(error as { stderr: string }).stderr}`;
      }
    };
    const socketsOfB = join(
      lab.data,
      'sockets',
      readdirSync(join(lab.data, 'sockets')).find((name) => name.startsWith(b.Name.slice(1)))!,
    );
    for (const path of [
      socketsOfB,
      join(lab.data, 'projects/b/volumes/web/data'),
      join(lab.data, 'media/b'),
      join(lab.data, 'proxy'),
    ]) {
      expect(as(uidA!, 'ls', path), path).toContain('refused');
    }
    expect(as(uidA!, 'cat', join(lab.data, 'key'))).toContain('refused');
    expect(as(uidB!, 'ls', socketsOfB)).toContain(`${b.Name.slice(1)}.sock`);
    const socket = statSync(join(socketsOfB, `${b.Name.slice(1)}.sock`));
    expect([socket.uid, socket.gid]).toEqual([uidB, 19_999]);
    expect(socket.mode & 0o007).toBe(0);
  });

  test('A reaches nobody over the network: not B, not another project, not the proxy’s inside, not across the bridge', async () => {
    const [tcp] = await lab.running('tcp');
    const addresses = [b, tcp!]
      .flatMap((item) => Object.values(item.NetworkSettings.Networks).map((use) => use.IPAddress))
      .filter((address) => address !== '');
    expect(addresses.length).toBeGreaterThanOrEqual(3);
    // It does listen, for who may ask.
    expect((await ask(lab, 'tcp.org', '/')).body).toContain('plain Dockerfile');
    // What is not ours may answer beyond the host; the neighbours' words must not come back.
    for (const address of addresses) {
      for (const port of [8000, 8080])
        expect(await dial('a.org', address, port), `${address}:${port}`).not.toMatch(/plain Dockerfile|fine/);
    }
    for (const name of [b.Name.slice(1), tcp!.Name.slice(1), `${lab.instance}-proxy`]) {
      expect(await dial('a.org', name, 8080), name).not.toContain('answered');
    }
  });

  test('the proxy’s admin socket is out of reach: of apps by its place, of the proxy’s visitors by its key', async () => {
    expect((await run('a.org', 'ls /run/hostctl/admin')).code).not.toBe(0);
    for (const path of ['/.hostctl/generation', '/hostctl/generation'])
      expect((await ask(lab, 'a.org', path)).body).toBe('fine');
    const admin = join(lab.data, 'proxy/admin');
    expect(statSync(admin).mode & 0o777).toBe(0o700);
    const { out } = execSocket(join(admin, 'admin.sock'), 'GET /.hostctl/generation HTTP/1.0\r\nHost: x\r\n\r\n');
    expect(out).toContain('403');
  });

  test('an app with egress: false has no network at all', async () => {
    expect((await run('closed.org', 'ls /sys/class/net')).out.trim()).toBe('lo');
    expect((await run('a.org', 'ls /sys/class/net')).out.trim().split('\n').length).toBeGreaterThan(1);
  });

  test('a symlink planted in place of a socket leads nowhere, since no other socket has a name one could guess', async () => {
    const known = readdirSync(join(lab.data, 'sockets'));
    for (const name of known) expect(name).toMatch(/-[0-9a-f]{20}$/);
    const { out } = await run('a.org', 'cat /proc/self/mountinfo | grep hostctl');
    const others = known.filter((name) => !name.startsWith(a.Name.slice(1)));
    for (const name of others) expect(out).not.toContain(name.slice(-20));
  });
});

function execSocket(path: string, text: string): { out: string } {
  const script = `const s=require('net').connect(${JSON.stringify(path)},()=>s.write(${JSON.stringify(text)}));s.on('data',d=>process.stdout.write(d));s.on('end',()=>process.exit())`;
  return { out: execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }) };
}

describe('the proxy', () => {
  test('sees its configuration, the sockets and the media, and nothing else of an app', async () => {
    const proxy = `${lab.instance}-proxy`;
    const { Mounts, Config } = (await lab.inspectAll()).get(proxy)!;
    expect(Config.User).toBe('19999:19999');
    expect(
      Mounts.map((mount) => `${mount.Source.slice(lab.data.length)} ${mount.RW ? 'rw' : 'ro'}`).toSorted(),
    ).toEqual(['/links ro', '/media ro', '/proxy ro', '/proxy/admin rw', '/sockets ro', '/spool rw']);
    const inside = async (command: string): Promise<number> =>
      (await lab.engine.exec(proxy, ['sh', '-c', command])).code;
    const socketDir = readdirSync(join(lab.data, 'sockets')).find((name) => name.startsWith(a.Name.slice(1)))!;
    expect(await inside(`ls /run/hostctl/sockets/${socketDir}`)).not.toBe(0);
    expect(await inside('ls /run/hostctl/links')).not.toBe(0);
    expect(await inside('touch /etc/hostctl/x || touch /srv/media/x || touch /run/hostctl/sockets/x')).not.toBe(0);
    expect(await inside(`test -S /run/hostctl/sockets/${socketDir}/${a.Name.slice(1)}.sock`)).toBe(0);
  });
});

describe('limits hold in the kernel, and only the hog feels them', () => {
  test('memory: the hog is ended, its neighbour answers every request', async () => {
    const traffic = new Traffic(lab, 'b.org', '/', 50);
    const { code } = await run('a.org', `node -e "const a=[];for(;;)a.push(Buffer.alloc(1e7,1))"`).catch(() => ({
      code: 'gone',
    }));
    expect(code).not.toBe(0);
    const load = await traffic.stop();
    expect(load.failed).toBe(0);
    await until(async () => (await ask(lab, 'a.org', '/')).status === 200);
  });

  test('memory of the app itself: it is ended, marked as out of memory and started again', async () => {
    const before = (await lab.running('a'))[0]!.RestartCount;
    await ask(lab, 'a.org', '/', { headers: { 'X-Run': 'kill -9 1' } }).catch(() => undefined);
    lab.write('hog/package.json', '{ "type": "module" }');
    lab.write(
      'hog/server.js',
      `import http from 'node:http';\nconst kept = [];\nhttp.createServer((q, r) => { if (q.url === '/eat') for (;;) kept.push(Buffer.alloc(1e7, 1)); r.end('fine'); }).listen(process.env.PORT);\n`,
    );
    lab.define(
      'hog',
      'hostnames: [hog.org]\napps:\n  web: { runtime: node, source: ../hog, limits: { memory: 64M } }\n',
    );
    await lab.ok('deploy hog');
    const traffic = new Traffic(lab, 'b.org', '/', 50);
    expect((await ask(lab, 'hog.org', '/eat')).status).toBe(502);
    await until(async () => (await ask(lab, 'hog.org', '/')).status === 200);
    expect((await traffic.stop()).failed).toBe(0);
    expect((await lab.running('hog'))[0]!.RestartCount).toBeGreaterThan(0);
    expect((await lab.running('a'))[0]!.RestartCount).toBe(before);
  });

  test('pids: a fork bomb stops at the limit', async () => {
    const { out } = await run(
      'a.org',
      'for i in $(seq 200); do sleep 3 & done 2>/tmp/err; jobs | wc -l; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; cat /tmp/err | tail -1',
    ).catch(() => ({ out: 'refused' }));
    const traffic = new Traffic(lab, 'b.org', '/', 50);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await traffic.stop()).failed).toBe(0);
    const started = Number(/^(\d+)$/m.exec(out)?.[1] ?? 0);
    expect(started).toBeLessThan(40);
    await until(async () => (await ask(lab, 'a.org', '/')).status === 200);
  });

  test('cpu: four busy threads get the half core they were given', async () => {
    const { Pid } = (await lab.running('a'))[0]!.State;
    const usage = (): number => cpuSeconds(Pid);
    const before = usage();
    const since = performance.now();
    await run('a.org', 'for i in 1 2 3 4; do (timeout 4 sh -c "while :; do :; done") & done; wait');
    const seconds = (performance.now() - since) / 1000;
    const share = (usage() - before) / seconds;
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.62);
  });

  test('disk: /tmp ends at its size, everything else is read-only or the app’s own', async () => {
    const { out, err } = await run(
      'a.org',
      'dd if=/dev/zero of=/tmp/big bs=1M count=100 2>&1 | tail -1; ls -la /tmp/big; rm -f /tmp/big; touch /etc/x /usr/x /run/x',
    );
    expect(
      Number(/(\d+) \w+ \d+ [\d:]+ \/tmp\/big/.exec(out)?.[1] ?? /\s(\d{6,})\s/.exec(out)![1]),
    ).toBeLessThanOrEqual(64 * 1024 ** 2);
    expect(err.match(/Read-only file system/g)).toHaveLength(3);
  });
});

/** CPU time the control group of a process has used, in seconds. */
function cpuSeconds(pid: number): number {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = groups.find((line) => /:(cpu,cpuacct|cpuacct|cpuacct,cpu):/.test(line));
  if (v1) return Number(readFileSync(`/sys/fs/cgroup/cpuacct${v1.split(':')[2]}/cpuacct.usage`, 'utf8')) / 1e9;
  const path = groups.find((line) => line.startsWith('0::'))!.slice(3);
  return Number(/usage_usec (\d+)/.exec(readFileSync(`/sys/fs/cgroup${path}/cpu.stat`, 'utf8'))![1]) / 1e6;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('it did not come back within 20s');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
