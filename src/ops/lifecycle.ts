import { byNeeds } from '../core/needs.ts';
import type { Observed, Workload } from '../core/state.ts';
import type { Context } from '../ports.ts';
import { liveContainers, requireDeployed } from './containers.ts';
import { drain } from './drain.ts';
import { driverOf, partNames } from './driver.ts';
import { recordedAlone } from './journal.ts';
import { observe } from './observe.ts';
import { waitReady } from './ready.ts';
import { hostOf } from './asked.ts';
import { restoreRoutes, routeAround } from './route.ts';

/**
 * Which apps of the live release a command is about; all of them without a name.
 * @param wait milliseconds to wait for the project's lock
 */
async function withLive(
  project: string,
  app: string | undefined,
  doing: string,
  wait: number,
  ctx: Context,
  work: (workloads: readonly Workload[], observed: Observed) => Promise<void>,
): Promise<string[]> {
  requireDeployed(project, await observe(ctx));
  const change = { project, doing: app === undefined ? doing : `${doing} ${app}`, wait };
  return recordedAlone(change, ctx, async () => {
    const observed = await observe(ctx);
    requireDeployed(project, observed);
    const all = observed.histories[project]?.current?.desired.workloads ?? [];
    const workloads = byNeeds(all).filter((item) => app === undefined || item.app === app);
    await work(workloads, observed);
    return workloads.map((item) => item.container.name);
  });
}

/** Stops apps so that they stay down, whatever happens to the engine. Media goes on being served. */
export function stop(project: string, app: string | undefined, ctx: Context, wait = 0): Promise<string[]> {
  return withLive(project, app, 'stop', wait, ctx, async (workloads, observed) => {
    const running = new Set(liveContainers(project, observed).map((item) => item.name));
    for (const workload of workloads.toReversed()) {
      const { name, stopTimeout } = workload.container;
      if (running.has(name)) await ctx.engine.stop(name, stopTimeout);
    }
  });
}

/** Starts what was stopped, in the order of `needs`, and waits until it is ready. */
export function start(project: string, app: string | undefined, ctx: Context, wait = 0): Promise<string[]> {
  return withLive(project, app, 'start', wait, ctx, (workloads, observed) =>
    startAll(project, workloads, observed, ctx),
  );
}

async function startAll(
  project: string,
  workloads: readonly Workload[],
  observed: Observed,
  ctx: Context,
): Promise<void> {
  const host = hostOf(observed.histories[project]!.current!.desired);
  for (const workload of workloads) {
    await ctx.engine.resume(workload.container.name);
    await waitReady(workload, host, ctx);
  }
}

/** One container after the other, so that replicas stand in for each other. */
export function restart(project: string, app: string | undefined, ctx: Context, wait = 0): Promise<string[]> {
  return withLive(project, app, 'restart', wait, ctx, async (workloads, observed) => {
    const running = new Set(liveContainers(project, observed).map((item) => item.name));
    // A proxy that does not run leads nobody anywhere, and takes no configuration.
    const proxied = partNames(ctx).every((part) =>
      observed.containers.some((item) => item.name === part && item.state === 'running'),
    );
    let around = false;
    try {
      for (const workload of workloads) {
        const { name, stopTimeout } = workload.container;
        const replicas = workloads.filter((item) => item.app === workload.app);
        if (proxied && running.has(name) && (await routeAround(workload, replicas, ctx))) {
          around = true;
          // Who was connected before may still be led here once.
          await ctx.clock.sleep(driverOf(ctx).linger);
          await drain(workload, workload.drain, ctx);
        }
        await ctx.engine.stop(name, stopTimeout);
        await startAll(project, [workload], observed, ctx);
      }
    } finally {
      if (around) await restoreRoutes(ctx);
    }
  });
}
