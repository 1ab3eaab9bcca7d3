import type { NetworkSpec } from './container.ts';
import { keptReleases, planCleanup, planForget } from './forget.ts';
import { chooseSubnet } from './identity.ts';
import { linkTarget } from './layout.ts';
import type { Workspace } from './model.ts';
import { LABEL } from './names.ts';
import {
  type ContainerView,
  type Desired,
  type History,
  liveWorkload,
  type Observed,
  type Release,
  wasLive,
  type Workload,
} from './state.ts';
import { planStarts, type StartOptions, timing } from './starts.ts';
import type { OwnCertificate, ProjectPlan, Step, StepOf } from './steps.ts';
import { planOrder, planOwnCertificate } from './tls-plan.ts';
import { planWatch } from './trial.ts';

export interface PlanOptions extends StartOptions {
  readonly workspace: Workspace;
  /** Containers of the proxy. */
  readonly proxies: readonly string[];
  /** ISO 8601, for the release record. */
  readonly at: string;
  readonly by: string;
  /** Certificates the projects bring with them. A rollback brings none back: the newest stays in force. */
  readonly own?: ReadonlyMap<string, OwnCertificate>;
}

/** Desired minus observed, for one project. Pure; every step says why. */
export function planProject(desired: Desired, observed: Observed, options: PlanOptions): ProjectPlan {
  const history = observed.histories[desired.project] ?? { releases: [] };
  const mine = observed.containers.filter((item) => item.labels[LABEL.project] === desired.project);
  const apps = mine.filter((item) => item.labels[LABEL.role] === 'app');
  const wanted = new Set(desired.workloads.map((item) => item.container.name));
  const unwanted = apps.filter((item) => !wanted.has(item.name));
  const old = unwanted.filter((item) => wasLive(item.name, history));
  const failed = mine.filter((item) => !apps.includes(item) || (unwanted.includes(item) && !old.includes(item)));

  const starting = planStarts(desired, apps, history, observed, options);
  const before = [
    ...planCleanup(desired, failed, history, observed),
    ...planNetwork(desired, observed, options),
    ...withMedia(starting, planMedia(desired, observed)),
    // Limits come before the release is written down: what is on record must have happened.
    ...planLimits(desired, apps, history, observed),
    ...planOwnCertificate(desired, observed, options.own?.get(desired.project)),
  ];
  const route = planRoute(desired, observed, history, options);
  const kept = keptReleases(route?.release, history, options.workspace.keep);
  const forget = planForget(desired, old, kept, history, observed, options.workspace);
  const watch = planWatch(desired, before, route !== undefined, history, observed);
  const retire = planRetire(desired, old, starting, history);
  return {
    project: desired.project,
    before,
    ...(route ? { route } : {}),
    after: [...planOwners(desired, observed), ...watch, ...retire, ...forget, ...planOrder(desired, observed, options)],
  };
}

function planRetire(
  desired: Desired,
  old: readonly ContainerView[],
  starting: readonly Step[],
  history: History,
): Step[] {
  const stoppedFirst = new Set(starting.flatMap((step) => (step.do === 'stop' ? [step.container.name] : [])));
  return old
    .filter((item) => !['exited', 'created', 'dead'].includes(item.state) && !stoppedFirst.has(item.name))
    .map((item) => ({
      do: 'retire',
      container: item,
      ...timing(item, history),
      why: isApp(desired, item) ? 'replaced' : 'no longer in the definition',
    }));
}

function isApp(desired: Desired, item: ContainerView): boolean {
  return desired.workloads.some((workload) => workload.app === item.labels[LABEL.app]);
}

/** Uploads change hands after the switch: until then the old release writes to them. */
function planOwners(desired: Desired, observed: Observed): Step[] {
  return desired.media.flatMap((set): Step[] => {
    const { source } = set;
    if (source.kind !== 'uploads') return [];
    const uid = desired.workloads.find((item) => item.app === source.app)?.container.uid ?? 0;
    const owner = observed.uploadOwners[set.root];
    if (owner === undefined || owner === uid) return [];
    return [{ do: 'own', set, project: desired.project, uid, why: `now written by ${source.app}` }];
  });
}

