import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Full at this size, in bytes; so many full ones are kept beside the one that grows. */
const FULL = 4 * 1024 ** 2;
const KEPT = 3;

const NAME = 'audit.jsonl';

/** Lines that are only ever added. Writers in several processes do not mix theirs: each is one write at the end. */
export class FileJournal {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** @param alone does its work while nobody else does the same */
  async append(line: string, alone: (work: () => Promise<void>) => Promise<void>): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    if ((await this.#size()) >= FULL) await alone(() => this.#putAside());
    const file = await open(this.#at(0), 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1, '\n');
      if (size > 0) await file.read(last, 0, 1, size - 1);
      // What a power cut tore must not take this line with it.
      await file.write(`${last[0] === 10 ? '' : '\n'}${line}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  async read(): Promise<string[]> {
    const texts: string[] = [];
    for (let age = KEPT; age >= 0; age -= 1) texts.push(await readFile(this.#at(age), 'utf8').catch(absent));
    return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  }

  async #putAside(): Promise<void> {
    // Another process may have been here first.
    if ((await this.#size()) < FULL) return;
    await rm(this.#at(KEPT), { force: true });
    for (let age = KEPT - 1; age >= 0; age -= 1) {
      await rename(this.#at(age), this.#at(age + 1)).catch(absent);
    }
  }

  async #size(): Promise<number> {
    return stat(this.#at(0)).then(
      ({ size }) => size,
      () => 0,
    );
  }

  #at(age: number): string {
    return join(this.#dir, age === 0 ? NAME : `${NAME}.${age}`);
  }
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
