import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BuildTrace } from '../../src/engine/buildkit.ts';
import { ClassicTrace } from '../../src/engine/classic.ts';
import { lines, logLines, progress } from '../../src/engine/streams.ts';
import { isBefore, quirksOf } from '../../src/engine/quirks.ts';
import { usageBetween } from '../../src/engine/usage.ts';

const all = async <T>(sequence: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of sequence) found.push(item);
  return found;
};

/** The same bytes in pieces of any size. */
const pieces = (bytes: Buffer, sizes: readonly number[]): Readable => {
  const parts: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length]!;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return Readable.from(parts);
};

const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });

test('lines are the same however the bytes arrive, UTF-8 and the last one included', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), sizes, async (text, cuts) => {
      const expected = text.split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(await all(lines(pieces(Buffer.from(text), cuts)))).toEqual(expected);
    }),
  );
});

test('log frames are taken apart however they arrive, thousands of small ones too', async () => {
  const frame = (stream: number, text: string): Buffer => {
    const data = Buffer.from(text);
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(data.length, 4);
    return Buffer.concat([head, data]);
  };
  const bytes = Buffer.concat([frame(1, 'he'), frame(2, 'err\n'), frame(1, 'llo\nw'), frame(1, 'örld')]);
  await fc.assert(
    fc.asyncProperty(sizes, async (cuts) => {
      expect(await all(logLines(pieces(bytes, cuts)))).toEqual([
        { stream: 'stderr', text: 'err' },
        { stream: 'stdout', text: 'hello' },
        { stream: 'stdout', text: 'wörld' },
      ]);
    }),
  );
  const many = Buffer.concat(Array.from({ length: 20_000 }, () => frame(1, '\n')));
  expect(await all(logLines(Readable.from([many])))).toHaveLength(20_000);
});

test('what is not JSON in a progress stream is skipped', async () => {
  const stream = Readable.from([Buffer.from('{"stream":"a"}\nrubbish\n\n{"error":"no"}')]);
  expect(await all(progress(stream))).toEqual([{ stream: 'a' }, { error: 'no' }]);
});

test('a step of a build and what it prints are read from BuildKit', () => {
  const field = (tag: number, data: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(tag << 3) | 2, data.length]), data]);
  const vertex = field(
    1,
    Buffer.concat([
      field(1, Buffer.from('sha256:a')),
      field(3, Buffer.from('[2/3] RUN npm ci')),
      field(5, Buffer.from([8, 1])),
    ]),
  );
  const internal = field(
    1,
    Buffer.concat([
      field(1, Buffer.from('sha256:b')),
      field(3, Buffer.from('[internal] load')),
      field(5, Buffer.from([8, 1])),
    ]),
  );
  const log = field(3, Buffer.concat([field(1, Buffer.from('sha256:a')), field(4, Buffer.from('added 1 package\n'))]));
  const trace = new BuildTrace();
  expect(trace.lines(Buffer.concat([vertex, internal, log]).toString('base64'))).toEqual([
    '[2/3] RUN npm ci',
    'added 1 package',
  ]);
  expect(trace.lines(vertex.toString('base64'))).toEqual([]);
});

test('a step and what it prints are read from the classic builder, without its own accounts', () => {
  const trace = new ClassicTrace();
  const said = ['Step 2/3 : RUN npm ci\n', ' ---> Running in 0a1b\n', 'added ', '1 package\n\u001b[91mhm\n'];
  said.push('\u001b[0mRemoving intermediate container 0a1b\n', ' ---> 2c3d\n', 'Successfully built 2c3d\n');
  expect(said.flatMap((text) => trace.lines(text))).toEqual(['[2/3] RUN npm ci', 'added 1 package', 'hm']);
});

test('engines before 20.10.27 get their network calls one at a time', () => {
  for (const version of ['20.10.24+dfsg1', '20.10.26', '19.03.15', 'unknown'])
    expect(quirksOf(version).serialNetwork, version).toBe(true);
  for (const version of ['20.10.27', '23.0.0', '26.1.5+dfsg1', '28.5.2'])
    expect(quirksOf(version).serialNetwork, version).toBe(false);
  expect(isBefore('24.0', [25, 0, 0])).toBe(true);
});

test('use is what happened between two samples, without cache that can be dropped', () => {
  const sample = (read: string, total: number) => ({
    read,
    cpu_stats: { cpu_usage: { total_usage: total } },
    memory_stats: { usage: 1000, stats: { inactive_file: 300 } },
    pids_stats: { current: 4 },
  });
  expect(usageBetween(sample('2026-01-01T00:00:00Z', 1e9), sample('2026-01-01T00:00:02Z', 2e9))).toEqual({
    memory: 700,
    cpus: 0.5,
    pids: 4,
  });
});
