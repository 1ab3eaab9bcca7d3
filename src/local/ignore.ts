import dockerignore from '@balena/dockerignore';

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
  const filter = create({ ignorecase: false }).add(lines.join('\n'));
  const hasExceptions = lines.some((line) => line.trim().startsWith('!'));
  const excludes = (path: string): boolean => filter.ignores(path);
  return { excludes, prunes: (path) => !hasExceptions && excludes(path) };
}
