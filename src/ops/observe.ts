import { randomBytes } from 'node:crypto';
import { type Identity, chooseUid } from '../core/identity.ts';
import { linksAstray } from '../core/host-plan.ts';
import { adminToken, LAYOUT, uploadsAlias, uploadsPath } from '../core/layout.ts';
import type { Project } from '../core/model.ts';
import { LABEL } from '../core/names.ts';
import type { Site } from '../core/routes.ts';
import type { Maintenance } from '../core/settings.ts';
import type { ContainerView, Desired, History, Observed, Release, Unfinished } from '../core/state.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import type { Generation } from '../proxy/driver.ts';
import { driverOf, partNames } from './driver.ts';
import { readCertificates, readOrdering } from './certificates.ts';
import { storedSecrets } from './secret-store.ts';
import { readFence } from './fence.ts';

/** For what all projects share. */
export const HOST_WAIT_MS = 5 * 60_000;
const SWITCH_WAIT_MS = 5 * 60_000;

/** One look at everything: what runs, what is on record, what the proxy has loaded. */
export async function observe(ctx: Context): Promise<Observed> {
  const [engine, containers, networks, names, links, passwd] = await Promise.all([
    ctx.engine.info(),
    ctx.engine.containers(ctx.workspace.instance),
    ctx.engine.networks(),
    ctx.host.list(LAYOUT.projects),
    readLinks(ctx),
    ctx.machine.read('/etc/passwd'),
  ]);
  const foreign = await foreignProxy(ctx);
  const projects = await Promise.all(names.map((name) => readProject(name, ctx)));
  const histories = Object.fromEntries(projects.map((item) => [item.name, item.history]));
  const mediaLinks = await readMediaLinks(projects, ctx);
  const uploadOwners = await readUploadOwners(projects, ctx);
  const certificates = await readCertificates(liveSites(histories), ctx);
  const wanted = await generationOf(liveSites(histories), engine.cpus, ctx);
  const live = await ctx.host.readLink(LAYOUT.live[ctx.workspace.proxy.driver]);
  return {
    engine,
    containers: [...containers, ...foreign],
    networks,
    links,
    histories,
    identities: Object.fromEntries(projects.map((item) => [item.name, item.identity])),
    unfinished: Object.fromEntries(
      projects.flatMap(({ name, unfinished }) => (unfinished ? [[name, unfinished]] : [])),
    ),
    media: Object.fromEntries(projects.map((item) => [item.name, item.media])),
    mediaLinks,
    uploadOwners,
    certificates,
    secrets: Object.fromEntries(projects.map((item) => [item.name, item.secrets])),
    secretFiles: Object.fromEntries(projects.map((item) => [item.name, item.secretFiles])),
    hostUids: (passwd ?? '')
      .split('\n')
      .map((line) => Number(line.split(':')[2]))
      .filter((uid) => uid > 0),
    fence: await readFence(networks, ctx),
    proxyCurrent: live === `generations/${wanted.name}` && (await hasLoaded(wanted.name, containers, ctx)),
  };
}

/** A proxy that does not run will load what stands there. */
async function hasLoaded(name: string, containers: readonly ContainerView[], ctx: Context): Promise<boolean> {
  const parts = new Set(partNames(ctx));
  const running = containers.filter((item) => parts.has(item.name) && item.state === 'running');
  return running.length < parts.size || (await ctx.prober.generation()) === name;
}

/** A Traefik that somebody else runs, as far as hostctl has to do with it. */
async function foreignProxy(ctx: Context): Promise<ContainerView[]> {
  const { existing } = ctx.workspace.proxy;
  if (!existing) return [];
  const state = await ctx.engine.inspect(existing.container);
  if (!state?.running) {
    throw new HostctlError(
      'NO_TRAEFIK',
      `there is no running container ${existing.container}, which is to be the proxy`,
      {
        exit: EXIT.unreachable,
        hints: ['start it, or leave out `proxy.existing` in hostctl.yaml to let hostctl run a Traefik'],
      },
    );
  }
  return [
    {
      id: existing.container,
      name: existing.container,
      image: state.image,
      imageId: state.image,
      state: 'running',
      status: '',
      created: 0,
      labels: { [LABEL.port]: String(ctx.workspace.proxy.http) },
      networks: Object.keys(state.addresses),
    },
  ];
}

