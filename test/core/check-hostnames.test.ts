import { beforeAll, describe, expect, test } from 'vitest';
import { checkHostnames } from '../../src/core/check-hostnames.ts';
import { registrableDomain } from '../../src/core/domains.ts';
import { parseHostname } from '../../src/core/hostnames.ts';
import type { Project } from '../../src/core/model.ts';
import { check } from '../support/definitions.ts';

let plain: Project;
beforeAll(async () => {
  plain = (await check('apps:\n  job: { image: job }\n')).project!;
});

/** Projects a, b, c, … with these hostnames. */
function told(...projects: string[][]): string[] {
  const list = projects.map((names, index) => ({
    ...plain,
    name: 'abcdef'[index]!,
    hostnames: names.map((text) => {
      const parsed = parseHostname(text);
      if (!parsed.ok) throw new Error(parsed.message);
      return parsed.value;
    }),
  }));
  return checkHostnames(list, registrableDomain).map(({ level, topic, project, path, message, hint }) => {
    expect(topic).toBe('hostnames');
    return `${level} ${project} ${path.join(' ')}: ${message}${hint === undefined ? '' : ` → ${hint}`}`;
  });
}
const without = (word: string, list: readonly string[]): string[] => list.filter((item) => !item.includes(word));

const EXACT = 'exact names come before names such as `*.example.org`';
const CROSS = 'add the exact hostnames to the project that should have them: exact names come first';

describe('a name that lies inside another', () => {
  test('of another project is noted, once for each wide name', () => {
    expect(told(['*.a.org'], ['x.a.org', '*.b.a.org'], ['y.a.org'])).toEqual([
      `note a hostnames 0: \`*.a.org\` does not get what fits \`x.a.org\` (b), \`*.b.a.org\` (b), \`y.a.org\` (c) as well: ${EXACT}; the longer one wins`,
    ]);
    expect(told(['z.org', '*.a.org'], ['*.b.org', 'x.a.org'], ['x.b.org'])).toEqual([
      `note a hostnames 1: \`*.a.org\` does not get what fits \`x.a.org\` (b) as well: ${EXACT}`,
      `note b hostnames 0: \`*.b.org\` does not get what fits \`x.b.org\` (c) as well: ${EXACT}`,
    ]);
  });

  test('of the same project is none, nor is the very same name', () => {
    expect(told(['*.a.org', 'x.a.org'])).toEqual([]);
    expect(told(['x.a.org'], ['x.a.org'])).toEqual([]);
  });

  test('many are told by number', () => {
    expect(
      told(
        ['*.a.org'],
        ['1', '2', '3', '4', '5', '6'].map((name) => `n${name}.a.org`),
      ),
    ).toEqual([
      `note a hostnames 0: \`*.a.org\` does not get what fits \`n1.a.org\` (b), \`n2.a.org\` (b), \`n3.a.org\` (b), \`n4.a.org\` (b) and 2 more as well: ${EXACT}`,
    ]);
  });
});

describe('a name that gets nothing', () => {
  const never = (weak: string, strong: string, of: string, why: string): string =>
    `\`${weak}\` is never reached: \`${strong}\` of ${of} takes all of its hosts, because ${why} → write exact hostnames, which outrank it, or give \`${strong}\` up in ${of}`;

  test('because of another project', () => {
    expect(without('also catches', told(['*.org'], ['x.net', '*b.org']))).toEqual([
      `warning b hostnames 1: ${never('*b.org', '*.org', 'a', 'names such as `*.example.org` come before globs')}`,
    ]);
  });

  test('because of its own', () => {
    expect(told(['*.b.org', '*shop.b.org'])).toEqual([
      'note a hostnames 1: `*shop.b.org` adds nothing: `*.b.org` of the same project takes all of its hosts → delete it',
    ]);
  });

  test('the strongest of those that take its hosts is named, whichever comes first', () => {
    const expected = never('*x.b.org', '*.b.org', 'a', 'names such as `*.example.org` come before globs');
    expect(told(['*.b.org'], ['*x.b.org'], ['*.org']).find((text) => text.includes('never'))).toBe(
      `warning b hostnames 0: ${expected}`,
    );
    expect(told(['*.org'], ['*x.b.org'], ['*.b.org']).find((text) => text.includes('never'))).toBe(
      `warning b hostnames 0: ${expected.replaceAll(' of a ', ' of c ').replace('in a', 'in c')}`,
    );
  });

  test('is told once, and nothing else of it', () => {
    const found = told(['*.b.org'], ['*x.b.org'], ['y.x.b.org', 'yx.b.org']);
    expect(found.filter((text) => text.includes('*x.b.org'))).toHaveLength(1);
    expect(found).toHaveLength(2);
    expect(found[1]).toMatch(/^note a hostnames 0: `\*.b.org` does not get what fits /);
  });
});

