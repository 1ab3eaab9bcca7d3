import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LABEL } from '../../../src/core/names.ts';
import type { Release } from '../../../src/core/state.ts';
import type { Lab } from '../../e2e/support/lab.ts';

/** What one project has on record. */
interface Records {
  readonly releases: readonly Release[];
  readonly live: Release | undefined;
}

/** Containers, networks, images, files and links that no release on record explains; what is missing as well. */
export async function leftovers(lab: Lab): Promise<string[]> {
  const names = list(lab, 'projects');
  const records = new Map(names.map((name) => [name, readRecords(lab, name)]));
  return [...(await strayContainers(lab, records)), ...(await strayImages(lab, records)), ...strayFiles(lab, records)];
}

function list(lab: Lab, path: string): string[] {
  const at = join(lab.data, path);
  return existsSync(at) ? readdirSync(at) : [];
}

function readRecords(lab: Lab, project: string): Records {
  const files = list(lab, `projects/${project}/releases`).filter((file) => file.endsWith('.json'));
  const releases = files.map(
    (file) => JSON.parse(readFileSync(join(lab.data, `projects/${project}/releases`, file), 'utf8')) as Release,
  );
  const current = linkAt(join(lab.data, `projects/${project}/current`));
  return { releases, live: releases.find(({ id }) => current === `releases/${id}.json`) };
}

function linkAt(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

async function strayContainers(lab: Lab, records: ReadonlyMap<string, Records>): Promise<string[]> {
  const wrong: string[] = [];
  const all = await lab.engine.containers(lab.instance);
  const all_ = [...records.values()];
  const kept = new Set(workloads(all_.flatMap((item) => item.releases)));
  const live = new Set(workloads(all_.flatMap((item) => item.live ?? [])));
  const states = new Map(all.map((item) => [item.name, item.state]));
  for (const { name, state, labels } of all) {
    const app = labels[LABEL.role] === 'app';
    if (labels[LABEL.role] === 'proxy' ? state !== 'running' : !app || !kept.has(name)) wrong.push(`${name} ${state}`);
    else if (app && (state === 'running') !== live.has(name)) wrong.push(`${name} is ${state}`);
  }
  for (const name of live) if (!states.has(name)) wrong.push(`${name} is missing`);
  const wanted = new Set(all_.flatMap(({ live: item }) => item?.desired.network?.name ?? []));
  for (const { name, labels } of await lab.engine.networks()) {
    const mine = labels[LABEL.instance] === lab.instance && labels[LABEL.project] !== undefined;
    if (mine && !wanted.has(name)) wrong.push(`network ${name}`);
  }
  return wrong;
}

function workloads(releases: readonly Release[]): string[] {
  return releases.flatMap(({ desired }) => desired.workloads.map((item) => item.container.name));
}

async function strayImages(lab: Lab, records: ReadonlyMap<string, Records>): Promise<string[]> {
  const releases = [...records.values()].flatMap((item) => item.releases);
  const known = new Set(releases.flatMap(({ desired }) => Object.values(desired.images).map((image) => image.ref)));
  const images = await lab.engine.images(`${LABEL.instance}=${lab.instance}`);
  return images.flatMap(({ tags, id }) => (tags.length === 0 ? [id] : tags.filter((tag) => !known.has(tag))));
}

function strayFiles(lab: Lab, records: ReadonlyMap<string, Records>): string[] {
  const wrong = list(lab, '.').length === 0 ? [] : below(lab.data, '').filter((path) => /(^|\/)\.tmp-/.test(path));
  const containers = new Set(workloads([...records.values()].flatMap((item) => item.releases)));
  for (const name of list(lab, 'sockets')) {
    if (!containers.has(name.replace(/-[0-9a-f]{20}$/, ''))) wrong.push(`sockets/${name}`);
  }
  for (const name of list(lab, 'links')) {
    const target = resolve(join(lab.data, 'links'), linkAt(join(lab.data, 'links', name)) ?? '');
    if (!existsSync(dirname(target)) || !records.get(name.split('.')[0]!)?.live) wrong.push(`links/${name}`);
  }
  for (const [project, { releases, live }] of records) {
    if (existsSync(join(lab.data, `projects/${project}/unfinished.json`))) wrong.push(`${project}/unfinished.json`);
    for (const { id } of releases) if (!live || id > live.id) wrong.push(`${project}/releases/${id}.json`);
    const media = new Set(releases.flatMap(({ desired }) => desired.media.flatMap((set) => [set.root, set.link])));
    for (const name of list(lab, `media/${project}`)) {
      if (!media.has(`${project}/${name}`)) wrong.push(`media/${project}/${name}`);
    }
  }
  for (const project of list(lab, 'media')) if (!records.has(project)) wrong.push(`media/${project}`);
  // The live one, the one before it, and those kept for a look back.
  const generations = list(lab, 'proxy/generations').length;
  if (generations > 5) wrong.push(`${generations} generations`);
  return wrong;
}

/** Every path below a directory of the data root; an app's own volumes are not hostctl's to judge. */
function below(root: string, path: string): string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    const at = join(path, entry.name);
    return entry.isDirectory() && entry.name !== 'volumes' ? [at, ...below(root, at)] : [at];
  });
}
