import { describe, expect, test } from 'vitest';
import {
  containerName,
  edgeNetwork,
  egressNetwork,
  groupName,
  groupNames,
  hashOf,
  innerNetwork,
  MOST_REPLICAS,
  networkName,
  partName,
  SECRET_NAME,
} from '../../src/core/names.ts';

const SPEC = 'c1f6c87aaaaaaaaaaaaa';

describe('a hash', () => {
  test('is that of the version before: an upgrade alone makes no container anew', () => {
    expect(hashOf({ image: 'shop:1', ports: [80, null], more: { b: 1, a: 'x' } })).toBe(
      '438dffdce69cb8e44bb304f3aac72b84738f8ec5',
    );
    expect(hashOf({ image: 'shop:1', ports: [80, null], more: { b: 1, a: 'x' } }, 10)).toBe('438dffdce6');
  });

  test('does not know in which order keys were written, nor keys without a value', () => {
    expect(hashOf({ a: 1, b: { c: 2, d: 3 } })).toBe(hashOf({ b: { d: 3, c: 2 }, a: 1 }));
    expect(hashOf({ a: 1, b: undefined })).toBe(hashOf({ a: 1 }));
  });

  test.each<[string, unknown, unknown]>([
    ['the order of a list', [1, 2], [2, 1]],
    ['where a list ends', [[1], 2], [[1, 2]]],
    ['a list and its only item', [1], 1],
    ['a number and its digits', { a: 1 }, { a: '1' }],
    ['a key and its value', { a: 'b' }, { b: 'a' }],
    ['none and null', { a: null }, {}],
    ['where a word ends', ['a', 'b'], ['a,b']],
    ['a mapping and a list', {}, []],
  ])('tells %s apart', (_, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  test('takes nothing at a place of a list as null', () => {
    expect(hashOf([undefined])).toBe(hashOf([null]));
  });
});

test('a container has the names of its project and app, and its number from the second on', () => {
  expect(containerName('shop', 'web', SPEC, 1)).toBe('shop-web-c1f6c87');
  expect(containerName('shop', 'web', SPEC, 2)).toBe('shop-web-c1f6c87-2');
  expect(groupName('shop', 'web', SPEC, 3)).toBe('shop-web-c1f6c87-of3');
});

test('a replica is in every group that is large enough for it', () => {
  const all = Array.from({ length: MOST_REPLICAS }, (_, index) => `shop-web-c1f6c87-of${index + 1}`);
  expect(groupNames('shop', 'web', SPEC, 1)).toEqual(all);
  expect(groupNames('shop', 'web', SPEC, 3)).toEqual(all.slice(2));
  expect(groupNames('shop', 'web', SPEC, MOST_REPLICAS)).toEqual(['shop-web-c1f6c87-of32']);
});

test('what all share has the name of the instance in it', () => {
  expect([
    networkName('hostctl', 'shop'),
    egressNetwork('hostctl'),
    edgeNetwork('hostctl'),
    innerNetwork('hostctl'),
    partName('hostctl', 'proxy'),
  ]).toEqual(['hostctl_shop', 'hostctl.egress', 'hostctl.edge', 'hostctl.inner', 'hostctl-proxy']);
});

test.each([
  ['TOKEN', true],
  ['_a1', true],
  ['a'.repeat(64), true],
  ['a'.repeat(65), false],
  ['1a', false],
  ['a-b', false],
  ['a.b', false],
  ['', false],
  ['a b', false],
  ['ä', false],
])('the name of a secret may be %j: %j', (name, fits) => {
  expect(SECRET_NAME.test(name)).toBe(fits);
});
