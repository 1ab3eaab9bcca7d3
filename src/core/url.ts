/**
 * A URL, or undefined where the text is none. Not by `URL.canParse`: that of Node 20 refuses letters such as ü once it has
 * been called some thousand times.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
