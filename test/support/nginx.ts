/** One directive of an nginx configuration: its words, decoded, and those of its block. */
export interface Parsed {
  readonly words: readonly string[];
  readonly block?: readonly Parsed[];
}

/** Reads an nginx configuration character by character, as `ngx_conf_read_token` does. Fails where nginx would. */
export function parseNginx(text: string): Parsed[] {
  const stack: { words: string[]; inner: Parsed[] }[] = [{ words: [], inner: [] }];
  let words: string[] = [];
  let at = 0;
  const read = (quote: string | undefined): string => {
    let word = '';
    // `${` is part of a word; `\${` is not, nor is `$ `.
    let variable = false;
    for (; at < text.length; at += 1) {
      const character = text[at]!;
      if (character === '\\') {
        const next = text[at + 1] ?? '';
        const decoded = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' }[next];
        word += decoded ?? `\\${next}`;
        variable = false;
        at += 1;
      } else if (quote === undefined && character === '{' && variable) {
        word += character;
        variable = false;
      } else if (quote === undefined ? /[\s;{]/.test(character) : character === quote) {
        if (quote !== undefined) at += 1;
        return word;
      } else {
        word += character;
        variable = character === '$';
      }
    }
    throw new Error('the text ends in a word');
  };
  while (at < text.length) {
    const character = text[at]!;
    if (/\s/.test(character)) at += 1;
    else if (character === '#') at = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    else if (character === '"' || character === "'") {
      at += 1;
      words.push(read(character));
      if (at < text.length && !/[\s;{)]/.test(text[at]!)) throw new Error(`${text[at]} follows a quote`);
    } else if (character === ';' || character === '{') {
      if (words.length === 0) throw new Error(`unexpected ${character}`);
      if (character === ';') stack.at(-1)!.inner.push({ words });
      else stack.push({ words, inner: [] });
      words = [];
      at += 1;
    } else if (character === '}') {
      const done = stack.pop()!;
      if (words.length > 0 || stack.length === 0) throw new Error('unexpected }');
      stack.at(-1)!.inner.push({ words: done.words, block: done.inner });
      at += 1;
    } else words.push(read(undefined));
  }
  if (stack.length > 1 || words.length > 0) throw new Error('the text ends in a directive');
  return stack[0]!.inner;
}
