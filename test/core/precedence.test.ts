import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Hostname, hostnamePattern, parseHostname } from '../../src/core/hostnames.ts';
import { hostName, hostnamesFor, indexHosts, pathOf, routeFor } from '../../src/core/match.ts';
import { byPrecedence, commonHost, covers, sharingPairs, whyStronger } from '../../src/core/precedence.ts';
import type { Site } from '../../src/core/routes.ts';
import { globOrder, serverNames } from '../../src/proxy/globs.ts';

const host = (text: string): Hostname => {
  const result = parseHostname(text);
  if (!result.ok) throw new Error(result.message);
  return result.value;
};
const site = (project: string, ...names: string[]): Site => ({
  project,
  hostnames: names.map(host),
  routes: [],
  maxBody: 0,
});

/** Hostnames of a tiny alphabet, so that they meet. */
const anyName = fc
  .array(fc.constantFrom('a', 'b', '.', '*', '?'), { minLength: 2, maxLength: 6 })
  .map((characters) => `${characters.join('')}.a`)
  .filter((text) => parseHostname(text).ok);
const anyHost = fc
  .array(fc.constantFrom('a', 'b', '.', 'ab'), { maxLength: 6 })
  .map((characters) => `${characters.join('')}.a`)
  .filter((name) => hostName(name) !== undefined);
const fits = (pattern: string, name: string): boolean => new RegExp(hostnamePattern(host(pattern))).test(name);