/** The same, but not in the middle of a switch: another deploy's is waited for. */
export async function observeSettled(ctx: Context): Promise<Observed> {
  const observed = await observe(ctx);
  if (observed.proxyCurrent && !linksAstray(observed)) return observed;
  const unlock = await ctx.host.lock('the proxy', 'looking at the routes', SWITCH_WAIT_MS);
  try {
    return await observe(ctx);
  } finally {
    await unlock();
  }
}

async function readLinks(ctx: Context): Promise<Record<string, string>> {
  const names = await ctx.host.list(LAYOUT.links);
  const targets = await Promise.all(names.map((name) => ctx.host.readLink(`${LAYOUT.links}/${name}`)));
  return Object.fromEntries(names.map((name, index) => [name, targets[index] ?? '']));
}

async function readMediaLinks(
  projects: readonly { name: string; media: readonly string[] }[],
  ctx: Context,
): Promise<Record<string, string>> {
  const links = projects.flatMap(({ name, media }) =>
    media.filter((item) => item.endsWith('.live')).map((item) => `${name}/${item}`),
  );
  const targets = await Promise.all(links.map((link) => ctx.host.readLink(`${LAYOUT.media}/${link}`)));
  return Object.fromEntries(links.map((link, index) => [link, targets[index] ?? '']));
}

/** Of all uploads on the disk, also those of a first deploy that failed. */
async function readUploadOwners(
  projects: readonly { name: string; media: readonly string[] }[],
  ctx: Context,
): Promise<Record<string, number>> {
  const uploads = projects.flatMap(({ name, media }) =>
    media.flatMap((item) => {
      const alias = uploadsAlias(item);
      return alias === undefined ? [] : [{ root: `${name}/${item}`, alias }];
    }),
  );
  const owners = await Promise.all(
    uploads.map(async ({ root, alias }) => [root, await ctx.host.owner(uploadsPath(root, alias))] as const),
  );
  return Object.fromEntries(owners.flatMap(([root, uid]) => (uid === undefined ? [] : [[root, uid]])));
}

async function readProject(
  name: string,
  ctx: Context,
): Promise<{
  name: string;
  identity: Identity;
  unfinished: Unfinished | undefined;
  history: History;
  media: string[];
  secrets: Record<string, number[]>;
  secretFiles: string[];
}> {
  const [identity, unfinished, maintenance, ids, current, media, secrets, secretFiles] = await Promise.all([
    readJson<Identity>(LAYOUT.identity(name), ctx),
    readJson<Unfinished>(LAYOUT.unfinished(name), ctx),
    readJson<Maintenance>(LAYOUT.maintenance(name), ctx),
    ctx.host.list(LAYOUT.releases(name)),
    ctx.host.readLink(LAYOUT.current(name)),
    ctx.host.list(LAYOUT.mediaOf(name)),
    storedSecrets(name, ctx),
    ctx.host.list(LAYOUT.secretFiles(name)),
  ]);
  const numbers = ids.map((file) => Number.parseInt(file, 10)).filter((id) => Number.isInteger(id));
  const releases = await Promise.all(
    numbers.toSorted((a, b) => b - a).map((id) => readJson<Release>(LAYOUT.release(name, id), ctx)),
  );
  const known = releases.filter((release) => release !== undefined);
  const live = known.find((release) => current === `releases/${release.id}.json`);
  const history: History = {
    releases: known.filter((release) => !live || release.id <= live.id),
    ...(live ? { current: live } : {}),
    ...(maintenance ? { maintenance } : {}),
  };
  return { name, identity: identity ?? { uids: {} }, unfinished, history, media, secrets, secretFiles };
}

async function readJson<T>(path: string, ctx: Context): Promise<T | undefined> {
  const text = await ctx.host.read(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new HostctlError(
      'RECORD_BROKEN',
      `${ctx.workspace.data}/${path} cannot be read: ${(error as Error).message}`,
      {
        hints: ['restore it from a backup, or move it away and deploy again'],
      },
    );
  }
}

