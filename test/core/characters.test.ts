import { describe, expect, test } from 'vitest';
import { codePoint, findControl, visible, visibleLines } from '../../src/core/characters.ts';
import { buildKitNeed } from '../../src/core/dockerfile.ts';

describe('characters that do not show', () => {
  test.each([
    ['plain', undefined],
    ['ü → 😀 ~', undefined],
    ['a\tb', '\t'],
    ['a\nb', '\n'],
    ['a\rb', '\r'],
    ['a\u001b[2J', '\u001b'],
    ['\u0000', '\u0000'],
    ['\u0008', '\u0008'],
    ['\u000b', '\u000b'],
    ['\u000c', '\u000c'],
    ['\u001f', '\u001f'],
    [' ', undefined],
    ['~', undefined],
    ['\u007f', '\u007f'],
    ['\u009f', '\u009f'],
    ['\u00a0', undefined],
    ['\u200d', undefined],
    ['\u200e', '\u200e'],
    ['\u200f', '\u200f'],
    ['\u2028', '\u2028'],
    ['\u2029', '\u2029'],
    ['\u202a', '\u202a'],
    ['\u202e', '\u202e'],
    ['\u202f', undefined],
    ['\u2066', '\u2066'],
    ['\u2069', '\u2069'],
    ['\ufeff', '\ufeff'],
    ['\u001b\n', '\n'],
  ])('%j', (text, found) => {
    expect(findControl(text)).toBe(found);
  });

  test('are named and spelt out', () => {
    expect(codePoint('\u001b')).toBe('U+001B');
    expect(codePoint('\u202e')).toBe('U+202E');
    expect(codePoint('😀')).toBe('U+1F600');
    expect(visible('a\tb\u001b[2J\nc😀')).toBe('a b\\u{1B}[2J\\u{A}c😀');
    expect(visibleLines('a\tb\n\u0007c\r\n')).toBe('a b\n\\u{7}c\\u{D}\n');
  });
});

describe('what of a Dockerfile needs BuildKit', () => {
  test.each([
    ['FROM a\nRUN b\nCOPY c d\n', undefined],
    ['', undefined],
    ['# syntax=docker/dockerfile:1\nFROM a\n', 'a `# syntax` line (line 1)'],
    ['  #  Syntax = x\n', 'a `# syntax` line (line 1)'],
    ['# a syntax = x\n', undefined],
    ['# syntax=\n', undefined],
    ['FROM a\nRUN --mount=type=cache,target=/x b\n', 'flags of RUN (line 2)'],
    ['run --network=none b', 'flags of RUN (line 1)'],
    ['RUN --a=b --security=insecure b', 'flags of RUN (line 1)'],
    ['RUN --device=x b', 'flags of RUN (line 1)'],
    ['RUN --mountain b', undefined],
    ['RUN b --mount=x', undefined],
    ['# RUN --mount=x', undefined],
    ...['link', 'chmod=1', 'parents', 'exclude=x', 'checksum=x', 'keep-git-dir', 'unpack'].map(
      (flag): [string, string] => [`COPY --${flag} a b`, 'flags of COPY and ADD (line 1)'],
    ),
    ['ADD --chown=a --link b c', 'flags of COPY and ADD (line 1)'],
    ['COPY --chown=a b c', undefined],
    ['COPY --from=a b c', undefined],
    ['COPY --linked b c', undefined],
    ['COPY a --link', undefined],
    ['RUN <<EOF', 'here-documents (line 1)'],
    ['RUN cat <<-"EOF" > a', 'here-documents (line 1)'],
    ["COPY <<'EOF' a", 'here-documents (line 1)'],
    ['ADD <<_X a', 'here-documents (line 1)'],
    ['RUN a << 2', undefined],
    ['RUN a<<EOF', undefined],
    ['ENV <<EOF', undefined],
    ['ARG TARGETPLATFORM', "BuildKit's own arguments (line 1)"],
    ['ARG a BUILDARCH', "BuildKit's own arguments (line 1)"],
    ['ARG TARGETOS=linux', "BuildKit's own arguments (line 1)"],
    ['ARG TARGETS', undefined],
    ['ARG MY_TARGETOS', undefined],
    ['FROM --platform=$BUILDPLATFORM a', "BuildKit's own arguments (line 1)"],
    ['FROM --platform=${TARGETVARIANT} a', "BuildKit's own arguments (line 1)"],
    ['FROM $TARGET', undefined],
    ['\n\nFROM a:${TARGETARCH}\nRUN --mount=x', "BuildKit's own arguments (line 3)"],
  ])('%j', (text, need) => {
    expect(buildKitNeed(text)).toBe(need);
  });
});
