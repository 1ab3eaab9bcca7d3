import dockerignore from '@balena/dockerignore';
import { visible } from '../core/characters.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';

// Its types describe an ES module, what is published is the function itself.
const create = dockerignore as unknown as typeof dockerignore.default;

/** Decides about paths relative to the context, as the Docker client does with `.dockerignore`. */
export interface Ignore {
  /** Whether the file or folder itself is left out. */
  excludes(path: string): boolean;
  /** Whether nothing below a left-out folder can be wanted again, so that it need not be walked. */
  prunes(path: string): boolean;
}

export function readIgnore(text: string | undefined): Ignore {
  if (text === undefined) return { excludes: () => false, prunes: () => false };
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  for (const line of lines) refuseOdd(line.trim());
  const filter = create({ ignorecase: false }).add(lines.join('\n'));
  const hasExceptions = lines.some((line) => line.trim().startsWith('!'));
  const excludes = (path: string): boolean => filter.ignores(path);
  return { excludes, prunes: (path) => !hasExceptions && excludes(path) };
}

/** Stars between two slashes; with more, one long name could take a matcher longer than anybody waits. */
const MOST_STARS = 5;

/** The Docker client refuses a pattern it cannot read as well, and so does every build. */
function refuseOdd(pattern: string): void {
  const fail = (why: string): never => {
    throw new HostctlError('IGNORE_PATTERN', `${quote(visible(pattern))} in .dockerignore ${why}`, {
      exit: EXIT.definition,
    });
  };
  if (pattern.startsWith('#')) return;
  const crowded = pattern.split('/').some((part) => part !== '**' && part.split('*').length - 1 > MOST_STARS);
  if (crowded || pattern.split('**').length - 1 > MOST_STARS) fail(`has more than ${MOST_STARS} stars: use fewer`);
  try {
    create({ ignorecase: false }).add(pattern).ignores('a');
  } catch {
    fail('is no pattern: a `[` that stands for itself is written \\[');
  }
}
