import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import Check from '../../src/commands/check.ts';
import Deploy from '../../src/commands/deploy.ts';
import Explain from '../../src/commands/explain.ts';
import ImportApache from '../../src/commands/import/apache.ts';
import ImportCompose from '../../src/commands/import/compose.ts';
import Logs from '../../src/commands/logs.ts';
import Plan from '../../src/commands/plan.ts';
import Remove from '../../src/commands/remove.ts';
import Render from '../../src/commands/render.ts';
import Rollback from '../../src/commands/rollback.ts';
import Status from '../../src/commands/status.ts';
import Tls from '../../src/commands/tls.ts';
import Validate from '../../src/commands/validate.ts';
import Verify from '../../src/commands/verify.ts';
import { plan, deploy } from '../../src/ops/deploy.ts';
import { printDefinition } from '../../src/importers/yaml.ts';
import { runCommand } from '../support/command.ts';
import { World } from '../support/world.ts';
import { definition } from './support/definitions.ts';
import { claim, figures, LONG, printFigures, tryMany } from './support/measure.ts';

const dir = mkdtempSync(join(tmpdir(), 'hostctl-words-'));
beforeAll(() => {
  mkdirSync(join(dir, 'projects'));
  mkdirSync(join(dir, 'site'));
  writeFileSync(join(dir, 'hostctl.yaml'), `data: ${dir}/data\n`);
  writeFileSync(
    join(dir, 'projects/good.yaml'),
    'hostnames: [a.org]\napps: { web: { runtime: static, source: ../site } }\n',
  );
});
afterAll(() => {
  rmSync(dir, { recursive: true });
  printFigures();
});

const COMMANDS = {
  check: Check,
  deploy: Deploy,
  explain: Explain,
  'import apache': ImportApache,
  'import compose': ImportCompose,
  logs: Logs,
  plan: Plan,
  remove: Remove,
  render: Render,
  rollback: Rollback,
  status: Status,
  tls: Tls,
  validate: Validate,
  verify: Verify,
};

const odd = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '-',
    '--',
    '---',
    '-x',
    '--x',
    '--json',
    '--json=x',
    '--wait',
    '--wait=1y',
    '--wait=-1',
    '--all',
    '-C',
    '--workspace=',
    '--out',
    '--out=/dev/null/x',
    '--define',
    '--define=x',
    '--define==',
    '--source=a=b',
    '--follow',
    '--tail=NaN',
    '--tail=-1',
    '--since=x',
    '--force',
    '--print',
    '--hostname=*',
    'good',
    'good.yaml',
    '../good',
    '/etc/passwd',
    '/dev/zero',
    '.',
    '..',
    '*',
    'http://a.org/',
    'http://',
    'a.org/%zz',
    'http://a.org:99999/',
    '//',
    'nginx',
    'traefik',
    'labels',
    '__proto__',
    'constructor',
    'toString',
    '\u0000',
    '\u001b[2J',
    '\u202e',
    'é',
    '日本',
    '\ud800',
    '--help',
    'x'.repeat(10_000),
    '--yes',
    '--to=1',
    '--to=x',
    '1',
    '-1',
    '1e9',
  ),
  fc.string({ unit: 'binary', maxLength: 10 }),
);

/** Only the escape codes of a terminal would be more than text. */
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f]/;

async function tryWords(
  name: keyof typeof COMMANDS,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  const command = COMMANDS[name];
  command.id = name.replace(' ', ':');
  const { code, out, err } = await runCommand(command, words, { HOSTCTL_WORKSPACE: dir, ...env });
  claim([0, 1, 2, 3, 4, 5, 6, 7].includes(code), `ends with ${code}`);
  claim(!`${out}${err}`.includes('This is a bug'), `a bug: ${err.slice(0, 600)}`);
  claim(!UNPRINTABLE.test(`${out}${err}`), `a control character: ${JSON.stringify(`${out}${err}`.slice(0, 300))}`);
  claim(code === 0 || out !== '' || err !== '', 'ends without a word');
  return code === 0;
}

test('words of a command line', async () => {
  const inputs = fc.tuple(
    fc.constantFrom(...(Object.keys(COMMANDS) as (keyof typeof COMMANDS)[])),
    fc.array(odd, { maxLength: 4 }),
  );
  const failures = await tryMany(figures('command lines'), LONG ? 5000 : 250, inputs, ([name, words]) =>
    tryWords(name, words, {}),
  );
  expect(failures).toEqual([]);
});

test('variables of the environment', async () => {
  const value = fc
    .oneof(
      fc.constantFrom(
        '',
        '/',
        'unix://',
        'unix:///',
        'unix:///nowhere',
        `unix://${'/x'.repeat(200)}`,
        'unix:///dev/null',
        'tcp://127.0.0.1:1',
        'ssh://x',
        'npipe://',
        'http://',
        ':',
        '..',
        '/dev/null',
        '/dev/zero',
        '1',
        '0',
        'true',
        'dumb',
        '-1',
        '99999',
        'é',
        '\u001b[2J',
        'x'.repeat(10_000),
      ),
      fc.string({ maxLength: 12 }),
    )
    .map((text) => text.replaceAll('\u0000', ''));
  const names = fc.constantFrom(
    'DOCKER_HOST',
    'DOCKER_CONFIG',
    'HOSTCTL_WORKSPACE',
    'FORCE_COLOR',
    'COLUMNS',
    'TERM',
    'HOME',
    'USER',
    'LANG',
    'TZ',
    'CI',
    'DEBUG_X',
    'XDG_CONFIG_HOME',
    'TMPDIR',
  );
  const inputs = fc.tuple(
    fc.constantFrom<keyof typeof COMMANDS>('status', 'plan', 'validate', 'check', 'render'),
    fc.dictionary(names, value, { maxKeys: 3, noNullPrototype: true }),
  );
  const failures = await tryMany(figures('environments'), LONG ? 3000 : 120, inputs, ([name, env]) =>
    tryWords(name, name === 'render' ? ['nginx'] : [], env),
  );
  expect(failures).toEqual([]);
});

test('a plan after a deploy has nothing to do', async () => {
  const row = figures('deploys in memory');
  const failures = await tryMany(row, LONG ? 400 : 12, definition, async (value) => {
    const world = await World.with({ site: printDefinition(value) });
    world.source('app', { 'package.json': '{}', 'requirements.txt': 'Flask', 'media/a.txt': 'A', 'robots.txt': 'R' });
    world.source('django', {
      'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.settings")',
      'requirements.txt': 'Django',
    });
    world.source('docker', { Dockerfile: 'FROM busybox' });
    world.source('pages', { htpasswd: 'ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n', '404.html': 'none' });
    const [outcome] = await deploy(['site'], world, { wait: 0 });
    if (outcome?.error !== undefined) throw outcome.error;
    const before = [world.engine.writes.length, world.host.writes.length];
    const planned = await plan(['site'], world);
    const steps = [
      ...planned.host,
      ...planned.projects.flatMap(({ before, route, after }) => [...before, ...(route ? [route] : []), ...after]),
    ];
    claim(steps.length === 0, `still to do: ${steps.map(({ do: what }) => what).join(', ')}`);
    claim(
      before[0] === world.engine.writes.length && before[1] === world.host.writes.length,
      'a plan changed something',
    );
    return true;
  });
  expect(failures).toEqual([]);
  expect(row.good).toBeGreaterThan(0);
});
