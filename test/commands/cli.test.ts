import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildHostctl } from '../../bin/build.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const BIN = join(ROOT, 'bin/hostctl.js');
// No test here may reach a real engine.
const ENV = { ...process.env, DOCKER_HOST: 'unix:///run/hostctl-none.sock', NO_COLOR: '1', HOSTCTL_WORKSPACE: '' };
const dir = mkdtempSync(join(tmpdir(), 'hostctl-cli-'));

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the built program as a user does. */
function hostctl(words: string, env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...words.split(' ')], { cwd: dir, env: { ...ENV, ...env } }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

beforeAll(async () => {
  process.chdir(ROOT);
  await buildHostctl();
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('usage', () => {
  test('a command that is none', async () => {
    const guess = 'there is no command deploi\n  → did you mean hostctl deploy?\n';
    expect(await hostctl('deploi good')).toEqual({ code: 2, out: '', err: `error ${guess}` });
    const { code, out, err } = await hostctl('deploi good --json');
    expect(JSON.parse(out)).toMatchObject({ version: 1, type: 'error', error: { code: 'USAGE', exit: 2 } });
    expect({ code, err }).toEqual({ code: 2, err: '' });
    expect((await hostctl('-C / deploy')).err).toContain('-C stands where a command should: flags follow it');
  });

  test('a command of two words', async () => {
    expect((await hostctl('import apache /nonexistent')).err).toBe('error /nonexistent is no file\n');
    expect((await hostctl('import apach x')).err).toBe(
      'error there is no command import apach\n  → did you mean hostctl import apache?\n',
    );
    expect((await hostctl('import')).out).toContain('hostctl import COMMAND');
    expect((await hostctl('import apache')).err).toContain('→ hostctl import apache --help');
    const { out } = await hostctl('import apache --help');
    expect(out).toContain('$ hostctl import apache FILE...');
    expect(await hostctl('help import apache')).toEqual({ code: 0, out, err: '' });
  }, 20_000);

  test('a word too many is no other command', async () => {
    expect((await hostctl('validate good')).err).toContain('there is no hostctl.yaml');
    expect((await hostctl('setup now')).err).toBe(
      'error setup takes no such argument: now\n  → hostctl setup --help\n',
    );
  });

  test('help is a flag, a short flag and a word', async () => {
    const long = await hostctl('deploy --help');
    expect(long.out).toContain('$ hostctl deploy [NAME...]');
    expect(await hostctl('deploy -h')).toEqual(long);
    expect(await hostctl('help deploy')).toEqual(long);
    expect((await hostctl('help')).out).toContain('COMMANDS\n');
  });

  test('help whose reader has seen enough is no error', async () => {
    const words = `${process.execPath} ${BIN} --help | head -1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
    const [out, err] = await new Promise<string[]>((resolve) => {
      execFile('bash', ['-c', words], { env: ENV }, (_, ...texts) => resolve(texts));
    });
    expect({ out, err }).toEqual({ out: '0\n', err: '' });
  });
});

describe('a bug', () => {
  test('shows its stack on stderr, and with --json a document on stdout', async () => {
    const broken = "--import=data:text/javascript,process.umask=()=>{throw(new(TypeError)('boom'))}";
    const { code, out, err } = await hostctl('doctor --json', { NODE_OPTIONS: broken });
    expect(JSON.parse(out)).toMatchObject({
      type: 'error',
      error: { code: 'BUG', message: 'TypeError: boom', exit: 1 },
    });
    expect(err).toMatch(/^TypeError: boom\n +at .*[\s\S]*\nThis is a bug in hostctl/);
    expect(code).toBe(1);
    const shown = await hostctl('doctor', { NODE_OPTIONS: broken });
    expect(shown).toMatchObject({ code: 1, out: '', err: expect.stringContaining('TypeError: boom') as string });
  });
});

describe('a question on a terminal', () => {
  /** Types a key at the question of `setup --undo`, which comes before anything is done. */
  function answer(key: string): Promise<{ code: number | null; out: string }> {
    return new Promise((resolve) => {
      const words = ['--quiet', '--return', '--command', `${process.execPath} ${BIN} setup --undo`, '/dev/null'];
      const child = spawn('script', words, { cwd: dir, env: ENV });
      let out = '';
      child.stdout.on('data', (chunk) => {
        if (!out.includes('[y/N]') && (out + String(chunk)).includes('[y/N]')) child.stdin.write(key);
        out += String(chunk);
      });
      child.on('close', (code) => resolve({ code, out }));
    });
  }

  test('Ctrl-C interrupts', async () => {
    const { code, out } = await answer('\u0003');
    expect(code).toBe(130);
    expect(out).toMatch(
      /\r\ninterrupted; run the same command again to finish; what it had stopped stays down until then\r\n$/,
    );
  });

  test('Ctrl-D is no', async () => {
    const { code, out } = await answer('\u0004');
    expect(code).toBe(1);
    expect(out).toContain('error no answer was given');
  });
});

test('a clone that is not built says what to do', async () => {
  const clone = mkdtempSync(join(tmpdir(), 'hostctl-clone-'));
  mkdirSync(join(clone, 'bin'));
  copyFileSync(BIN, join(clone, 'bin/hostctl.js'));
  writeFileSync(join(clone, 'package.json'), '{ "type": "module", "version": "0.0.1" }');
  const { code, err } = await new Promise<Result>((resolve) => {
    execFile(process.execPath, [join(clone, 'bin/hostctl.js'), 'status'], (error, out, text) =>
      resolve({ code: Number(error?.code), out, err: text }),
    );
  });
  expect({ code, err }).toEqual({ code: 1, err: `hostctl is not built; in ${clone}/: npm ci && npm run build\n` });
  rmSync(clone, { recursive: true });
});