function planNetwork(desired: Desired, observed: Observed, { workspace, proxies }: PlanOptions): Step[] {
  const wanted = desired.network;
  if (!wanted) return [];
  const exists = observed.networks.some((item) => item.name === wanted.name);
  const steps: Step[] = [];
  if (!exists) {
    const why = 'its apps speak TCP with each other or with the proxy';
    steps.push({ do: 'network', network: projectNetwork(desired.project, wanted.name, observed, workspace), why });
  }
  for (const container of wanted.proxy ? proxies : []) {
    const joined = observed.containers.find((item) => item.name === container)?.networks.includes(wanted.name);
    if (!joined) steps.push({ do: 'connect', network: wanted.name, container, why: 'the app speaks TCP' });
  }
  return steps;
}

/** A project's own network: closed to the outside and to the host, small, with a subnet of our choosing. */
function projectNetwork(project: string, name: string, observed: Observed, workspace: Workspace): NetworkSpec {
  const taken = observed.networks.flatMap((item) => item.subnets);
  return {
    name,
    subnet: chooseSubnet(workspace.pool, 28, project, taken),
    internal: true,
    between: true,
    labels: {
      [LABEL.instance]: workspace.instance,
      [LABEL.role]: 'network',
      [LABEL.project]: project,
    },
  };
}

function planMedia(desired: Desired, observed: Observed): Step[] {
  const present = new Set(observed.media[desired.project] ?? []);
  return desired.media.flatMap((set): Step[] => {
    if (present.has(set.root.split('/')[1]!)) return [];
    const source = set.source;
    if (source.kind === 'uploads') return [];
    const workload = source.kind === 'image' ? desired.workloads.find((item) => item.app === source.app) : undefined;
    const why = source.kind === 'image' ? `${source.path} of the image` : `copied from ${source.path}`;
    return [{ do: 'media', set, ...(workload ? { workload } : {}), why }];
  });
}

/** Files of an image are copied as soon as a container of it exists, while that one starts; the rest at once. */
function withMedia(starting: readonly Step[], media: readonly Step[]): Step[] {
  const early = media.filter(
    (step) => !starting.some((start) => start.do === 'run' && start.workload === ownerOf(step)),
  );
  const late = (start: Step): Step[] =>
    start.do === 'run' ? media.filter((step) => ownerOf(step) === start.workload) : [];
  return [...early, ...starting.flatMap((step) => [step, ...late(step)])];
}

function ownerOf(step: Step): Workload | undefined {
  return step.do === 'media' ? step.workload : undefined;
}

/** Of containers that go on running; those that are started get theirs with that. */
function planLimits(desired: Desired, mine: readonly ContainerView[], history: History, observed: Observed): Step[] {
  const unsure = observed.unfinished[desired.project]?.limited ?? [];
  return desired.workloads.flatMap((workload): Step[] => {
    const { name, limits } = workload.container;
    const running = mine.some((item) => item.name === name && item.state === 'running');
    const known = liveWorkload(name, history)?.container.limits;
    if (!running || !known) return [];
    const same = known.memory === limits.memory && known.cpus === limits.cpus && known.pids === limits.pids;
    if (same && !unsure.includes(name)) return [];
    return [{ do: 'limits', container: name, limits, why: 'limits changed, in place' }];
  });
}

function nextRelease(desired: Desired, history: History, options: PlanOptions): Release {
  const last = Math.max(0, ...history.releases.map((release) => release.id));
  return {
    format: 1,
    id: last + 1,
    project: desired.project,
    at: options.at,
    by: options.by,
    ...(options.rollbackOf === undefined ? {} : { rollbackOf: options.rollbackOf }),
    desired,
  };
}

function planRoute(
  desired: Desired,
  observed: Observed,
  history: History,
  options: PlanOptions,
): StepOf<'route'> | undefined {
  const { current } = history;
  const links = desired.workloads.filter(
    (item) => item.link !== undefined && observed.links[item.link] !== linkTarget(item.socket!),
  );
  const media = desired.media.filter(
    (item) => item.link !== undefined && observed.mediaLinks[item.link] !== item.root.split('/')[1],
  );
  const same = JSON.stringify(desired) === JSON.stringify(current?.desired);
  if (same && links.length + media.length === 0) return undefined;
  const reload = JSON.stringify(desired.site) !== JSON.stringify(current?.desired.site);
  const release = nextRelease(desired, history, options);
  const why = routeWhy(release, links.length + media.length > 0, reload);
  return { do: 'route', release, links, media, reload, why };
}

function routeWhy(release: Release, links: boolean, reload: boolean): string {
  const id = `release ${release.id}`;
  if (!release.desired.site) return `${id}, no route`;
  if (reload) return `${id}, routes changed: the proxy reloads`;
  return links ? `${id}, by a rename: no reload` : `${id}, same routes`;
}
