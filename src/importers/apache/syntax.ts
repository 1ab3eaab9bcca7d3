/** A directive as it stands in a file; a section has a body. */
export interface Node {
  readonly name: string;
  /** The words behind the name, without their quotes. */
  readonly args: readonly string[];
  /** The same as written, for variables are put in before the words are told apart. */
  readonly raw: string;
  /** 1-based; of several joined lines the first. */
  readonly line: number;
  readonly body?: readonly Node[];
}

/** What Apache itself would refuse. */
export interface SyntaxProblem {
  readonly line: number;
  /** The line as written. */
  readonly text: string;
  readonly message: string;
}

const SPACE = /[ \t\r\v\f]/;

/** Splits as Apache does: at white space, unless a word starts with a quote. A quote that is never closed ends the line. */
export function splitWords(raw: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < raw.length) {
    const character = raw[at]!;
    if (SPACE.test(character)) at++;
    else if (character === '"' || character === "'") {
      const { word, end } = quotedWord(raw, at);
      words.push(word);
      at = end;
    } else {
      const start = at;
      while (at < raw.length && !SPACE.test(raw[at]!)) at++;
      words.push(raw.slice(start, at));
    }
  }
  return words;
}

/** Inside quotes a backslash stands before a quote of the same kind or another backslash, and elsewhere for itself. */
function quotedWord(raw: string, start: number): { word: string; end: number } {
  const quote = raw[start]!;
  let word = '';
  let at = start + 1;
  while (at < raw.length && raw[at] !== quote) {
    const next = raw[at + 1];
    if (raw[at] === '\\' && (next === quote || next === '\\')) at++;
    word += raw[at]!;
    at++;
  }
  return { word, end: at + 1 };
}

const PLAIN = /^[\w./:*@%+=,;~^$(){}|?!&-]+$/;

/** A word so that it is read as the same word. */
export function quoteWord(word: string): string {
  return PLAIN.test(word) ? word : `"${word.replaceAll(/[\\"]/g, '\\$&')}"`;
}
