import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/core/units.ts';

describe('sizes', () => {
  test.each([
    ['512m', 512 * 1024 ** 2],
    ['512M', 512 * 1024 ** 2],
    ['512Mi', 512 * 1024 ** 2],
    ['0.5g', 512 * 1024 ** 2],
    ['1.5K', 1536],
    ['2T', 2 * 1024 ** 4],
    ['1.1G', 1_181_116_006],
    ['0.3K', 307],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toEqual({ ok: true, value: bytes });
  });

  test.each(['512', '0.5', '-1m', '1e3m', '512MB', '512mib', '512mi', 'm', '', '1 M', '1,5M', '.5M', '9999999999T'])(
    '%j is refused',
    (text) => {
      expect(parseSize(text)).toMatchObject({ ok: false });
    },
  );

  test('what is printed of whole units is read back the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1023 }), fc.constantFrom('K', 'M', 'G', 'T'), (amount, unit) => {
        const parsed = parseSize(`${amount}${unit}`);
        expect(parsed.ok && formatSize(parsed.value)).toBe(`${amount}${unit}`);
      }),
    );
  });
});

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
    expect(formatDuration(ms)).toBe(text);
  });

  test.each(['30', '30 s', '1w', '-1s', 'soon', '9000000000000d', `${'9'.repeat(400)}s`])('%j is refused', (text) => {
    expect(parseDuration(text)).toMatchObject({ ok: false });
  });
});
