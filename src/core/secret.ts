const HIDDEN = '***';

/** The value of a secret. Whatever prints, joins or serialises it gets three stars; only `use` hands it out. */
export class Secret {
  readonly #value: Uint8Array;

  constructor(value: Uint8Array) {
    this.#value = value;
  }

  /** The one way to the value. What `work` returns must not hold it longer than it is needed. */
  use<T>(work: (value: Uint8Array) => T): T {
    return work(this.#value);
  }

  equals(other: Secret): boolean {
    return other.use((value) => Buffer.compare(this.#value, value) === 0);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  /** What console.log and util.inspect print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return HIDDEN;
  }
}

/** Most bytes of one secret; the kernel takes no more than twice that as a variable. */
export const MOST_BYTES = 64 * 1024;

/** What was piped in, without the newline that `echo` and editors put at the end: exactly one, and none of `\r`. */
export function fromInput(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}

/** A text without what it says of some secrets, for words of a program that were never meant to be shown. */
export function redact(text: string, secrets: readonly Secret[]): string {
  const lines = secrets
    .flatMap((secret) => secret.use((value) => [Buffer.from(value).toString(), Buffer.from(value).toString('base64')]))
    .flatMap((value) => value.split(/\r?\n/))
    // Shorter ones are words that stand everywhere.
    .filter((line) => line.length >= 6)
    .toSorted((a, b) => b.length - a.length);
  return lines.reduce((rest, line) => rest.replaceAll(line, HIDDEN), text);
}
