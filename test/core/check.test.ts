import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkSchema } from '../../src/core/check.ts';
import { projectSchema } from '../../src/core/schema.ts';
import { parseYaml } from '../../src/core/yaml.ts';

function told(schema: z.ZodType, text: string): string[] {
  const parsed = parseYaml('a.yaml', text);
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  const checked = checkSchema(schema, parsed.file);
  if (checked.ok) return [];
  return checked.findings.map(
    ({ path, on, message, hint }) =>
      `${path.join('.')}${on ? ` (${on})` : ''}: ${message}${hint === undefined ? '' : ` → ${hint}`}`,
  );
}
const project = (text: string): string[] => told(projectSchema, text);

const INNER = z.strictObject({ deep: z.string().optional(), depth: z.int().optional() });
const ALL = z.strictObject({
  text: z.string().optional(),
  list: z.array(z.strictObject({ first: z.string().optional(), second: z.string().optional() })).optional(),
  map: z.record(z.string().regex(/^[a-z]+$/, 'a name is of small letters'), INNER).optional(),
  either: z.union([z.string(), INNER], 'write a text or a mapping').optional(),
  kind: z.enum(['alpha', 'beta'], 'write one of alpha, beta').optional(),
  number: z.number('write a number').optional(),
});

describe('unknown keys', () => {
  test.each<[what: string, text: string, ...expected: string[]]>([
    ['at the top', 'texd: a', 'texd (key): unknown key `texd` → did you mean `text`?'],
    [
      'like none',
      'zzzzzzz: a',
      'zzzzzzz (key): unknown key `zzzzzzz` → known here: text, list, map, either, kind, number',
    ],
    ['in a list', 'list: [{}, { fist: a }]', 'list.1.fist (key): unknown key `fist` → did you mean `first`?'],
    [
      'in a list, like none',
      'list: [{ qqqqqq: a }]',
      'list.0.qqqqqq (key): unknown key `qqqqqq` → known here: first, second',
    ],
    ['under a name', 'map: { a: { depp: a } }', 'map.a.depp (key): unknown key `depp` → did you mean `deep`?'],
    [
      'under a name, like none',
      'map: { a: { qqqqqq: 1 } }',
      'map.a.qqqqqq (key): unknown key `qqqqqq` → known here: deep, depth',
    ],
    [
      'that would merge',
      '"<<": { text: a }',
      '<< (key): unknown key `<<` → merge keys are not part of YAML 1.2: repeat the values',
    ],
    [
      'several',
      'texd: a\nlisd: []',
      'texd (key): unknown key `texd` → did you mean `text`?',
      'lisd (key): unknown key `lisd` → did you mean `list`?',
    ],
  ])('%s', (_, text, ...expected) => {
    expect(told(ALL, text)).toEqual(expected);
  });

  test('of a mapping that may be something else as well', () => {
    const app = (volumes: string): string => `apps:\n  web: { image: a, volumes: { a: ${volumes} } }\n`;
    expect(project(app('{ at: /a, sharde: true }'))).toEqual([
      'apps.web.volumes.a.sharde (key): unknown key `sharde` → did you mean `shared`?',
    ]);
    expect(project(app('{ at: /a, qqqqqqq: true }'))).toEqual([
      'apps.web.volumes.a.qqqqqqq (key): unknown key `qqqqqqq` → known here: at, shared',
    ]);
  });

  test('no more than twenty are listed', () => {
    const keys = (count: number): string => Array.from({ length: count }, (_, index) => `qqqqqq${index}: a\n`).join('');
    expect(told(ALL, keys(20))).toHaveLength(20);
    expect(told(ALL, keys(21))).toHaveLength(20);
  });

  test('what is only mistyped is not missing as well', () => {
    const schema = z.strictObject({ text: z.string(), other: z.string(), map: z.record(z.string(), INNER.required()) });
    expect(told(schema, 'texd: a\nmap: { a: { depp: a, depth: 1 } }')).toEqual([
      'other (key): `other` is missing',
      'map.a.depp (key): unknown key `depp` → did you mean `deep`?',
      'texd (key): unknown key `texd` → did you mean `text`?',
    ]);
    // One of the same name elsewhere is.
    expect(told(schema, 'texd: a\nother: a\nmap: { a: { texd: a } }')).toContain('map.a.deep (key): `deep` is missing');
  });
});

