import { expect, test } from 'vitest';
import { buildKitNeed } from '../../src/core/dockerfile.ts';
import {
  formatLikely,
  formatNeed,
  type MemoryNeed,
  overcommitted,
  readAvailable,
  reserveOf,
} from '../../src/core/memory.ts';

const GIB = 1024 ** 3;

const need = (more: Partial<MemoryNeed>): MemoryNeed => ({
  needs: 256 * 1024 ** 2,
  beside: true,
  measured: true,
  free: 1.1 * GIB,
  reserve: GIB / 10,
  fits: true,
  ...more,
});

test('what a second copy needs is said in words', () => {
  expect(formatNeed(need({ ms: 19_700 }))).toBe('needs 256M for about 20s, 1.1G free');
  expect(formatNeed(need({ ms: 70_000, measured: false }))).toBe('needs 256M for up to 1.2m, 1.1G free');
  expect(formatNeed(need({ ms: 12 }))).toBe('needs 256M for about 1s, 1.1G free');
  expect(formatNeed(need({}))).toBe('needs 256M, 1.1G free');
  expect(formatNeed(need({ fits: false }))).toBe('needs 256M, 1.1G free: too little, as 102.4M must be left');
});

test('free memory is what the kernel calls available', () => {
  expect(readAvailable('MemTotal: 10 kB\nMemFree: 1 kB\nMemAvailable:       5 kB\n')).toBe(5120);
  expect(readAvailable('MemTotal: 10 kB\nMemFree: 1 kB\n')).toBeUndefined();
  expect(readAvailable(undefined)).toBeUndefined();
});

test.each([
  ['SwapMemAvailable: 5 kB\n', undefined],
  ['MemAvailable: 5 kBytes\n', undefined],
  ['MemAvailable: 5 MB\n', undefined],
  ['MemAvailable: kB\n', undefined],
  ['MemAvailable: 0 kB', 0],
  ['MemAvailable:\t12345678 kB\nOther: 1 kB\n', 12_345_678 * 1024],
])('free memory in %j is %j', (text, bytes) => {
  expect(readAvailable(text)).toBe(bytes);
});

test('a twentieth of a host is left to others, in whole bytes', () => {
  expect([reserveOf(8 * GIB), reserveOf(0), reserveOf(30), reserveOf(29)]).toEqual([429_496_730, 0, 2, 1]);
});

test('what runs now is told where it is known, also when it is nothing', () => {
  expect(formatLikely(need({}))).toBe('');
  expect(formatLikely(need({ likely: 41 * 1024 ** 2 }))).toBe('what runs now uses 41M');
  expect(formatLikely(need({ likely: 0 }))).toBe('what runs now uses 0B');
});

test('limits that are more than there is are told, and others not', () => {
  expect(overcommitted({ limits: GIB, total: GIB })).toBeUndefined();
  expect(overcommitted({ limits: 2 * GIB, total: GIB })).toBe(
    'all apps and the proxy together may use 2G, and this host has 1G',
  );
});

test.each([
  ['FROM a\nRUN --mount=type=cache,target=/x pip install b', 'flags of RUN (line 2)'],
  ['FROM a\nRUN --network=none true', 'flags of RUN (line 2)'],
  ['#syntax=docker/dockerfile:1\nFROM a', 'a `# syntax` line (line 1)'],
  ['FROM a\ncopy --chown=1 --chmod=644 x /y', 'flags of COPY and ADD (line 2)'],
  ['FROM a\nADD --checksum=sha256:1 http://b/c /d', 'flags of COPY and ADD (line 2)'],
  ['FROM a\nRUN <<EOF\necho\nEOF', 'here-documents (line 2)'],
  ['FROM a\nRUN python3 - <<-"EOF"\nprint()\nEOF', 'here-documents (line 2)'],
  ['FROM a\nCOPY <<EOF /x\n1\nEOF', 'here-documents (line 2)'],
  ['FROM a\nARG TARGETARCH\nRUN echo $TARGETARCH', "BuildKit's own arguments (line 2)"],
  ['FROM --platform=$BUILDPLATFORM a', "BuildKit's own arguments (line 1)"],
])('BuildKit is needed for %j', (dockerfile, what) => {
  expect(buildKitNeed(dockerfile)).toBe(what);
});

test.each([
  'ARG HOSTCTL_PYTHON=python:3\nFROM ${HOSTCTL_PYTHON}\nCOPY --chown=1:1 --from=a x /y',
  'FROM a\n# RUN --mount is not used here\nRUN cmd --mount x && echo "1 << 2" && n=$((1 << 2))',
  'FROM a\nRUN echo ARG TARGETARCH\nARG MY_TARGETARCH\nENV TARGETARCH=x',
])('any builder builds %j', (dockerfile) => {
  expect(buildKitNeed(dockerfile)).toBeUndefined();
});
