import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitsGlob } from '../../src/importers/apache/glob.ts';
import { parseApache } from '../../src/importers/apache/parse.ts';
import { printApache } from '../../src/importers/apache/print.ts';
import { type Node, splitWords } from '../../src/importers/apache/syntax.ts';

type Plain = { name: string; args: readonly string[]; body?: readonly Plain[] };

/** A tree without where it stood and how it was quoted. */
function plain(nodes: readonly Node[]): Plain[] {
  return nodes.map(({ name, args, body }) => ({ name, args, ...(body ? { body: plain(body) } : {}) }));
}

const names = (text: string): string[] => parseApache(text).nodes.map(({ name }) => name);

/** Pieces that configurations are made of, and what people and programs do to them. */
const piece = fc.constantFrom(
  '<VirtualHost *:80>',
  '</VirtualHost>',
  '<Location /a>',
  '</location>',
  '<If "%{HTTP_HOST} == \'x>y\'">',
  '</If>',
  '<',
  '>',
  '<>',
  '</>',
  '"',
  "'",
  '\\',
  '\\\n',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '# no',
  'Alias /a "/b c"',
  'ServerName ${HOST}',
  '%(host)s',
  '{{ x }}',
  '$1',
);
const configText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.oneof(piece, fc.string({ maxLength: 6 })), { maxLength: 40 }).map((parts) => parts.join('')),
);

const word = fc
  .string({ unit: 'binary', maxLength: 12 })
  .filter((text) => !/[\n]/.test(text) && text === text.replaceAll('\r\n', ''));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,10}$/);
const tree: fc.Arbitrary<Plain[]> = fc.letrec<{ list: Plain[]; one: Plain }>((tie) => ({
  list: fc.array(tie('one'), { maxLength: 4, depthIdentifier: 'apache' }),
  one: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'apache' },
    fc.record({ name, args: fc.array(word, { maxLength: 4 }) }),
    fc.record({ name, args: fc.array(word, { maxLength: 3 }), body: tie('list') }),
  ),
})).list;

describe('the parser', () => {
  test('never throws, and numbers lines that there are', () => {
    fc.assert(
      fc.property(configText, (text) => {
        const { nodes, problems } = parseApache(text);
        const last = text.split('\n').length;
        const lines = (list: readonly Node[]): number[] =>
          list.flatMap((node) => [node.line, ...lines(node.body ?? [])]);
        expect([...lines(nodes), ...problems.map(({ line }) => line)].every((line) => line >= 1 && line <= last)).toBe(
          true,
        );
      }),
      { numRuns: 3000 },
    );
  });

  test('reads what is printed as what was read', () => {
    fc.assert(
      fc.property(configText, (text) => {
        const first = parseApache(text).nodes;
        expect(plain(parseApache(printApache(first)).nodes)).toEqual(plain(first));
      }),
      { numRuns: 3000 },
    );
  });

  test('reads any tree that is printed, without a problem', () => {
    fc.assert(
      fc.property(tree, (directives) => {
        const { nodes, problems } = parseApache(printApache(directives));
        expect(problems).toEqual([]);
        expect(plain(nodes)).toEqual(directives);
      }),
      { numRuns: 1000 },
    );
  });

  test('joins lines, comments too, and names the first of them', () => {
    const { nodes } = parseApache('Alias /a \\\n  /b\n# a comment \\\nServerName gone\nTimeout 5');
    expect(nodes.map(({ name: what, args, line }) => [what, args, line])).toEqual([
      ['Alias', ['/a', '/b'], 1],
      ['Timeout', ['5'], 5],
    ]);
  });

  test.each<[string, string[]]>([
    ['a b', ['a', 'b']],
    ['"a b" c', ['a b', 'c']],
    [String.raw`"a \"b\" \\ \d"`, [String.raw`a "b" \ \d`]],
    [String.raw`'a "b" \'c\''`, [`a "b" 'c'`]],
    ['a"b c"', ['a"b', 'c"']],
    ['"a"b', ['a', 'b']],
    ['"never closed', ['never closed']],
    ['""', ['']],
    [String.raw`^/x\.y$ \ z`, [String.raw`^/x\.y$`, '\\', 'z']],
  ])('splits %s', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('a comment starts at the start of a line only', () => {
    expect(parseApache('Timeout 5 # seconds').nodes[0]!.args).toEqual(['5', '#', 'seconds']);
    expect(names('  # Timeout 5\nKeepAlive On')).toEqual(['KeepAlive']);
  });

  test('a section takes all up to the last >', () => {
    const [section] = parseApache('<If "%{HTTP_HOST} > \'a\'">\nRequire all denied\n</if>').nodes;
    expect(section).toMatchObject({ name: 'If', args: ["%{HTTP_HOST} > 'a'"], body: [{ name: 'Require' }] });
  });

  test.each([
    ['<Directory /a', 1, '<Directory is not closed by >'],
    ['<Directory /a>\nTimeout 5', 1, '</Directory> is missing'],
    ['</Directory>', 1, '</Directory> ends a section that was not begun'],
    ['<A>\n<B>\n</A>', 3, '</A> stands before </B>'],
    ['Timeout 5\n< a>', 2, 'a section starts with its name, as in <Directory /srv>'],
    ['<S>\n'.repeat(51), 51, 'more than 50 sections inside each other'],
  ])('%j is a problem of line %i', (text, line, message) => {
    expect(parseApache(text).problems).toContainEqual(expect.objectContaining({ line, message }));
  });

  test('a hundred thousand sections take no stack', () => {
    expect(parseApache('<A>\n'.repeat(100_000)).problems.length).toBeGreaterThan(99_000);
  });
});

describe('globs', () => {
  test.each([
    ['*.example.org', 'a.b.example.org', true],
    ['*.example.org', 'example.org', false],
    ['*example.org', 'example.org', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['[0-9]*.conf', '10-site.conf', true],
    ['[!0-9]*', '1', false],
    ['*a*b', 'xaxxb', true],
    ['[z-a]', 'b', false],
    ['', '', true],
    ['*', '', true],
  ])('%s fits %s: %s', (pattern, text, fits) => {
    expect(fitsGlob(pattern, text)).toBe(fits);
  });

  test('take no time to speak of', () => {
    const since = performance.now();
    expect(fitsGlob('*a'.repeat(50), 'a'.repeat(5000) + 'b')).toBe(false);
    expect(performance.now() - since).toBeLessThan(1000);
  });
});