describe('values', () => {
  test.each<[what: string, text: string, ...expected: string[]]>([
    ['a list for text', 'text: [a]', 'text: expected text, not a list'],
    ['a mapping for text', 'text: { a: b }', 'text: expected text, not a mapping'],
    ['a number for text', 'text: 5', 'text: expected text, not `5`'],
    ['as it is written', 'text: 0x10', 'text: expected text, not `0x10`'],
    ['a text for a list', 'list: "a"', 'list: expected a list, not `"a"`'],
    ['a text for a mapping', 'map: a', 'map: expected a mapping, not `a`'],
    ['a text for an item', 'list: [a]', 'list.0: expected a mapping, not `a`'],
    ['a fraction', 'map: { a: { depth: 1.5 } }', 'map.a.depth: expected a whole number, not `1.5`'],
    ['a text for a number, in our words', 'number: a', 'number: write a number, not `a`'],
    ['nothing for text', 'text:', 'text (key): `text` is empty: write text, or leave the key out'],
    ['nothing for a mapping', 'map:', 'map (key): `map` is empty: write a mapping, or leave the key out'],
    ['nothing, in our words', 'number:', 'number (key): `number` is empty: write a number'],
    ['a null that is written', 'text: null', 'text: expected text, not `null`'],
    ['one of a few', 'kind: bta', 'kind: write one of alpha, beta, not `bta` → did you mean `beta`?'],
    ['one of a few, like none', 'kind: qqqqqq', 'kind: write one of alpha, beta, not `qqqqqq`'],
    ['one of a few, of another type', 'kind: [a]', 'kind: write one of alpha, beta, not a list'],
    ['a name', 'map: { A: {} }', 'map.A (key): a name is of small letters'],
    ['of no kind that there is', 'either: 5', 'either: write a text or a mapping'],
  ])('%s', (_, text, ...expected) => {
    expect(told(ALL, text)).toEqual(expected);
  });

  test('a long one is cut, and one of several lines shown by what it means', () => {
    const schema = z.strictObject({ number: z.number() });
    const shown = (value: string): string => told(schema, `number: ${value}`)[0]!.replace(/^.*, not /s, '');
    expect(shown('a'.repeat(60))).toBe(`\`${'a'.repeat(60)}\``);
    expect(shown('a'.repeat(61))).toBe(`\`${'a'.repeat(60)}…\``);
    expect(shown('a\n  b')).toBe('`a b`');
  });

  test('a file of nothing', () => {
    for (const text of ['', '# nothing\n', 'null\n', '~\n']) expect(told(ALL, text)).toEqual([': the file is empty']);
    expect(told(ALL, '{}')).toEqual([]);
    expect(told(ALL, '[]')).toEqual([': expected a mapping, not a list']);
    expect(told(ALL, 'a')).toEqual([': expected a mapping, not `a`']);
    expect(told(ALL, '0')).toEqual([': expected a mapping, not `0`']);
  });

  test('one problem for each place, and no more than fifty', () => {
    const short = z.strictObject({ list: z.array(z.string().min(3, 'too short').regex(/^b/, 'begin with b')) });
    expect(told(short, 'list: [a, b, cccc]')).toEqual([
      'list.0: too short',
      'list.1: too short',
      'list.2: begin with b',
    ]);
    const many = (count: number): string => `list: [${Array.from({ length: count }, () => 'ccc').join(', ')}]`;
    expect(told(short, many(50))).toHaveLength(50);
    expect(told(short, many(60))).toHaveLength(50);
  });

  test('numbers that are written oddly are told though they fit', () => {
    expect(told(ALL, 'number: 0x10')).toEqual(['number: `0x10` is not written as a plain number → write 16']);
    expect(told(ALL, 'number: 16')).toEqual([]);
  });

  test('what fits is handed over as the schema reads it', () => {
    const parsed = parseYaml('a.yaml', 'text: a\nlist: [{ first: b }]\n');
    expect(parsed.ok && checkSchema(ALL, parsed.file)).toEqual({
      ok: true,
      value: { text: 'a', list: [{ first: 'b' }] },
    });
  });
});
