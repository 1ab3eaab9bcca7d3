import { parse as parseShell } from 'shell-quote';
import type { DriverName, Limits, WorkspaceTls } from './model.ts';
import type { PathKey } from './problems.ts';
import type { Runtime, SourceFacts } from './runtime.ts';
import { parseDuration, parseSize, quote } from './units.ts';

/** Collects findings while the parts of a definition are read, so that all of them are reported at once. */
export interface Report {
  add(path: readonly PathKey[], message: string, more?: { hint?: string; on?: 'key' | 'value' }): void;
}

interface HostSettings {
  readonly driver: DriverName;
  /** Whether that proxy reaches apps over unix sockets. */
  readonly sockets: boolean;
  /** Whether hostctl orders certificates for it. */
  readonly orders: boolean;
  /** Whether it is a Traefik that somebody else runs. */
  readonly existing: boolean;
  readonly tls: WorkspaceTls;
}

/** What normalising needs to know of the world, looked up beforehand. */
export interface Surroundings {
  /** Name the file gives the project. */
  readonly name: string;
  readonly file: string;
  /** Directory the definition's paths are relative to. */
  readonly dir: string;
  readonly limits: Limits;
  /** Milliseconds new copies are watched unless the definition says otherwise. */
  readonly watch: number;
  /** What the workspace says of the proxy and of certificates. */
  readonly host: HostSettings;
  readonly runtimes: readonly Runtime[];
  /** What stands at an absolute path of this machine; `closed` is what hostctl may not read. */
  readonly exists: (path: string) => 'file' | 'folder' | 'closed' | undefined;
  readonly facts: (dir: string) => SourceFacts;
  /** Text of a file that a definition is made from; undefined when there is none, or no text. */
  readonly text: (path: string) => string | undefined;
}

/** `a "b c"` → ['a', 'b c']; anything only a shell could mean is a finding. */
export function readCommand(
  command: string | readonly string[] | undefined,
  path: readonly PathKey[],
  report: Report,
): readonly string[] | undefined {
  if (command === undefined) return undefined;
  const words = typeof command === 'string' ? splitWords(command, path, report) : command;
  if (words === undefined || (words.length > 0 && words[0]!.trim() !== '')) return words;
  report.add(path, 'the command is empty', { hint: 'write the program to start' });
  return undefined;
}

function splitWords(command: string, path: readonly PathKey[], report: Report): readonly string[] | undefined {
  if (/['"]/.test(command.replaceAll(/\\.|"(?:\\.|[^"\\])*"|'[^']*'/gs, ''))) {
    report.add(path, 'a quote in the command is never closed');
    return undefined;
  }
  const words = parseWords(command);
  if (words === undefined) {
    report.add(path, 'a `${` in the command is never closed', {
      hint: 'commands run without a shell: write [sh, -c, "…"]',
    });
    return undefined;
  }
  const special = words.find((word) => typeof word !== 'string');
  if (special === undefined) return words as string[];
  const shown = 'pattern' in special ? special.pattern : 'op' in special ? special.op : '#';
  report.add(path, `${quote(shown)} needs a shell, and commands run without one`, { hint: 'write [sh, -c, "…"]' });
  return undefined;
}

/** The words of a line; undefined where the library gives up on a `${` of a shell. */
function parseWords(command: string): ReturnType<typeof parseShell> | undefined {
  try {
    return parseShell(command, (name: string) => ({ op: `$${name}` }));
  } catch {
    return undefined;
  }
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
