import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import Check from '../../src/commands/check.ts';
import Completion from '../../src/commands/completion.ts';
import Deploy from '../../src/commands/deploy.ts';
import Doctor from '../../src/commands/doctor.ts';
import Init from '../../src/commands/init.ts';
import Logs from '../../src/commands/logs.ts';
import Plan from '../../src/commands/plan.ts';
import Render from '../../src/commands/render.ts';
import Setup from '../../src/commands/setup.ts';
import Status from '../../src/commands/status.ts';
import Validate from '../../src/commands/validate.ts';
import { runCommand } from '../support/command.ts';

const dir = mkdtempSync(join(tmpdir(), 'hostctl-commands-'));
const here = { HOSTCTL_WORKSPACE: dir };

beforeAll(() => {
  mkdirSync(join(dir, 'projects'));
  mkdirSync(join(dir, 'site'));
  writeFileSync(join(dir, 'site/index.html'), 'hello');
  writeFileSync(join(dir, 'hostctl.yaml'), `data: ${dir}/data\n`);
  const site = 'hostnames: [NAME.org]\napps: { web: { runtime: static, source: ../site } }\n';
  writeFileSync(join(dir, 'projects/good.yaml'), site.replace('NAME', 'good'));
  writeFileSync(join(dir, 'projects/bad.yaml'), site.replace('NAME', 'bad').replace('runtime', 'runtim'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('a word too many', () => {
  test.each([
    ['doctor', Doctor, 'mysite', 'doctor takes no such argument: mysite\n  → hostctl doctor --help\n'],
    ['setup', Setup, 'now please', 'setup takes no such argument: now, please\n  → hostctl setup --help\n'],
    ['render', Render, 'nginx good more', 'render takes no such argument: more\n'],
  ] as const)('of %s', async (id, command, words, message) => {
    // Its name comes from the file, which is not read here.
    command.id = id;
    const { code, err } = await runCommand(command, words);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

describe('validate', () => {
  test('says everything, or what is wrong with some', async () => {
    const all = await runCommand(Validate, '', here);
    expect(all).toMatchObject({ code: 2, err: expect.stringContaining('1 problem in 1 file') as string });
    expect(await runCommand(Validate, 'good', here)).toEqual({ code: 0, out: '1 project, no problems\n', err: '' });
    expect((await runCommand(Validate, 'good bad', here)).err).toContain('projects/bad.yaml:2:16 unknown key `runtim`');
    expect(await runCommand(Validate, 'nobody', here)).toEqual({
      code: 2,
      out: '',
      err: 'error there is no project `nobody`\n  → projects here: bad, good\n',
    });
  });
});

describe('check', () => {
  test('finds what validate finds, and more; errors are exit code 2, warnings with --strict', async () => {
    const { code, out } = await runCommand(Check, '', here);
    expect(out).toContain('── definitions\nerror projects/bad.yaml:2:16 unknown key `runtim`');
    expect(out).toMatch(/2 projects: 1 error, 0 warnings, \d notes?\n$/);
    expect(code).toBe(2);
    const wide = mkdtempSync(join(tmpdir(), 'hostctl-wide-'));
    mkdirSync(join(wide, 'projects'));
    writeFileSync(join(wide, 'hostctl.yaml'), `data: ${wide}/data\n`);
    writeFileSync(join(wide, 'projects/a.yaml'), 'hostnames: ["*a.org"]\napps: { web: { image: a, port: 80 } }\n');
    const there = { HOSTCTL_WORKSPACE: wide };
    expect(await runCommand(Check, '', there)).toMatchObject({ code: 0, err: '' });
    const strict = await runCommand(Check, '--strict --json', there);
    expect(strict.code).toBe(2);
    expect(JSON.parse(strict.out)).toMatchObject({ version: 1, projects: 1, errors: 0, warnings: 1 });
    const [finding] = (JSON.parse(strict.out) as { findings: object[] }).findings;
    expect(finding).toMatchObject({
      level: 'warning',
      topic: 'hostnames',
      file: 'projects/a.yaml',
      line: 1,
      column: 13,
    });
    // A broken hostctl.yaml hides no definition.
    writeFileSync(join(wide, 'hostctl.yaml'), 'dta: x\n');
    writeFileSync(join(wide, 'projects/b.yaml'), 'hostnam: [b.org]\n');
    const { code: broken, err } = await runCommand(Check, '', there);
    expect([broken, err.match(/unknown key/g)?.length]).toEqual([2, 2]);
    rmSync(wide, { recursive: true });
  });
});

describe('the workspace', () => {
  test('HOSTCTL_WORKSPACE names it for every command, --workspace another one', async () => {
    for (const [command, words] of [
      [Validate, ''],
      [Plan, 'bad'],
    ] as const) {
      expect((await runCommand(command, words, here)).err).toContain('projects/bad.yaml:2:16');
      expect((await runCommand(command, `${words} -C /nonexistent`, here)).err).toContain(
        'no hostctl.yaml in /nonexistent',
      );
    }
    const { out } = await runCommand(Init, join(dir, 'site'), here);
    expect(out).toContain(`wrote ${dir}/projects/site.yaml\nsite uses the static runtime; next: hostctl deploy site\n`);
    expect(readFileSync(join(dir, 'projects/site.yaml'), 'utf8')).toContain('source: ../site\n');
    rmSync(join(dir, 'projects/site.yaml'));
  });

  test.each([
    ['validate', Validate, ''],
    ['validate good', Validate, 'good'],
    ['plan', Plan, '--all'],
    ['setup', Setup, ''],
  ] as const)('that is not there is missed by %s', async (_, command, words) => {
    const { code, out } = await runCommand(command, `${words} --json -C /nonexistent`);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'NO_WORKSPACE' } });
    expect(code).toBe(2);
  });
});

describe('init', () => {
  test('says what it assumed and what is left to do', async () => {
    mkdirSync(join(dir, 'flask'));
    writeFileSync(join(dir, 'flask/requirements.txt'), 'flask\n');
    const { out } = await runCommand(Init, join(dir, 'flask'), here);
    const path = `${dir}/projects/flask.yaml`;
    expect(out).toContain(
      `flask uses the wsgi runtime; next: fill in \`wsgi:\` in ${path}, then: hostctl deploy flask\n`,
    );
    rmSync(path);
    writeFileSync(join(dir, 'flask/Dockerfile'), 'EXPOSE 3000\n');
    const { notes } = JSON.parse((await runCommand(Init, `${join(dir, 'flask')} --json`, here)).out) as {
      notes: string[];
    };
    expect(notes).toEqual([
      'port: 3000, EXPOSE of the Dockerfile',
      'the source has a Dockerfile, so that is used; --runtime wsgi does without it',
    ]);
    rmSync(path);
  });

  test('gives Django the migration it needs before a page answers, and says so', async () => {
    mkdirSync(join(dir, 'shop'));
    writeFileSync(join(dir, 'shop/manage.py'), 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")');
    const { out } = await runCommand(Init, join(dir, 'shop'), here);
    expect(out).toContain('· release: python manage.py migrate --noinput, assumed');
    const path = `${dir}/projects/shop.yaml`;
    expect(readFileSync(path, 'utf8')).toMatch(/^ {4}release: python manage\.py migrate --noinput #/m);
    expect((await runCommand(Validate, 'shop', here)).out).toBe('1 project, no problems\n');
    rmSync(path);
    rmSync(join(dir, 'shop'), { recursive: true });
  });

  test('refuses a name no definition can have', async () => {
    expect(await runCommand(Init, `${join(dir, 'site')} --name ABC`, here)).toMatchObject({
      code: 2,
      err: 'error `ABC` is no project name: lower-case letters, digits and single hyphens, a letter first\n  → write --name abc\n',
    });
  });
});

describe('logs', () => {
  test('refuses a number of lines that is none', async () => {
    const { code, err } = await runCommand(Logs, 'good -n -5', here);
    expect(err).toContain('Expected an integer greater than or equal to 0 but received: -5');
    expect(code).toBe(2);
  });
});

describe('completion', () => {
  /** What bash offers after `hostctl deploy `. */
  async function offered(cwd: string, env: Record<string, string>): Promise<string[]> {
    const { out: script } = await runCommand(Completion, 'bash');
    const words = `${script}\nCOMP_WORDS=(hostctl deploy ""); COMP_CWORD=2; _hostctl; echo "\${COMPREPLY[@]}"`;
    const shown = execFileSync('bash', ['--norc', '-c', words], { cwd, env: { PATH: process.env['PATH'], ...env } });
    return String(shown).trim().split(' ');
  }

  test('offers the projects of the workspace that commands would use', async () => {
    expect(await offered(join(dir, 'projects'), {})).toEqual(['bad', 'good']);
    expect(await offered('/', here)).toEqual(['bad', 'good']);
    expect(await offered('/', {})).toEqual(['']);
    const other = join(dir, 'other');
    mkdirSync(join(other, 'projects'), { recursive: true });
    writeFileSync(join(other, 'projects/shop.yml'), '');
    expect(await offered(join(dir, 'projects'), { HOSTCTL_WORKSPACE: other })).toEqual(['shop']);
    rmSync(other, { recursive: true });
  });

  test('offers the second word of a command, then files', async () => {
    const { out: script } = await runCommand(Completion, 'bash');
    const offer = (words: string, at: number): string =>
      String(
        execFileSync(
          'bash',
          ['--norc', '-c', `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=${at}; _hostctl; echo "\${COMPREPLY[@]}"`],
          { cwd: dir },
        ),
      ).trim();
    expect(offer('hostctl im', 1)).toBe('import');
    expect(offer('hostctl import ""', 2)).toBe('apache compose');
    expect(offer('hostctl import apache host', 3)).toBe('hostctl.yaml');
    expect(offer('hostctl import apache --ro', 3)).toBe('--root');
  });
});

describe('--json', () => {
  test.each([
    ['setup now', Setup, 2, 'USAGE'],
    ['deploy good --al', Deploy, 2, 'USAGE'],
    ['deploy nobody', Deploy, 2, 'NO_PROJECT'],
    ['validate', Validate, 2, 'DEFINITION'],
    ['status', Status, 7, 'ENGINE_UNREACHABLE'],
    ['deploy good', Deploy, 7, 'ENGINE_UNREACHABLE'],
    ['setup --yes', Setup, 7, 'ENGINE_UNREACHABLE'],
  ] as const)('%s: one document says why it failed', async (words, command, code, error) => {
    const argv = words.split(' ').slice(1).join(' ');
    const result = await runCommand(command, `${argv} --json`, here);
    expect(JSON.parse(result.out)).toMatchObject({ version: 1, type: 'error', error: { code: error, exit: code } });
    expect(result).toMatchObject({ code, err: '' });
  });

  test('a completion script is in a document too', async () => {
    const { out: script } = await runCommand(Completion, 'fish');
    expect(script).toContain('complete -c hostctl');
    expect(JSON.parse((await runCommand(Completion, 'fish --json')).out)).toEqual({
      version: 1,
      shell: 'fish',
      script,
    });
  });
});
