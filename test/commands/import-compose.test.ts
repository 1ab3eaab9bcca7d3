import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import ImportCompose from '../../src/commands/import/compose.ts';
import Validate from '../../src/commands/validate.ts';
import { runCommand } from '../support/command.ts';

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

const run = (words: string, env: Record<string, string> = {}): ReturnType<typeof runCommand> =>
  runCommand(ImportCompose, `${words} -C ${dir}`, env);

const SITE = `services:
  web:
    image: nginx
    volumes: ["./htdocs:/usr/share/nginx/html:ro"]
    labels:
      - traefik.http.routers.web.rule=Host(\`\${NAME:-www}.shop.org\`)
`;

test('what was written is what a workspace takes', async () => {
  put('app/htdocs/index.html', 'hello');
  const { code, out } = await run(put('app/compose.yaml', SITE));
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringContaining(`wrote ${dir}/projects/shop.yaml\n`) as string,
  });
  put('hostctl.yaml', `data: ${dir}/data\n`);
  expect(await runCommand(Validate, `-C ${dir}`)).toMatchObject({ code: 0, out: '1 project, no problems\n' });
  expect(readFileSync(join(dir, 'projects/shop.yaml'), 'utf8')).toContain('source: ../app/htdocs\n');
});

test('what is left open keeps everything from being written, unless it is forced', async () => {
  const file = put('compose.yaml', `${SITE}    privileged: true\n`);
  const { code, out } = await run(file);
  expect({ code, projects: existsSync(join(dir, 'projects')) }).toEqual({ code: 2, projects: false });
  expect(out).toMatch(/nothing was written: 1 left to you; --force writes all the same\n$/);
  expect((await run(`${file} --force`)).code).toBe(0);
  expect(readFileSync(join(dir, 'projects/shop.yaml'), 'utf8')).toContain(
    '# - unsupported: compose.yaml:7: services.web.privileged: true - there is no way to get a privileged container\n',
  );
});

test('passwords go into a file beside the definition, and over nothing that is there', async () => {
  const labels = '      - traefik.http.routers.web.middlewares=m\n';
  const users = '      - traefik.http.middlewares.m.basicauth.users=anna:$$apr1$$abcdefgh$$0123456789012345678901\n';
  const file = put('compose.yaml', SITE + labels + users);
  put('projects/shop.htpasswd', 'mine');
  expect(await run(file)).toMatchObject({
    code: 2,
    err: expect.stringContaining('shop.htpasswd is there already') as string,
  });
  expect(readdirSync(join(dir, 'projects'))).toEqual(['shop.htpasswd']);
  const { out } = await run(`${file} --force`);
  expect(readFileSync(join(dir, 'projects/shop.htpasswd'), 'utf8')).toBe(
    'anna:$apr1$abcdefgh$0123456789012345678901\n',
  );
  expect(out).not.toContain('apr1');
});

describe('variables', () => {
  test('come from the environment only where that is asked for', async () => {
    const file = put('compose.yaml', SITE);
    expect((await run(`${file} --print`, { NAME: 'evil' })).out).toContain('hostnames: [www.shop.org]');
    expect((await run(`${file} --print --env`, { NAME: 'mine' })).out).toContain('hostnames: [mine.shop.org]');
    put('.env', 'NAME=file\n');
    expect((await run(`${file} --print`, { NAME: 'evil' })).out).toContain('hostnames: [file.shop.org]');
    expect((await run(`${file} --print --env`, { NAME: 'mine' })).out).toContain('hostnames: [mine.shop.org]');
    const defined = await run(`${file} --print --env --define NAME=flag`, { NAME: 'mine' });
    expect(defined.out).toContain('hostnames: [flag.shop.org]');
  });
});

test.each([
  ['no file', undefined, 'IMPORT', 'is no file'],
  ['no services', 'volumes: {}\n', 'IMPORT', 'is a service that runs here'],
  ['no YAML', 'services: [\n', 'DEFINITION', '1 problem in 1 file'],
])('%s is an error', async (_, text, code, message) => {
  const path = text === undefined ? join(dir, 'gone.yaml') : put('compose.yaml', text);
  const { out, code: exit } = await run(`${path} --json`);
  const { error } = JSON.parse(out) as { error: { code: string; message: string } };
  expect({ exit, error }).toMatchObject({
    exit: 2,
    error: { code, message: expect.stringContaining(message) as string },
  });
});

test('a file that is no YAML is shown with its line', async () => {
  const { err } = await run(put('compose.yaml', 'services:\n  a: "x'));
  expect(err).toContain('compose.yaml:2:');
});

test('--json has the report and the definitions', async () => {
  const { out } = await run(`${put('compose.yaml', SITE)} --json --print`);
  expect(JSON.parse(out)).toMatchObject({
    version: 1,
    written: [],
    counts: { mapped: 3, implied: 0, dropped: 0, decide: 0, unsupported: 0 },
    definitions: [{ path: `${dir}/projects/shop.yaml` }],
  });
});
