import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LockView } from '../../src/core/lock.ts';
import { ask } from './support/http.ts';
import { someBase } from './support/images.ts';
import { Lab, ROOT, SOCKET, type Result } from './support/lab.ts';

const MANY = 20;
const SLOW = { timeout: 60_000, interval: 100 };

/** Answers with what its definition says, as soon as the file `go` is there. */
const SERVER = `
const { existsSync } = require('fs');
const { createServer } = require('http');
const answer = (request, response) => response.end(process.env.WHICH);
const wait = setInterval(() => {
  if (!existsSync('/data/go')) return;
  clearInterval(wait);
  createServer(answer).listen(process.env.PORT);
}, 50);
`;

let lab: Lab;
let running: ChildProcess[] = [];

beforeAll(async () => {
  lab = await Lab.open();
  lab.write('app/package.json', '{}');
  lab.write('app/server.js', SERVER);
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await lab.close();
});

/** One that becomes ready when it is told to. */
function define(project: string, which: string, dir = lab.dir): void {
  const text = `hostnames: [${project}.org]
apps:
  web: { runtime: node, source: ${lab.dir}/app, env: { WHICH: "${which}" }, volumes: { data: { at: /data, shared: true } }, health: { within: 5m } }
`;
  writeFileSync(join(dir, `projects/${project}.yaml`), text);
}

const gate = (project: string): string => join(lab.data, `projects/${project}/volumes/web/data/go`);

function go(project: string): void {
  mkdirSync(dirname(gate(project)), { recursive: true });
  writeFileSync(gate(project), '');
}

interface Command {
  readonly child: ChildProcess;
  readonly result: Promise<Result>;
}

/** Starts hostctl and does not wait. @param through words in front of it */
function start(args: string, through: readonly string[] = []): Command {
  const [program, ...argv] = [...through, process.execPath, join(ROOT, 'bin/hostctl.js'), ...args.split(' ')];
  const child = spawn(program!, argv, { cwd: lab.dir, env: { ...process.env, DOCKER_HOST: SOCKET, NO_COLOR: '1' } });
  running.push(child);
  const result = new Promise<Result>((resolve) => {
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.on('close', (code) => {
      running = running.filter((item) => item !== child);
      resolve({ code: code ?? -1, out, err });
    });
  });
  return { child, result };
}

async function locks(): Promise<LockView[]> {
  return (JSON.parse(await lab.ok('lock status --json')) as { locks: LockView[] }).locks;
}

async function holderOf(project: string): Promise<LockView | undefined> {
  return (await locks()).find((item) => item.name === project && item.state === 'held');
}

const record = (project: string, name: string) =>
  JSON.parse(readFileSync(join(lab.data, `projects/${project}`, name), 'utf8')) as {
    id: number;
    desired: { workloads: { container: { env: Record<string, string> } }[] };
  };
const whichOf = (project: string, name: string): string =>
  record(project, name).desired.workloads[0]!.container.env['WHICH']!;

/** Which process began the newest of the deploys that had the lock. */
const newestPid = (project: string): number =>
  (JSON.parse(readFileSync(join(lab.data, 'locks', project), 'utf8')) as { newest: { pid: number } }).newest.pid;

/** A workspace with definitions of its own, and the data root and the engine of the lab. */
function workspace(name: string): string {
  const dir = join(lab.dir, name);
  mkdirSync(join(dir, 'projects'), { recursive: true });
  writeFileSync(join(dir, 'hostctl.yaml'), lab.settings.rest + lab.settings.proxy);
  return dir;
}

