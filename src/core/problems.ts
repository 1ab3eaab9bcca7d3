/** One thing that is wrong in one file, with the place a person would look at. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0 when the whole file is meant. */
  readonly line: number;
  /** 1-based, in characters. */
  readonly column: number;
  /** How many characters to underline, at least 1. */
  readonly length: number;
  /** Where in the definition: `apps.web.limits.memory`; empty for the file itself. */
  readonly path: string;
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string;
  /** The line and its neighbours, for a code frame. */
  readonly excerpt: readonly { readonly line: number; readonly text: string }[];
}

/** A key in a definition: a mapping key or a sequence index. */
export type PathKey = string | number;

/** A problem before anybody knows on which line it is. */
export interface Finding {
  readonly path: readonly PathKey[];
  /** Underline the key itself instead of its value. */
  readonly on?: 'key' | 'value';
  readonly message: string;
  readonly hint?: string;
}

/** `apps.web.hostnames[0]`, the way the messages name a place. */
export function formatPath(path: readonly PathKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}
