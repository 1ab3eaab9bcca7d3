import { parse as parseShell } from 'shell-quote';
import type { Limits } from './model.ts';
import type { PathKey } from './problems.ts';
import type { Runtime, SourceFacts } from './runtime.ts';
import { parseDuration, parseSize, quote } from './units.ts';

/** Collects findings while the parts of a definition are read, so that all of them are reported at once. */
export interface Report {
  add(path: readonly PathKey[], message: string, more?: { hint?: string; on?: 'key' | 'value' }): void;
}

/** What normalising needs to know of the world, looked up beforehand. */
export interface Surroundings {
  /** Name the file gives the project. */
  readonly name: string;
  readonly file: string;
  /** Directory the definition's paths are relative to. */
  readonly dir: string;
  readonly limits: Limits;
  readonly runtimes: readonly Runtime[];
  /** What stands at an absolute path of this machine. */
  readonly exists: (path: string) => 'file' | 'folder' | undefined;
  readonly facts: (dir: string) => SourceFacts;
}

/** `a "b c"` → ['a', 'b c']; anything only a shell could mean is a finding. */
export function readCommand(
  command: string | readonly string[] | undefined,
  path: readonly PathKey[],
  report: Report,
): readonly string[] | undefined {
  if (command === undefined || typeof command !== 'string') return command;
  const words = parseShell(command, (name: string) => ({ op: `$${name}` }));
  const special = words.find((word) => typeof word !== 'string');
  if (special === undefined) return words as string[];
  const shown = 'pattern' in special ? special.pattern : 'op' in special ? special.op : '#';
  report.add(path, `${quote(shown)} needs a shell, and commands run without one`, { hint: 'write [sh, -c, "…"]' });
  return undefined;
}

/** Bytes of a size the schema has already checked. */
export function size(text: string): number {
  const parsed = parseSize(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

/** Milliseconds of a duration the schema has already checked. */
export function duration(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}
