/** Writes a definition the way a person would: short mappings on one line, long ones over several. */
import { UNPRINTABLE } from '../core/characters.ts';

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

const WIDTH = 110;
/** Several words that mean nothing else in YAML when they stand on a line of their own. */
const WORDS = /^[A-Za-z][\w./-]*(?: [\w./:=@+-]*[\w./=@+-])+$/;
/** Keys whose entries stand on lines of their own, and how many levels of them. */
const OPEN_LEVELS: Readonly<Record<string, number>> = { apps: 2, media: 1, http: 1 };

/** A mapping as YAML. Keys without a value, and mappings and lists that hold nothing, are left out at the top level. */
export function printDefinition(definition: object): string {
  return Object.entries(definition as Record<string, Value | undefined>)
    .filter(([key, value]) => value !== undefined && (key === 'apps' || !isEmpty(value)))
    .map(([key, value]) => printEntry(key, value!, '', OPEN_LEVELS[key] ?? 0))
    .join('');
}

function printEntry(key: string, value: Value, indent: string, open: number): string {
  const flow = typeof value === 'string' && WORDS.test(value) ? value : printFlow(value);
  const fits = indent.length + key.length + flow.length + 2 <= WIDTH;
  if (typeof value !== 'object' || isEmpty(value) || (open === 0 && fits))
    return `${indent}${printKey(key)}: ${flow}\n`;
  const inner = `${indent}  `;
  const lines = isList(value)
    ? value.map((item) => `${inner}- ${printFlow(item)}\n`)
    : entriesOf(value).map(([name, item]) => printEntry(name, item, inner, Math.max(0, open - 1)));
  return `${indent}${printKey(key)}:\n${lines.join('')}`;
}

function printFlow(value: Value): string {
  if (typeof value === 'string') return printText(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(printFlow).join(', ')}]`;
  const entries = entriesOf(value).map(([key, item]) => `${printKey(key)}: ${printFlow(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function printKey(key: string): string {
  return /^\d+$/.test(key) ? key : printText(key);
}

/** Characters no definition holds as such. */
const INVISIBLE = new RegExp(UNPRINTABLE, 'g');

function escaped(character: string): string {
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
}

/** Plain where it can mean nothing but this text, in double quotes elsewhere. */
function printText(text: string): string {
  const plain = /^(?:[A-Za-z_]|\.{0,2}\/)[A-Za-z0-9_./@+-]*$/.test(text) || /^\d+(?:\.\d+)?[A-Za-z]+$/.test(text);
  const word = /^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text) || /^\d+e\d+$/i.test(text);
  return plain && !word ? text : JSON.stringify(text).replaceAll(INVISIBLE, escaped);
}

function entriesOf(value: object): [string, Value][] {
  return Object.entries(value as Record<string, Value | undefined>).filter(
    (entry): entry is [string, Value] => entry[1] !== undefined,
  );
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function isEmpty(value: Value | undefined): boolean {
  return typeof value === 'object' && (isList(value) ? value.length === 0 : entriesOf(value).length === 0);
}