/** What the live releases ask the proxy for. */
export function liveSites(histories: Observed['histories']): Site[] {
  return Object.values(histories).flatMap((history) => siteNow(history.current?.desired, history));
}

/** The site of a release as it is served now: closed, if its project is. */
export function siteNow(desired: Desired | undefined, history: History | undefined): Site[] {
  if (!desired?.site) return [];
  return [history?.maintenance ? { ...desired.site, closed: history.maintenance } : desired.site];
}

/** The configuration that routes these sites. */
export async function generationOf(sites: readonly Site[], cpus: number, ctx: Context): Promise<Generation> {
  const driver = driverOf(ctx);
  const [templates, key, certificates, ordering] = await Promise.all([
    ctx.templates.proxy('nginx'),
    readKey(ctx),
    readCertificates(sites, ctx),
    readOrdering(sites, ctx),
  ]);
  return driver.generation({
    sites,
    settings: ctx.workspace.proxy,
    certificates,
    ordering,
    instance: ctx.workspace.instance,
    cpus,
    token: adminToken(key),
    templates,
  });
}

/** The data root's secret; before it exists, a plan is made with none. */
export async function readKey(ctx: Context): Promise<string> {
  return (await ctx.host.read(LAYOUT.key))?.trim() ?? '';
}

/** The data root's secret, made once. */
export async function ensureKey(ctx: Context): Promise<string> {
  const found = await readKey(ctx);
  if (found !== '') return found;
  // One at a time: what was named with a key that is lost would never be found again.
  const unlock = await ctx.host.lock('the host', 'making the key', HOST_WAIT_MS);
  try {
    if ((await readKey(ctx)) === '') await ctx.host.write(LAYOUT.key, `${randomBytes(32).toString('hex')}\n`);
    return await readKey(ctx);
  } finally {
    await unlock();
  }
}

/**
 * Writes down the uids of projects before anything belongs to them. One deploy at a time, and one project after the
 * other: no two apps may choose the same.
 */
export async function claimIdentities(projects: readonly Project[], ctx: Context): Promise<void> {
  const known = await Promise.all(projects.map(({ name }) => readJson<Identity>(LAYOUT.identity(name), ctx)));
  const complete = projects.every(({ apps }, index) => apps.every((app) => known[index]?.uids[app.name] !== undefined));
  if (complete) return;
  const unlock = await ctx.host.lock('the host', 'choosing uids', HOST_WAIT_MS);
  try {
    const observed = await observe(ctx);
    const identities = identitiesFor(projects, observed);
    for (const { name } of projects) {
      if (JSON.stringify(observed.identities[name]) === JSON.stringify(identities[name])) continue;
      await ctx.host.write(LAYOUT.identity(name), `${JSON.stringify(identities[name], undefined, 2)}\n`);
    }
  } finally {
    await unlock();
  }
}

/** All identities, with those these projects have or would be given. */
export function identitiesFor(projects: readonly Project[], observed: Observed): Observed['identities'] {
  const identities: Record<string, Identity> = { ...observed.identities };
  for (const project of projects) identities[project.name] = identityFor(project, { ...observed, identities });
  return identities;
}

/** The numbers of a project: those on record, and new ones for apps that have none. */
function identityFor(project: Project, observed: Observed): Identity {
  const known = observed.identities[project.name] ?? { uids: {} };
  const taken = takenUids(project.name, observed);
  const uids: Record<string, number> = { ...known.uids };
  for (const app of project.apps) {
    uids[app.name] ??= chooseUid(project.name, app.name, taken);
    taken.add(uids[app.name]!);
  }
  return { ...known, uids };
}

/** Uids of other apps, on record or running; an app's number is not given away while its data may exist. */
function takenUids(project: string, observed: Observed): Set<number> {
  const recorded = Object.values(observed.identities).flatMap((identity) => Object.values(identity.uids));
  const running = observed.containers.filter((item) => item.labels[LABEL.project] !== project).map(uidOf);
  return new Set([...observed.hostUids, ...recorded, ...running.filter((uid) => !Number.isNaN(uid))]);
}

function uidOf(container: ContainerView): number {
  return Number.parseInt(container.labels[LABEL.uid] ?? '', 10);
}
