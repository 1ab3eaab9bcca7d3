import { linkTarget } from '../core/layout.ts';
import { answerOf } from '../core/explain.ts';
import { indexHosts } from '../core/match.ts';
import { type Meaning, meaningOf, type WebRequest } from '../core/meaning.ts';
import type { ContainerReport, LiveView } from '../core/results.ts';
import type { Site } from '../core/routes.ts';
import type { Observed, Workload } from '../core/state.ts';
import { formatSize } from '../core/units.ts';
import type { Context } from '../ports.ts';
import { liveSites } from './observe.ts';
import { proxyAnswers } from './proxy.ts';
import { tail, targetOf } from './ready.ts';

const ASK_MS = 5000;
const VISIT_MS = 20_000;
const LAST_WORDS = 5;

/** What is in force for a request on this host. */
export async function lookAtLive(
  request: WebRequest & { readonly host: string },
  meant: Meaning<Site>,
  observed: Observed,
  ctx: Context,
): Promise<{ live: LiveView; meaning: Meaning<Site> }> {
  // What the site does when it is open; that it is closed is told besides.
  const sites = liveSites(observed.histories).map(({ closed: _closed, ...site }) => site);
  const meaning = meaningOf(request, indexHosts(sites));
  const project = 'site' in meant ? meant.site.project : 'site' in meaning ? meaning.site.project : undefined;
  const { current, maintenance } = (project === undefined ? undefined : observed.histories[project]) ?? {};
  const answers = await proxyAnswers(observed, ctx);
  const [said, done] = [answerOf(meant), answerOf(meaning)];
  const asked = answers && request.scheme === 'http' && /^(GET|HEAD)$/.test(request.method);
  const visit = asked
    ? await ctx.prober.visit({ host: request.host, path: request.target, timeout: VISIT_MS, anybody: true })
    : undefined;
  const live: LiveView = {
    proxy: answers ? 'answers' : 'silent',
    closed: maintenance !== undefined,
    containers: await containersFor(meaning, observed, ctx),
    ...(current ? { release: current.id } : {}),
    ...(current && said !== done ? { differs: `the live release ${current.id} does something else: ${done}` } : {}),
    ...(visit
      ? {
          visit: visit.ok
            ? { status: visit.status, ...(visit.location === undefined ? {} : { location: visit.location }) }
            : { reason: visit.reason },
        }
      : {}),
  };
  return { live, meaning };
}

/** The containers that answer, one per replica. */
async function containersFor(meaning: Meaning<Site>, observed: Observed, ctx: Context): Promise<ContainerReport[]> {
  if (meaning.to !== 'app' || meaning.route.target.to !== 'app') return [];
  const { app } = meaning.route.target;
  const { hostname, site } = meaning;
  const workloads =
    observed.histories[site.project]?.current?.desired.workloads.filter((item) => item.app === app) ?? [];
  const host =
    hostname.kind === 'exact'
      ? hostname.name
      : (site.hostnames.find(({ kind }) => kind === 'exact')?.name ?? 'localhost');
  return Promise.all(workloads.map((workload) => lookAtContainer(workload, host, observed, ctx)));
}

async function lookAtContainer(
  workload: Workload,
  host: string,
  observed: Observed,
  ctx: Context,
): Promise<ContainerReport> {
  const { name, limits } = workload.container;
  const view = observed.containers.find((item) => item.name === name);
  if (!view) return { name, state: 'missing', detail: 'there is no such container', ok: false, log: [] };
  const words = async (): Promise<string[]> => tail(name, ctx, { count: LAST_WORDS, of: workload });
  if (view.state !== 'running') {
    const state = await ctx.engine.inspect(name);
    const why = state?.oomKilled
      ? `it needed more memory than its ${formatSize(limits.memory)}`
      : endOf(state?.exitCode);
    return { name, state: view.state, detail: why, ok: false, log: await words() };
  }
  if (workload.link !== undefined && observed.links[workload.link] !== linkTarget(workload.socket!)) {
    return {
      name,
      state: 'running',
      detail: 'the proxy is not led to its socket: a switch was interrupted',
      ok: false,
      log: [],
    };
  }
  const path = workload.health.path ?? '/';
  const answer = await ctx.prober.candidate(targetOf(workload), { host, path, timeout: ASK_MS });
  if (answer.ok) return { name, state: 'running', detail: `answers ${answer.status} at ${path}`, ok: true, log: [] };
  const at = workload.listen.kind === 'port' ? `port ${workload.listen.port}` : 'its socket';
  return {
    name,
    state: 'running',
    detail: `${answer.reason} (asked at ${at} for ${path})`,
    ok: false,
    log: await words(),
  };
}

/** An exit code, with what the ones of signals mean. */
function endOf(code: number | undefined): string {
  const meaning = { 137: ': it was killed', 139: ': it crashed', 143: ': it was asked to end' }[code ?? 0] ?? '';
  return `exit code ${code ?? 'unknown'}${meaning}`;
}
