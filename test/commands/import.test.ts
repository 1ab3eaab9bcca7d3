import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import ImportApache from '../../src/commands/import/apache.ts';
import Validate from '../../src/commands/validate.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { runCommand } from '../support/command.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const SEED = join(ROOT, 'test/fixtures/apache/seed/site.conf');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hostctl-import-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function put(path: string, text: string): string {
  const full = join(dir, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
}

const host = (name: string, ...lines: string[]): string =>
  ['<VirtualHost *:80>', `ServerName ${name}`, ...lines, '</VirtualHost>', ''].join('\n');

const run = (words: string): ReturnType<typeof runCommand> => runCommand(ImportApache, `${words} -C ${dir}`);

describe('what is left open', () => {
  test('keeps everything from being written, and the exit code says so', async () => {
    const { code, out } = await run(SEED);
    expect(code).toBe(2);
    expect(out).toContain('14 directives: 6 mapped, 6 implied, 0 dropped, 2 to decide, 0 unsupported\n');
    expect(out).toMatch(/nothing was written: 2 left to you; --force writes all the same\n$/);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('stands at the top of what --force writes', async () => {
    const { code, out } = await run(`${SEED} --force`);
    const path = join(dir, 'projects/projectname.yaml');
    expect({ code, out: out.split('\n').at(-2) }).toEqual({ code: 0, out: `wrote ${path}` });
    const text = readFileSync(path, 'utf8');
    expect(text.match(/^# - decide: .*$/gm)).toEqual([
      expect.stringContaining('*projectname.org also catches evilprojectname.org'),
      expect.stringContaining('it ran on Python 2.4'),
    ]);
    expect(parseYaml(path, text).ok).toBe(true);
  });

  test('is shown with --print too, which writes nothing', async () => {
    const { code, out } = await run(`${SEED} --print --force`);
    expect(out).toContain(`# ---- ${dir}/projects/projectname.yaml\n# Imported from site.conf`);
    expect(code).toBe(0);
    expect(readdirSync(dir)).toEqual([]);
    expect((await run(`${SEED} --print`)).code).toBe(2);
  });
});

describe('the virtual host hostctl grew out of', () => {
  test("becomes the demo's project, as far as Apache knew of it", async () => {
    const out = join(dir, 'examples/projects');
    const source = `--source /home/user/projectname=${join(dir, 'examples/projectname')}`;
    mkdirSync(join(dir, 'examples'));
    symlinkSync(join(ROOT, 'docs/examples/projectname'), join(dir, 'examples/projectname'));
    await run(`${SEED} --force --out ${out} ${source}`);
    const read = (path: string): Record<string, unknown> => {
      const parsed = parseYaml(path, readFileSync(path, 'utf8'));
      if (!parsed.ok) throw new Error(path);
      return parsed.file.value as Record<string, unknown>;
    };
    const demo = read(join(ROOT, 'docs/examples/projects/projectname.yaml'));
    const { env, volumes, limits, health, release, ...web } = (demo['apps'] as Record<'web', Record<string, unknown>>)
      .web;
    expect([env, volumes, limits, health, release].every((value) => value !== undefined)).toBe(true);
    expect(read(join(out, 'projectname.yaml'))).toEqual({
      hostnames: ['www.projectname.org', '*projectname.org'],
      apps: { web },
      media: demo['media'],
    });
  });
});

describe('writing', () => {
  const CLEAN = host('www.shop.org', 'DocumentRoot DIR/htdocs');

  test('needs no workspace, and a workspace takes what was written', async () => {
    put('htdocs/index.html', 'hello');
    const conf = put('conf/shop.conf', CLEAN.replace('DIR', dir));
    const { code, out } = await run(conf);
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining(`wrote ${dir}/projects/shop.yaml\n`) as string,
    });
    put('hostctl.yaml', `data: ${dir}/data\n`);
    expect(await runCommand(Validate, `-C ${dir}`)).toMatchObject({ code: 0, out: '1 project, no problems\n' });
    expect(readdirSync(join(dir, 'projects'))).toEqual(['shop.yaml']);
  });

  test('goes over nothing that is there, unless it is forced to', async () => {
    const conf = put('shop.conf', CLEAN + host('www.blog.org', 'DocumentRoot /srv/blog'));
    const mine = put('projects/shop.yml', 'mine');
    const { code, err } = await run(conf);
    expect(err).toBe(
      `error ${mine} is there already; nothing was written\n  → --out DIR writes elsewhere, --force over it\n`,
    );
    expect({ code, projects: readdirSync(join(dir, 'projects')) }).toEqual({ code: 2, projects: ['shop.yml'] });
    await run(`${conf} --force`);
    expect(readdirSync(join(dir, 'projects'))).toEqual(['blog.yaml', 'shop.yaml', 'shop.yml']);
  });

  test('takes several files in their order', async () => {
    const first = put('1.conf', host('a.org', 'ServerAlias www.c.org', 'DocumentRoot /srv/a'));
    const second = put('2.conf', host('www.c.org', 'DocumentRoot /srv/c'));
    const { out } = await run(`${first} ${second}`);
    expect(out).toContain(
      'decide      2.conf:2: ServerName www.c.org\n            www.c.org leads to the virtual host of 1.conf:1',
    );
  });
});

describe('reading', () => {
  test('stays below the root, whatever links and dots say', async () => {
    put('secret.conf', 'Alias /secret /etc\n');
    put('conf/available/good.conf', 'Alias /good /srv/good\n');
    mkdirSync(join(dir, 'conf/enabled'));
    symlinkSync('../available/good.conf', join(dir, 'conf/enabled/good.conf'));
    symlinkSync('../../secret.conf', join(dir, 'conf/enabled-evil.conf'));
    symlinkSync(dir, join(dir, 'conf/up'));
    const conf = put(
      'conf/site.conf',
      host(
        'a.org',
        'DocumentRoot /srv/a',
        'Include enabled/*.conf',
        'Include enabled-evil.conf',
        'Include up/secret.conf',
        'Include ../secret.conf',
        'Include available/../../secret.conf',
        `Include ${dir}/secret.conf`,
        'Include /etc/host[n]ame',
      ),
    );
    const { out } = await run(conf);
    expect(out).toContain('enabled/good.conf:1: Alias /good /srv/good');
    expect(out).not.toContain('Alias /secret');
    expect(out.match(/^decide {6}site\.conf:\d+: Include/gm)).toHaveLength(6);
    const wide = await run(`${conf} --root ${dir}`);
    expect(wide.out).toContain('secret.conf:1: Alias /secret /etc');
  });

  test('takes the environment of Debian, and --define over it', async () => {
    put('envvars', 'unset HOME\nexport DOMAIN=debian.org\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n');
    const conf = put('site.conf', host('${DOMAIN}', 'DocumentRoot /srv/a', 'ErrorLog ${APACHE_LOG_DIR}/e.log'));
    expect((await run(`${conf} --print`)).out).toContain('hostnames: [debian.org]');
    const { out } = await run(`${conf} --print --define DOMAIN=mine.org`);
    expect(out).toContain('hostnames: [mine.org]');
    expect(out).toContain('ErrorLog /var/log/apache2/e.log');
  });

  test.each([
    ['nothing.conf', undefined, 'IMPORT', 'nothing.conf is no file'],
    ['empty.conf', '# nothing\n', 'IMPORT', 'serves a site'],
    ['binary.conf', '\ufeff\u0000', 'IMPORT', ''],
  ])('%s is an error', async (name, text, code, message) => {
    const path = text === undefined ? join(dir, name) : put(name, text);
    const { out, code: exit } = await run(`${path} --json`);
    const { error } = JSON.parse(out) as { error?: { code: string; message: string } };
    if (error) expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string });
    expect(exit).toBe(2);
    expect(existsSync(join(dir, 'projects'))).toBe(false);
  });

  test('refuses what is no text', async () => {
    const path = join(dir, 'latin.conf');
    writeFileSync(path, Buffer.from([0x23, 0xe4, 0x0a]));
    expect((await run(path)).err).toContain('latin.conf is not UTF-8 text');
  });
});

test('--json has the report and the definitions', async () => {
  const { code, out } = await run(`${SEED} --json`);
  const document = JSON.parse(out) as Record<string, unknown>;
  expect(document).toMatchObject({
    version: 1,
    written: [],
    definitions: [
      { path: `${dir}/projects/projectname.yaml`, text: expect.stringContaining('wsgi: wsgi_handler') as string },
    ],
    counts: { mapped: 6, implied: 6, dropped: 0, decide: 2, unsupported: 0 },
  });
  expect((document['entries'] as unknown[])[1]).toEqual({
    status: 'mapped',
    place: { file: 'site.conf', line: 3 },
    text: 'ServerName www.projectname.org',
    note: 'hostnames',
  });
  expect(code).toBe(2);
});

test('flags that make no sense are refused', async () => {
  expect((await run(`${SEED} --define NAME`)).err).toContain('--define `NAME`: write NAME=VALUE');
  expect((await run(`${SEED} --source /a`)).err).toContain('--source `/a`: write FROM=DIR');
  expect((await run('')).err).toContain('Missing 1 required arg');
});
