import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LABEL } from '../../src/core/names.ts';
import { Canary, makeCanaries, Search } from './support/canary.ts';
import { ask } from './support/http.ts';
import { type Inspect, Lab, type Result, ROOT } from './support/lab.ts';
import { ProcessList } from './support/processes.ts';

const NAMES = ['QUOTES', 'LINES', 'UNICODE', 'LONG', 'BINARY'];

/** Answers the hash of what it was given, and runs what a test sends it. */
const SERVANT = `import http from 'node:http';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
const hash = (value) => createHash('sha256').update(value).digest('hex');
const names = ${JSON.stringify(NAMES)};
const read = (name) => readFileSync(process.env[name + '_FILE'] ?? '/run/secrets/' + name);
http.createServer((request, response) => {
  const command = request.headers['x-run'];
  if (command) return execFile('/bin/sh', ['-c', command], (error, out, err) => response.end(JSON.stringify({ out, err })));
  if (request.url !== '/hashes') return response.end('fine');
  const files = Object.fromEntries(names.map((name) => [name, hash(read(name))]));
  const modes = names.map((name) => statSync('/run/secrets/' + name)).map((s) => [s.uid, s.gid, s.mode & 0o777].join());
  const variables = names.filter((name) => process.env[name] !== undefined);
  response.end(JSON.stringify({ files, modes, variables, LONG: hash(process.env.LONG), uid: process.getuid() }));
}).listen(process.env.PORT);
`;
const RELEASE = `import { readFileSync, readdirSync } from 'node:fs';
const there = readdirSync('/run/secrets').filter((name) => readFileSync('/run/secrets/' + name).length > 8);
if (there.length !== 5 || (process.env.LONG ?? '').length !== 4096) process.exit(1);
`;
const FAILS = `import { readFileSync } from 'node:fs';
console.log('cannot connect with ' + process.env.LONG + ' nor ' + readFileSync('/run/secrets/QUOTES'));
console.error(readFileSync('/run/secrets/LINES').toString());
process.exit(1);
`;
const SERVER = `import hashlib, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = hashlib.sha256(os.environb[b"LINES"]).hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
ThreadingHTTPServer(("", 8000), Page).serve_forever()
`;
const BLOG = `hostnames: [blog.org]
apps:
  web:
    runtime: node
    source: ../blog
    secrets: [QUOTES, LINES, UNICODE, { name: LONG, env: true }, BINARY]
    release: [node, release.js]
    limits: { memory: 128M }
  other: { runtime: node, source: ../plain, path: /other }
`;

let lab: Lab;
let temporary: string;
let engineRoot: string;
let processes: ProcessList;
/** What hostctl said, by what was asked of it. */
const said: { readonly args: string; readonly result: Result }[] = [];
/** Three values of each secret, in the order in which they are set, and one that is typed. */
const generations = ['one', 'two', 'three'].map(makeCanaries);
const typed = new Canary(
  'TYPED',
  Buffer.from(`typed-${createHash('sha256').update(String(Math.random())).digest('hex')}`),
);
const search = new Search([...generations.flat(), typed]);
/** What the engine tells of while it happens: it remembers only the last 256 events of everybody. */
let events = '';
let eventStream: Readable;

/** hostctl, remembered; only its standard input knows what is secret. */
async function hostctl(args: string, input?: Buffer): Promise<Result> {
  const result = await lab.hostctl(args, { TMPDIR: temporary }, input);
  said.push({ args, result });
  return result;
}

async function ok(args: string, input?: Buffer): Promise<string> {
  const { code, out, err } = await hostctl(args, input);
  expect(code, `${args}\n${out}\n${err}`).toBe(0);
  return out;
}

/** One newline at the end is dropped, so one more keeps a value whole. */
const piped = (value: Buffer): Buffer => Buffer.concat([value, Buffer.from('\n')]);

async function give(generation: number, names: readonly string[] = NAMES): Promise<void> {
  for (const [index, name] of NAMES.entries())
    if (names.includes(name)) await ok(`secrets set blog ${name}`, piped(generations[generation]![index]!.value));
}

