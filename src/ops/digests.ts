import type { Desired } from '../core/state.ts';
import type { Context } from '../ports.ts';

/** App → digest of its image in a registry, for those that came from one. */
export async function digestsOf({ images }: Desired, ctx: Context): Promise<Record<string, string>> {
  const pairs = await Promise.all(
    Object.entries(images).map(async ([app, { ref, id }]) => {
      const digest = (await ctx.engine.image(id ?? ref))?.digests[0];
      return digest === undefined ? [] : [[app, digest] as const];
    }),
  );
  return Object.fromEntries(pairs.flat());
}
