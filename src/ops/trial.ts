import type { Workload } from '../core/state.ts';
import type { StepOf } from '../core/steps.ts';
import { formatDuration, formatSize } from '../core/units.ts';
import type { ContainerState } from '../ports.ts';
import type { Run } from './run.ts';
import type { Watch } from './watch.ts';

const POLL_MS = 100;
/** A site that gives no answer for so long has stopped answering; less may be a hiccup. */
const SILENT_MS = 1000;
/** One visit may take longer than that: pages are slow. */
const HANGS_MS = 5000;
/** Over a time that is longer than a few hiccups, more visits that fail than this are too many. */
const FAILED_SHARE = 1 / 3;
const SHARED_MS = 3000;

/** A release that visitors were led to and that must not stay. */
export class Fault extends Error {
  readonly code: 'NOT_CONFIRMED' | 'NOT_STABLE';
  /** The container it is about; absent when it is the site as a whole. */
  readonly workload: Workload | undefined;

  constructor(code: Fault['code'], what: string, workload?: Workload) {
    super(what);
    this.code = code;
    this.workload = workload;
  }
}

/** Looks at new copies and at what visitors get, for a while after the switch. Fails with a Fault. */
export async function watchNew(step: StepOf<'watch'>, run: Run): Promise<void> {
  const { ctx, visits } = run;
  const until = ctx.clock.ticks() + step.ms;
  let counts = step.ms >= SHARED_MS;
  visits?.mark();
  for (;;) {
    for (const workload of step.workloads) await refuseEnded(workload, run);
    const now = ctx.clock.ticks();
    const silence = visits && silenceOf(visits, now, counts && now >= until);
    if (silence !== undefined) {
      if ((await ctx.prober.generation()) !== undefined) throw new Fault('NOT_STABLE', silence);
      // Without the proxy nobody is answered, whichever release is live.
      counts = false;
      visits?.mark();
    }
    if (now >= until && (!visits || isSure(visits, now) || now >= until + HANGS_MS)) return;
    await ctx.clock.sleep(POLL_MS);
  }
}

async function refuseEnded(workload: Workload, { ctx, proven }: Run): Promise<void> {
  const { name, limits } = workload.container;
  const state = await ctx.engine.inspect(name);
  const before = proven.get(name) ?? state;
  if (before) proven.set(name, before);
  const what = whatHappened(state, before, limits.memory);
  if (what !== undefined) throw new Fault('NOT_STABLE', `${what} after the switch`, workload);
}

function whatHappened(
  state: ContainerState | undefined,
  before: ContainerState | undefined,
  memory: number,
): string | undefined {
  if (!state || !before) return 'went away';
  if (state.restarting || state.restarts > before.restarts) return 'ended and was started again';
  if (!state.running) return 'ended';
  // A process that is not the container's first one does not end it.
  return state.oomKilled && !before.oomKilled ? `needed more than its ${formatSize(memory)}` : undefined;
}

/** @param all whether to judge by all visits, too */
function silenceOf(visits: Watch, now: number, all: boolean): string | undefined {
  const { requests, failed, silentSince, askedAt, lastFailure } = visits.lately;
  const { host, path } = visits.asked;
  const what = `${host}${path} stopped working after the switch`;
  if (now - askedAt >= HANGS_MS) return `${what}: no answer within ${formatDuration(HANGS_MS)}`;
  if (silentSince !== undefined && now - silentSince >= SILENT_MS) return `${what}: ${lastFailure}`;
  if (all && failed > requests * FAILED_SHARE)
    return `${what}: ${failed} of ${requests} visits failed, the last one with: ${lastFailure}`;
  return undefined;
}

/** Whether the last visits say that all is well: what fails or hangs at the end is looked at for longer. */
function isSure(visits: Watch, now: number): boolean {
  const { silentSince, askedAt } = visits.lately;
  return silentSince === undefined && now - askedAt < SILENT_MS;
}
