import { expect, test } from 'vitest';
import { covers, daysLeft, dueAt, namesToOrder, someNames, uncoveredNames } from '../../src/core/certificate.ts';
import { type Hostname, parseHostname } from '../../src/core/hostnames.ts';

const host = (text: string): Hostname => {
  const parsed = parseHostname(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
};
const DAY = 24 * 3_600_000;

test.each<[names: string[], hostname: string, right: boolean]>([
  [['a.org'], 'a.org', true],
  [['b.org', 'a.org'], 'a.org', true],
  [['*.a.org'], 'x.a.org', true],
  [['*.a.org'], 'xy.a.org', true],
  [['*.a.org'], 'y.x.a.org', false],
  [['*.a.org'], 'a.org', false],
  [['*.a.org'], '*.a.org', true],
  [['x.a.org'], '*.a.org', false],
  [['*.a.org'], '*.x.a.org', false],
  [['www.b.org'], 'www.*', true],
  [['wwwx.b.org'], 'www.*', false],
  [['a.org'], '*a.org', true],
  [['xa.org'], '*a.org', true],
  [['*.a.org'], '*a.org', true],
  [['xaxorg'], '*a.org', false],
  [['a.org.net'], '*a.org', false],
  [['abc.org'], 'a?c.org', true],
  [['abbc.org'], 'a?c.org', false],
  [[], '*a.org', false],
])('a certificate for %j and visitors of %s', (names, hostname, right) => {
  expect(covers(names, host(hostname))).toBe(right);
});

test('names that a certificate is not for', () => {
  expect(uncoveredNames(['a.org', 'x.a.org', 'y.x.a.org', '*.a.org', 'b.org'], ['*.a.org', 'b.org'])).toEqual([
    'a.org',
    'y.x.a.org',
  ]);
  expect(uncoveredNames(['xy.a.org'], ['*y.a.org', 'xy.*.org'])).toEqual(['xy.a.org']);
});

test('names to order are those that a certificate can hold', () => {
  expect(namesToOrder(['a.org', '*.a.org', 'www.*', '*b.org', 'c?.org', 'd.org'].map(host))).toEqual([
    'a.org',
    '*.a.org',
    'd.org',
  ]);
});

test('of many names three are told', () => {
  expect(someNames(['a'])).toBe('`a`');
  expect(someNames(['a', 'b', 'c'])).toBe('`a`, `b`, `c`');
  expect(someNames(['a', 'b', 'c', 'd'])).toBe('`a`, `b`, `c` and 1 more');
});

test('renewal is due a month before the end, or after two thirds of a short life', () => {
  const due = (days: number): number =>
    (dueAt({ names: [], notBefore: 5 * DAY, notAfter: (5 + days) * DAY }) - 5 * DAY) / DAY;
  expect(due(365)).toBe(335);
  expect(due(91)).toBe(61);
  expect(due(90)).toBe(60);
  expect(due(60)).toBe(40);
  expect(due(6)).toBe(4);
});

test('days left are whole ones', () => {
  const left = (ms: number): number => daysLeft({ notAfter: 100 * DAY + ms }, 100 * DAY);
  expect([left(0), left(DAY - 1), left(DAY), left(-1), left(-DAY - 1)]).toEqual([0, 0, 1, -1, -2]);
});
