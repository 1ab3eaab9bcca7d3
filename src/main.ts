import { Errors, run, settings } from '@oclif/core';
import { commandNames } from './command-names.ts';
import { visibleLines } from './core/characters.ts';
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
    process.stderr.write(
      visibleLines(`error ${failure.message}\n${failure.hints.map((hint) => `  → ${hint}\n`).join('')}`),
    );
}

function unknownCommand(argv: readonly string[]): HostctlError {
  const [first = '', second = ''] = argv;
  const usage = (message: string, hint: string): HostctlError =>
    new HostctlError('USAGE', message, { exit: EXIT.definition, hints: [hint] });
  // Where commands may have two words, oclif takes the argument of one without arguments for its second.
  if (commandNames.some((name) => name === first)) {
    const words = argv.slice(1).filter((word) => !word.startsWith('-'));
    return usage(`${first} takes no such argument: ${words.join(', ')}`, `hostctl ${first} --help`);
  }
  const topic = commandNames.some((name) => name.startsWith(`${first} `)) && !second.startsWith('-');
  const word = topic ? `${first} ${second}`.trim() : first;
  if (word.startsWith('-')) return usage(`${word} stands where a command should: flags follow it`, 'hostctl --help');
  const guess = didYouMean(word, commandNames);
  const hint = guess === undefined ? 'hostctl --help' : `did you mean hostctl ${guess}?`;
  return usage(`there is no command ${word}`, hint);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
