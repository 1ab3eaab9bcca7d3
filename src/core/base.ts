import { z } from 'zod';
import type { BaseSettings } from './model.ts';
import { hashOf } from './names.ts';

/**
 * A base is what runtimes are built on: a folder in `templates/bases/` with `base.yml` (this schema) and a Dockerfile
 * that makes it from Debian packages. Where a registry answers and there is an official image, that one is used.
 */
export const baseSchema = z.strictObject({
  title: z.string(),
  /** Official image. */
  registry: z.string().optional(),
  /** Suite its Dockerfile starts from. */
  debian: z.string(),
  /** npm package that is put into the build context as `npm.tgz`. */
  npm: z.string().optional(),
});

export interface Base extends z.infer<typeof baseSchema> {
  readonly name: string;
  /** Template; `{{root}}` is a Debian root file system. */
  readonly dockerfile: string;
}

/** One way to come by a base. */
export type Origin =
  | { readonly from: 'image'; readonly ref: string }
  | { readonly from: 'dockerfile'; readonly ref: string; readonly root: Root };

/** A Debian root file system: pulled, or made with mmdebstrap. */
export interface Root {
  readonly ref: string;
  readonly suite: string;
  readonly pulled: boolean;
}

/** The ways to a base, best first. */
export function originsOf(base: Base, settings: BaseSettings): Origin[] {
  const chosen = settings.images[base.name];
  if (chosen !== undefined) return [{ from: 'image', ref: chosen }];
  const prefix = settings.registry === undefined ? '' : `${settings.registry}/`;
  const pulled: Root = { ref: `${prefix}debian:${base.debian}-slim`, suite: base.debian, pulled: true };
  const made: Root = { ref: `hostctl/debian:${base.debian}`, suite: base.debian, pulled: false };
  const official: Origin =
    base.registry === undefined ? onRoot(base, pulled) : { from: 'image', ref: `${prefix}${base.registry}` };
  if (settings.from === 'registry') return [official];
  if (settings.from === 'debian') return [onRoot(base, made)];
  return [official, onRoot(base, made)];
}

function onRoot(base: Base, root: Root): Origin {
  const version = hashOf([base.dockerfile, root.ref, base.npm], 8);
  return { from: 'dockerfile', ref: `hostctl/base-${base.name}:${version}`, root };
}
