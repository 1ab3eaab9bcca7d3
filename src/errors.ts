import type { Problem } from './core/problems.ts';

/** Process exit codes, one meaning each. `docs/errors.md` explains them to users. */
export const EXIT = {
  done: 0,
  failed: 1,
  definition: 2,
  changes: 3,
  locked: 4,
  unhealthy: 5,
  reverted: 6,
  unreachable: 7,
} as const;

/** A failure the user can act on; anything that is not a HostctlError is a bug and shows its stack. */
export class HostctlError extends Error {
  /** Stable upper-case word, a heading in `docs/errors.md`. */
  readonly code: string;
  /** What to do or type next, one sentence each. */
  readonly hints: readonly string[];
  readonly exit: number;

  constructor(
    code: string,
    message: string,
    options: { hints?: readonly string[]; exit?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'HostctlError';
    this.code = code;
    this.hints = options.hints ?? [];
    this.exit = options.exit ?? EXIT.failed;
  }
}

/** Everything that is wrong with the definitions, all files at once. */
export class DefinitionError extends HostctlError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const files = new Set(problems.map((problem) => problem.file)).size;
    super('DEFINITION', `${count(problems.length, 'problem')} in ${count(files, 'file')}`, { exit: EXIT.definition });
    this.name = 'DefinitionError';
    this.problems = problems;
  }
}

/** "1 problem", "3 problems". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
