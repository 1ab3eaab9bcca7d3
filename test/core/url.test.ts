import { expect, test } from 'vitest';
import { parseUrl } from '../../src/core/url.ts';

test.each([
  ['https://a.org/b?c#d', undefined, 'https://a.org/b?c#d'],
  ['https://bücher.example/ä', undefined, 'https://xn--bcher-kva.example/%C3%A4'],
  ['../b', 'http://a.org/x/y', 'http://a.org/b'],
  ['//b.org', 'http://a.org/x', 'http://b.org/'],
  ['mailto:a@b', undefined, 'mailto:a@b'],
  ['b', undefined, undefined],
  ['', undefined, undefined],
  ['http://', undefined, undefined],
  ['http://[', 'http://a.org', undefined],
])('%j at %j is %j', (text, base, href) => {
  expect(parseUrl(text, base)?.href).toBe(href);
});

test('a text that is a URL is one however often it was looked at', () => {
  for (let times = 0; times < 20_000; times += 1)
    if (!parseUrl('https://bücher.example/')) throw new Error(`none after ${times} times`);
});
