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
