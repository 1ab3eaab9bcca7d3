import { Errors, flush, run, settings } from '@oclif/core';
import { didYouMean } from './core/suggest.ts';

/** Hands over to oclif. @param root directory of the package @param argv words after the program's name */
export async function main(root: string, argv: string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
  let finished = false;
  // A promise that never settles lets Node end without a word and with success: say so instead.
  process.on('exit', () => {
    if (finished) return;
    process.stderr.write('error hostctl ended before its work was done; run the same command again\n');
    process.exitCode = 1;
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      finished = true;
      process.stderr.write(
        `\n${signal === 'SIGINT' ? 'interrupted' : 'terminated'}; run the same command again to finish\n`,
      );
      process.exit(code);
    });
  }
  try {
    await run(argv, root);
    await flush();
  } catch (error) {
    await explain(error as Error, argv);
  }
  finished = true;
}

async function explain(error: Error & { oclif?: { exit?: number } }, argv: readonly string[]): Promise<void> {
  if (error instanceof Errors.ExitError) {
    process.exitCode = error.oclif.exit ?? 1;
    return;
  }
  if (/command .* not found/i.test(error.message)) {
    const { commandNames } = await import('./command-names.ts');
    const guess = didYouMean(argv[0] ?? '', commandNames);
    process.stderr.write(
      `error there is no command ${argv[0]}\n  → ${guess ? `did you mean hostctl ${guess}?` : 'hostctl --help'}\n`,
    );
    process.exitCode = 2;
    return;
  }
  process.stderr.write(
    `${error.stack ?? error.message}\nThis is a bug in hostctl; please report it with the lines above.\n`,
  );
  process.exitCode = 1;
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
