import fc from 'fast-check';
import { expect, test } from 'vitest';
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
