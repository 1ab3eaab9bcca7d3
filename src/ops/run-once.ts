import type { ContainerSpec } from '../core/container.ts';
import { LABEL } from '../core/names.ts';
import type { Context } from '../ports.ts';

const LIMITS = { memory: 64 * 1024 ** 2, cpus: 1, pids: 16 };

type Part = Pick<ContainerSpec, 'name' | 'image' | 'uid' | 'entrypoint'> & Partial<ContainerSpec>;

/** A container for work of hostctl's own: no network, nothing to write to, nothing of any app but what `part` names. */
export function helperSpec(part: Part, ctx: Context): ContainerSpec {
  return {
    command: [],
    env: {},
    limits: LIMITS,
    files: 1024,
    readOnly: true,
    tmpfs: [],
    capabilities: [],
    newPrivileges: false,
    mounts: [],
    networks: [],
    publish: [],
    stopTimeout: 1,
    restart: 'no',
    ...part,
    labels: { [LABEL.instance]: ctx.workspace.instance, [LABEL.role]: 'helper', ...part.labels },
  };
}

/** Runs a container to its end, hands its exit code to `ended` while its log is still there, and removes it. */
export async function runOnce<T>(
  spec: ContainerSpec,
  ctx: Context,
  ended: (code: number) => Promise<T> | T,
): Promise<T> {
  // What a killed run left behind.
  await ctx.engine.remove(spec.name);
  try {
    await ctx.engine.create(spec);
    await ctx.engine.start(spec.name);
    return await ended(await ctx.engine.wait(spec.name));
  } finally {
    await ctx.engine.remove(spec.name);
  }
}
