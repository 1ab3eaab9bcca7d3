import { LABEL } from '../core/names.ts';
import type { AppStatus, CertificateStatus, Status } from '../core/results.ts';
import type { ContainerView, Observed } from '../core/state.ts';
import { certificateStatus } from '../core/tls-status.ts';
import type { Context, ContainerState, Usage } from '../ports.ts';
import { containersOf, requireDeployed } from './containers.ts';
import { projectNames } from './load.ts';
import { closedSite } from './maintenance.ts';
import { commitmentOf, freeMemory } from './memory.ts';
import { liveSites, observe } from './observe.ts';
import { proxyAnswers } from './proxy.ts';

/** What runs, per app and replica. Without names: everything. */
export async function status(names: readonly string[], ctx: Context): Promise<Status> {
  const observed = await observe(ctx);
  for (const name of names) requireDeployed(name, observed);
  const projects = names.length > 0 ? names : deployed(observed);
  const apps = await Promise.all(projects.flatMap((project) => statusOf(project, observed, ctx)));
  const defined = await projectNames(ctx.files, ctx.workspace);
  const orphans = defined ? projects.filter((project) => !defined.includes(project)) : [];
  const maintenance = projects.flatMap((project) => closedSite(project, observed, ctx));
  const certificates = certificateStatuses(observed, ctx).filter(({ project }) => projects.includes(project));
  return {
    proxy: (await proxyAnswers(observed, ctx)) ? 'answers' : 'silent',
    memory: { ...commitmentOf(observed, [], ctx), free: (await freeMemory(ctx)) ?? null },
    apps,
    maintenance,
    certificates,
    orphans,
  };
}

/** The certificates of all live sites that have `tls`. */
export function certificateStatuses(observed: Observed, ctx: Context): CertificateStatus[] {
  return liveSites(observed.histories)
    .filter((site) => site.tls !== undefined && !ctx.workspace.proxy.existing)
    .map((site) => certificateStatus(site, observed.certificates[site.project], ctx.clock.now()));
}

function deployed(observed: Observed): string[] {
  return Object.keys(observed.histories)
    .filter((name) => observed.histories[name]!.current)
    .toSorted();
}

function statusOf(project: string, observed: Observed, ctx: Context): Promise<AppStatus>[] {
  const current = observed.histories[project]?.current;
  const containers = containersOf(project, observed);
  return (current?.desired.workloads ?? []).map(async (workload) => {
    const container = containers.find((item) => item.name === workload.container.name);
    const state = container && (await ctx.engine.inspect(container.name));
    const usage = state?.running ? await ctx.engine.usage(container!.name) : undefined;
    const routed = current?.desired.site?.routes.some(
      (route) => route.target.to === 'app' && route.target.app === workload.app,
    );
    return {
      project,
      app: workload.app,
      replica: workload.replica,
      container: workload.container.name,
      state: stateOf(container),
      release: current?.id ?? null,
      uptime: uptimeOf(state, ctx),
      memory: usage?.memory ?? null,
      limits: workload.container.limits,
      cpus: roundCpus(usage),
      restarts: state?.restarts ?? 0,
      hostnames: routed ? (current?.desired.site?.hostnames.map((item) => item.name) ?? []) : [],
      relaxed: (workload.container.labels[LABEL.relax] ?? '').split(',').filter((item) => item !== ''),
    };
  });
}

function stateOf(container: ContainerView | undefined): string {
  if (!container) return 'missing';
  return container.state === 'exited' ? 'stopped' : container.state;
}

function uptimeOf(state: ContainerState | undefined, ctx: Context): number | null {
  return state?.running ? Math.max(0, Math.round((ctx.clock.now() - Date.parse(state.startedAt)) / 1000)) : null;
}

function roundCpus(usage: Usage | undefined): number | null {
  return usage ? Math.round(usage.cpus * 1000) / 1000 : null;
}