const sha256 = (value: Buffer): string => createHash('sha256').update(value).digest('hex');
const hashesOf = (generation: number): Record<string, string> =>
  Object.fromEntries(NAMES.map((name, index) => [name, sha256(generations[generation]![index]!.value)]));

interface Hashes {
  readonly files: Record<string, string>;
  /** uid, gid and mode of each file. */
  readonly modes: readonly string[];
  /** Names of those that are variables. */
  readonly variables: readonly string[];
  readonly LONG: string;
  readonly uid: number;
}

async function hashes(): Promise<Hashes> {
  return JSON.parse((await ask(lab, 'blog.org', '/hashes')).body) as Hashes;
}

/** What a shell command says inside an app. */
async function inside(host: string, path: string, command: string): Promise<string> {
  const { body } = await ask(lab, host, path, { headers: { 'X-Run': command } });
  const { out, err } = JSON.parse(body) as { out: string; err: string };
  return out + err;
}

const apps = new Map<string, boolean>();
/** Whether a process is one of an app of this test: they may know their secrets. */
function isApp(cgroup: string): boolean {
  const id = /[0-9a-f]{64}/.exec(cgroup)?.[0];
  if (id === undefined) return false;
  const config = join(engineRoot, 'containers', id, 'config.v2.json');
  if (!apps.has(id) && existsSync(config)) {
    const text = readFileSync(config, 'utf8');
    apps.set(id, text.includes(`"${LABEL.instance}":"${lab.instance}"`) && /"hostctl\.role":"(app|task)"/.test(text));
  }
  return apps.get(id) ?? false;
}

beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'hostctl-tmp-'));
  lab = await Lab.open();
  const info = await lab.api.json<{ DockerRootDir: string }>({ method: 'GET', path: '/info' });
  engineRoot = info.DockerRootDir;
  processes = new ProcessList(search, isApp);
  const filters = JSON.stringify({ label: [`${LABEL.instance}=${lab.instance}`] });
  const call = { method: 'GET', path: '/events', query: { filters } } as const;
  eventStream = await lab.api.open(call);
  eventStream.on('error', () => undefined).on('data', (chunk: Buffer) => (events += chunk.toString()));
  for (const name of ['blog', 'plain']) {
    lab.write(`${name}/package.json`, '{ "type": "module" }');
    lab.write(`${name}/server.js`, SERVANT);
  }
  lab.write('blog/release.js', RELEASE);
  lab.define('blog', BLOG);
  lab.define('plain', 'hostnames: [plain.org]\napps:\n  web: { runtime: node, source: ../plain }\n');
});
afterAll(async () => {
  processes?.stop();
  eventStream?.destroy();
  await lab?.close();
  if (temporary) rmSync(temporary, { recursive: true, force: true });
});

