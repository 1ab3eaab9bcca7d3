import { type Circumstances, examine } from '../core/audit-container.ts';
import type { ContainerSpec } from '../core/container.ts';
import { exposureOf, exposures } from '../core/exposure.ts';
import { LABEL } from '../core/names.ts';
import type { Audited, CheckResult, Exposure } from '../core/results.ts';
import { engineDefects, fenceFinding, securityFinding } from '../core/safety.ts';
import type { ContainerView, Observed, Workload } from '../core/state.ts';
import { needsHttps } from '../core/tls-plan.ts';
import type { Context } from '../ports.ts';
import { requireDeployed } from './containers.ts';
import { edgeName } from './driver.ts';
import { liveSites, observe } from './observe.ts';
import { probeApps } from './probe.ts';
import { proxySpecs } from './proxy.ts';

/** How exposed what runs is, container by container, and what this host does about it. Changes nothing. */
export async function audit(names: readonly string[], options: { probe: boolean }, ctx: Context): Promise<Exposure> {
  const observed = await observe(ctx);
  for (const name of names) requireDeployed(name, observed);
  const secure = needsHttps(liveSites(observed.histories), observed, ctx.workspace);
  const parts = await proxySpecs(observed, secure, ctx);
  const workloads = Object.values(observed.histories).flatMap(({ current }) => current?.desired.workloads ?? []);
  const chosen = observed.containers.filter(
    ({ labels, state }) =>
      // As the benchmark: what is stopped can do nothing.
      ['running', 'restarting', 'paused'].includes(state) &&
      (names.length === 0 || names.includes(labels[LABEL.project] ?? '')),
  );
  const audited = await Promise.all(chosen.map((view) => auditOne(view, observed, { workloads, parts }, ctx)));
  return {
    containers: audited
      .filter((item) => item !== undefined)
      .toSorted((a, b) => b.exposure - a.exposure || (a.container < b.container ? -1 : 1)),
    host: hostFindings(observed),
    ...(options.probe ? { probes: await probeApps(names, observed, ctx) } : {}),
  };
}

interface Known {
  readonly workloads: readonly Workload[];
  readonly parts: readonly ContainerSpec[];
}

async function auditOne(
  view: ContainerView,
  observed: Observed,
  { workloads, parts }: Known,
  ctx: Context,
): Promise<Audited | undefined> {
  const workload = workloads.find((item) => item.container.name === view.name);
  const spec = workload?.container ?? parts.find((part) => part.name === view.name);
  const found = await ctx.engine.readBack(view.name, spec);
  if (!found) return undefined;
  const circumstances: Circumstances = {
    apparmor: observed.engine.security.includes('apparmor'),
    edge: view.name === edgeName(ctx),
    relax: workload?.relax ?? labelled(view),
  };
  const results = examine(found.settings, circumstances);
  const because = exposures(found.settings, circumstances);
  return {
    container: view.name,
    project: view.labels[LABEL.project] ?? null,
    app: view.labels[LABEL.app] ?? null,
    exposure: exposureOf(because),
    because: because.map(({ what, tenths }) => ({ what, points: tenths / 10 })),
    passed: results.filter(({ state }) => state === 'passed').length,
    findings: results.filter(({ state }) => state !== 'passed'),
    drift: found.drift,
  };
}

/** Of a container whose release is not on record any more; the reasons went with it. */
function labelled({ labels }: ContainerView): Circumstances['relax'] {
  const items = (labels[LABEL.relax] ?? '').split(',').filter((allow) => allow !== '');
  return items.map((allow) => ({ allow, reason: 'of an earlier release' }));
}

function hostFindings({ engine, fence }: Observed): CheckResult[] {
  return [securityFinding(engine), ...engineDefects(engine), fenceFinding(fence)];
}
