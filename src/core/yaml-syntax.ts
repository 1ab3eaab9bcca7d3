import type { YAMLError } from 'yaml';
import { quote } from './units.ts';

const MAX_ANCHORS = 200;
/** What the parser can hold without trouble; `yaml.ts` counts the levels of what was parsed. */
const PARSER_DEPTH = 200;

/** Cheap look before parsing: what would make the parser slow or deep is refused by name. */
export function tooGreedy(text: string, depth: number): { message: string; offset: number } | undefined {
  const anchors = [...text.matchAll(/(?<=^|[\s[{,:-])[&*][^\s,[\]{}]/gm)];
  if (anchors.length > MAX_ANCHORS) {
    return { message: `holds more than ${MAX_ANCHORS} anchors and aliases`, offset: anchors[MAX_ANCHORS]!.index };
  }
  const offset = tooManyBrackets(text) ?? tooManyIndents(text);
  return offset === undefined ? undefined : { message: `is nested more than ${depth} levels deep`, offset };
}

function tooManyBrackets(text: string): number | undefined {
  let depth = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    if (depth > PARSER_DEPTH) return offset;
  }
  return undefined;
}

/** Every column further right than the one above opens a level, also behind a dash on the same line. */
function tooManyIndents(text: string): number | undefined {
  const open: number[] = [];
  for (const line of text.matchAll(/^ *(?:[-?:] +)*(?=\S)/gm)) {
    const columns = [...line[0].matchAll(/[-?:] +/g)].map((marker) => marker.index);
    for (const column of [...columns, line[0].length]) {
      while (open.length > 0 && open.at(-1)! >= column) open.pop();
      open.push(column);
      if (open.length > PARSER_DEPTH) return line.index + column;
    }
  }
  return undefined;
}

/** What the parser's codes mean to somebody who writes YAML; the first text its message holds decides. */
const SENTENCES: Readonly<Record<string, readonly (readonly [text: string, sentence: string])[]>> = {
  ALIAS_PROPS: [['', 'an alias takes no anchor and no tag']],
  BAD_ALIAS: [['', '`*` and `&` have a meaning in YAML: put the text in quotes']],
  BAD_DIRECTIVE: [['', 'a line that starts with `%` is a YAML directive, which definitions do not use']],
  BAD_INDENT: [
    ['All mapping items', 'this key is indented differently from its neighbours'],
    ['All sequence items', 'this item is indented differently from its neighbours'],
    ['end with a', 'a bracket is never closed'],
    ['', 'indented too little for where it stands'],
  ],
  BAD_PROP_ORDER: [['', 'an anchor or a tag stands behind the sign that opens what it names']],
  BLOCK_AS_IMPLICIT_KEY: [
    ['Nested mappings', 'a second colon on one line: put the value in quotes'],
    ['', 'a list cannot be a key'],
  ],
  BLOCK_IN_FLOW: [['', 'between brackets everything is written with brackets and commas']],
  KEY_OVER_1024_CHARS: [['', 'a key is longer than 1024 characters']],
  MISSING_CHAR: [
    ['quote', 'a quote is never closed'],
    ['followed by map values', 'a key without a colon: write `key: value`'],
    ['without - indicator', 'an item of a list starts with `- `'],
    ['Comments must', 'write a space before `#`, or put the text in quotes'],
    ['Missing space after', 'write a space after the colon'],
    ['Missing ,', 'a comma is missing'],
    ['end with a', 'a bracket is never closed'],
    ['directives-end', 'a line that starts with `%` is a YAML directive, which definitions do not use'],
    ['', 'a space or a line end is missing'],
  ],
  MULTILINE_IMPLICIT_KEY: [['', 'a key stands on one line, with its colon']],
  MULTIPLE_ANCHORS: [['', 'one value has two anchors']],
  MULTIPLE_DOCS: [['', 'holds several documents: keep one, without `---`']],
  MULTIPLE_TAGS: [['', 'one value has two tags']],
  NON_STRING_KEY: [['', 'a key is text: put it in quotes']],
  TAB_AS_INDENT: [['', 'indented with a tab: use spaces']],
  UNEXPECTED_TOKEN: [
    ['Unexpected ,', 'a comma too many'],
    ['empty item', 'a comma too many'],
    ['Block scalar header', 'nothing stands behind `|` or `>` on its line'],
  ],
};

/** A syntax error in a sentence of our own. */
export function plainSyntax(error: YAMLError, text: string): string {
  const [start, end] = error.pos;
  const written = text.slice(start, Math.min(end, start + 40)).split('\n', 1)[0]!;
  const shown = quote(written);
  if (error.code === 'TAG_RESOLVE_FAILED' || error.code === 'BAD_COLLECTION_TYPE') {
    return `${shown} is a YAML tag, which definitions do not use: remove it, or put the text in quotes`;
  }
  if (error.code === 'BAD_DQ_ESCAPE')
    return `${quote(text.slice(start, start + 2))} is no escape: write two backslashes, or single quotes`;
  if (error.code === 'BAD_SCALAR_START') return `a text cannot start like this: put it in quotes`;
  const sentence = SENTENCES[error.code]?.find(([text]) => error.message.includes(text))?.[1];
  return sentence ?? `${written.trim() === '' ? 'this' : shown} cannot stand here`;
}