test('twenty deploys at once that wait: one state at the end, no release lost or mixed, and a neighbour’s is not lost', async () => {
  for (const project of ['many', 'neighbour']) {
    define(project, 'first');
    go(project);
  }
  await lab.ok('deploy --all');
  define('neighbour', 'second');
  const commands = Array.from({ length: MANY }, (_, index) => {
    const dir = workspace(`ws${index}`);
    define('many', String(index), dir);
    return start(`deploy many --wait 5m --workspace ${dir}`);
  });
  const neighbour = start('deploy neighbour --wait');
  const results = await Promise.all(commands.map(({ result }) => result));
  expect((await neighbour.result).err).toContain('route neighbour.org');

  // Whoever was not first and not newest gave way to one that was newer, and nothing else happened to it.
  const codes = results.map(({ code }) => code);
  expect(codes.filter((code) => code !== 0 && code !== 4)).toEqual([]);
  const names = new Map(commands.map(({ child }, index) => [child.pid!, index]));
  const overtakers = results.map(({ code, err }) => {
    if (code === 0) return undefined;
    const by = /^error a newer deploy of many takes the place of this one: .*\(deploy, process (\d+)\)$/m.exec(err);
    expect(by, err).not.toBeNull();
    return names.get(Number(by![1]))!;
  });
  expect(overtakers.filter((item) => item !== undefined).length).toBeGreaterThan(MANY / 2);

  // What is live is what the newest brought, whose process nobody overtook.
  const winner = names.get(newestPid('many'))!;
  expect(codes[winner]).toBe(0);
  expect(whichOf('many', 'current')).toBe(String(winner));
  for (let at = overtakers.findIndex((item) => item !== undefined), steps = 0; at !== winner; steps += 1) {
    at = overtakers[at] ?? winner;
    expect(steps).toBeLessThan(MANY);
  }
  const reply = await ask(lab, 'many.org', '/');
  expect(reply).toMatchObject({ status: 200, body: String(winner) });
  expect(await lab.running('many')).toHaveLength(1);

  // Releases were made one after the other: as many as deploys that ended well, numbered without a gap.
  const live = record('many', 'current').id;
  expect(live).toBe(1 + codes.filter((code) => code === 0).length);
  const kept = readdirSync(join(lab.data, 'projects/many/releases')).map((name) => Number.parseInt(name, 10));
  const sorted = kept.toSorted((a, b) => a - b);
  expect(sorted).toEqual(sorted.map((_, index) => live - sorted.length + 1 + index));
  expect((await ask(lab, 'neighbour.org', '/')).body).toBe('second');
  expect(whichOf('neighbour', 'current')).toBe('second');
  expect(await locks()).toEqual([]);
  expect(await lab.ok('plan neighbour')).toBe('Up to date.\n');
});