describe('who wins', () => {
  test('by class, then by length, then by certain characters, then by name', () => {
    const order = [
      'a.org',
      'www.a.b.org',
      '*.b.a.org',
      '*.a.org',
      'www.a.*',
      'www.*',
      '*projectname.org',
      'c??.org',
      'c?*.org',
      '*name.org',
      '*c.org',
      'c*.org',
    ];
    const sorted = order
      .map(host)
      .toSorted(byPrecedence)
      .map(({ name }) => name);
    expect(sorted.slice(2)).toEqual([
      '*.b.a.org',
      '*.a.org',
      'www.a.*',
      'www.*',
      '*projectname.org',
      '*name.org',
      'c??.org',
      'c?*.org',
      '*c.org',
      'c*.org',
    ]);
  });

  test('is the same whichever comes first', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName, { maxLength: 8 }), anyHost, (names, name) => {
        const sites = names.map((text, number) => site(`p${number}`, text));
        const [winner] = hostnamesFor(name, indexHosts(sites));
        expect(hostnamesFor(name, indexHosts(sites.toReversed()))[0]?.hostname).toEqual(winner?.hostname);
        // Exactly those that fit are candidates, in order.
        const fitting = names
          .filter((text) => fits(text, name))
          .map(host)
          .toSorted(byPrecedence);
        expect(hostnamesFor(name, indexHosts(sites)).map((entry) => entry.hostname)).toEqual(fitting);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('hostnames that share hosts', () => {
  test('are found, and nothing that shares one is missed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName, { maxLength: 6 }), anyHost, (names, name) => {
        const pairs = sharingPairs(names.map((text) => ({ hostname: host(text) })));
        for (const [a, b] of pairs) expect(byPrecedence(a.hostname, b.hostname)).toBeLessThan(0);
        const known = new Set(pairs.map(([a, b]) => `${a.hostname.name} ${b.hostname.name}`));
        const fitting = names
          .filter((text) => fits(text, name))
          .map(host)
          .toSorted(byPrecedence);
        for (const [place, strong] of fitting.entries())
          for (const weak of fitting.slice(place + 1)) expect(known).toContain(`${strong.name} ${weak.name}`);
      }),
      { numRuns: 1500 },
    );
    expect(sharingPairs(['*a.org', '*b.org', 'x.c.org'].map((text) => ({ hostname: host(text) })))).toEqual([]);
    expect(
      sharingPairs(['*staging*', '*name1.org', '*name2.org'].map((text) => ({ hostname: host(text) }))),
    ).toHaveLength(2);
  });

  test('one that covers another fits whatever that fits', () => {
    expect(covers('*name.org', '*projectname.org')).toBe(true);
    expect(covers('*projectname.org', '*name.org')).toBe(false);
    expect(covers('q*.net', 'q?.net')).toBe(true);
    expect(covers('q?.net', 'q*.net')).toBe(false);
    expect(covers('*.a.org', '*.b.a.org')).toBe(true);
    expect(covers('*.a.org', 'a.org')).toBe(false);
    fc.assert(
      fc.property(anyName, anyName, anyHost, (outer, inner, name) => {
        if (covers(outer, inner) && fits(inner, name)) expect(fits(outer, name)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  test('a thousand projects take no time', () => {
    const names = Array.from({ length: 1000 }, (_, number) => ({ hostname: host(`*projectname${number}.org`) }));
    const since = performance.now();
    expect(sharingPairs([...names, { hostname: host('*staging*') }])).toHaveLength(1000);
    expect(performance.now() - since).toBeLessThan(500);
  });
});

describe('the order in which nginx reads globs', () => {
  /** As nginx does: the first expression in the order of the files. */
  function nginxPicks(sites: readonly Site[], name: string): string | undefined {
    const order = globOrder(sites);
    const sources = order.sites.flatMap((item) =>
      serverNames(item.hostnames, order).map((word) => [item.project, word] as const),
    );
    return sources.find(
      ([, word]) =>
        word.startsWith('"~') &&
        new RegExp(word.slice(2, -1).replaceAll('\\\\', '\\').replaceAll('\\z', '$')).test(name),
    )?.[0];
  }

  test('gives every host to the strongest glob, however the projects are tangled', () => {
    const globs = anyName.filter((text) => host(text).kind === 'glob');
    fc.assert(
      fc.property(
        fc.uniqueArray(globs, { maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        anyHost,
        (names, count, name) => {
          const sites = Array.from({ length: count }, (_, number) =>
            site(`p${number}`, ...names.filter((_name, place) => place % count === number)),
          );
          expect(nginxPicks(sites, name)).toBe(hostnamesFor(name, indexHosts(sites))[0]?.site.project);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('is that of the names where nothing overlaps, and leaves the files as they are where an order will do', () => {
    const plain = globOrder([site('b', '*b.org'), site('a', '*a.org')]);
    expect([plain.matters, plain.sites.map(({ project }) => project)]).toEqual([false, ['a', 'b']]);
    const nested = globOrder([site('a', '*name.org'), site('b', '*projectname.org'), site('c', 'c.org')]);
    expect([nested.matters, nested.sites.map(({ project }) => project)]).toEqual([true, ['c', 'b', 'a']]);
    expect(nested.outranked.size).toBe(0);
    expect(serverNames([host('*name.org')], nested)).toEqual(['"~^(?:[a-z0-9_-][a-z0-9._-]*)?name\\\\.org$"']);
  });

  test('a glob that would have to exclude more than nginx can read is refused', () => {
    const others = Array.from({ length: 200 }, (_, number) => site(`p${number}`, `*a-long-name-${number}.org`, '*x*'));
    const order = globOrder([site('a', '*mmm*'), ...others]);
    expect(() => serverNames([host('*mmm*')], order)).toThrow('shares hosts with 200 stronger globs');
  });
});

describe('a path', () => {
  test.each([
    ['/', '/'],
    ['/a/../b', '/b'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['//a///b//', '/a/b/'],
    ['/%61%2fb', '/a/b'],
    ['/a?b#c', '/a'],
    ['/a#b?c', '/a'],
    ['/..', undefined],
    ['/a/%2e%2e/..', undefined],
    ['/%', undefined],
    ['/%00', undefined],
    ['a', undefined],
  ])('%s means %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });

  test('leads to the longest route', () => {
    const routes = [
      { path: '/', target: { to: 'app', app: 'web' } },
      { path: '/a', target: { to: 'media', file: false } },
      { path: '/a/b', target: { to: 'media', file: true } },
    ] as const;
    expect(['/', '/ab', '/a', '/a/', '/a/b', '/a/b/c', '/a/bc'].map((path) => routeFor(path, routes)?.path)).toEqual([
      '/',
      '/',
      '/a',
      '/a',
      '/a/b',
      '/a',
      '/a',
    ]);
  });
});

describe('of two hostnames', () => {
  test.each([
    ['a.org', '*.org', 'exact names come before names such as `*.example.org`'],
    ['*.a.org', 'www.*', 'names such as `*.example.org` come before names such as `www.*`'],
    ['www.*', '*a.org', 'names such as `www.*` come before globs'],
    ['*name.org', '*a.org', 'the longer one wins'],
    ['*.b.a.org', '*.a.org', 'the longer one wins'],
    ['*?a.org', '*a.org', 'among globs of one length more `?` win, then the first by name'],
  ])('%s wins over %s, and why', (strong, weak, why) => {
    expect(byPrecedence(host(strong), host(weak))).toBeLessThan(0);
    expect(byPrecedence(host(weak), host(strong))).toBeGreaterThan(0);
    expect(byPrecedence(host(strong), host(strong))).toBe(0);
    expect(whyStronger(host(strong), host(weak))).toBe(why);
  });

  test.each<[string, string, string | undefined]>([
    ['*.example.org', 'www.*', 'www.example.org'],
    ['*a.org', 'b*.org', 'ba.org'],
    ['*a.org', '*b.org', undefined],
    ['a?.org', '?b.org', 'ab.org'],
    ['a??.org', '?*.org', 'axx.org'],
    ['*.a.org', '*.b.a.org', 'x.b.a.org'],
    ['*.a.org', 'a.org', undefined],
    ['a.org', 'a.org', 'a.org'],
    ['a.org', 'a.com', undefined],
    ['*x*.org', '*y*.org', 'xy.org'],
    ['a*.org', 'abc.org', 'abc.org'],
    ['abc.org', 'a*.org', 'abc.org'],
    ['ab.org', 'ab*.org', 'ab.org'],
    ['www.a.*', 'www.*', 'www.a.x'],
    // No host begins or ends with a dot, nor has two in a row.
    ['*.*a.org', '*ba.org', 'x.ba.org'],
    ['a?.*', '*b.*', 'ab.x'],
    ['a.*.org', 'a*b*.org', 'a.b.org'],
    ['a.*.org', '*.b*.org', 'a.b.org'],
  ])('%s and %s, a host that fits both is %s', (a, b, shared) => {
    expect(commonHost(host(a), host(b))).toBe(shared);
    if (shared !== undefined) expect([fits(a, shared), fits(b, shared)]).toEqual([true, true]);
  });

  test('another host that fits both has what is asked for in the place of the first star', () => {
    const [a, b] = [host('*a*.org'), host('b*.org')];
    expect(['', 'x', '-x'].map((pad) => commonHost(a, b, pad))).toEqual(['ba.org', 'bax.org', 'ba-x.org']);
    expect(commonHost(host('*.a.org'), host('*a.org'), 'x')).toBeUndefined();
  });

  test('a host is found exactly where there is one', () => {
    fc.assert(
      fc.property(anyName, anyName, (one, other) => {
        const [a, b] = [host(one), host(other)];
        const shared = commonHost(a, b);
        if (shared !== undefined) expect([fits(one, shared), fits(other, shared)]).toEqual([true, true]);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(anyName, anyName, anyHost, (one, other, name) => {
        if (fits(one, name) && fits(other, name)) expect(commonHost(host(one), host(other))).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  test('that share nothing behind the same end are no pair', () => {
    const pairs = (...names: string[]): string[] =>
      sharingPairs(names.map((text) => ({ hostname: host(text) }))).map(
        ([a, b]) => `${a.hostname.name} ${b.hostname.name}`,
      );
    expect(pairs('a*.org', 'b*.org')).toEqual([]);
    expect(pairs('a*.org', 'ab*.org')).toEqual(['ab*.org a*.org']);
    expect(pairs('ab*.org', 'a*.org')).toEqual(['ab*.org a*.org']);
    expect(pairs('a*x.org', 'a*y*x.org', 'a*.org')).toEqual([
      'a*y*x.org a*x.org',
      'a*x.org a*.org',
      'a*y*x.org a*.org',
    ]);
    expect(pairs('a.org', 'a*.org', 'b.org')).toEqual(['a.org a*.org']);
    expect(pairs('?.org', 'ab.org')).toEqual([]);
    expect(pairs('??.org', 'ab.org')).toEqual(['ab.org ??.org']);
    expect(pairs('www.*', '*.example.org')).toEqual(['*.example.org www.*']);
  });

  test.each([
    ['*', 'a.org', true],
    ['a*', 'a.org', true],
    ['a*', 'ba.org', false],
    ['?.org', '??.org', false],
    ['??.org', '?a.org', true],
    ['?a.org', '??.org', false],
    ['*.org', '*a.org', true],
    ['*.a.org', '*a.org', false],
    ['*a*.org', '*bab*.org', true],
    ['*a*.org', '*b*.org', false],
    ['a.org', 'a.org', true],
    ['a.org', 'a.com', false],
  ])('%s covers %s: %j', (outer, inner, all) => {
    expect(covers(outer, inner)).toBe(all);
  });
});
