import { describe, expect, test } from 'vitest';
import { bySpecificity, parseUrlPath } from '../../src/core/routes.ts';

describe('a URL path', () => {
  test.each([
    ['/', '/'],
    ['/media', '/media'],
    ['/media/', '/media'],
    ['/a/b.c/D~_@+-', '/a/b.c/D~_@+-'],
    ['/_a/~b/@c/+d/-e', '/_a/~b/@c/+d/-e'],
    ['/a..b/c...', '/a..b/c...'],
    ['/.well-known', '/.well-known'],
    ['/.well-known/security.txt', '/.well-known/security.txt'],
    [`/${'a'.repeat(199)}`, `/${'a'.repeat(199)}`],
  ])('%s is %s', (text, value) => {
    expect(parseUrlPath(text)).toEqual({ ok: true, value });
  });

  const long = `/${'a'.repeat(200)}`;
  test.each([
    ['media', '`media` does not start with a slash: write `/media`'],
    ['', '`` does not start with a slash: write `/`'],
    [long, `\`${long}\` is longer than 200 characters`],
    ['//', '`//` holds two slashes in a row'],
    ['/a//b', '`/a//b` holds two slashes in a row'],
    ['/a//', '`/a//` holds two slashes in a row'],
    ['/a/..', '`/a/..` holds `.` or `..`: write where it leads'],
    ['/./a', '`/./a` holds `.` or `..`: write where it leads'],
    ['/../a', '`/../a` holds `.` or `..`: write where it leads'],
    ['/a/.git/b', '`/a/.git/b` holds the hidden name `.git`, which is never served'],
    ['/...', '`/...` holds the hidden name `...`, which is never served'],
    ['/.well-known2', '`/.well-known2` holds the hidden name `.well-known2`, which is never served'],
    ['/a b', '`/a b` holds `a b`: letters, digits and . _ ~ @ + - only'],
    ['/a%20', '`/a%20` holds `a%20`: letters, digits and . _ ~ @ + - only'],
    ['/x/a$', '`/x/a$` holds `a$`: letters, digits and . _ ~ @ + - only'],
    ['/ä', '`/ä` holds `ä`: letters, digits and . _ ~ @ + - only'],
    ['/a?b', '`/a?b` holds `a?b`: letters, digits and . _ ~ @ + - only'],
  ])('%s is none', (text, message) => {
    expect(parseUrlPath(text)).toEqual({ ok: false, message });
  });
});

test('the longest path comes first, then the first by name', () => {
  const paths = ['/b', '/', '/aaa', '/a', '/bb'].map((path) => ({ path }));
  expect(paths.toSorted(bySpecificity).map(({ path }) => path)).toEqual(['/aaa', '/bb', '/a', '/b', '/']);
  expect(
    paths
      .toReversed()
      .toSorted(bySpecificity)
      .map(({ path }) => path),
  ).toEqual(['/aaa', '/bb', '/a', '/b', '/']);
});
