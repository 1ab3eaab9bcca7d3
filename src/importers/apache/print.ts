import { quoteWord } from './syntax.ts';

/** What a directive says, wherever it stands. */
interface Printable {
  readonly name: string;
  readonly args: readonly string[];
  readonly body?: readonly Printable[];
}

/** The text of directives; reading it gives the same ones. */
export function printApache(directives: readonly Printable[], indent = ''): string {
  return directives.map((directive) => `${indent}${printOne(directive, indent)}\n`).join('');
}

function printOne({ name, args, body }: Printable, indent: string): string {
  const words = [name, ...args.map(quoteWord)].join(' ');
  if (body) return `<${words}>\n${printApache(body, `${indent}  `)}${indent}</${name}>`;
  // A backslash at the end of a line would take in the next one.
  return words.endsWith('\\') ? `${words} ` : words;
}
