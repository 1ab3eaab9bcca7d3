import { codePoint, findControl } from './characters.ts';
import { didYouMean } from './suggest.ts';
import { type Parsed, quote } from './units.ts';

/** One directive: its words, and those inside its braces when it has them. */
export interface Directive {
  readonly words: readonly string[];
  readonly block?: readonly Directive[];
}

/**
 * What `raw.nginx` may hold: settings that stay within the site. Nothing that reads or writes files, opens addresses,
 * decides who may, or changes which request is whose; for these hostctl has keys of its own.
 */
const ALLOWED = new Set(
  `absolute_redirect add_header add_trailer break charset chunked_transfer_encoding client_body_buffer_size
  client_body_timeout default_type etag expires gunzip gzip gzip_buffers gzip_comp_level gzip_disable gzip_http_version
  gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary if if_modified_since ignore_invalid_headers
  keepalive_disable keepalive_requests keepalive_time keepalive_timeout limit_rate limit_rate_after lingering_close
  lingering_time lingering_timeout location max_ranges output_buffers override_charset port_in_redirect postpone_output
  proxy_buffer_size proxy_buffering proxy_buffers proxy_busy_buffers_size proxy_cookie_domain proxy_cookie_flags
  proxy_cookie_path proxy_force_ranges proxy_hide_header proxy_ignore_client_abort proxy_limit_rate
  proxy_max_temp_file_size proxy_next_upstream_timeout proxy_next_upstream_tries proxy_pass_header
  proxy_request_buffering proxy_socket_keepalive reset_timedout_connection return rewrite send_timeout set
  source_charset sub_filter sub_filter_last_modified sub_filter_once sub_filter_types tcp_nodelay valid_referers`.split(
    /\s+/,
  ),
);
const BLOCKS = new Set(['location', 'if']);
/** What people reach for, and where it is written instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  allow: 'write it under `http.access`',
  deny: 'write it under `http.access`',
  satisfy: 'write it under `http.access`',
  auth_basic: 'write it under `http.access`',
  auth_basic_user_file: 'write it under `http.access`',
  alias: 'write it under `media`',
  root: 'write it under `media`',
  client_max_body_size: 'write it as `http.body`',
  error_page: 'write it under `http.errors`',
  limit_req: 'write it as `http.rate`',
  proxy_read_timeout: 'write it as `http.timeout`',
  proxy_send_timeout: 'write it as `http.timeout`',
  proxy_set_header: 'write it under `http.headers.request`',
  server_name: 'write it under `hostnames`',
};
const DEEPEST = 3;

interface Token {
  /** Words are decoded; `;`, `{` and `}` stand for themselves when they are no words. */
  readonly text: string;
  readonly word: boolean;
  readonly line: number;
}

/** Directives as nginx would read them, each one allowed; or what is wrong, with its line of the text. */
export function parseRawNginx(text: string): Parsed<readonly Directive[]> {
  const tokens = tokenise(text);
  if (!tokens.ok) return tokens;
  const rest = [...tokens.value];
  const read = readBlock(rest, 0);
  return read.ok && rest.length > 0 ? wrong(rest[0]!.line, 'a `}` closes nothing') : read;
}

function wrong(line: number, message: string): { ok: false; message: string } {
  return { ok: false, message: `line ${line}: ${message}` };
}

/** The way nginx splits its files into words. */
function tokenise(text: string): Parsed<Token[]> {
  const tokens: Token[] = [];
  const pattern =
    /(?<skip>[ \t\r\n]+|#[^\n]*)|(?<mark>[;{}])|"(?<double>(?:\\[^]|[^"\\])*)"|'(?<single>(?:\\[^]|[^'\\])*)'|(?<plain>(?:\\[^]|\$\{[^\s;{}]*\}|\$(?!\{)|[^\s;{}"'#\\$])(?:\\[^]|\$\{[^\s;{}]*\}|\$(?!\{)|[^\s;{}\\$])*)/gy;
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) return wrong(line, `cannot be read from ${quote(text.slice(at, at + 20).split('\n')[0]!)} on`);
    const { skip, mark, double, single, plain } = found.groups!;
    const word = double ?? single ?? plain;
    if (mark !== undefined) tokens.push({ text: mark, word: false, line });
    if (word !== undefined) {
      const decoded = decode(word);
      const control = findControl(decoded);
      if (control !== undefined) return wrong(line, `a word holds the control character ${codePoint(control)}`);
      tokens.push({ text: decoded, word: true, line });
    }
    const next = text[pattern.lastIndex];
    if ((double ?? single) !== undefined && next !== undefined && !/[\s;{)]/.test(next)) {
      return wrong(line, 'a closing quote is followed by more of the word');
    }
    if (skip !== undefined) line += skip.split('\n').length - 1;
  }
  return { ok: true, value: tokens };
}

function decode(word: string): string {
  const named: Record<string, string> = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' };
  return word.replaceAll(/\\([^])/g, (whole, character: string) => named[character] ?? whole);
}

/** Takes directives from the front until the text or the block ends. */
function readBlock(tokens: Token[], depth: number): Parsed<Directive[]> {
  const directives: Directive[] = [];
  while (tokens.length > 0 && (tokens[0]!.word || tokens[0]!.text !== '}')) {
    const words: string[] = [];
    const { line } = tokens[0]!;
    while (tokens[0]?.word) words.push(tokens.shift()!.text);
    const end = tokens.shift();
    if (!end || end.text === '}') return wrong(line, `${quote(words[0] ?? '')} does not end in a semicolon`);
    const flaw = flawOf(words, end.text === '{', depth);
    if (flaw !== undefined) return wrong(line, flaw);
    if (end.text === ';') {
      directives.push({ words });
      continue;
    }
    const block = readBlock(tokens, depth + 1);
    if (!block.ok) return block;
    if (!tokens.shift()) return wrong(line, `the block of ${quote(words[0]!)} is never closed`);
    directives.push({ words, block: block.value });
  }
  return { ok: true, value: directives };
}

function flawOf(words: readonly string[], block: boolean, depth: number): string | undefined {
  const [name] = words;
  if (name === undefined) return 'a directive is missing in front of `;` or `{`';
  if (!ALLOWED.has(name)) {
    const guess = didYouMean(name, [...ALLOWED]);
    const more =
      (Object.hasOwn(INSTEAD, name) && INSTEAD[name]) ||
      (guess ? `did you mean ${quote(guess)}?` : 'docs/definition.md lists what can');
    return `${quote(name)} cannot stand here: ${more}`;
  }
  if (BLOCKS.has(name) !== block) return block ? `${quote(name)} takes no block` : `${quote(name)} needs a block`;
  if (depth >= DEEPEST) return 'blocks stand too deep in each other';
  const own = words.slice(1).find((word) => word.includes('hostctl'));
  if (own !== undefined) return `${quote(own)} is hostctl's own`;
  return undefined;
}
