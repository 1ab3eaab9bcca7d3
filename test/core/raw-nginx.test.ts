import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRawNginx } from '../../src/core/raw-nginx.ts';
import { type Parsed, parseNginx } from '../support/nginx.ts';
import { siteText } from '../support/site.ts';

/** What stands in the server block between what hostctl writes itself. */
function printed(raw: string): Parsed[] {
  const site = { project: 'site', hostnames: [{ kind: 'exact', name: 'a.org' }] as const, routes: [], maxBody: 1 };
  const inner = (settings: object): Parsed[] => [
    ...parseNginx(siteText({ ...site, ...settings })).find((item) => item.words[0] === 'server')!.block!,
  ];
  const own = inner({}).length;
  const all = inner({ settings: { raw: { nginx: raw } } });
  return all.slice(3, 3 + all.length - own);
}

describe('raw directives', () => {
  test.each([
    ['gzip on;', [{ words: ['gzip', 'on'] }]],
    ['gzip on; # off; }', [{ words: ['gzip', 'on'] }]],
    ['set $a "b;{}#\\" \\\\ c";', [{ words: ['set', '$a', 'b;{}#" \\ c'] }]],
    ["set $a 'it\"s';", [{ words: ['set', '$a', 'it"s'] }]],
    ['rewrite ^/a\\.b(?<c>.*)$ /${c}x permanent;', [{ words: ['rewrite', '^/a\\.b(?<c>.*)$', '/${c}x', 'permanent'] }]],
    [
      'if ($arg_a = "") {\n\treturn 403;\n}',
      [{ words: ['if', '($arg_a', '=', '', ')'], block: [{ words: ['return', '403'] }] }],
    ],
    [
      'location ~* \\.php$ { if ($request_method = POST) { return 405; } }',
      [
        {
          words: ['location', '~*', '\\.php$'],
          block: [{ words: ['if', '($request_method', '=', 'POST)'], block: [{ words: ['return', '405'] }] }],
        },
      ],
    ],
    ['', []],
  ])('%s', (text, expected) => {
    expect(parseRawNginx(text).ok).toBe(true);
    expect(printed(text)).toEqual(expected);
  });

  test.each([
    ['root /etc;', 'line 1: `root` cannot stand here: write it under `media`'],
    ['gzip on;\n\ninclude /etc/passwd;', 'line 3: `include` cannot stand here: docs/definition.md lists what can'],
    ['gzipp on;', 'line 1: `gzipp` cannot stand here: did you mean `gzip`?'],
    ['proxy_pass http://10.0.0.1;', 'line 1: `proxy_pass` cannot stand here: docs/definition.md lists what can'],
    ['load_module x.so;', 'line 1: `load_module` cannot stand here: docs/definition.md lists what can'],
    [
      'content_by_lua_block { os.exit() }',
      'line 1: `content_by_lua_block` cannot stand here: docs/definition.md lists what can',
    ],
    ['location /a { alias /etc/; }', 'line 1: `alias` cannot stand here: write it under `media`'],
    ['"alias" /etc/;', 'line 1: `alias` cannot stand here: write it under `media`'],
    ['satisfy any;', 'line 1: `satisfy` cannot stand here: write it under `http.access`'],
    ['gzip on; } server { listen 81;', 'line 1: a `}` closes nothing'],
    ['gzip on', 'line 1: `gzip` does not end in a semicolon'],
    ['location / {\ngzip on;', 'line 1: the block of `location` is never closed'],
    ['gzip { on; }', 'line 1: `gzip` takes no block'],
    ['location /;', 'line 1: `location` needs a block'],
    ['set $a "x', 'line 1: cannot be read from `"x` on'],
    ['set $a "x"y;', 'line 1: a closing quote is followed by more of the word'],
    ['set $a "x\ny";', 'line 1: a word holds the control character U+000A'],
    ['set $a x\\ny;', 'line 1: a word holds the control character U+000A'],
    ['set $hostctl_upstream evil;', "line 1: `$hostctl_upstream` is hostctl's own"],
    ['rewrite ^ /.hostctl/pass/x;', "line 1: `/.hostctl/pass/x` is hostctl's own"],
    ['constructor x;', 'line 1: `constructor` cannot stand here: docs/definition.md lists what can'],
    ['if gzip${\n}', 'line 1: cannot be read from `${` on'],
    ['if ${ { }', 'line 1: cannot be read from `${ { }` on'],
    [';', 'line 1: a directive is missing in front of `;` or `{`'],
    ['if (a) { if (b) { if (c) { if (d) { break; } } } }', 'line 1: blocks stand too deep in each other'],
  ])('%s is refused', (text, message) => {
    expect(parseRawNginx(text)).toEqual({ ok: false, message });
  });

  test('that are taken are read by nginx as they are read here, whatever they look like', () => {
    const piece = fc.constantFrom(
      'gzip',
      'set',
      'if',
      'location',
      'return',
      '$a',
      '${',
      '}',
      '{',
      ';',
      '"',
      "'",
      '\\',
      '#',
      '\n',
      ' ',
      '(',
      ')',
      'x',
      '\t',
    );
    let taken = 0;
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 25 }).map((parts) => parts.join('')),
        (text) => {
          const parsed = parseRawNginx(text);
          if (!parsed.ok) return;
          taken += 1;
          expect(parseNginx(text)).toEqual(parsed.value);
          expect(printed(text)).toEqual(parsed.value);
        },
      ),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test('never make the reader throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseRawNginx(text)));
  });
});
