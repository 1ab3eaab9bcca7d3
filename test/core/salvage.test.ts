import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MOST_ISSUES } from '../../src/core/check.ts';
import { independent, salvage } from '../../src/core/salvage.ts';
import { parseYaml, type YamlFile } from '../../src/core/yaml.ts';

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

test('findings in front of a cut, in other lists and beside it stay where they are', () => {
  const found = independent(
    [
      { path: ['hostnames', 0], message: 'in front' },
      { path: ['hostnames', 1, 'x'], message: 'behind' },
      { path: ['other', 1], message: 'another list' },
      { path: ['hostnames', 'a'], message: 'no number' },
    ],
    [['hostnames', 1]],
  );
  expect(found).toEqual([
    { path: ['hostnames', 0], message: 'in front' },
    { path: ['hostnames', 2, 'x'], message: 'behind' },
    { path: ['other', 1], message: 'another list' },
    { path: ['hostnames', 'a'], message: 'no number' },
  ]);
});

test.each<[string, (string | number)[], boolean]>([
  ['what was cut out', ['apps', 'web', 'path'], false],
  ['what stood in it', ['apps', 'web', 'path', 'x'], false],
  ['the mapping it stood in', ['apps', 'web'], false],
  ['what stands above', ['apps'], false],
  ['its neighbour', ['apps', 'web', 'port'], true],
  ['the same key elsewhere', ['apps', 'api', 'path'], true],
])('a finding about %s is kept or follows from it', (_, path, kept) => {
  expect(independent([{ path, message: 'm' }], [['apps', 'web', 'path']])).toHaveLength(kept ? 1 : 0);
});

describe('what is left of a file', () => {
  const file = (text: string): YamlFile => {
    const read = parseYaml('a.yaml', text);
    if (!read.ok) throw new Error(read.problems[0]!.message);
    return read.file;
  };
  const schema = z.strictObject({
    name: z.string(),
    list: z.array(z.int()).optional(),
    deep: z.strictObject({ a: z.int().optional(), b: z.strictObject({ c: z.int() }).optional() }).optional(),
  });

  test('is all of one that fits', () => {
    expect(salvage(schema, file('name: a\nlist: [1]\n'))).toEqual({ value: { name: 'a', list: [1] }, cut: [] });
  });

  test('is what does not fit cut out, list items from behind, and the file itself stays as it was', () => {
    const whole = file('name: a\nlist: [x, 1, y]\nodd: 1\ndeep: { a: x, b: { c: 1 } }\n');
    const left = salvage(schema, whole)!;
    expect(left.value).toEqual({ name: 'a', list: [1], deep: { b: { c: 1 } } });
    expect(left.cut.map((path) => path.join('.')).toSorted()).toEqual(['deep.a', 'list.0', 'list.2', 'odd']);
    expect(left.cut.findIndex((path) => path[1] === 2)).toBeLessThan(left.cut.findIndex((path) => path[1] === 0));
    expect(whole.value).toMatchObject({ list: ['x', 1, 'y'], odd: 1 });
  });

  test('loses what cannot be without a part that is cut out', () => {
    expect(salvage(schema, file('name: a\ndeep: { b: { c: x } }\n'))).toEqual({
      value: { name: 'a', deep: {} },
      cut: [
        ['deep', 'b', 'c'],
        ['deep', 'b'],
      ],
    });
  });

  test('gets a stand-in for what must be there, once it is needed', () => {
    expect(salvage(schema, file('name: 1\n'), { name: 'stand-in' })).toEqual({
      value: { name: 'stand-in' },
      cut: [['name'], ['name']],
    });
    expect(salvage(schema, file('name: a\nodd: 1\n'), { name: 'stand-in' })?.value).toEqual({ name: 'a' });
  });

  test.each(['- a\n', 'text\n', '', '7\n'])('is nothing of %j, which is no mapping', (text) => {
    expect(salvage(schema, file(text))).toBeUndefined();
  });

  test('is nothing where a key is missing and nothing stands in for it', () => {
    expect(salvage(schema, file('list: [1]\n'))).toBeUndefined();
  });

  test('is nothing where too much is wrong', () => {
    const wrong = (count: number): YamlFile =>
      file(`name: a\nlist: [${Array.from({ length: count }, () => 'x').join(', ')}]\n`);
    expect(salvage(schema, wrong(MOST_ISSUES - 1))?.value).toEqual({ name: 'a', list: [] });
    expect(salvage(schema, wrong(MOST_ISSUES))).toBeUndefined();
  });
});
