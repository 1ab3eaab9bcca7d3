import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HostctlError } from '../../src/errors.ts';
import { LocalHost } from '../../src/host/local.ts';

const UNSHARED = ['unshare', '--pid', '--net', '--uts', '--ipc', '--mount', '--mount-proc', '--fork', '--kill-child'];

const SLOW = { timeout: 10_000 };

let programs: string;
let root: string;
let host: LocalHost;
let lost: HostctlError[];
let children: ChildProcess[];

/** A program that takes a lock, says so, and goes on until it is ended. */
beforeAll(async () => {
  programs = mkdtempSync(join(tmpdir(), 'hostctl-holder-'));
  const contents = `
    import { hostname } from 'node:os';
    import { LocalHost } from ${JSON.stringify(new URL('../../src/host/local.ts', import.meta.url).pathname)};
    const [root, wait, turn, end] = process.argv.slice(2);
    const host = new LocalHost(root, 'other@' + hostname(), () => process.exit(1));
    try {
      await host.lock('blog', 'deploy', Number(wait), turn === '-' ? undefined : Number(turn));
      console.log('held');
      if (end !== 'end') setInterval(() => {}, 1000);
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  await build({
    stdin: { contents, loader: 'ts', resolveDir: programs },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(programs, 'holder.mjs'),
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
});
afterAll(() => rmSync(programs, { recursive: true }));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hostctl-locks-'));
  lost = [];
  host = new LocalHost(root, 'tester@here', (error) => lost.push(error));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** Another process that asks for the lock of blog. */
function other(words: readonly (string | number)[] = [0, '-'], through: readonly string[] = []): ChildProcess {
  const [program, ...argv] = [...through, process.execPath, join(programs, 'holder.mjs'), root, ...words.map(String)];
  const child = spawn(program!, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** The next thing a process says. */
function said(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout!.once('data', (chunk) => resolve(String(chunk).trim())));
}

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('exit', resolve));

/** Processes that have a lock's file open. */
function holders(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/3`).startsWith(root);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('a lock', () => {
  test('is held by one, names its holder, and is free again afterwards', async () => {
    const unlock = await host.lock('blog', 'deploy');
    await expect(host.lock('blog', 'deploy')).rejects.toMatchObject({
      code: 'LOCKED',
      exit: 4,
      message: expect.stringMatching(
        /^blog is locked: tester@here has been at it for [\d.]+m?s, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(deploy, process \d+\)$/,
      ),
    });
    await (
      await host.lock('shop', 'deploy')
    )();
    await unlock();
    await (
      await host.lock('blog', 'deploy')
    )();
    expect(lost).toEqual([]);
  });

  test('can be waited for', async () => {
    const unlock = await host.lock('blog', 'deploy');
    setTimeout(() => void unlock(), 300);
    const since = performance.now();
    await (
      await host.lock('blog', 'deploy', 5000)
    )();
    expect(performance.now() - since).toBeGreaterThan(250);
  });

  test('has one winner among many at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => host.lock('blog', 'deploy')));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results.filter((item) => item.status === 'rejected')) {
      expect((result.reason as HostctlError).message).toContain('tester@here has been at it');
    }
  });

  test('never has two holders, whoever comes and goes', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const unlock = await host.lock('blog', 'deploy', 60_000);
        most = Math.max(most, (inside += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
        await unlock();
      }),
    );
    expect(most).toBe(1);
  });

  test('ends with the process that held it, killed or not, and is not waited for longer than that takes', async () => {
    const times: number[] = [];
    for (const how of ['SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGINT', 'SIGKILL'] as const) {
      const holder = other();
      expect(await said(holder)).toBe('held');
      await expect(host.lock('blog', 'deploy')).rejects.toThrow(/other@\S+ has been at it/);
      const waiting = host.lock('blog', 'deploy', 10_000);
      holder.kill(how);
      const since = performance.now();
      await (
        await waiting
      )();
      times.push(performance.now() - since);
    }
    expect(Math.max(...times), `free after ${times.map(Math.round).join(', ')} ms`).toBeLessThan(1000);
    expect(holders()).toEqual([]);
  });

  test('stays with a holder that is stopped', async () => {
    const holder = other();
    await said(holder);
    holder.kill('SIGSTOP');
    await expect(host.lock('blog', 'deploy', 1500)).rejects.toMatchObject({ code: 'LOCKED' });
  });

  test('holds in other pid, network, host name and mount namespaces, both ways', async () => {
    const inside = other([0, '-'], UNSHARED);
    expect(await said(inside)).toBe('held');
    // In there it is the first process.
    await expect(host.lock('blog', 'deploy')).rejects.toThrow(/\(deploy, process 1\)/);
    const gone = ended(inside);
    inside.kill('SIGKILL');
    await gone;
    const unlock = await host.lock('blog', 'deploy', 5000);
    expect(await said(other([0, '-'], UNSHARED))).toMatch(/^LOCKED blog is locked: tester@here has been at it/);
    const waits = other([10_000, '-'], UNSHARED);
    const word = said(waits);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await unlock();
    expect(await word).toBe('held');
  });

  test('does not keep a process alive whose work never ends', async () => {
    const child = other([0, '-', 'end']);
    expect(await said(child)).toBe('held');
    expect(await ended(child)).toBe(0);
  });

  test('that ends by itself is noticed', async () => {
    const unlock = await host.lock('blog', 'deploy');
    const [pid] = holders();
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => lost.map((error) => error.code), SLOW).toEqual(['LOCK_LOST']);
    expect(lost[0]!.message).toContain('the lock of blog');
    await unlock();
    const child = other();
    await said(child);
    process.kill(holders()[0]!, 'SIGKILL');
    // Nobody catches it there: as everywhere but in this test.
    expect(await ended(child)).not.toBe(0);
  });

  test('is root-only on the disk, and a full disk for its words does not matter', async () => {
    const unlock = await host.lock('the proxy', 'routing blog');
    expect(statSync(join(root, 'locks')).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 'locks/the.proxy')).mode & 0o777).toBe(0o600);
    await unlock();
    const { size } = statSync(join(root, 'locks/the.proxy'));
    expect(size).toBeLessThan(10);
  });

  test('without the program flock, or with another one of that name, says what to install', async () => {
    const before = process.env['PATH'];
    const bin = join(root, 'bin');
    try {
      process.env['PATH'] = bin;
      const refused = {
        code: 'NO_FLOCK',
        hints: expect.arrayContaining(['install the package util-linux']) as string[],
      };
      await expect(host.lock('blog', 'deploy')).rejects.toMatchObject(refused);
      mkdirSync(bin);
      writeFileSync(join(bin, 'flock'), '#!/bin/sh\necho "flock: unrecognized option" >&2\nexit 1\n');
      chmodSync(join(bin, 'flock'), 0o755);
      await expect(host.lock('blog', 'deploy')).rejects.toMatchObject({
        ...refused,
        message: 'locks need the program flock of util-linux: flock: unrecognized option',
      });
    } finally {
      process.env['PATH'] = before;
    }
  });
});

