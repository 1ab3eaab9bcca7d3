import { isLinkOf, LAYOUT } from './layout.ts';
import type { Workspace } from './model.ts';
import { networkName } from './names.ts';
import type { ContainerView, Desired, History, Observed, Release } from './state.ts';
import type { Step } from './steps.ts';

/** What attempts that never went live left behind, and release commands whose deploy was killed. */
export function planCleanup(
  desired: Desired,
  failed: readonly ContainerView[],
  history: History,
  observed: Observed,
): Step[] {
  if (failed.length === 0) return [];
  const all = [desired, ...history.releases.map((release) => release.desired)];
  return [
    {
      do: 'forget',
      project: desired.project,
      containers: failed.map((item) => item.name),
      releases: [],
      media: unusedMedia(desired.project, all, observed),
      links: [],
      secrets: [],
      secretFiles: [],
      keepImages: imagesOf(all),
      why: 'left by an attempt that did not go live',
    },
  ];
}

/** The live release and those a rollback may want. */
export function keptReleases(next: Release | undefined, history: History, keep: number): Release[] {
  const live = next ?? history.current;
  const seen = new Set(live ? [JSON.stringify(live.desired)] : []);
  // Going back and forth makes releases that say the same; they must not push others out.
  const earlier = history.releases.filter(({ id, desired }) => {
    const text = JSON.stringify(desired);
    if (id === live?.id || seen.has(text)) return false;
    seen.add(text);
    return true;
  });
  return [...(live ? [live] : []), ...earlier.slice(0, keep)];
}

/** What was live once and is not needed for a rollback any more. */
export function planForget(
  desired: Desired,
  old: readonly ContainerView[],
  kept: readonly Release[],
  history: History,
  observed: Observed,
  workspace: Workspace,
): Step[] {
  const { project } = desired;
  const states = kept.map((release) => release.desired);
  const names = new Set(states.flatMap((state) => state.workloads.map((item) => item.container.name)));
  const containers = old.map((item) => item.name).filter((name) => !names.has(name));
  const ids = new Set(kept.map((release) => release.id));
  const releases = history.releases.map((release) => release.id).filter((id) => !ids.has(id));
  const media = unusedMedia(project, [desired, ...states], observed);
  const needed = new Set(desired.workloads.map((item) => item.link));
  const links = Object.keys(observed.links).filter((link) => isLinkOf(project, link) && !needed.has(link));
  const name = networkName(workspace.instance, project);
  // A container that is kept for a rollback needs the network it was made on.
  const unused = observed.networks.some((item) => item.name === name) && !states.some((state) => state.network);
  const network = unused ? { network: name } : {};
  const secrets = unusedSecrets([desired, ...states], observed.secrets[project] ?? {});
  const secretFiles = unusedFiles(project, names, observed);
  const gone = { containers, releases, media, links, secrets, secretFiles };
  if (Object.values(gone).every((list) => list.length === 0) && !unused) return [];
  const why = 'more than the releases to keep';
  return [{ do: 'forget', project, ...gone, keepImages: imagesOf(states), ...network, why }];
}

/** Copies of files that none of these need. Only copies have a version in their name; uploads are data. */
function unusedMedia(project: string, states: readonly Desired[], observed: Observed): string[] {
  const roots = new Set(states.flatMap((state) => state.media.map((set) => set.root)));
  return (observed.media[project] ?? [])
    .map((name) => `${project}/${name}`)
    .filter((root) => /\.[0-9a-f]{10}$/.test(root) && !roots.has(root));
}

/** Versions that none of these need. The newest is what the next deploy takes. */
function unusedSecrets(
  states: readonly Desired[],
  stored: Observed['secrets'][string],
): { name: string; version: number }[] {
  const given = states.flatMap((state) => state.workloads.map((item) => item.secrets?.versions ?? {}));
  return Object.entries(stored).flatMap(([name, versions]) =>
    versions
      .slice(0, -1)
      .filter((version) => !given.some((item) => item[name] === version))
      .map((version) => ({ name, version })),
  );
}

/** Files that were made for a container before a deploy was killed, and no deploy made that container since. */
function unusedFiles(project: string, names: ReadonlySet<string>, observed: Observed): string[] {
  const containers = new Set(observed.containers.map((item) => item.name));
  return (observed.secretFiles[project] ?? [])
    .filter((name) => !names.has(name) && !containers.has(name))
    .map((name) => LAYOUT.secretFilesOf(project, name));
}

function imagesOf(states: readonly Desired[]): string[] {
  return [...new Set(states.flatMap((state) => Object.values(state.images).map((image) => image.ref)))];
}
