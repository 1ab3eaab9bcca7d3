import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { projectSchema } from '../../src/core/schema.ts';
import { checkSchema } from '../../src/core/check.ts';
import { parseYaml } from '../../src/core/yaml.ts';

const fragments = [
  'a',
  'apps',
  ':',
  ' ',
  '\n',
  '  ',
  '-',
  '{',
  '}',
  '[',
  ']',
  '&a',
  '*a',
  '"',
  "'",
  '|',
  '>',
  '#',
  '!!str',
  '? ',
  'hostnames',
  'web',
  '\t',
  '<<',
  '~',
  '---',
  '%',
  '@',
  '\u0000',
  '\ud83d\ude00',
];

/** Words of the parser that mean nothing to somebody who writes a definition. */
const LIBRARY = /implicit|YAML\.|stringKeys|tag:yaml|flow (map|seq|collection)|unexpected|unresolved|scalar|node/i;

test('no text makes it throw, hang or hand out something it did not check', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 6 })), { maxLength: 60 }),
      (parts) => {
        const since = performance.now();
        const result = parseYaml('a.yaml', parts.join(''));
        if (result.ok) {
          const checked = checkSchema(projectSchema, result.file);
          for (const flaw of result.file.flaws) expect(flaw.line).toBeGreaterThan(0);
          if (!checked.ok) {
            for (const problem of result.file.problems(checked.findings)) {
              expect(problem.line).toBeGreaterThanOrEqual(0);
              expect(problem.length).toBeGreaterThanOrEqual(1);
            }
          }
        } else {
          expect(result.problems.length).toBeGreaterThan(0);
          for (const { message } of result.problems) expect(message).not.toMatch(LIBRARY);
        }
        expect(performance.now() - since).toBeLessThan(1000);
      },
    ),
    { numRuns: 3000 },
  );
});

test('anchors and aliases work in moderation', () => {
  const result = parseYaml('a.yaml', 'a: &limits { memory: 1G }\nb: *limits\n');
  expect(result.ok && result.file.value).toEqual({ a: { memory: '1G' }, b: { memory: '1G' } });
});

test('a key may be an anchor too', () => {
  const result = parseYaml('a.yaml', '&name a: 1\nb: *name\n');
  expect(result.ok && result.file).toMatchObject({ value: { a: 1, b: 'a' }, flaws: [] });
});

test('a problem in an aliased value points at the alias', () => {
  const result = parseYaml('a.yaml', 'a: &x 1\nb: *x\n');
  expect(result.ok && result.file.problems([{ path: ['b'], message: 'm' }])[0]).toMatchObject({ line: 2, column: 4 });
});

describe('the parser is spared what it would take long for:', () => {
  const said = (text: string): string[] => {
    const result = parseYaml('a.yaml', text);
    return result.ok ? [] : result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  };
  const lines = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('');

  test('more than 200 anchors', () => {
    expect(said(lines(200, (index) => `k${index}: &a${index} 1\n`))).toEqual([]);
    expect(said(lines(202, (index) => `k${index}: &a${index} 1\n`))).toEqual([
      '201:7 holds more than 200 anchors and aliases',
    ]);
    // Neither of these begins one.
    expect(said(lines(202, (index) => `k${index}: a&b*c "& * x"\n`))).toEqual([]);
  });

  test('more than 200 brackets at once', () => {
    const open = (count: number): string => `a: ${'['.repeat(count)}${']'.repeat(count)}\n`;
    expect(said(open(201))).toEqual(['1:204 is nested more than 40 levels deep']);
    expect(said(open(200))).not.toContain('1:204 is nested more than 40 levels deep');
    expect(said(`a: ${'{'.repeat(201)}`)).toEqual(['1:204 is nested more than 40 levels deep']);
    expect(said(lines(300, (index) => `k${index}: [{}]\n`))).toEqual([]);
    expect(said(`a: "${']'.repeat(50)}"\nb: "${'['.repeat(200)}"\n`)).toEqual([]);
    expect(said(`a: "${'[}'.repeat(300)}"\n`)).toEqual([]);
  });

  test('more than 200 columns', () => {
    const deep = (count: number): string => lines(count, (index) => `${' '.repeat(index)}a:\n`);
    expect(said(deep(201))).toEqual(['201:201 is nested more than 40 levels deep']);
    expect(said(deep(200))).not.toContain('200:200 is nested more than 40 levels deep');
    expect(said(`a:\n  ${'- '.repeat(201)}b\n`)).toEqual(['2:401 is nested more than 40 levels deep']);
    expect(said(lines(300, (index) => `k${index}:\n  - a\n`))).toEqual([]);
  });

  test('more than 40 levels of what was read', () => {
    const nested = (count: number): string => lines(count, (index) => `${' '.repeat(index)}a:\n`);
    expect(said(nested(40))).toEqual([]);
    expect(said(`${nested(40)}${' '.repeat(40)}a: 1\n`)).toEqual(['41:44 is nested more than 40 levels deep']);
  });
});

