import { describe, expect, test } from 'vitest';
import type { Runtime } from '../../src/core/runtime.ts';
import { dockerfileStarter, projectName, quoteYaml, runtimeStarter, workspaceNote } from '../../src/core/starter.ts';

const runtime = (more: Partial<Runtime>): Runtime => ({
  name: 'flask',
  title: 'Flask',
  detect: { rank: 1 },
  dependencies: [],
  ignore: [],
  accepts: ['wsgi', 'root'],
  servers: {},
  health: '/',
  dockerfile: '',
  files: {},
  ...more,
});

describe('a first definition by a runtime', () => {
  const finds = { wsgi: [{ in: ['app.py'], match: '(\\w+) = Flask', value: '{{module}}:{{found}}' }] };

  test('holds what the source says, and says so', () => {
    const facts = { names: [], texts: { 'app.py': 'site = Flask(x)' } };
    expect(runtimeStarter(runtime({ find: finds }), facts, '../site')).toEqual({
      lines: ['runtime: flask', 'source: ../site', 'wsgi: app:site # found in app.py'],
      notes: ['wsgi: app:site, found in app.py'],
      missing: [],
    });
    // What is usual anyway need not be written.
    expect(runtimeStarter(runtime({ find: finds, values: { wsgi: 'app:site' } }), facts, '../site')).toEqual({
      lines: ['runtime: flask', 'source: ../site'],
      notes: [],
      missing: [],
    });
    expect(runtimeStarter(runtime({ find: finds, values: { wsgi: 'other' } }), facts, '../site').notes).toHaveLength(1);
  });

  test('has a place for what nothing says', () => {
    const facts = { names: [], texts: {} };
    expect(runtimeStarter(runtime({ find: finds }), facts, 'my site')).toEqual({
      lines: [
        'runtime: flask',
        'source: "my site"',
        '# Nothing in the source says what to start. A factory needs a line that calls it: app = create_app()',
        '# wsgi: module:object',
      ],
      notes: [],
      missing: ['wsgi'],
    });
    expect(runtimeStarter(runtime({ find: finds, values: { wsgi: 'usual' } }), facts, 'a').missing).toEqual([]);
    expect(runtimeStarter(runtime({}), facts, 'a').missing).toEqual([]);
  });

  test('has a release command where most want one', () => {
    const starter = { release: 'python manage.py migrate' };
    expect(runtimeStarter(runtime({ accepts: [], starter }), { names: [], texts: {} }, '.')).toEqual({
      lines: [
        'runtime: flask',
        'source: "."',
        'release: python manage.py migrate # assumed; delete it where there is nothing to migrate',
      ],
      notes: ['release: python manage.py migrate, assumed; it runs before each new release goes live'],
      missing: [],
    });
  });
});

describe('a first definition by a Dockerfile', () => {
  const expose = 'EXPOSE of the Dockerfile';
  const assumed = 'assumed: the Dockerfile has no EXPOSE with a number';
  test.each([
    ['FROM a\nEXPOSE 3000\n', '3000', expose],
    ['FROM a\n  expose 3000/tcp', '3000', expose],
    ['EXPOSE 3000 4000\n', '3000', expose],
    ['EXPOSE 53/udp\nEXPOSE 80\n', '80', expose],
    ['# EXPOSE 3000\n', '8000', assumed],
    ['EXPOSE $PORT\n', '8000', assumed],
    ['EXPOSE 3000-3005\n', '8000', assumed],
    ['', '8000', assumed],
  ])('takes the port of %j', (text, port, why) => {
    expect(dockerfileStarter(text, '../site', undefined)).toEqual({
      lines: ['dockerfile: ../site', `port: ${port} # ${why}`],
      notes: [`port: ${port}, ${why}`],
      missing: [],
    });
  });

  test('says which runtime would do without it', () => {
    expect(dockerfileStarter('EXPOSE 80', '.', runtime({})).notes).toEqual([
      `port: 80, ${expose}`,
      'the source has a Dockerfile, so that is used; --runtime flask does without it',
    ]);
  });
});

describe('a workspace inside its source', () => {
  const out = (inside: string): string =>
    `the workspace lies inside the source; ${['hostctl.yaml', '.hostctl', 'projects/*.yaml'].map((name) => inside + name).join(', ')} and ${inside}projects/*.yml stay out of the image`;
  const within =
    'the workspace lies inside the source, and so in the image: keep it elsewhere, or name hostctl.yaml, .hostctl, projects/*.yaml and projects/*.yml in .dockerignore';
  test.each<[string, string, string | undefined, boolean, string]>([
    ['is left out by the runtime', '', undefined, true, out('')],
    ['is left out wherever it lies', 'ops', undefined, true, out('ops/')],
    ['is in the image', '', undefined, false, within],
    ['is in the image when not all of it is named', '', 'hostctl.yaml\n.hostctl\n', false, within],
    ['is left out where all is named', '', 'hostctl.yaml\n.hostctl\nprojects/*.yaml\nprojects/*.yml\n', false, out('')],
    ['is left out with its folder', '', ' /hostctl.yaml \r\n.hostctl/\r\nprojects/\n', false, out('')],
    ['is in the image where a name only begins the same', '', 'hostctl.yaml\n.hostctl\nproject\n', false, within],
  ])('%s', (_, inside, ignore, spared, note) => {
    expect(workspaceNote(inside, ignore, spared)).toBe(note);
  });
});

test.each([
  ['My Site_2', 'my-site-2'],
  ['blog', 'blog'],
  ['2fast', 'fast'],
  ['--a--b--', 'a-b'],
  ['Ünï', 'n'],
  ['123', ''],
  ['', ''],
  ['a'.repeat(30), 'a'.repeat(24)],
  [`${'a'.repeat(23)} b`, 'a'.repeat(23)],
])('the directory %j is the project %j', (text, name) => {
  expect(projectName(text)).toBe(name);
});

test.each([
  ['../site', '../site'],
  ['./a', './a'],
  ['/srv/a-b_c.d', '/srv/a-b_c.d'],
  ['..', '..'],
  ['.', '"."'],
  ['site', '"site"'],
  ['www.example.org', 'www.example.org'],
  ['a.1-b', 'a.1-b'],
  ['1.5', '"1.5"'],
  ['a.', '"a."'],
  ['.../a', '".../a"'],
  ['/a b', '"/a b"'],
  ['a"b', '"a\\"b"'],
  ['/a: b', '"/a: b"'],
  ['x /a', '"x /a"'],
])('YAML reads %j as that', (text, written) => {
  expect(quoteYaml(text)).toBe(written);
});
