/**
 * Whether a text fits a pattern of `*` (any run, also none), `?` (one character) and classes such as `[0-9]`.
 * Takes no longer than the product of both lengths, whatever the pattern.
 */
export function fitsGlob(pattern: string, text: string): boolean {
  const parts = pattern.match(/\[[!^]?[^\]]+\]|[\s\S]/g) ?? [];
  let [at, seen, star, mark] = [0, 0, -1, 0];
  while (seen < text.length) {
    const part = parts[at];
    if (part === '*') {
      star = at++;
      mark = seen;
    } else if (part !== undefined && fitsOne(part, text[seen]!)) {
      at++;
      seen++;
    } else if (star >= 0) {
      // Let the last star take one character more.
      at = star + 1;
      seen = ++mark;
    } else return false;
  }
  return parts.slice(at).every((part) => part === '*');
}

function fitsOne(part: string, character: string): boolean {
  if (part === '?') return true;
  if (part.length === 1) return part === character;
  const not = /^\[[!^]/.test(part);
  const members = part.slice(not ? 2 : 1, -1);
  const inside = [...members.matchAll(/(.)-(.)|(.)/gs)].some(([, from, to, single]) =>
    single === undefined ? from! <= character && character <= to! : single === character,
  );
  return inside !== not;
}