test.each([
  ['a: [1, 2', 'a bracket is never closed'],
  ['a: "b', 'a quote is never closed'],
  ['a: 1\n\tb: 2', 'indented with a tab: use spaces'],
  ['a: b: c', 'a second colon on one line: put the value in quotes'],
  ['a: 1\nb', 'a key without a colon: write `key: value`'],
  ['a: 1\n---\nb: 2', 'holds several documents: keep one, without `---`'],
  ['a: [1,, 2]', 'a comma too many'],
  ['a: @b', 'a text cannot start like this: put it in quotes'],
  ['a: "\\q"', '`\\q` is no escape: write two backslashes, or single quotes'],
  ['a: !thing b', '`!thing` is a YAML tag, which definitions do not use: remove it, or put the text in quotes'],
  ['a: &x &y 1', 'one value has two anchors'],
  ['a: "b"#c', 'write a space before `#`, or put the text in quotes'],
  ['? [a]\n: b', 'a key is text: put it in quotes'],
  ['{a:1}}', '`}` cannot stand here'],
  ['a: 1\n  b: 2', 'a second colon on one line: put the value in quotes'],
])('%j is told in words of ours', (text, message) => {
  const result = parseYaml('a.yaml', `${text}\n`);
  expect(result.ok ? [] : result.problems.map((problem) => problem.message)).toContain(message);
});

describe('a problem', () => {
  const [text, file] = ['one: 1\ntwo: [a, b]\nthree:\n  four: x\n  five: y\nsix:\n', 'a.yaml'];
  const result = parseYaml(file, text);
  const at = (path: (string | number)[], on?: 'key' | 'value') => {
    if (!result.ok) throw new Error('not read');
    const [problem] = result.file.problems([{ path, message: 'm', ...(on ? { on } : {}) }]);
    return `${problem!.line}:${problem!.column}+${problem!.length} ${problem!.path}`;
  };

  test.each<[(string | number)[], 'key' | 'value' | undefined, string]>([
    [['one'], undefined, '1:6+1 one'],
    [['one'], 'key', '1:1+3 one'],
    [['two'], undefined, '2:1+3 two'],
    [['two', 1], undefined, '2:10+1 two[1]'],
    [['two', 7], undefined, '2:1+3 two[7]'],
    [['two', 'x'], undefined, '2:1+3 two.x'],
    [['three'], undefined, '3:1+5 three'],
    [['three', 'four'], undefined, '4:9+1 three.four'],
    [['three', 'four'], 'key', '4:3+4 three.four'],
    [['three', 'none'], undefined, '3:1+5 three.none'],
    [['three', 'five', 'deeper'], undefined, '5:9+1 three.five.deeper'],
    [['six'], undefined, '6:1+3 six'],
    [['none'], undefined, '1:1+1 none'],
  ])('at %j, %j stands at %s', (path, on, place) => {
    expect(at(path, on)).toBe(place);
  });

  test('is shown with the lines around it', () => {
    if (!result.ok) throw new Error('not read');
    const lines = (path: string[]) => result.file.problems([{ path, message: 'm' }])[0]!.excerpt;
    expect(lines(['one'])).toEqual([
      { line: 1, text: 'one: 1' },
      { line: 2, text: 'two: [a, b]' },
    ]);
    expect(lines(['three', 'four'])).toEqual([
      { line: 3, text: 'three:' },
      { line: 4, text: '  four: x' },
      { line: 5, text: '  five: y' },
    ]);
  });

  test('knows how a value was written', () => {
    const read = parseYaml(file, 'a: 1e3\nb: "80"\nc:\nd: [x]\n');
    if (!read.ok) throw new Error('not read');
    expect([['a'], ['b'], ['c'], ['d'], ['d', 0], ['e']].map((path) => read.file.sourceOf(path))).toEqual([
      '1e3',
      '"80"',
      '',
      undefined,
      'x',
      undefined,
    ]);
    expect(read.file.oddNumbers).toEqual([
      { path: ['a'], message: '`1e3` is not written as a plain number', hint: 'write 1000' },
    ]);
  });

  test('of a key that is given twice points at the second', () => {
    const twice = parseYaml(file, 'a: 1\nb: 2\na: 3\n');
    expect(twice.ok && twice.file.flaws.map(({ line, message, hint }) => [line, message, hint])).toEqual([
      [3, '`a` is given twice, first on line 1', 'keep one of them'],
    ]);
  });

  test.each([
    ['a: \u0007', 'holds the invisible character U+0007', 'delete it'],
    [`a: ${'x'.repeat(128 * 1024)}`, 'the file is larger than 128 KiB', undefined],
    ['__proto__: 1', '`__proto__` cannot be used as a key', undefined],
    ['constructor: 1', '`constructor` cannot be used as a key', undefined],
    ['a: { prototype: 1 }', '`prototype` cannot be used as a key', undefined],
  ])('of the text as a whole', (hostile, message, hint) => {
    const read = parseYaml(file, hostile);
    expect(read.ok ? [] : read.problems.map((problem) => [problem.message, problem.hint])).toEqual([[message, hint]]);
  });
});
