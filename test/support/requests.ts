import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The workspace of the request table. */
export const REQUESTS = new URL('../fixtures/requests', import.meta.url).pathname;

/** One line of `requests.txt`. */
export interface Row {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
  /** Host headers in order; none for HTTP/1.0 without. */
  readonly hosts: readonly string[];
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  readonly version: string;
  readonly headers: readonly string[];
  /** What should come of it, by driver where they differ by nature. */
  readonly expected: (driver: string) => Expected;
  /** Whether it is about the wire, which the matcher never sees. */
  readonly wire: boolean;
}

export type Expected =
  /** An app, and headers it should see; an empty value says it should not. */
  | {
      readonly kind: 'app';
      readonly app: string;
      readonly url?: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'upgrade'; readonly app: string }
  /** `/media/a.txt` of a project, with the path as it stands on the disk. */
  | { readonly kind: 'file'; readonly project: string; readonly path: string }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'status'; readonly status: number }
  /** Nobody's hostname: closed without an answer, or 404 where a proxy cannot do that. */
  | { readonly kind: 'nobody' };

/** Every request of the table. */
export function readRequests(): Row[] {
  let wire = false;
  return readFileSync(join(REQUESTS, 'requests.txt'), 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (text.startsWith('## ')) wire = text.includes('(wire)');
      if (text.trim() === '' || text.startsWith('#')) return [];
      return [readRow(text, index + 1, wire)];
    });
}

function readRow(text: string, line: number, wire: boolean): Row {
  const [host = '', request = '', headers = '', expected = '', driver = ''] = text
    .split(/ \|(?= |$)/)
    .map((cell) => cell.trim());
  const [method = '', target = '', version = 'HTTP/1.1'] = unescape(request).split(' ');
  const exceptions = new Map([...driver.matchAll(/(\w+): (.+?)(?: \(|$)/g)].map(([, name, what]) => [name!, what!]));
  return {
    line,
    text,
    hosts: host === '-' ? [] : host.split(' & ').map((item) => (item === '(empty)' ? '' : unescape(item))),
    method,
    target,
    version,
    headers: headers === '' ? [] : headers.split(' ; ').map(unescape),
    expected: (name) => readExpected(exceptions.get(name) ?? expected),
    wire,
  };
}

/** `\t`, `\x00`, `\s` for a blank. */
function unescape(text: string): string {
  return text
    .replaceAll(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll('\\t', '\t')
    .replaceAll('\\s', ' ');
}

function readExpected(text: string): Expected {
  if (text === 'nobody') return { kind: 'nobody' };
  const file = /^file (\w+):(\/.*)$/.exec(text);
  if (file) return { kind: 'file', project: file[1]!, path: file[2]! };
  const upgrade = /^101 (\w+\/\w+)$/.exec(text);
  if (upgrade) return { kind: 'upgrade', app: upgrade[1]! };
  const redirect = /^(30[1278]) (\S+)$/.exec(text);
  if (redirect) return { kind: 'redirect', status: Number(redirect[1]), location: redirect[2]! };
  if (/^\d{3}$/.test(text)) return { kind: 'status', status: Number(text) };
  const app = /^(\w+\/\w+)((?: \S+=\S*)*)$/.exec(text);
  if (!app) throw new Error(`requests.txt: what is ${JSON.stringify(text)}?`);
  const seen = Object.fromEntries(
    app[2]!
      .split(' ')
      .flatMap((word) => (word === '' ? [] : [[word.split('=')[0]!, word.slice(word.indexOf('=') + 1)]])),
  );
  const { url, ...headers } = seen;
  return { kind: 'app', app: app[1]!, headers, ...(url === undefined ? {} : { url }) };
}

/** Names and texts of the definitions. */
export function requestDefinitions(): [name: string, text: string][] {
  return readdirSync(join(REQUESTS, 'projects')).map((name) => [
    name.replace('.yaml', ''),
    readFileSync(join(REQUESTS, 'projects', name), 'utf8'),
  ]);
}
