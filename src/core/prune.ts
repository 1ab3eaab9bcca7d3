import { isLinkOf } from './layout.ts';
import { LABEL, networkName } from './names.ts';
import type { PruneItem } from './results.ts';
import type { ContainerView, Desired, History, Observed } from './state.ts';

/** An image that this instance of hostctl built. */
export interface BuiltImage {
  readonly id: string;
  readonly project: string;
  readonly tags: readonly string[];
  /** Bytes. */
  readonly size: number;
}

/** What stands in the data root that a listing of its own tells. */
export interface Leftovers {
  readonly images: readonly BuiltImage[];
  /** Names below `sockets/`. */
  readonly sockets: readonly string[];
  /** Numbers of the release records of the project. */
  readonly records: readonly number[];
  readonly instance: string;
}

/** What to remove; `path` is below the data root. */
export type Pruned = PruneItem & { readonly path?: string };

/** What hostctl made for a project and nothing needs any more. Never data: volumes, uploads, certificates, records of releases. */
export function planPrune(project: string, observed: Observed, left: Leftovers): Pruned[] {
  const history = observed.histories[project] ?? { releases: [] };
  const states = history.releases.map((release) => release.desired);
  const mine = observed.containers.filter((item) => item.labels[LABEL.project] === project);
  const idle = mine.filter((item) => isIdle(item, states));
  const gone = new Set(idle.map((item) => item.name));
  const kept = new Set(mine.filter((item) => !gone.has(item.name)).map((item) => item.name));
  const item = (kind: PruneItem['kind'], name: string, why: string): Pruned => ({ kind, project, name, why });
  const folder = (path: string, why: string): Pruned => ({ ...item('folder', path, why), path });
  return [
    ...idle.map(({ name }) => item('container', name, 'stopped, and of no release')),
    ...unusedImages(project, left, states),
    ...unusedSockets(project, left, mine, kept).map((name) => folder(`sockets/${name}`, 'its container is gone')),
    ...unusedLinks(project, observed, history).map((name) =>
      folder(`links/${name}`, 'the live release has no such app'),
    ),
    ...unusedCopies(project, observed, states).map((root) => folder(`media/${root}`, 'a copy no release serves')),
    ...unusedRecords(left, history).map((id) => ({
      ...item('record', String(id), 'it was taken back'),
      path: `projects/${project}/releases/${id}.json`,
    })),
    ...unusedNetworks(project, observed, kept, left.instance, states).map((name) =>
      item('network', name, 'nothing is on it'),
    ),
  ];
}

/** What never went live, or whose work is done. What runs is left to the next deploy. */
function isIdle({ state, name, labels }: ContainerView, states: readonly Desired[]): boolean {
  if (!['exited', 'created', 'dead'].includes(state)) return false;
  const wanted = states.some((desired) => desired.workloads.some((item) => item.container.name === name));
  return labels[LABEL.role] !== 'proxy' && !wanted;
}

function unusedImages(project: string, { images }: Leftovers, states: readonly Desired[]): Pruned[] {
  const known = states.flatMap((desired) => Object.values(desired.images));
  const refs = new Set(known.map((image) => image.ref));
  const ids = new Set(known.map((image) => image.id));
  return images.flatMap((image): Pruned[] => {
    if (image.project !== project) return [];
    const why = 'no release is made from it';
    // An image of somebody else's that is made from one of ours has its labels.
    const tags = image.tags.filter((tag) => tag.startsWith(`hostctl/${project}:`) && !refs.has(tag));
    const all = tags.length === image.tags.length;
    if (all && ids.has(image.id)) return [];
    const { size } = image;
    if (image.tags.length === 0) return [{ kind: 'image', project, name: image.id, why, size }];
    return tags.map((name, index) => ({ kind: 'image', project, name, why, size: all && index === 0 ? size : 0 }));
  });
}

function unusedSockets(
  project: string,
  { sockets }: Leftovers,
  mine: readonly ContainerView[],
  kept: ReadonlySet<string>,
): string[] {
  const names = new Set(mine.map((item) => item.name));
  return sockets.filter((socket) => {
    const container = socket.replace(/-[0-9a-f]{20}$/, '');
    // `shop-api` may be an app of `shop` or a project: only what its container says counts.
    const own = names.has(container) || new RegExp(`^${project}-[a-z0-9]+-[0-9a-f]{7}(?:-\\d+)?$`).test(container);
    return own && container !== socket && !kept.has(container);
  });
}

function unusedLinks(project: string, { links }: Observed, { current }: History): string[] {
  const needed = new Set(current?.desired.workloads.map((workload) => workload.link));
  return Object.keys(links).filter((link) => isLinkOf(project, link) && !needed.has(link));
}

function unusedCopies(project: string, { media }: Observed, states: readonly Desired[]): string[] {
  const sets = states.flatMap((desired) => desired.media);
  const needed = new Set(sets.flatMap((set) => [set.root, set.link]));
  return (media[project] ?? [])
    .filter((name) => /\.([0-9a-f]{10}|live)$/.test(name))
    .map((name) => `${project}/${name}`)
    .filter((root) => !needed.has(root));
}

function unusedRecords({ records }: Leftovers, { current, releases }: History): number[] {
  const known = new Set(releases.map((release) => release.id));
  return current ? records.filter((id) => !known.has(id)) : [];
}

function unusedNetworks(
  project: string,
  { networks, containers }: Observed,
  kept: ReadonlySet<string>,
  instance: string,
  states: readonly Desired[],
): string[] {
  const name = networkName(instance, project);
  const network = networks.find((candidate) => candidate.name === name);
  const ours = network?.labels[LABEL.instance] === instance && network.labels[LABEL.project] === project;
  const used = containers.some((container) => kept.has(container.name) && container.networks.includes(name));
  return ours && !used && !states.some((desired) => desired.network) ? [name] : [];
}
