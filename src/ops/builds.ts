import type { BuildOptions } from '../core/build.ts';
import { reserveOf } from '../core/memory.ts';
import type { BuildSettings } from '../core/model.ts';
import type { EngineInfo } from '../core/state.ts';
import { formatSize } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { BuildContext, Context } from '../ports.ts';
import { freeMemory } from './memory.ts';

/** A build that takes longer is not waited for. */
const WAIT_MS = 60 * 60_000;
/** Between two looks at free memory: a program that takes all it can get fills some hundred megabytes meanwhile. */
const LOOK_MS = 100;

type Onto = (line: string) => void;

/**
 * Builds an image beside sites that must go on answering: within limits, and one at a time on a host, so that the limits
 * are those of all builds together.
 * @param buildKit what of it only BuildKit can build, which takes no limits
 */
export async function build(
  context: BuildContext,
  options: Omit<BuildOptions, 'caps' | 'signal'>,
  buildKit: string | undefined,
  ctx: Context,
  onLine: Onto,
): Promise<void> {
  const engine = await ctx.engine.info();
  const unlock = await ctx.host.lock('the builds', `building ${options.tag}`, WAIT_MS);
  try {
    if (buildKit === undefined) {
      await ctx.engine.build(context.tar(), { ...options, caps: capsOf(ctx.workspace.builds, engine) }, onLine);
      return;
    }
    const text = `${options.tag} is built without limits of memory and cpus: only BuildKit can build ${buildKit}`;
    ctx.ui.event({ type: 'warning', text });
    await whileMemoryLasts(reserveOf(engine.memory), options.tag, ctx, async (signal) => {
      await ctx.engine.build(context.tar(), { ...options, signal }, onLine);
    });
  } finally {
    await unlock();
  }
}

/** What a step of a build may use: what hostctl.yaml says, or half of the host. */
function capsOf(settings: BuildSettings, engine: EngineInfo): NonNullable<BuildOptions['caps']> {
  return { memory: settings.memory ?? Math.floor(engine.memory / 2), cpus: settings.cpus ?? engine.cpus / 2 };
}

/** What has no limit is ended when it has left the host less than `least` bytes. */
async function whileMemoryLasts(
  least: number,
  tag: string,
  ctx: Context,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const [stop, end] = [new AbortController(), new AbortController()];
  const working = work(stop.signal).finally(() => end.abort());
  working.catch(() => undefined);
  while (!end.signal.aborted) {
    const free = await freeMemory(ctx);
    if (free !== undefined && free < least) stop.abort();
    await ctx.clock.sleep(LOOK_MS);
  }
  await working.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
    const text = `building ${tag} was ended: it left the host less than ${formatSize(least)} of memory`;
    throw new HostctlError('BUILD_MEMORY', text, { hints: ['let it use less: fewer jobs at once, a smaller heap'] });
  });
}
