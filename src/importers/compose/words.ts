/** Sizes, times and commands as Compose writes them → as a definition does. */
import type { Tree } from './tree.ts';
import { textsOf } from './tree.ts';

/** `512m`, `1gb`, `536870912` → `512M`, `1G`, `512M`; undefined for no size. */
export function readSize(text: string): string | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(b|k|kb|ki|m|mb|mi|g|gb|gi|t|tb|ti)?$/i.exec(text.trim());
  if (!match) return undefined;
  const unit = (match[2] ?? 'b').charAt(0).toUpperCase();
  if (unit !== 'B') return `${match[1]!}${unit}`;
  const bytes = Number(match[1]);
  const [factor, letter] = (
    [
      [1024 ** 3, 'G'],
      [1024 ** 2, 'M'],
    ] as const
  ).find(([each]) => bytes % each === 0) ?? [1024, 'K'];
  return bytes >= 1024 ? `${Math.floor(bytes / factor)}${letter}` : undefined;
}

const SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 0.000_001 };

/** `1m30s` → 90; a bare number is seconds where Compose takes one. */
export function readSeconds(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|us|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) return undefined;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * SECONDS[unit!]!, 0);
}

/** 90 → `90s`, 3600 → `1h`. */
export function writeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole > 0 && whole % 86_400 === 0) return `${whole / 86_400}d`;
  if (whole > 0 && whole % 3600 === 0) return `${whole / 3600}h`;
  return whole > 60 && whole % 60 === 0 ? `${whole / 60}m` : `${whole}s`;
}

/** The words of a command, whether it is written as a line or as a list; undefined for none. */
export function readWords(tree: Tree): string[] | undefined {
  if (tree.kind === 'mapping') return undefined;
  if (tree.kind === 'list') return textsOf(tree);
  return tree.text === undefined || tree.text.trim() === '' ? undefined : splitLine(tree.text);
}

/** As a shell would, but nothing is expanded: Compose starts no shell either. */
function splitLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [part, single, double, escaped] of line.matchAll(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|\s+|[^\s'"\\]+|./gs,
  )) {
    if (/^\s+$/.test(part)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + (single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? part);
  }
  return word === undefined ? words : [...words, word];
}

/** Words as a definition says them: a line where it means the same, else the list. */
export function writeCommand(words: readonly string[]): string | readonly string[] {
  return words.length > 0 && words.every((word) => /^[\w./:=@%+,-]+$/.test(word)) ? words.join(' ') : words;
}
