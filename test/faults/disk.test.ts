import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Lab } from '../e2e/support/lab.ts';
import { type Fault, FaultProxy } from './support/fault-proxy.ts';
import { Sites } from './support/sites.ts';
import { LONG, sweep, table } from './support/sweep.ts';

const MEGABYTES = 16;
const BLOCK = 1024;

/** A small file system of its own in the place of a lab's data root. */
class SmallDisk {
  readonly #image: string;
  readonly #at: string;

  constructor(at: string) {
    this.#at = at;
    this.#image = join(tmpdir(), `hostctl-disk-${process.pid}.img`);
    execFileSync('truncate', ['-s', `${MEGABYTES}M`, this.#image]);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', '-b', String(BLOCK), this.#image], { stdio: 'pipe' });
    execFileSync('mount', ['-o', 'loop', this.#image, at]);
  }

  /** Leaves so many blocks free, for root too. */
  fill(blocks: number): void {
    const file = openSync(this.#filler, 'w');
    const block = Buffer.alloc(BLOCK, 1);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
    ftruncateSync(file, fstatSync(file).size - blocks * BLOCK);
    closeSync(file);
  }

  makeRoom(): void {
    rmSync(this.#filler, { force: true });
  }

  close(): void {
    execFileSync('umount', ['--lazy', this.#at]);
    rmSync(this.#image);
  }

  get #filler(): string {
    return join(this.#at, 'filler');
  }
}

/** Blocks that are left, up to where a deploy has enough. */
const LEFT = LONG ? Array.from({ length: 48 }, (_, index) => index) : [0, 6, 14, 24];

test('a data root on a disk that is full, whatever room is left, harms nobody', async () => {
  const lab = await Lab.open();
  const disk = new SmallDisk(lab.data);
  const proxy = await FaultProxy.open();
  try {
    const sites = new Sites(lab, proxy.endpoint, ['near', 'one']);
    const [near, one] = sites.names as [string, string];
    await sites.ok('deploy --all');
    let text = '';
    const tally = await sweep(
      lab,
      {
        name: 'disk full',
        command: () => `deploy ${one}`,
        prepare: async (n) => {
          text = `update ${n}`;
          sites.write(one, text);
          // A copy of files and another route, so that there is something to write.
          lab.write(`${one}-files/more.txt`, text.repeat(500));
          sites.define(one, `env: { N: "${n}" }`);
        },
        serving: [`${near}.org`, `${one}.org`],
        whole: async () => [...(await sites.serves(one, text)), ...(await sites.planned('--all'))],
      },
      proxy,
      (): Fault[] =>
        LEFT.map((blocks) => ({
          kind: 'meanwhile',
          at: 1,
          act: async () => disk.fill(blocks),
          mend: async () => disk.makeRoom(),
        })),
    );
    process.stdout.write(`\n${table([tally])}\n`);
    expect(tally.broken.join('\n\n')).toBe('');
    expect(tally.converged).toBe(tally.cases);
    expect(tally.unhurt).toBeLessThan(tally.cases);
  } finally {
    await proxy.close();
    await lab.close().catch(() => undefined);
    disk.close();
    rmSync(lab.data, { recursive: true, force: true });
  }
});
