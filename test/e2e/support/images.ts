import type { Lab } from './lab.ts';

/** The base nginx is in: small, and with a shell. */
export async function someBase(lab: Lab): Promise<string> {
  const images = await lab.engine.images('hostctl.role=base');
  const tag = images.flatMap((image) => image.tags).find((name) => name.startsWith('hostctl/base-nginx:'));
  if (!tag) throw new Error('the base images are missing: prepare.ts did not run');
  return tag;
}