describe('a secret', () => {
  test('that is not set is a problem at its line, and nothing is touched', async () => {
    expect((await hostctl('validate')).code).toBe(0);
    expect((await hostctl('check')).code).toBe(0);
    const { code, err } = await hostctl('deploy blog');
    expect(code).toBe(2);
    expect(err).toContain('projects/blog.yaml:6:15 the secret `QUOTES` is not set (apps.web.secrets[0])');
    expect(err).toContain('→ hostctl secrets set blog QUOTES');
    expect((await hostctl('plan blog --json')).code).toBe(2);
    expect(existsSync(join(lab.data, 'projects'))).toBe(false);
    expect([...(await lab.inspectAll()).keys()]).toEqual([]);
  });

  test('arrives whole, in files that only the user of its app can read', async () => {
    await give(0);
    await ok('plan blog');
    await ok('deploy blog plain');
    const { files, modes, variables, LONG, uid } = await hashes();
    expect(files).toEqual(hashesOf(0));
    expect(new Set(modes)).toEqual(new Set([[uid, uid, 0o400].join()]));
    expect(variables).toEqual(['LONG']);
    expect(LONG).toBe(hashesOf(0)['LONG']);
    // Its own user may look, and change nothing.
    const said = await inside(
      'blog.org',
      '/',
      'ls -la /run/secrets; touch /run/secrets/x; chmod 644 /run/secrets/QUOTES',
    );
    expect(said).toContain('Read-only file system');
    expect(said).toMatch(/dr-x------ .* \.\n/);
  });

  test('is nothing for another app, another project, the proxy or another user of the host', async () => {
    for (const [host, path] of [
      ['blog.org', '/other'],
      ['plain.org', '/'],
    ] as const) {
      expect(await inside(host, path, 'id -u; ls -la /run /run/secrets; env; cat /proc/mounts')).not.toMatch(
        /QUOTES|secret-files/,
      );
    }
    const all = await lab.inspectAll();
    const others = [...all.values()].filter(
      (item) => item.Config.Labels[LABEL.app] !== 'web' || item.Config.Labels[LABEL.project] !== 'blog',
    );
    expect(others.length).toBeGreaterThanOrEqual(3);
    for (const item of others) {
      expect(
        item.Mounts.filter((mount) => lab.data.startsWith(mount.Source)),
        item.Name,
      ).toEqual([]);
      expect(
        item.Mounts.filter((mount) => /projects|secret/.test(mount.Source)),
        item.Name,
      ).toEqual([]);
      for (const path of secretPaths())
        expect(as(item.Config.User, 'cat', path), `${item.Name} ${path}`).toBe('refused');
    }
    // And from the host as the app itself: a container is the only way in.
    const [app] = (await lab.running('blog')) as [Inspect];
    for (const path of secretPaths()) expect(as(app.Config.User, 'cat', path), path).toBe('refused');
    expect(secretPaths().length).toBe(10);
    expect(readFileSync(secretPaths().find((path) => path.endsWith('/QUOTES'))!)).toEqual(generations[0]![0]!.value);
  });

  test('has versions: a new one makes a new container, and the plan says why', async () => {
    await give(1);
    expect(await ok('plan blog')).toContain('secret QUOTES (now version 2)');
    await ok('deploy blog --verbose');
    expect((await hashes()).files).toEqual(hashesOf(1));
    expect(JSON.parse(await ok('secrets list blog --json'))).toMatchObject({
      secrets: NAMES.toSorted().map((name) => ({
        name,
        version: 2,
        apps: ['web'],
        releases: [
          { id: 2, version: 2, live: true },
          { id: 1, version: 1, live: false },
        ],
      })),
    });
  });

  test('is not repeated by the message about an app that says it and dies', async () => {
    await give(2, ['QUOTES', 'LINES', 'LONG']);
    lab.write('blog/server.js', FAILS);
    const { code, err } = await hostctl('deploy blog');
    expect(code).toBe(5);
    expect(err).toContain('cannot connect with *** nor ***');
    // What the app says is the app's: it is in its own log, and there for the asking.
    expect((await hostctl('deploy blog --json')).code).toBe(5);
    expect((await hashes()).files).toEqual(hashesOf(1));
  });

  test('comes back with its release, and after a restart', async () => {
    lab.write('blog/server.js', SERVANT);
    await ok('rollback blog --to 1');
    expect((await hashes()).files).toEqual(hashesOf(0));
    await ok('restart blog');
    expect((await hashes()).files).toEqual(hashesOf(0));
    expect(await ok('releases blog --json')).toContain('"QUOTES": 1');
  });

  test('is a variable of a Dockerfile too, whole, and its engine does not know', async () => {
    const image = lab.example('tcp-site');
    lab.write('tcp-site/server.py', SERVER);
    expect(image).toBeTruthy();
    lab.define(
      'tcp',
      'hostnames: [tcp.org]\napps:\n  web: { dockerfile: ../tcp-site, port: 8000, secrets: [{ name: LINES, env: true }] }\n',
    );
    const { value } = generations[0]![1]!;
    await ok('secrets set tcp LINES', piped(value));
    await ok('deploy tcp');
    expect((await ask(lab, 'tcp.org', '/')).body).toBe(sha256(value));
    expect(await ok('plan tcp')).toBe('Up to date.\n');
  });

  test('is no variable of an image without a shell, and the error says what to do instead', async () => {
    const tar = pack();
    tar.entry({ name: 'program' }, 'no program');
    tar.finalize();
    const tag = `hostctl/shellless:${lab.instance}`;
    await lab.engine.importImage(Readable.from(tar, { objectMode: false }), tag, { [LABEL.instance]: lab.instance });
    lab.define(
      'bare',
      `apps:\n  job: { image: "${tag}", command: [/program], secrets: [{ name: LINES, env: true }] }\n`,
    );
    await ok('secrets set bare LINES', piped(generations[0]![1]!.value));
    const { code, err } = await hostctl('deploy bare');
    expect(code).toBe(1);
    expect(err).toContain('error the image of bare/job has no /bin/sh, which makes variables of secrets');
  });

  test('is refused on the command line, in words that do not repeat it', async () => {
    for (const args of ['secrets set blog QUOTES hunter2-hunter2', 'secrets set blog QUOTES=hunter2-hunter2']) {
      const { code, out, err } = await hostctl(args);
      expect(code).toBe(2);
      expect(err).toContain('error a value on the command line is seen by every user of this machine');
      expect(out + err).not.toContain('hunter2');
    }
    expect((await hostctl('secrets set blog QUOTES --json hunter2-hunter2')).out).toContain('SECRET_ARGUMENT');
    expect((await hostctl('secrets set blog QUOTES', Buffer.from('\n'))).err).toContain('the value is empty');
  });

  test('is asked for on a terminal, which does not show it', async () => {
    const words = `${process.execPath} ${ROOT}/bin/hostctl.js secrets set blog TYPED`;
    const child = spawn('script', ['--quiet', '--return', '--command', words, '/dev/null'], {
      cwd: lab.dir,
      env: { ...process.env, NO_COLOR: '1', TMPDIR: temporary },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const asked = out.includes('Value of TYPED');
      out += chunk.toString();
      if (!asked && out.includes('Value of TYPED'))
        child.stdin.write(piped(typed.value).toString().replace('\n', '\r'));
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    said.push({ args: 'secrets set blog TYPED, typed', result: { code: 0, out, err: '' } });
    expect(code, out).toBe(0);
    expect(out).toContain('TYPED of blog is version 1');
    const stored = JSON.parse(readFileSync(join(lab.data, 'projects/blog/secrets/TYPED/1.json'), 'utf8')) as {
      value: string;
    };
    expect(Buffer.from(stored.value, 'base64')).toEqual(typed.value);
  });
});

/** Every file that holds a secret. */
function secretPaths(): string[] {
  const projects = join(lab.data, 'projects/blog');
  return ['secrets', 'secret-files'].flatMap((dir) =>
    readdirSync(join(projects, dir), { recursive: true, encoding: 'utf8' })
      .map((name) => join(projects, dir, name))
      .filter((path) => statSync(path).isFile()),
  );
}

/** What a command says when a user of the host runs it. */
function as(user: string, ...argv: string[]): string {
  const uid = user.split(':')[0];
  try {
    return execFileSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...argv], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch {
    return 'refused';
  }
}

const isSecret = (path: string): boolean => /\/projects\/[a-z]+\/(secrets|secret-files)$/.test(path);

/** Layers and configuration of an image, but for what is of its base. */
async function saved(ref: string): Promise<Buffer> {
  const files = extract();
  (await lab.api.open({ method: 'GET', path: `/images/${ref}/get` })).pipe(files);
  const parts: Buffer[] = [];
  for await (const entry of files) {
    const small = (entry.header.size ?? 0) < 32 * 1024 ** 2;
    for await (const chunk of entry) if (small) parts.push(chunk as Buffer);
  }
  return Buffer.concat(parts);
}

describe('no secret is found', () => {
  const none = (): void => expect(search.found).toEqual([]);

  test('in what hostctl prints', async () => {
    for (const args of [
      'status --json',
      'status',
      'releases blog',
      'render',
      'explain blog.org',
      'check --json',
      'secrets list',
      'plan --all',
      'logs plain',
    ])
      await hostctl(args);
    expect(said.length).toBeGreaterThan(40);
    for (const { args, result } of said) search.look(args, result.out + result.err);
    none();
  });

  test('in the data root outside of its store and the files of its containers, in the workspace, or in temporary files', () => {
    expect(search.files(lab.data, isSecret)).toBeGreaterThan(15);
    expect(search.files(lab.dir)).toBeGreaterThan(5);
    search.files(temporary);
    none();
    // The same look finds what does lie there.
    const control = new Search(generations.flat());
    control.files(lab.data);
    expect(
      control.found.filter((line) => line.includes('/secret-files/') && line.endsWith('LONG one (as it is)')).length,
    ).toBe(1);
    expect(
      control.found.some((line) => line.includes('/secrets/QUOTES/3.json: QUOTES three (base64, shifted by 0)')),
    ).toBe(true);
  });

  test('in what the engine knows: containers, networks, images and their layers, events, its own files', async () => {
    const containers = await lab.inspectAll();
    expect(containers.size).toBeGreaterThanOrEqual(7);
    for (const [name, item] of containers) {
      search.look(`inspect ${name}`, JSON.stringify(item));
      const dir = join(engineRoot, 'containers', item.Id);
      for (const file of ['config.v2.json', 'hostconfig.json'])
        search.look(`${name} ${file}`, readFileSync(join(dir, file)));
      if (item.Config.Labels[LABEL.role] === 'app') continue;
      for await (const line of lab.engine.logs(name)) search.look(`log of ${name}`, line.text);
    }
    search.look('networks', JSON.stringify(await lab.api.json({ method: 'GET', path: '/networks' })));
    expect(events).toContain('"start"');
    search.look('events', events);
    // An image of the same source may be there from before, with another instance's label.
    const views = await lab.engine.containers(lab.instance);
    const refs = [...new Set(views.filter(({ labels }) => labels[LABEL.role] === 'app').map(({ image }) => image))];
    expect(refs.length).toBeGreaterThanOrEqual(3);
    let layers = '';
    for (const ref of refs) {
      for (const what of ['json', 'history'])
        search.look(
          `${what} of ${ref}`,
          JSON.stringify(await lab.api.json({ method: 'GET', path: `/images/${ref}/${what}` })),
        );
      const bytes = await saved(ref);
      search.look(`layers of ${ref}`, bytes);
      layers += bytes.toString('latin1');
    }
    // What was copied into an image is seen in it.
    expect(layers).toContain("import http from 'node:http'");
    none();
  });

  test('in arguments and environments, looked at every 5 ms while all of this ran', async () => {
    const control = new Search([typed]);
    const list = new ProcessList(control, () => false);
    // From here on the looks of this whole file see this one as well.
    // A shell that waits for a line itself: one that starts a program has, for a moment, a child with its own arguments.
    const told = spawn('sh', ['-c', 'read -r line', typed.value.toString()], {
      env: { LEAK: typed.value.toString() },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    setTimeout(() => told.stdin.end(), 500);
    await new Promise((resolve) => told.on('close', resolve));
    list.stop();
    for (const what of ['arguments of', 'environment of'])
      expect(
        control.found.some((line) => line.startsWith(what)),
        what,
      ).toBe(true);
    // The sampler of this whole file saw that, too: only this one knows.
    const own = new Set([`arguments of ${told.pid}`, `environment of ${told.pid}`]);
    expect(search.found.filter((line) => !own.has(line.split(':')[0]!))).toEqual([]);
    expect([...processes.programs].filter((line) => line.endsWith('/node')).length).toBeGreaterThan(20);
    const { samples, ms, programs } = processes;
    process.stdout.write(
      `processes: ${programs.size} programs in ${samples} samples, one every ${(ms / samples).toFixed(1)} ms\n`,
    );
  });

  test('anywhere once the project is purged', async () => {
    await ok('remove blog --purge --confirm blog');
    const control = new Search(generations.flat());
    control.files(lab.data, (path) => path.endsWith('/projects/tcp') || path.endsWith('/projects/bare'));
    expect(control.found).toEqual([]);
  });
});
