import { expect, test } from 'vitest';
import { duration, readCommand, size } from '../../src/core/report.ts';

/** Words, or what is reported. */
function read(command: Parameters<typeof readCommand>[0]) {
  const found: unknown[] = [];
  const words = readCommand(command, ['apps', 'web', 'command'], { add: (...finding) => found.push(finding) });
  return found.length > 0 ? found : words;
}
const refused = (message: string, hint?: string): unknown[] => [
  [['apps', 'web', 'command'], message, ...(hint === undefined ? [] : [{ hint }])],
];
const SHELL = 'write [sh, -c, "…"]';

test.each<[Parameters<typeof read>[0], unknown]>([
  [undefined, undefined],
  ['run', ['run']],
  ['run "two words" \'and "more"\' end', ['run', 'two words', 'and "more"', 'end']],
  ["run it\\'s", ['run', "it's"]],
  ['run "a \\" b"', ['run', 'a " b']],
  [
    ['sh', '-c', 'a | b'],
    ['sh', '-c', 'a | b'],
  ],
  [
    ['a', ''],
    ['a', ''],
  ],
  ['', refused('the command is empty', 'write the program to start')],
  ['  ', refused('the command is empty', 'write the program to start')],
  ['""', refused('the command is empty', 'write the program to start')],
  [[], refused('the command is empty', 'write the program to start')],
  [[' ', 'a'], refused('the command is empty', 'write the program to start')],
  ["run it's", refused('a quote in the command is never closed')],
  ['run "a', refused('a quote in the command is never closed')],
  ['run "a\'', refused('a quote in the command is never closed')],
  ['run ${A', refused('a `${` in the command is never closed', 'commands run without a shell: write [sh, -c, "…"]')],
  ['a | b', refused('`|` needs a shell, and commands run without one', SHELL)],
  ['a && b', refused('`&&` needs a shell, and commands run without one', SHELL)],
  ['ls *.txt', refused('`*.txt` needs a shell, and commands run without one', SHELL)],
  ['a # b', refused('`#` needs a shell, and commands run without one', SHELL)],
  ['a $HOME', refused('`$HOME` needs a shell, and commands run without one', SHELL)],
])('the command %j', (command, expected) => {
  expect(read(command)).toEqual(expected);
});

test('what a schema let through is read, and what it should not have is a bug', () => {
  expect([size('1K'), duration('2s')]).toEqual([1024, 2000]);
  expect(() => size('1')).toThrow('`1` has no unit');
  expect(() => duration('1')).toThrow('`1` is not a duration');
});
