import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A secret that must turn up nowhere, and the forms it could turn up in. */
export class Canary {
  readonly value: Buffer;
  readonly forms: readonly Form[];

  constructor(name: string, value: Buffer) {
    this.value = value;
    const text = value.toString();
    // A binary value is no text, and what a decoder makes of it is no form of its own.
    const isText = Buffer.from(text).equals(value);
    const forms: [string, string | Buffer][] = [
      ['as it is', value],
      ['hex', value.toString('hex')],
      ['HEX', value.toString('hex').toUpperCase()],
      ...base64(value),
      ...(['sha256', 'sha1', 'md5'] as const).flatMap((kind): [string, string][] => {
        const hash = createHash(kind).update(value).digest();
        return [
          [kind, hash.toString('hex')],
          [`${kind} base64`, hash.toString('base64').replace(/=+$/, '')],
        ];
      }),
    ];
    if (isText) {
      forms.push(['URL-encoded', encodeURIComponent(text)], ['JSON', JSON.stringify(text).slice(1, -1)]);
      forms.push(...text.split('\n').map((line, index): [string, string] => [`line ${index + 1}`, line]));
      forms.push(['shell', text.replaceAll("'", "'\\''")], ['YAML', text.replaceAll("'", "''")]);
    }
    // Part of a long one is a leak as well.
    for (const start of value.length > 256 ? [0, value.length >> 1, value.length - 48] : [])
      forms.push([`bytes from ${start}`, value.subarray(start, start + 48)]);
    this.forms = forms
      .map(([form, bytes]) => ({ name: `${name} (${form})`, bytes: Buffer.from(bytes as string) }))
      .filter(({ bytes }) => bytes.length >= 8);
  }
}

/** Base64 looks different by where in a longer text the value begins; its ends depend on what stands around it. */
function base64(value: Buffer): [string, string][] {
  return [0, 1, 2].flatMap((shift): [string, string][] => {
    const text = Buffer.concat([Buffer.alloc(shift), value])
      .toString('base64')
      .replace(/=+$/, '');
    const inner = text.slice(shift === 0 ? 0 : shift + 1, -1);
    return [
      [`base64, shifted by ${shift}`, inner],
      [`base64url, shifted by ${shift}`, inner.replaceAll('+', '-').replaceAll('/', '_')],
    ];
  });
}

/** Secrets of every kind that could slip through somewhere, none of them ever seen before. */
export function makeCanaries(generation: string): Canary[] {
  const salt = (): string => randomBytes(12).toString('hex');
  const values: Record<string, Buffer> = {
    QUOTES: Buffer.from(`it's "$${salt()}\` $(id) \\n %s & <b> ${salt()}`),
    LINES: Buffer.from(`first ${salt()}\nsecond ${salt()}\r\n\n`),
    UNICODE: Buffer.from(`größe 密码 🔑 ${salt()}\u202e`),
    LONG: Buffer.from(randomBytes(3072).toString('base64')),
    BINARY: Buffer.concat([Buffer.from([0, 255, 10]), randomBytes(512), Buffer.from([0])]),
  };
  return Object.entries(values).map(([name, value]) => new Canary(`${name} ${generation}`, value));
}

/** What was found where. */
export class Search {
  readonly found: string[] = [];
  /** By their first two bytes, so that one pass over what is looked at is enough for all of them. */
  readonly #byStart = new Map<number, Form[]>();
  readonly #starts = new Uint8Array(0x1_0000);

  constructor(canaries: readonly Canary[]) {
    for (const form of canaries.flatMap((canary) => canary.forms)) {
      const start = form.bytes.readUInt16BE();
      this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), form]);
      this.#starts[start] = 1;
    }
  }

  look(where: string, content: string | Buffer): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    let start = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      // Of the two bytes that end here.
      start = ((start << 8) | bytes[index]!) & 0xffff;
      if (this.#starts[start] === 0 || index === 0) continue;
      for (const form of this.#byStart.get(start)!) {
        const end = index - 1 + form.bytes.length;
        if (end <= bytes.length && bytes.compare(form.bytes, 0, form.bytes.length, index - 1, end) === 0)
          this.found.push(`${where}: ${form.name}`);
      }
    }
  }

  /** Every file below a directory, and its name. Returns how many there were. */
  files(dir: string, skip: (path: string) => boolean = () => false): number {
    let count = 0;
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (skip(path)) continue;
      if (entry.isDirectory()) count += this.files(path, skip);
      if (!entry.isFile()) continue;
      this.look(path, Buffer.concat([Buffer.from(`${path}\n`), readFileSync(path)]));
      count += 1;
    }
    return count;
  }
}
