import { beforeAll, describe, expect, test } from 'vitest';
import { checkLiterals } from '../../src/core/check-secrets.ts';
import type { Project } from '../../src/core/model.ts';
import { check } from '../support/definitions.ts';

let plain: Project;
beforeAll(async () => {
  plain = (await check('apps:\n  job: { image: job }\n  api: { image: api }\n', 'shop')).project!;
});
const warned = (env: Record<string, string>): string[] =>
  checkLiterals({ ...plain, apps: plain.apps.map((app) => (app.name === 'api' ? { ...app, env } : app)) }).map(
    ({ path }) => path.join(' '),
  );

/** Four bits each; twelve characters are the least that is looked at. */
const RANDOM = 'aB3$eF6&hJ9k';

describe('tokens of well-known services, whatever the variable is called', () => {
  test.each([
    ...['ghp_', 'gho_', 'ghs_', 'ghu_'].map((begin) => begin + 'a'.repeat(20)),
    `github_pat_${'a'.repeat(20)}`,
    `glpat-${'a'.repeat(16)}`,
    ...['a', 'b', 'p', 'r', 's'].map((kind) => `xox${kind}-${'1'.repeat(10)}`),
    `sk_live_${'a'.repeat(10)}`,
    `rk_live_${'a'.repeat(10)}`,
    `sk-${'a'.repeat(20)}`,
    `AKIA${'A2'.repeat(8)}`,
    `AIza${'a'.repeat(30)}`,
    `SG.${'a'.repeat(16)}`,
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----\nabc',
    'postgres://shop:word@db/shop',
    'REDIS+TLS://:word@db',
  ])('%s', (value) => {
    expect(warned({ X: value })).toEqual(['apps api env X']);
  });

  test.each([
    'ghx_aaaaaaaaaaaaaaaaaaaa',
    'ghp_aaaaaaaaaaaaaaaaaaa',
    'x ghp_aaaaaaaaaaaaaaaaaaaa',
    'xoxz-1111111111',
    'sk_test_aaaaaaaaaa',
    `AKIA${'A2'.repeat(8)}X`,
    `AKIA${'a2'.repeat(8)}`,
    '-----BEGIN CERTIFICATE-----',
    'see postgres://shop:word@db/shop',
    'postgres://shop:abc@db/shop',
    'postgres://db/shop',
    'postgres://shop@db/shop',
    '1postgres://shop:word@db/shop',
    'https://a.org/b:word@c',
  ])('not %s', (value) => {
    expect(warned({ X: value })).toEqual([]);
  });
});

describe('long and random values of variables that are called so', () => {
  test.each([
    'PASSWORD',
    'DB_PASSWORD',
    'db_passwd',
    'SECRET_KEY',
    'MY_TOKEN',
    'API_KEY',
    'APIKEY',
    'PRIVATE_KEY',
    'privatekey',
  ])('%s', (key) => {
    expect(warned({ [key]: RANDOM })).toEqual([`apps api env ${key}`]);
  });

  test.each([
    ['KEY', RANDOM],
    ['PASSWORD_FILE', RANDOM],
    ['PASSWORD', RANDOM.slice(1)],
    ['PASSWORD', `${RANDOM.slice(0, 6)} ${RANDOM.slice(6)}`],
    ['PASSWORD', `/${RANDOM}`],
    // Seven different characters in twelve are less than three bits each; eight in sixteen are three.
    ['PASSWORD', 'abcdefgaaaaa'],
    ['PASSWORD', 'abcdefgabcdefg'],
  ])('not %s=%s', (key, value) => {
    expect(warned({ [key]: value })).toEqual([]);
  });

  test('of just enough bits', () => {
    expect(warned({ PASSWORD: 'abcdefghabcdefgh', PASSWORD_FILES: RANDOM, SECRET: `a/${RANDOM}` })).toEqual([
      'apps api env PASSWORD',
      'apps api env PASSWORD_FILES',
      'apps api env SECRET',
    ]);
  });
});

test('the warning says what to do, and the value is not shown', () => {
  const [app] = plain.apps;
  expect(checkLiterals({ ...plain, apps: [{ ...app!, env: { TOKEN: RANDOM } }] })).toEqual([
    {
      level: 'warning',
      topic: 'definitions',
      project: 'shop',
      path: ['apps', 'job', 'env', 'TOKEN'],
      on: 'key',
      hidden: true,
      message: '`TOKEN` looks like a password or a key, which everyone who may use the engine can read there',
      hint: 'take another one, `hostctl secrets set shop TOKEN`, and write `secrets: [TOKEN]`',
    },
  ]);
});
