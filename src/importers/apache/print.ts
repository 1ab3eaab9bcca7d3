import { type Node, quoteWord } from './syntax.ts';

/** The text of a tree; reading it gives the same tree. */
export function printApache(nodes: readonly Node[], indent = ''): string {
  return nodes.map((node) => `${indent}${printNode(node, indent)}\n`).join('');
}

function printNode({ name, args, body }: Node, indent: string): string {
  const words = [name, ...args.map(quoteWord)].join(' ');
  if (body) return `<${words}>\n${printApache(body, `${indent}  `)}${indent}</${name}>`;
  // A backslash at the end of a line would take in the next one.
  return words.endsWith('\\') ? `${words} ` : words;
}
