import type { NetworkSpec } from './container.ts';
import { byNeeds } from './needs.ts';
import { chooseSubnet } from './identity.ts';
import { explainChange } from './change.ts';
import type { Workspace } from './model.ts';
import { LABEL } from './names.ts';
import type { ContainerView, Desired, History, Observed, Release, Workload } from './state.ts';
import { limitsOf } from './state.ts';
import type { ProjectPlan, Step, StepOf } from './steps.ts';

export interface PlanOptions {
  readonly workspace: Workspace;
  /** ISO 8601, for the release record. */
  readonly at: string;
  readonly by: string;
  /** Set when an earlier release is brought back: its release commands are not run again. */
  readonly rollbackOf?: number;
}

/** Desired minus observed, for one project. Pure; every step says why. */
export function planProject(desired: Desired, observed: Observed, options: PlanOptions): ProjectPlan {
  const history = observed.histories[desired.project] ?? { releases: [] };
  const mine = observed.containers.filter(
    (item) => item.labels[LABEL.project] === desired.project && item.labels[LABEL.role] === 'app',
  );
  const wanted = new Set(desired.workloads.map((item) => item.container.name));
  const old = mine.filter((item) => !wanted.has(item.name));

  const starting = planStarts(desired, mine, old, history, options);
  const media = planMedia(desired, observed);
  const before = [...planNetwork(desired, observed, options.workspace), ...withMedia(starting, media)];
  const limits = planLimits(desired, mine, history);
  const running = old.filter((item) => item.state !== 'exited' && item.state !== 'created' && item.state !== 'dead');
  const stoppedFirst = new Set(starting.flatMap((step) => (step.do === 'stop' ? [step.container.name] : [])));
  const retire: Step[] = running
    .filter((item) => !stoppedFirst.has(item.name))
    .map((item) => ({
      do: 'retire',
      container: item,
      ...timing(item, history),
      why: isApp(desired, item) ? 'replaced' : 'no longer in the definition',
    }));

  const release = nextRelease(desired, history, options);
  const route = planRoute(release, observed, history, before.length + limits.length > 0);
  const kept = keptReleases(route ? release : undefined, history, options.workspace.keep);
  const forget = planForget(desired.project, old, kept, history, observed);
  return { project: desired.project, before, ...(route ? { route } : {}), after: [...limits, ...retire, ...forget] };
}

function isApp(desired: Desired, item: ContainerView): boolean {
  return desired.workloads.some((workload) => workload.app === item.labels[LABEL.app]);
}

/** What has to run, in the order of `needs`: start, run the release command, become ready. */
function planStarts(
  desired: Desired,
  mine: readonly ContainerView[],
  old: readonly ContainerView[],
  history: History,
  options: PlanOptions,
): Step[] {
  const apps = [...new Set(byNeeds(desired.workloads).map((item) => item.app))];
  return apps.flatMap((app) => {
    const workloads = desired.workloads.filter((item) => item.app === app);
    const containerOf = (workload: Workload): ContainerView | undefined =>
      mine.find((item) => item.name === workload.container.name);
    const starts = workloads.flatMap((workload): Step[] => {
      const container = containerOf(workload);
      if (container?.state === 'running') return [];
      // One that was never started was perhaps never checked either: making it again finds it and checks it.
      if (!container || container.state === 'created') return [{ do: 'run', workload, why: whyRun(workload, history) }];
      return [{ do: 'start', workload, why: whyStart(container, history, options) }];
    });
    // Running is not enough: a deploy that was killed leaves containers behind that nobody has asked yet.
    const unproven = workloads.filter(
      (workload) => containerOf(workload)?.state !== 'running' || !wasLive(workload.container.name, history),
    );
    if (unproven.length === 0) return [];
    const first = workloads[0]!;
    const stops = first.overlap
      ? []
      : planStops(
          old.filter((item) => item.labels[LABEL.app] === app),
          history,
        );
    const isNew = unproven.some((workload) => !wasLive(workload.container.name, history));
    const tasks: Step[] =
      first.release && isNew && options.rollbackOf === undefined
        ? [{ do: 'task', workload: first, command: first.release, why: 'before the switch' }]
        : [];
    const ready = unproven.map((workload): Step => ({ do: 'ready', workload, why: readyWhy(first) }));
    return [...stops, ...starts, ...tasks, ...ready];
  });
}

function planStops(old: readonly ContainerView[], history: History): Step[] {
  return old
    .filter((item) => item.state === 'running')
    .map((item) => ({
      do: 'stop',
      container: item,
      timeout: timing(item, history).timeout,
      why: 'one copy at a time may write to its volume: short interruption',
    }));
}

function readyWhy(workload: Workload): string {
  const { path, command } = workload.health;
  if (path !== undefined) return `answers ${path}`;
  return command ? `${command.join(' ')} succeeds` : 'keeps running';
}

