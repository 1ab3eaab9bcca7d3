/** What a regular expression of a configuration means, as far as it is only a path written as one. Nothing is compiled. */
export interface PathPattern {
  readonly path: string;
  /** Whether only this very path fits. */
  readonly exact: boolean;
  /** Whether `$1` is what follows the path, with its slash or without. */
  readonly tail: 'none' | 'with-slash' | 'without-slash';
  /** Whether the expression ends in the middle of a segment: `^/old` also fits `/older`. */
  readonly loose: boolean;
}

/** A plain run of a path: dots and hyphens may be escaped. */
const LITERAL = String.raw`(?:[\w~@+/,-]|\\[./~_-])*?`;
/** How such an expression may end, and what that means. */
const ENDINGS: readonly (readonly [string, Omit<PathPattern, 'path'>])[] = [
  [String.raw`(?:/\??)?\$`, { exact: true, tail: 'none', loose: false }],
  [String.raw`/\(\.[*+]\??\)\$?`, { exact: false, tail: 'without-slash', loose: false }],
  [String.raw`/\?\(\.[*+]\)\$?`, { exact: false, tail: 'without-slash', loose: true }],
  [String.raw`\(\.[*+]\)\$?`, { exact: false, tail: 'with-slash', loose: true }],
  [String.raw`\(/\.\*\)\??\$?`, { exact: false, tail: 'with-slash', loose: false }],
  [String.raw`\(/\.\*\|\$\)`, { exact: false, tail: 'with-slash', loose: false }],
  [String.raw`\((?:\?:)?(?:/\|\$|\$\|/)\)`, { exact: false, tail: 'none', loose: false }],
  [String.raw`/\.\*\$?`, { exact: false, tail: 'none', loose: false }],
  [String.raw`/`, { exact: false, tail: 'none', loose: false }],
  [String.raw`\.\*\$?`, { exact: false, tail: 'none', loose: true }],
  [String.raw``, { exact: false, tail: 'none', loose: true }],
];
const READERS = ENDINGS.map(
  ([ending, meaning]) => [new RegExp(`^\\^(?:/\\??)?(${LITERAL})${ending}$`), meaning] as const,
);
const WHOLE = /^(?:\^?(?:\/?\??)(?:\(?\.[*+]\)?)\$?|\^|\.|\^\/)$/;

/** `^/old/(.*)$` → `/old` and what follows; undefined for anything a path cannot say. */
export function readPattern(regex: string): PathPattern | undefined {
  for (const [reader, meaning] of READERS) {
    const match = reader.exec(regex);
    if (!match) continue;
    const literal = match[1]!.replaceAll('\\', '').replace(/^\/+|\/+$/g, '');
    if (literal === '') return undefined;
    return { path: `/${literal}`, ...meaning };
  }
  return undefined;
}

/** Whether an expression fits every path, as `^`, `.*` and `^/(.*)$` do. */
export function fitsAll(regex: string): boolean {
  return WHOLE.test(regex);
}

/** The paths of `^/(a|b)(/|$)` or `^/a/`; undefined where they cannot all be listed. */
export function listPaths(regex: string): readonly PathPattern[] | undefined {
  const choice = /^(\^\/[\w/-]*)\((?:\?:)?([\w/|-]+)\)(.*)$/.exec(regex);
  const each = choice ? choice[2]!.split('|').map((word) => `${choice[1]!}${word}${choice[3]!}`) : [regex];
  const read = each.map(readPattern);
  return read.every((pattern) => pattern !== undefined) ? read : undefined;
}

/** The literal a regular expression is when it has no special characters but escaped ones and its anchors. */
export function literalOf(regex: string): string | undefined {
  const inner = regex.replace(/^\^/, '').replace(/\$$/, '');
  return /^(?:[\w-]|\\[.-]|\.)+$/.test(inner) ? inner.replaceAll('\\', '') : undefined;
}
