import Pbf from 'pbf';

/**
 * BuildKit reports a build as protobuf messages (`moby.buildkit.v1.StatusResponse`). Read here: the steps that begin
 * and what they print. Field numbers: response 1 vertexes, 3 logs · vertex 1 digest, 3 name, 5 started · log 4 message.
 */
export class BuildTrace {
  readonly #begun = new Set<string>();

  /** The lines a person wants to see of one message. @param encoded base64 */
  lines(encoded: string): string[] {
    const found: string[] = [];
    try {
      new Pbf(Uint8Array.from(Buffer.from(encoded, 'base64'))).readFields((tag, _, pbf) => {
        if (tag === 1) this.#vertex(pbf, found);
        else if (tag === 3) readLog(pbf, found);
      }, undefined);
    } catch {
      // What is no such message has nothing to show; whether the build went well is said elsewhere.
    }
    return found;
  }

  #vertex(pbf: Pbf, found: string[]): void {
    const vertex = pbf.readMessage(
      (tag, into, inner) => {
        if (tag === 1) into.digest = inner.readString();
        else if (tag === 3) into.name = inner.readString();
        else if (tag === 5) into.started = inner.readBytes().length > 0;
      },
      { digest: '', name: '', started: false },
    );
    if (!vertex.started || this.#begun.has(vertex.digest) || vertex.name.startsWith('[internal]')) return;
    this.#begun.add(vertex.digest);
    found.push(vertex.name);
  }
}

function readLog(pbf: Pbf, found: string[]): void {
  const text = pbf.readMessage(
    (tag, into, inner) => {
      if (tag === 4) into.message = Buffer.from(inner.readBytes()).toString('utf8');
    },
    { message: '' },
  ).message;
  found.push(...text.split('\n').filter((line) => line.trim() !== ''));
}
