import { expect, test } from 'vitest';
import { independent } from '../../src/core/salvage.ts';

test('findings behind a list item that was cut out keep their place in the file', () => {
  const found = independent(
    [
      { path: ['hostnames', 1], message: 'm' },
      { path: ['apps', 'web'], message: 'n' },
    ],
    [
      ['hostnames', 0],
      ['hostnames', 0],
    ],
  );
  expect(found.map((item) => item.path)).toEqual([
    ['hostnames', 3],
    ['apps', 'web'],
  ]);
});

test('what only follows from a cut is left out', () => {
  expect(independent([{ path: ['apps', 'web'], message: 'no runtime' }], [['apps', 'web', 'runtim']])).toEqual([]);
});

test('what a cut has no say in is kept', () => {
  const found = independent(
    [{ path: ['apps', 'web'], message: '`image` and `dockerfile` exclude each other' }],
    [['apps', 'web', 'limits', 'memory']],
  );
  expect(found).toHaveLength(1);
});
