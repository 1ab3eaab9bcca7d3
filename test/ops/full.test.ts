import { describe, expect, test } from 'vitest';
import type { HostctlError } from '../../src/errors.ts';
import { remove } from '../../src/ops/remove.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { cases, deployed, expectWhole, SITE } from '../support/disturbed.ts';

/** What it came to, an error of a project or of all. */
async function failureOf(work: Promise<readonly { readonly error?: unknown }[]>): Promise<unknown> {
  try {
    return (await work).map(({ error }) => error).find((error) => error !== undefined);
  } catch (error) {
    return error;
  }
}

/** That what is new did not last, at one moment or another. */
const REVERTED = ['NOT_STABLE', 'NOT_READY'];

describe.each(Object.entries(cases))('%s', (_name, item) => {
  test.each([
    ['once', false],
    ['from then on', true],
  ])('on a disk that is full at any write, %s, fails in words; with room again the same ends whole', async (_, all) => {
    for (let k = 1; ; k += 1) {
      const world = await deployed(item);
      await item.change?.(world);
      const makeRoom = world.fullAt(k, all);
      const failure = await failureOf(item.act(world));
      const full = makeRoom();
      const known = ['DISK_FULL', 'HALF_SWITCHED', ...(item.reverts ? REVERTED : [])];
      if (failure !== undefined) expect(known).toContain((failure as HostctlError).code);
      if (item.serving) expect(world.running('blog'), `full at ${k}`).toContain(world.servedBy('www.blog.org'));
      for (const { error } of await item.act(world)) {
        if (item.reverts) expect(REVERTED).toContain((error as HostctlError).code);
        else expect(error, `again after ${k}`).toBeUndefined();
      }
      await expectWhole(world);
      if (!full) break;
    }
  });
});

test('a removal needs no room but for a configuration without the project', async () => {
  for (let k = 1; ; k += 1) {
    const world = await deployed({ from: SITE });
    await deploy(['blog'], world, { wait: 0 });
    const makeRoom = world.fullAt(k, true);
    const failure = await remove('blog', true, world).catch((error: unknown) => error);
    const full = makeRoom();
    if (failure !== undefined) expect(failure).toMatchObject({ code: 'DISK_FULL' });
    if (failure !== undefined) await remove('blog', true, world);
    expect(world.running('blog')).toEqual([]);
    expect(world.servedBy('www.blog.org')).toBeUndefined();
    if (!full) break;
  }
});
