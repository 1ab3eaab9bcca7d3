import { MOST_BYTES } from '../core/secret.ts';

/** Everything a stream holds, as bytes; of a stream that is too long only as much as shows that. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES + 1) break;
  }
  return Buffer.concat(chunks);
}