function whyStart(container: ContainerView, history: History, options: PlanOptions): string {
  if (options.rollbackOf !== undefined) return `kept since release ${options.rollbackOf}`;
  if (!wasLive(container.name, history)) return 'an earlier attempt did not become ready';
  return container.state === 'exited' ? 'stopped' : `is ${container.state}`;
}

/** Whether a container belongs to a release that went live, so that its release command has run. */
function wasLive(name: string, history: History): boolean {
  return history.releases.some((release) => release.desired.workloads.some((item) => item.container.name === name));
}

function whyRun(workload: Workload, history: History): string {
  const before = history.current?.desired.workloads.find((item) => item.app === workload.app);
  if (!before) return 'not running yet';
  if (before.spec === workload.spec) return 'its container is gone';
  return explainChange(before, workload, history.current?.desired.images[workload.app]);
}

/** How long a container may take to finish: as its own release said. */
function timing(container: ContainerView, history: History): { drain: number; timeout: number } {
  const known = history.releases
    .flatMap((release) => release.desired.workloads)
    .find((item) => item.container.name === container.name);
  return { drain: known?.drain ?? 10_000, timeout: known?.container.stopTimeout ?? 20 };
}

function planNetwork(desired: Desired, observed: Observed, workspace: Workspace): Step[] {
  const wanted = desired.network;
  if (!wanted) return [];
  const exists = observed.networks.some((item) => item.name === wanted.name);
  const proxy = observed.containers.find((item) => item.labels[LABEL.role] === 'proxy');
  const steps: Step[] = [];
  if (!exists) {
    const why = 'its apps speak TCP with each other or with the proxy';
    steps.push({ do: 'network', network: projectNetwork(desired.project, wanted.name, observed, workspace), why });
  }
  if (wanted.proxy && !proxy?.networks.includes(wanted.name)) {
    steps.push({ do: 'connect', network: wanted.name, why: 'the app speaks TCP' });
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

function planLimits(desired: Desired, mine: readonly ContainerView[], history: History): Step[] {
  return desired.workloads.flatMap((workload): Step[] => {
    const { name, limits } = workload.container;
    const container = mine.find((item) => item.name === name);
    const known = limitsOf(name, history);
    if (!container || !known) return [];
    if (known.memory === limits.memory && known.cpus === limits.cpus && known.pids === limits.pids) return [];
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
  release: Release,
  observed: Observed,
  history: History,
  changed: boolean,
): StepOf<'route'> | undefined {
  const { desired } = release;
  const current = history.current?.desired;
  const links = desired.workloads.filter(
    (item) => item.link !== undefined && observed.links[item.link] !== `../sockets/${item.socketDir}/app.sock`,
  );
  const media = desired.media.filter(
    (item) => item.link !== undefined && observed.mediaLinks[item.link] !== item.root.split('/')[1],
  );
  const reload = JSON.stringify(desired.site) !== JSON.stringify(current?.site) || !observed.proxyCurrent;
  const same = JSON.stringify(desired) === JSON.stringify(current);
  if (same && !changed && links.length + media.length === 0 && !reload) return undefined;
  return {
    do: 'route',
    release,
    links,
    media,
    reload,
    why: routeWhy(release, links.length + media.length > 0, reload),
  };
}

function routeWhy(release: Release, links: boolean, reload: boolean): string {
  const id = `release ${release.id}`;
  if (!release.desired.site) return `${id}, no route`;
  if (reload) return `${id}, routes changed: the proxy reloads`;
  return links ? `${id}, by a rename: no reload` : `${id}, same routes`;
}

/** The live release and those a rollback may want. */
function keptReleases(next: Release | undefined, history: History, keep: number): Release[] {
  const live = next ?? history.current;
  const earlier = history.releases.filter((release) => release.id !== live?.id);
  return [...(live ? [live] : []), ...earlier.slice(0, keep)];
}

function planForget(
  project: string,
  old: readonly ContainerView[],
  kept: readonly Release[],
  history: History,
  observed: Observed,
): Step[] {
  const names = new Set(kept.flatMap((release) => release.desired.workloads.map((item) => item.container.name)));
  const containers = old.map((item) => item.name).filter((name) => !names.has(name));
  const ids = new Set(kept.map((release) => release.id));
  const releases = history.releases.map((release) => release.id).filter((id) => !ids.has(id));
  const roots = new Set(kept.flatMap((release) => release.desired.media.map((set) => set.root)));
  const media = (observed.media[project] ?? [])
    .map((name) => `${project}/${name}`)
    // Only copies have a version in their name; uploads are data.
    .filter((root) => /\.[0-9a-f]{10}$/.test(root) && !roots.has(root));
  if (containers.length + releases.length + media.length === 0) return [];
  const images = kept.flatMap((release) => Object.values(release.desired.images).map((image) => image.ref));
  return [
    {
      do: 'forget',
      project,
      containers,
      releases,
      media,
      keepImages: [...new Set(images)],
      why: 'more than the releases to keep',
    },
  ];
}
