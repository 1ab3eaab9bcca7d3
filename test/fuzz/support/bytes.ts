import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

const ROOT = new URL('../../..', import.meta.url).pathname;

/** The text files below folders of the project whose names end in one of the given words. */
export function filesBelow(folders: readonly string[], endings: readonly string[]): { path: string; text: string }[] {
  const below = (path: string): string[] =>
    statSync(path).isDirectory()
      ? readdirSync(path)
          .toSorted()
          .flatMap((name) => below(join(path, name)))
      : [path];
  return folders
    .flatMap((folder) => below(join(ROOT, folder)))
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path: path.slice(ROOT.length), text: readFileSync(path, 'utf8') }));
}

/** What mistakes, broken disks and people with bad intentions put into a file. */
const TOKENS = [
  '',
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\t',
  ':',
  ': ',
  '- ',
  '-',
  ',',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '#',
  '|',
  '>',
  '&a ',
  '*a',
  '!',
  '!!str ',
  '%',
  '@',
  '`',
  '?',
  '? ',
  '---\n',
  '...\n',
  '<<: ',
  '\\',
  '\\\n',
  '$',
  '${A}',
  '${A:-',
  '$$',
  '{{',
  '}}',
  '..',
  '/',
  '//',
  '*',
  '**',
  '!',
  '<',
  '>',
  '</',
  '<VirtualHost *:80>',
  '</VirtualHost>',
  'Include ',
  '0',
  '-1',
  '1e999',
  '99999999999999999999',
  '0x',
  'null',
  '~',
  'true',
  '__proto__',
  'constructor',
  '\u0000',
  '\u001b[2J',
  '\u202e',
  '\ufeff',
  '\u2028',
  '\ud83d',
  'é',
  '日',
];

interface Change {
  readonly at: number;
  readonly length: number;
  readonly how: 'bit' | 'token' | 'cut' | 'copy' | 'splice' | 'swap';
  readonly token: string;
  readonly other: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  length: fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(400) }),
  how: fc.constantFrom('bit', 'token', 'token', 'cut', 'copy', 'splice', 'swap'),
  token: fc.constantFrom(...TOKENS),
  other: fc.nat(),
});

/** Texts made from others by flipped bits, inserted tokens, cuts, copies, pieces of another and exchanged words. */
export function mutations(seeds: readonly string[], most = 6): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(seeds.length - 1), fc.array(change, { minLength: 1, maxLength: most }))
    .map(([seed, changes]) => changes.reduce((text, item) => changed(text, item, seeds), seeds[seed]!));
}

function changed(text: string, { at, length, how, token, other }: Change, seeds: readonly string[]): string {
  const start = text.length === 0 ? 0 : at % (text.length + 1);
  const [before, piece, after] = [text.slice(0, start), text.slice(start, start + length), text.slice(start + length)];
  switch (how) {
    case 'bit': {
      const bytes = Buffer.from(text, 'latin1');
      if (bytes.length > 0) bytes[start % bytes.length]! ^= 1 << (other % 8);
      return bytes.toString('latin1');
    }
    case 'token':
      return `${before}${token}${text.slice(start)}`;
    case 'cut':
      return `${before}${after}`;
    case 'copy':
      return `${before}${piece.repeat(2 + (other % 30))}${after}`;
    case 'splice': {
      const from = seeds[other % seeds.length]!;
      const place = at % (from.length + 1);
      return `${before}${from.slice(place, place + length)}${text.slice(start)}`;
    }
    case 'swap': {
      const words = text.split(/(\s+)/);
      const [a, b] = [at % words.length, other % words.length];
      [words[a], words[b]] = [words[b]!, words[a]!];
      return words.join('');
    }
  }
}
