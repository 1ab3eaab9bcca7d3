import { JSON_VERSION } from '../core/results.ts';
import { DefinitionError, EXIT, HostctlError } from '../errors.ts';

/** Whether the words of a command line ask for JSON; what follows two hyphens is for another program. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** An error for programs. What is not ours to expect is a bug. */
export function errorJson(error: unknown): Record<string, unknown> {
  if (!(error instanceof HostctlError)) {
    return { code: 'BUG', message: String(error), hints: [], exit: EXIT.failed };
  }
  const { code, message, hints, exit } = error;
  return { code, message, hints, exit, ...(error instanceof DefinitionError ? { problems: error.problems } : {}) };
}

/** The one line `--json` prints when a command fails; also the last one of those that print events. */
export function failureLine(error: unknown): string {
  return `${JSON.stringify({ version: JSON_VERSION, type: 'error', error: errorJson(error) })}\n`;
}

/** A bug for whoever reports it. */
export function bugText(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${stack}\nThis is a bug in hostctl; please report it with the lines above.\n`;
}
