import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { formatProblems } from '../../src/ui/problems.ts';
import { check } from '../support/definitions.ts';

const plain = new Chalk({ level: 0 });

test('a definition cannot speak to the terminal', () => {
  const shown = formatProblems(
    [
      {
        file: 'projects/a\u001b.yaml',
        line: 2,
        column: 9,
        length: 5,
        path: 'apps.\u202e',
        message: '`\u001b[31m\u009b\r\n` is wrong',
        hint: 'did you mean \u2066x?',
        excerpt: [{ line: 2, text: '\tab: \u001b[m"c\u202ed" \u0007' }],
      },
    ],
    plain,
  );
  expect(shown).toBe(
    [
      'projects/a\\u{1B}.yaml:2:9 `\\u{1B}[31m\\u{9B}\\u{D}\\u{A}` is wrong (apps.\\u{202E})',
      '> 2 |  ab: \\u{1B}[m"c\\u{202E}d" \\u{7}',
      '    |              ^^^^^^^^^^^^',
      '  → did you mean \\u{2066}x?',
      '',
    ].join('\n'),
  );
});

test('escapes a definition holds are not printed', async () => {
  const { problems } = await check(
    'hostnames: ["a\\e]0;x\\a"]\napps:\n  web: { runtime: "\\e[2J", source: "\\u202e" }\n',
  );
  expect(problems).toHaveLength(3);
  // eslint-disable-next-line no-control-regex -- that there is none is the point
  expect(formatProblems(problems, plain)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
});
