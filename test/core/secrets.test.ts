import { describe, expect, test } from 'vitest';
import { fromInput, redact, Secret } from '../../src/core/secret.ts';
import { exportSecrets, secretFiles, secretsOf, versionsFor } from '../../src/core/secrets.ts';
import type { Desired } from '../../src/core/state.ts';
import { brief, check } from '../support/definitions.ts';

const app = (...lines: string[]): string =>
  `hostnames: [www.example.org]\napps:\n  web:\n    runtime: node\n    source: /src/app\n${lines.map((line) => `    ${line}\n`).join('')}`;

describe('secrets of an app', () => {
  test('are files, and variables where the definition says so', async () => {
    const { project, problems } = await check(
      app('secrets: [TOKEN, { name: KEY, env: true }, { name: plain }, { name: off, env: false }]'),
    );
    expect(problems).toEqual([]);
    const web = project!.apps[0]!;
    expect(web.secrets).toEqual([
      { name: 'TOKEN', env: false },
      { name: 'KEY', env: true },
      { name: 'plain', env: false },
      { name: 'off', env: false },
    ]);
    expect(secretFiles(web)).toEqual({
      TOKEN_FILE: '/run/secrets/TOKEN',
      plain_FILE: '/run/secrets/plain',
      off_FILE: '/run/secrets/off',
    });
    expect(exportSecrets(web)).toBe('KEY=$(cat /run/secrets/KEY && echo .) || exit 1; KEY=${KEY%?}; export KEY; ');
    expect(versionsFor(web, { TOKEN: 3, KEY: 1, plain: 2, off: 7, other: 9 })).toEqual({
      TOKEN: 3,
      KEY: 1,
      plain: 2,
      off: 7,
    });
  });

  test('are none unless they are named', async () => {
    const { project } = await check(app());
    const web = project!.apps[0]!;
    expect([web.secrets, secretFiles(web), exportSecrets(web), versionsFor(web, { TOKEN: 1 })]).toEqual([
      [],
      {},
      '',
      {},
    ]);
  });

  const twice = 'take it out there, or give the secret another name';
  test.each<[string, string[], string[]]>([
    [
      'the same one again',
      ['secrets: [TOKEN, TOKEN]'],
      ['6:22 apps.web.secrets[1]: the secret `TOKEN` is named twice'],
    ],
    [
      'the same one again, as a variable',
      ['secrets: [TOKEN, { name: TOKEN, env: true }]'],
      ['6:22 apps.web.secrets[1]: the secret `TOKEN` is named twice'],
    ],
    [
      'two for one variable',
      ['secrets: [TOKEN, { name: TOKEN_FILE, env: true }]'],
      [
        `6:22 apps.web.secrets[1]: the secret \`TOKEN_FILE\` sets the variable \`TOKEN_FILE\`, and so does the secret \`TOKEN\` → ${twice}`,
      ],
    ],
    [
      'a variable that `env` sets',
      ['env: { TOKEN: x }', 'secrets: [{ name: TOKEN, env: true }]'],
      [`7:15 apps.web.secrets[0]: the secret \`TOKEN\` sets the variable \`TOKEN\`, and so does \`env\` → ${twice}`],
    ],
    [
      'the variable of a file that `env` sets to something else',
      ['env: { TOKEN_FILE: /tmp/TOKEN }', 'secrets: [TOKEN]'],
      [
        `7:15 apps.web.secrets[0]: the secret \`TOKEN\` sets the variable \`TOKEN_FILE\`, and so does \`env\` → ${twice}`,
      ],
    ],
    [
      'a variable that `env` sets to the path of a file',
      ['env: { TOKEN: /run/secrets/TOKEN }', 'secrets: [{ name: TOKEN, env: true }]'],
      [`7:15 apps.web.secrets[0]: the secret \`TOKEN\` sets the variable \`TOKEN\`, and so does \`env\` → ${twice}`],
    ],
  ])('are refused: %s', async (_, lines, expected) => {
    expect(brief((await check(app(...lines))).problems)).toEqual(expected);
  });

  test.each<[string, string[]]>([
    [
      'the path of a file is written out in `env` as well',
      ['env: { TOKEN_FILE: /run/secrets/TOKEN }', 'secrets: [TOKEN]'],
    ],
    ['`env` has another name', ['env: { TOKEN: x }', 'secrets: [TOKEN]']],
    ['one is a file and another a variable', ['secrets: [TOKEN, { name: KEY, env: true }]']],
  ])('are taken where %s', async (_, lines) => {
    expect(brief((await check(app(...lines))).problems)).toEqual([]);
  });

  test('need a user they are for', async () => {
    const image = (more: string): string =>
      `hostnames: [www.example.org]\napps:\n  web: { image: "shop:1", port: 80, relax: [{ allow: image-user, reason: its uid is its own }]${more} }\n`;
    expect(brief((await check(image(''))).problems)).toEqual([]);
    expect(brief((await check(image(', secrets: [TOKEN]'))).problems)).toEqual([
      "3:97 apps.web.secrets: a secret is for one user, and `relax: image-user` leaves the user to the image → leave `image-user` out: most images work with a user of hostctl's",
    ]);
    const other = image(', secrets: [TOKEN]').replace('image-user', 'writable-rootfs');
    expect(brief((await check(other)).problems)).toEqual([]);
  });
});

test('a release says which version of each secret its apps have', () => {
  const workloads = [
    { app: 'web', secrets: { files: 'f', versions: { TOKEN: 2, KEY: 1 } } },
    { app: 'web', secrets: { files: 'g', versions: { TOKEN: 2, KEY: 1 } } },
    { app: 'job' },
    { app: 'api', secrets: { files: 'h', versions: { TOKEN: 1 } } },
  ];
  expect(secretsOf({ workloads } as unknown as Desired)).toEqual({ web: { TOKEN: 2, KEY: 1 }, api: { TOKEN: 1 } });
});

describe('a value', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const text = (value: Uint8Array): string => Buffer.from(value).toString();

  test.each([
    ['word', 'word'],
    ['word\n', 'word'],
    ['word\n\n', 'word\n'],
    ['word\r\n', 'word\r'],
    ['a\nb', 'a\nb'],
    ['\n', ''],
    ['', ''],
  ])('that is piped in as %j is %j', (given, kept) => {
    expect(text(fromInput(bytes(given)))).toBe(kept);
  });

  test('is the same as another with the same bytes', () => {
    expect(new Secret(bytes('abc')).equals(new Secret(bytes('abc')))).toBe(true);
    expect(new Secret(bytes('abc')).equals(new Secret(bytes('abd')))).toBe(false);
    expect(new Secret(bytes('abc')).equals(new Secret(bytes('ab')))).toBe(false);
  });

  test.each<[what: string, said: string, values: string[], shown: string]>([
    ['everywhere', 'hunter2 and hunter2', ['hunter2'], '*** and ***'],
    ['as base64', `is ${Buffer.from('hunter2').toString('base64')}`, ['hunter2'], 'is ***'],
    ['line by line', 'first line|second line', ['first line\r\nsecond line'], '***|***'],
    ['the longer one first', 'hunter2hunter2 hunter2', ['hunter2', 'hunter2hunter2'], '*** ***'],
    ['from six characters on', 'secret', ['secret'], '***'],
    ['not below', 'short', ['short'], 'short'],
  ])('is taken out of what is shown: %s', (_, said, values, shown) => {
    expect(
      redact(
        said,
        values.map((value) => new Secret(bytes(value))),
      ),
    ).toBe(shown);
  });
});
