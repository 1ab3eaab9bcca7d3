/**
 * Controls other than tab and line ends, Unicode line separators, and marks that reorder what a reader sees: they change
 * what a terminal shows, so no definition holds them, and nothing that is printed does.
 */
export const UNPRINTABLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

/** `U+001B`, the way an invisible character is named. */
export function codePoint(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The first character that cannot stand in a path or a name: as above, and tabs and line ends. */
export function findControl(text: string): string | undefined {
  return /[\t\r\n]/.exec(text)?.[0] ?? UNPRINTABLE.exec(text)?.[0];
}

/** Text that a terminal shows as it is: what it could not show, or would obey, is spelt out as `\u{1B}`. */
export function visible(text: string): string {
  return [...text]
    .map((character) =>
      character !== '\t' && findControl(character) !== undefined
        ? `\\u{${character.codePointAt(0)!.toString(16).toUpperCase()}}`
        : character,
    )
    .join('')
    .replaceAll('\t', ' ');
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}
