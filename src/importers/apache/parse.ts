import { type Node, splitWords, type SyntaxProblem } from './syntax.ts';

export interface ParsedFile {
  readonly nodes: readonly Node[];
  readonly problems: readonly SyntaxProblem[];
}

interface Line {
  readonly text: string;
  readonly number: number;
}

interface Open {
  readonly node: Omit<Node, 'body'>;
  readonly body: Node[];
}

/** More sections inside each other are no configuration of a person. */
const MOST_DEEP = 50;
const SECTION = /^<(\/?)([A-Za-z][\w.:-]*)(?:\s+|(?=>)|$)(.*)$/s;

/** Reads one configuration file. Never throws: what Apache would refuse is a problem, and reading goes on behind it. */
export function parseApache(text: string): ParsedFile {
  const problems: SyntaxProblem[] = [];
  const top: Node[] = [];
  const open: Open[] = [];
  const add = (node: Node): void => void (open.at(-1)?.body ?? top).push(node);
  /** Ends the sections that are further in than `depth`. */
  const closeTo = (depth: number): void => {
    while (open.length > depth) {
      const { node, body } = open.pop()!;
      add({ ...node, body });
    }
  };
  for (const { text: line, number } of joinLines(text)) {
    const refuse = (message: string): void => void problems.push({ line: number, text: line, message });
    const section = SECTION.exec(line);
    if (!section) {
      if (line.startsWith('<')) refuse('a section starts with its name, as in <Directory /srv>');
      const [name, rest] = cut(line);
      add({ name, args: splitWords(rest), raw: rest, line: number });
      continue;
    }
    const [, slash, name, rest] = section as unknown as [string, string, string, string];
    if (slash === '/') {
      const depth = open.findLastIndex((item) => same(item.node.name, name));
      if (depth < 0) refuse(`</${name}> ends a section that was not begun`);
      else if (depth < open.length - 1) refuse(`</${name}> stands before </${open.at(-1)!.node.name}>`);
      if (depth >= 0) closeTo(depth);
      continue;
    }
    if (open.length >= MOST_DEEP) {
      refuse(`more than ${MOST_DEEP} sections inside each other`);
      continue;
    }
    if (!rest.endsWith('>')) refuse(`<${name} is not closed by >`);
    const raw = rest.slice(0, rest.includes('>') ? rest.lastIndexOf('>') : undefined).trim();
    open.push({ node: { name, args: splitWords(raw), raw, line: number }, body: [] });
  }
  for (const { node } of open) {
    problems.push({ line: node.line, text: `<${node.name} ${node.raw}>`, message: `</${node.name}> is missing` });
  }
  closeTo(0);
  return { nodes: top, problems };
}

/** Lines without those that are empty or comments; a backslash at the end takes the next one in, also in a comment. */
function joinLines(text: string): Line[] {
  const lines: Line[] = [];
  let before: Line | undefined;
  for (const [index, physical] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const number = before?.number ?? index + 1;
    const joined = (before?.text ?? '') + physical;
    before = joined.endsWith('\\') ? { text: joined.replace(/\\+$/, ''), number } : undefined;
    if (!before) lines.push({ text: joined.trim(), number });
  }
  if (before) lines.push({ ...before, text: before.text.trim() });
  return lines.filter((line) => line.text !== '' && !line.text.startsWith('#'));
}

function cut(line: string): [string, string] {
  const at = line.search(/\s/);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at).trim()];
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