describe('names that cross', () => {
  const TRAILING = 'names such as `www.*` come before globs';

  test('are told with a host that both fit', () => {
    expect(told(['c.org', 'www.*'], ['*b.org']).filter((text) => text.includes('shares'))).toEqual([
      `warning a hostnames 1: \`www.*\` shares hosts with \`*b.org\` of b, and gets them: \`www.b.org\` comes here, because ${TRAILING} → ${CROSS}`,
    ]);
    expect(told(['www.*'], ['*b.org'], ['*c.org']).filter((text) => text.includes('shares'))).toEqual([
      `warning a hostnames 0: \`www.*\` shares hosts with \`*b.org\` of b, \`*c.org\` of c, and gets them: \`www.b.org\` comes here, because ${TRAILING} → ${CROSS}`,
    ]);
  });

  test.each<[taken: string[], shown: string | undefined]>([
    [[], 'www.b.org'],
    [['www.b.org'], 'www.xb.org'],
    [['www.b.org', 'www.xb.org'], 'www.xxb.org'],
    // A label begins with no `-`.
    [['www.b.org', 'www.xb.org', 'www.xxb.org'], 'www.x.b.org'],
    [['www.b.org', 'www.xb.org', 'www.xxb.org', 'www.x.b.org'], undefined],
    [['www.b.org', 'www.xb.org', 'www.xxb.org', '*.b.org'], undefined],
  ])('the host is nobody else’s: %j', (taken, shown) => {
    const found = told(['www.*'], ['*b.org', ...taken]).find((text) => text.includes('shares'));
    if (shown === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(`\`${shown}\` comes here`);
  });

  test('of the same project are none', () => {
    expect(told(['www.*', '*b.org']).filter((text) => text.includes('shares'))).toEqual([]);
  });

  test('a whole domain is expected to have its hosts', () => {
    expect(told(['*.b.org'], ['www.*']).filter((text) => !text.includes('strangers'))).toEqual([
      'note b hostnames 0: `www.*` does not get what fits `*.b.org` (a) as well: names such as `*.example.org` come before names such as `www.*`',
    ]);
  });
});

describe('hosts of strangers', () => {
  const STRANGERS = 'answers for domains of strangers, as soon as they point one at this host';
  test.each<[name: string, expected: string[]]>([
    ['a.org', []],
    ['*.a.org', []],
    ['*.org', []],
    [
      '*a.org',
      [
        'warning a hostnames 0: `*a.org` also catches `evila.org`, a domain that anybody can register → write `a.org` and `*.a.org` instead',
      ],
    ],
    [
      '*a.co.uk',
      [
        'warning a hostnames 0: `*a.co.uk` also catches `evila.co.uk`, a domain that anybody can register → write `a.co.uk` and `*.a.co.uk` instead',
      ],
    ],
    ['*x.a.org', []],
    ['*-x.a.org', []],
    ['*.x*.a.org', [`note a hostnames 0: \`*.x*.a.org\` ${STRANGERS}`]],
    ['www.*', [`note a hostnames 0: \`www.*\` ${STRANGERS}`]],
    ['a?.org', [`note a hostnames 0: \`a?.org\` ${STRANGERS}`]],
    ['*a.test', [`note a hostnames 0: \`*a.test\` ${STRANGERS}`]],
    ['x*a.org', [`note a hostnames 0: \`x*a.org\` ${STRANGERS}`]],
  ])('%s', (name, expected) => {
    expect(told([name])).toEqual(expected);
  });
});