describe('deploys that wait', () => {
  test('the newest gets the lock, the older ones are superseded at once and say by whom', async () => {
    const unlock = await host.lock('blog', 'deploy', 0, 1);
    const order: string[] = [];
    const waiters = [3, 5, 2, 4].map(async (turn) => {
      await new Promise((resolve) => setTimeout(resolve, turn * 20));
      try {
        const unlock = await host.lock('blog', 'deploy', 20_000, turn);
        order.push(`${turn} has it`);
        await unlock();
      } catch (error) {
        order.push(`${turn} ${(error as HostctlError).code} ${(error as HostctlError).exit}`);
        expect((error as HostctlError).message).toMatch(
          /^a newer deploy of blog takes the place of this one: tester@here has been at it/,
        );
      }
    });
    await expect.poll(() => order.toSorted(), SLOW).toEqual(['2 SUPERSEDED 4', '3 SUPERSEDED 4', '4 SUPERSEDED 4']);
    await unlock();
    await Promise.all(waiters);
    expect(order.at(-1)).toBe('5 has it');
    expect(readdirSync(join(root, 'locks/waiting'))).toEqual([]);
  });

  test('one that began earlier does not undo a newer one that has finished', async () => {
    await (
      await host.lock('blog', 'deploy', 0, 7)
    )();
    await expect(host.lock('blog', 'deploy', 0, 6)).rejects.toMatchObject({ code: 'SUPERSEDED' });
    // Other commands are no deploys, and do not make it forget.
    await (
      await host.lock('blog', 'rollback to release 3')
    )();
    await expect(host.lock('blog', 'deploy', 0, 6)).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await (
      await host.lock('blog', 'deploy', 0, 8)
    )();
    await (
      await host.lock('shop', 'deploy', 0, 6)
    )();
  });

  test('one that would not wait, or that is killed, takes nobody’s place', async () => {
    const unlock = await host.lock('blog', 'deploy', 0, 1);
    const waiting = host.lock('blog', 'deploy', 20_000, 2);
    await expect(host.lock('blog', 'deploy', 0, 9)).rejects.toMatchObject({ code: 'LOCKED' });
    const dead = other([20_000, 8]);
    const place = join(root, 'locks/waiting');
    await expect.poll(() => readdirSync(place).some((name) => name.startsWith('blog.8.')), SLOW).toBe(true);
    // In the same instant, as on a machine that loses its power: the one that waits has had no time to look.
    dead.kill('SIGKILL');
    await ended(dead);
    await unlock();
    const outcome = await waiting.then(
      (unlock) => unlock().then(() => 'held'),
      (error: HostctlError) => error.code,
    );
    // It may have looked while the other one was alive.
    if (outcome === 'SUPERSEDED') return;
    expect(outcome).toBe('held');
    expect(readdirSync(place)).toEqual([]);
  });

  test('a place without a living process counts for nothing and is cleared away', async () => {
    await (
      await host.lock('blog', 'deploy', 0, 1)
    )();
    const left = join(root, 'locks/waiting/blog.99.abc');
    writeFileSync(left, '{"who":"dead@there","turn":99}');
    await (
      await host.lock('blog', 'deploy', 0, 2)
    )();
    expect(existsSync(left)).toBe(false);
  });
});

