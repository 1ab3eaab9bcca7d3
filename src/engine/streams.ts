import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
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
export interface Progress {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  /** An image's id, or a part of BuildKit's trace in base64. */
  readonly aux?: { readonly ID?: string } | string;
}

/** Lines that are not JSON are skipped: a proxy in between may add some. */
export async function* progress(stream: Readable): AsyncGenerator<Progress> {
  for await (const line of lines(stream)) {
    if (line.trim() === '') continue;
    try {
      yield JSON.parse(line) as Progress;
    } catch {
      continue;
    }
  }
}

const HEADER = 8;

/** Takes stdout and stderr apart: each frame has 8 bytes in front, the stream's number and the length. */
export async function* frames(stream: Readable): AsyncGenerator<{ from: LogLine['stream']; data: Buffer }> {
  let buffer: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    buffer = buffer.length === 0 ? (chunk as Buffer) : Buffer.concat([buffer, chunk as Buffer]);
    let offset = 0;
    while (buffer.length - offset >= HEADER) {
      const end = offset + HEADER + buffer.readUInt32BE(offset + 4);
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