describe('while one deploy is at it', () => {
  let first: Command;

  beforeAll(async () => {
    define('gated', 'first');
    first = start('deploy gated');
    while (!(await holderOf('gated'))) await new Promise((resolve) => setTimeout(resolve, 100));
  });

  test('twenty that would not wait end with 4 and say who it is', async () => {
    const results = await Promise.all(Array.from({ length: MANY }, () => start('deploy gated').result));
    const words = new RegExp(
      `^error gated is locked: \\S+@\\S+ has been at it for \\S+, since .* UTC \\(deploy, process ${first.child.pid}\\)$`,
      'm',
    );
    for (const { code, err } of results) {
      expect(err).toMatch(words);
      expect(code).toBe(4);
    }
  });

  test('lock status shows it, and who waits; other commands wait, too', async () => {
    const waits = start('deploy gated --wait');
    const stop = start('stop gated --wait 2s');
    await expect.poll(async () => (await locks()).some((item) => item.state === 'waiting'), SLOW).toBe(true);
    const text = await lab.ok('lock status gated');
    expect(text).toMatch(/^LOCK +STATE +WHO +SINCE \(UTC\) +FOR +DOING +PROCESS\n/);
    expect(text).toMatch(new RegExp(`^gated +held +\\S+@\\S+ +.* deploy +${first.child.pid}$`, 'm'));
    expect(text).toMatch(new RegExp(`^gated +waiting +\\S+@\\S+ +.* deploy +${waits.child.pid}$`, 'm'));
    expect(await lab.ok('lock status nobody')).toBe('Nothing is locked.\n');
    expect(await stop.result).toMatchObject({ code: 4, err: expect.stringContaining('gated is locked') as string });
    waits.child.kill('SIGKILL');
    await waits.result;
    await expect.poll(async () => (await locks()).some((item) => item.state === 'waiting'), SLOW).toBe(false);
  });

  test('from namespaces of its own, hostctl is excluded and told by whom', async () => {
    const apart = ['unshare', '--pid', '--net', '--uts', '--mount', '--mount-proc', '--fork', '--kill-child'];
    const words = `(deploy, process ${first.child.pid})`;
    const refused = await start('deploy gated', apart).result;
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining(words) as string });
    const waited = await start('deploy gated --wait 3s', apart).result;
    expect(waited).toMatchObject({ code: 4, err: expect.stringContaining(words) as string });
  });

  test('from another container it is excluded, too; and one there excludes those here, until it is killed', async () => {
    const name = `${lab.instance}-runner`;
    const binds = ['/usr:/usr:ro', `${ROOT}:${ROOT}:ro`, `${lab.dir}:${lab.dir}`, `${lab.data}:${lab.data}`];
    const mounts = [...binds, `${SOCKET.replace('unix://', '')}:/run/docker.sock`];
    const words = [
      `docker run --rm --name ${name} --hostname runner --user 0 --network none`,
      ...mounts.map((mount) => `--volume ${mount}`),
      `--env DOCKER_HOST=unix:///run/docker.sock --workdir ${lab.dir} --entrypoint /usr/bin/env ${await someBase(lab)} -`,
    ];
    const runner = words.join(' ').split(' ');
    const refused = await start('deploy gated', runner).result;
    expect(refused.err).toContain(`(deploy, process ${first.child.pid})`);
    expect(refused.code).toBe(4);
    first.child.kill('SIGKILL');
    await first.result;
    const there = start('deploy gated', runner);
    await expect.poll(async () => (await holderOf('gated'))?.who, SLOW).toMatch(/@runner$/);
    const here = await lab.hostctl('deploy gated');
    expect(here).toMatchObject({
      code: 4,
      err: expect.stringMatching(/gated is locked: \S+@runner has been/) as string,
    });
    execFileSync('docker', ['kill', name]);
    await there.result;
    await expect.poll(locks, SLOW).toEqual([]);
  });
});

test('a lock is free as soon as its holder is killed, and the same command again finishes the work', async () => {
  define('killed', 'first');
  const first = start('deploy killed');
  await expect.poll(() => holderOf('killed'), SLOW).toBeDefined();
  const second = start('deploy --wait killed');
  await expect.poll(async () => (await locks()).some((item) => item.state === 'waiting'), SLOW).toBe(true);
  go('killed');
  first.child.kill('SIGKILL');
  const { code, out } = await second.result;
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/^live +killed, release 1/) as string });
  expect((await ask(lab, 'killed.org', '/')).body).toBe('first');
  expect(await locks()).toEqual([]);
});

test('a deploy whose build ends after that of a newer one does not bring old sources back', async () => {
  define('train', 'base');
  go('train');
  await lab.ok('deploy train');
  const slow = workspace('slow');
  writeFileSync(
    join(slow, 'projects/train.yaml'),
    `hostnames: [train.org]\napps:\n  web: { dockerfile: ../image/Dockerfile, port: 8000 }\n`,
  );
  mkdirSync(join(slow, 'image'));
  writeFileSync(join(slow, 'image/Dockerfile'), `FROM ${await someBase(lab)}\nRUN sleep 12; : ${lab.instance}\n`);
  const older = start(`deploy train --wait --json --workspace ${slow}`);
  // It has begun, and is read: events come as lines.
  await new Promise<void>((resolve) => {
    older.child.stdout!.on('data', (chunk) => /"started".*"build"/.test(String(chunk)) && resolve());
  });
  define('train', 'newer');
  await lab.ok('deploy train');
  const { code, out } = await older.result;
  expect(out).toContain('a newer deploy of train takes the place of this one');
  expect(code).toBe(4);
  expect((await ask(lab, 'train.org', '/')).body).toBe('newer');
  expect(existsSync(join(lab.data, 'projects/train/releases/3.json'))).toBe(false);
});