describe('who holds what', () => {
  test('shows locks that are held and deploys that wait, and nothing of those that are gone', async () => {
    expect(await host.locks()).toEqual([]);
    const unlock = await host.lock('the proxy', 'routing blog');
    const child = other();
    await said(child);
    const waits = other([20_000, 5]);
    await expect.poll(async () => (await host.locks()).length, SLOW).toBe(3);
    expect(await host.locks()).toMatchObject([
      {
        name: 'blog',
        state: 'held',
        who: expect.stringContaining('other@') as string,
        doing: 'deploy',
        pid: child.pid,
      },
      { name: 'the proxy', state: 'held', who: 'tester@here', doing: 'routing blog', pid: process.pid },
      { name: 'blog', state: 'waiting', doing: 'deploy', pid: waits.pid },
    ]);
    await unlock();
    waits.kill('SIGKILL');
    child.kill('SIGKILL');
    await expect.poll(() => host.locks(), SLOW).toEqual([]);
    expect(readdirSync(join(root, 'locks/waiting'))).toEqual([]);
  });

  test('looking does not get in the way of taking', async () => {
    const looking = new AbortController();
    const looks = (async () => {
      while (!looking.signal.aborted) await host.locks();
    })();
    for (let times = 0; times < 20; times += 1) await (await host.lock('blog', 'deploy'))();
    looking.abort();
    await looks;
  });
});
