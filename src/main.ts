import { Errors, run, settings } from '@oclif/core';
import { commandNames } from './command-names.ts';
import { didYouMean } from './core/suggest.ts';
import { EXIT, HostctlError } from './errors.ts';
import { bugText, failureLine, wantsJson } from './ui/failure.ts';

/** Hands over to oclif. @param root directory of the package @param words after the program's name */
export async function main(root: string, words: readonly string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  const argv = helpAsFlag(words);
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
  let finished = false;
  // A promise that never settles lets Node end without a word and with success: say so instead.
  process.on('exit', () => {
    if (finished) return;
    explain(new HostctlError('UNFINISHED', 'hostctl ended before its work was done; run the same command again'), argv);
  });
  process.on('uncaughtException', (error) => {
    finished = true;
    explain(error, argv);
    process.exit();
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      finished = true;
      process.stderr.write(
        `\n${signal === 'SIGINT' ? 'interrupted' : 'terminated'}; run the same command again to finish; what it had stopped stays down until then\n`,
      );
      process.exit(code);
    });
  }
  try {
    await run([...argv], root);
  } catch (error) {
    explain(error as Error, argv);
  }
  finished = true;
}

/** `help deploy` is `deploy --help`. */
function helpAsFlag(words: readonly string[]): readonly string[] {
  return words[0] === 'help' ? [...words.slice(1), '--help'] : words;
}

/** Says what went wrong outside of a command, or in one that has a bug. */
function explain(error: Error, argv: readonly string[]): void {
  if (error instanceof Errors.ExitError) {
    process.exitCode = error.oclif.exit ?? 1;
    return;
  }
  const failure = /^command .* not found/i.test(error.message) ? unknownCommand(argv) : error;
  process.exitCode = failure instanceof HostctlError ? failure.exit : EXIT.failed;
  const json = wantsJson(argv);
  if (json) process.stdout.write(failureLine(failure));
  if (!(failure instanceof HostctlError)) process.stderr.write(bugText(failure));
  else if (!json)
    process.stderr.write(`error ${failure.message}\n${failure.hints.map((hint) => `  → ${hint}\n`).join('')}`);
}

function unknownCommand(argv: readonly string[]): HostctlError {
  const [first = '', second = ''] = argv;
  // `import apache` is one command of two words.
  const topic = commandNames.some((name) => name.startsWith(`${first} `)) && !second.startsWith('-');
  const word = topic ? `${first} ${second}`.trim() : first;
  const flag = word.startsWith('-');
  const guess = flag ? undefined : didYouMean(word, commandNames);
  const hint = guess === undefined ? 'hostctl --help' : `did you mean hostctl ${guess}?`;
  const message = flag ? `${word} stands where a command should: flags follow it` : `there is no command ${word}`;
  return new HostctlError('USAGE', message, { exit: EXIT.definition, hints: [hint] });
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
