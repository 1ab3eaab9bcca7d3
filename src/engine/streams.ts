import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { HostctlError } from '../errors.ts';
import type { LogLine } from '../ports.ts';

/** The lines of a stream, the last one too when nothing ends it. */
export async function* lines(stream: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

/** What the engine reports of a build or a pull, one JSON document per line. */
const progressEvent = z.object({
  stream: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  id: z.string().optional().catch(undefined),
  /** Whatever it is: an error that cannot be read is one all the same. */
  error: z
    .unknown()
    .transform((value) => (value === undefined || typeof value === 'string' ? value : JSON.stringify(value)))
    .optional(),
  /** An image's id, or a part of BuildKit's trace in base64. */
  aux: z
    .union([z.string(), z.object({ ID: z.string().optional() })])
    .optional()
    .catch(undefined),
});

export type Progress = z.infer<typeof progressEvent>;

/** Lines that are no such document are skipped: a proxy in between may add some. */
export async function* progress(stream: Readable): AsyncGenerator<Progress> {
  for await (const line of lines(stream)) {
    if (line.trim() === '') continue;
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch {
      continue;
    }
    const checked = progressEvent.safeParse(event);
    if (checked.success) yield checked.data;
  }
}

const HEADER = 8;
/** Bytes of a frame; engines write some thousand at once. */
const LONGEST = 16 * 1024 ** 2;

/** Takes stdout and stderr apart: each frame has 8 bytes in front, the stream's number and the length. */
export async function* frames(stream: Readable): AsyncGenerator<{ from: LogLine['stream']; data: Buffer }> {
  let buffer: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    buffer = buffer.length === 0 ? (chunk as Buffer) : Buffer.concat([buffer, chunk as Buffer]);
    let offset = 0;
    while (buffer.length - offset >= HEADER) {
      // What has no such header would be taken for the length of gigabytes.
      const length = buffer.readUInt32BE(offset + 4);
      if (buffer[offset]! > 3 || buffer.readUIntBE(offset + 1, 3) !== 0 || length > LONGEST)
        throw new HostctlError('ENGINE_ANSWER', 'what the engine sent is no stream of stdout and stderr');
      const end = offset + HEADER + length;
      if (buffer.length < end) break;
      yield { from: buffer[offset] === 2 ? 'stderr' : 'stdout', data: buffer.subarray(offset + HEADER, end) };
      offset = end;
    }
    buffer = buffer.subarray(offset);
  }
}

/** Log lines of a container without a terminal. */
export async function* logLines(stream: Readable): AsyncGenerator<LogLine> {
  const rests = { stdout: new Partial(), stderr: new Partial() };
  for await (const { from, data } of frames(stream)) {
    for (const text of rests[from].add(data)) yield { stream: from, text };
  }
  for (const from of ['stdout', 'stderr'] as const) {
    const text = rests[from].end();
    if (text !== '') yield { stream: from, text };
  }
}

/** Collects pieces until a line is complete. */
class Partial {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  add(data: Buffer): string[] {
    const parts = (this.#rest + this.#decoder.write(data)).split('\n');
    this.#rest = parts.pop()!;
    return parts.map((part) => part.replace(/\r$/, ''));
  }

  end(): string {
    return this.#rest + this.#decoder.end();
  }
}

/** Without the codes that colour a terminal. */
export function uncoloured(text: string): string {
  // eslint-disable-next-line no-control-regex -- removing the colour is the point
  return text.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, '');
}
