import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostnamePattern, parseHostname, sampleName } from '../../src/core/hostnames.ts';

const parsed = (text: string) => {
  const result = parseHostname(text);
  if (!result.ok) throw new Error(result.message);
  return result.value;
};

describe('what a hostname may be', () => {
  test.each([
    ['www.Example.ORG', 'exact', 'www.example.org'],
    ['localhost', 'exact', 'localhost'],
    ['projectname.localhost', 'exact', 'projectname.localhost'],
    ['*.example.org', 'leading', '*.example.org'],
    ['*projectname.org', 'glob', '*projectname.org'],
    ['www.*', 'trailing', 'www.*'],
    ['a?c.org', 'glob', 'a?c.org'],
    ['bücher.example', 'exact', 'xn--bcher-kva.example'],
    ['*.bücher.example', 'leading', '*.xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'exact', 'xn--bcher-kva.example'],
  ])('%s', (text, kind, name) => {
    expect(parsed(text)).toEqual({ kind, name });
  });

  test.each([
    ['', 'is empty'],
    ['https://a.org', 'is a URL'],
    ['a.org:80', 'holds a port'],
    ['a.org/b', 'holds a path'],
    ['a.org b.org', 'holds a space'],
    ['a.org,b.org', 'holds a space or a comma'],
    ['a.org.', 'ends in a dot'],
    ['a..org', 'empty label'],
    ['.a.org', 'empty label'],
    ['-a.org', 'holds the label'],
    ['a-.org', 'holds the label'],
    ['a_b.org', 'holds "_"'],
    ['a`) || Host(`evil.org', 'holds a space'],
    ['a`.org', 'holds "`"'],
    ['a{b}.org', 'holds "{"'],
    ['{{env}}.org', 'holds "{"'],
    ['a$b.org', 'holds "$"'],
    ['a;b.org', 'holds ";"'],
    ['a"b.org', 'holds "\\""'],
    ['~^.*$', 'holds "~"'],
    ['evil@example.org', 'holds "@"'],
    ['192.168.1.1', 'is an address'],
    ['1.2', 'is an address'],
    ['example', 'has one label only'],
    ['*', 'would catch every hostname'],
    ['*.*', 'would catch every hostname'],
    ['**.a.org', 'two stars in a row'],
    [`${'a'.repeat(64)}.org`, 'a label of 64 characters'],
    [`${'a.'.repeat(130)}org`, 'a hostname has at most 253'],
    ['xn--a-\u00ad.org', 'invisible'],
    ['a\u200bb.org', 'invisible'],
    ['a\u3002org', 'invisible or look-alike'],
    ['ａ.org', 'is not a valid international name'],
    ['xn--zzzzzz99999.org', 'is not a valid international name'],
  ])('%j is refused', (text, why) => {
    expect(parseHostname(text)).toEqual({ ok: false, message: expect.stringContaining(why) });
  });

  test.each([
    ['', '`` is empty: write a hostname such as www.example.org'],
    ['https://a.org', '`https://a.org` is a URL: write only the hostname'],
    ['a.org, b.org', '`a.org, b.org` holds a space or a comma: write one hostname per list item'],
    ['a.org:', '`a.org:` holds a port: the proxy listens on the ports of hostctl.yaml'],
    ['a.org/b', '`a.org/b` holds a path: paths belong under `media` or in `path` of an app'],
    ['a.org.', '`a.org.` ends in a dot: write it without'],
    ['a\u200bb.org', '`a\u200bb.org` holds an invisible or look-alike character: type it again'],
    ['a_b.org', '`a_b.org` holds "_", which no hostname can'],
    ['a:b.org', '`a:b.org` holds ":", which no hostname can'],
    ['ａ.org', '`ａ.org` is not a valid international name'],
    ['*ü.org', '`*ü.org` is not a valid international name'],
    ['xn--zzzzzz99999.org', '`xn--zzzzzz99999.org` is not a valid international name'],
    ['*', '`*` would catch every hostname: name at least one label'],
    ['?.*', '`?.*` would catch every hostname: name at least one label'],
    ['a**.org', '`a**.org` holds two stars in a row: one says the same'],
    ['example', '`example` has one label only: write a full name such as www.example.org'],
    ['exampl?', '`exampl?` has one label only: write a full name such as www.example.org'],
    ['10.0.0.1', '`10.0.0.1` is an address: write a hostname'],
    ['a.b.7', '`a.b.7` is an address: write a hostname'],
    ['a..org', '`a..org` holds an empty label (two dots, or a dot in front)'],
    ['a.-b*.org', '`a.-b*.org` holds the label `-b*`: letters, digits and inner hyphens only'],
    [`a.${'b'.repeat(64)}.org`, `\`a.${'b'.repeat(64)}.org\` holds a label of 64 characters; a label has at most 63`],
    [`${'a.'.repeat(125)}bcde`, `\`${'a.'.repeat(125)}bcde\` has 254 characters; a hostname has at most 253`],
  ])('%j is refused, and why', (text, message) => {
    expect(parseHostname(text)).toEqual({ ok: false, message });
  });

  test.each([
    'example*',
    '*example',
    `${'b'.repeat(63)}.org`,
    `${'a.'.repeat(125)}bcd`,
    'a--b.org',
    '1.a.org',
    'a.b7',
    '*.xn--bcher-kva.example',
    'straße.example',
    'a.ü.b.example',
  ])('%j is one', (text) => {
    expect(parseHostname(text).ok).toBe(true);
  });

  test('whatever is accepted can stand in a configuration without quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        const result = parseHostname(text);
        if (result.ok) expect(result.value.name).toMatch(/^[a-z0-9.*?-]+$/);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('what a hostname matches', () => {
  test.each([
    ['*.example.org', ['a.example.org', 'a.b.example.org'], ['example.org', 'xexample.org', '.example.org']],
    [
      '*projectname.org',
      ['projectname.org', 'fooprojectname.org', 'www.projectname.org', 'a.b.projectname.org'],
      ['projectname.org.evil', 'evil@projectname.org', 'projectnamexorg'],
    ],
    ['a?c.org', ['abc.org', 'a.c.org'], ['ac.org', 'abbc.org', 'a/c.org']],
    ['www.*', ['www.a', 'www.a.b'], ['www.', 'xwww.a']],
  ])('%s', (text, yes, no) => {
    const pattern = new RegExp(hostnamePattern(parsed(text)));
    for (const name of yes) expect(pattern.test(name), name).toBe(true);
    for (const name of no) expect(pattern.test(name), name).toBe(false);
    expect(pattern.test(sampleName(parsed(text)))).toBe(true);
  });
});
