import { basename, dirname } from 'node:path';
import { diagnose } from '../core/diagnose.ts';
import { answerOf, nobodysCauses, outrankedBy, parseRequest, placesOf } from '../core/explain.ts';
import { LAYOUT } from '../core/layout.ts';
import { hostName, hostnamesFor, indexHosts } from '../core/match.ts';
import { type Meaning, meaningOf, type WebRequest } from '../core/meaning.ts';
import type { Project } from '../core/model.ts';
import type { Explanation, FileView, LiveView, RuleView } from '../core/results.ts';
import type { Site } from '../core/routes.ts';
import { outlineOf } from '../core/site.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Observed } from '../core/state.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { readCertificates } from './certificates.ts';
import { driverOf } from './driver.ts';
import { lookAtLive } from './explain-live.ts';
import { loadProjects } from './load.ts';
import { liveSites, observe } from './observe.ts';
import { nameOf } from './read-definition.ts';
import { unlessClosed } from './surroundings.ts';

/** From a URL to the line of YAML, the rule, what answers, and why it does not. */
export async function explain(url: string, method: string, ctx: Context): Promise<Explanation> {
  const parsed = parseRequest(url, method);
  if (!parsed.ok) throw new HostctlError('USAGE', parsed.message, { exit: EXIT.definition });
  const request = parsed.value;
  const { projects, problems, files } = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  const sites = projects.map(outlineOf).filter((site) => site.routes.length > 0);
  const index = indexHosts(sites);
  const meaning = meaningOf(request, index);
  const name = 'site' in meaning ? meaning.site.project : undefined;
  const project = projects.find((item) => item.name === name);
  const host = hostName(request.host)!;
  const present = await lookAtHost(request, meaning, ctx);
  const live = 'live' in present ? present.live : undefined;
  const inForce = 'live' in present && 'site' in present.meaning ? present : undefined;
  const seen = await filesOf(meaning, inForce?.meaning, project, ctx);
  const rules = await rulesFor(request, inForce ?? { meaning, sites }, ctx);
  const broken = [...new Set(problems.map(({ file }) => file))].filter(
    (file) => name === undefined || nameOf(file) === name,
  );
  return {
    url: `${request.scheme}://${request.host}${request.target}`,
    method: request.method,
    ...(name === undefined ? {} : { project: name }),
    answer: answerOf(meaning),
    places: placesOf(meaning, project, name === undefined ? undefined : files.get(name)),
    outranked: 'hostname' in meaning ? outrankedBy(meaning, hostnamesFor(host, index)) : [],
    rules,
    files: seen,
    ...(live ? { live } : {}),
    ...('offline' in present ? { offline: present.offline } : {}),
    causes: [
      ...(meaning.to === 'nobody' ? nobodysCauses(host, broken, sites) : []),
      ...symptoms(request, meaning, project, seen, live),
    ],
  };
}

function symptoms(
  request: WebRequest,
  meaning: Meaning<Site>,
  project: Project | undefined,
  files: readonly FileView[],
  live: LiveView | undefined,
): Explanation['causes'] {
  const app = meaning.to === 'app' && meaning.route.target.to === 'app' ? meaning.route.target.app : undefined;
  return diagnose({
    to: meaning.to,
    guarded: 'access' in meaning && meaning.access !== undefined,
    plainOnly: request.scheme === 'https' && 'site' in meaning && !meaning.site.tls,
    ...(project ? { project: project.name, timeout: project.timeout } : {}),
    ...(app === undefined ? {} : { app }),
    files,
    ...(live ? { live } : {}),
  });
}

type Present =
  | { live: LiveView; meaning: Meaning<Site>; observed: Observed; sites: readonly Site[] }
  | { offline: string };

/** What the host says, if it can be asked: an explanation without it is still one. */
async function lookAtHost(
  request: WebRequest & { readonly host: string },
  meaning: Meaning<Site>,
  ctx: Context,
): Promise<Present> {
  try {
    const observed = await observe(ctx);
    return { ...(await lookAtLive(request, meaning, observed, ctx)), observed, sites: liveSites(observed.histories) };
  } catch (error) {
    if (!(error instanceof HostctlError)) throw error;
    return { offline: error.message };
  }
}

/** The rules as the driver writes them, for what is live or would be. */
async function rulesFor(
  request: WebRequest,
  { meaning, sites }: { meaning: Meaning<Site>; sites: readonly Site[] },
  ctx: Context,
): Promise<readonly RuleView[]> {
  if (!('site' in meaning)) return [];
  const driver = driverOf(ctx);
  const { files } = driver.generation({
    sites,
    settings: ctx.workspace.proxy,
    certificates: await readCertificates(sites, ctx),
    ordering: [],
    instance: ctx.workspace.instance,
    cpus: 1,
    token: 'not-shown',
    templates: await ctx.templates.proxy('nginx'),
  });
  const { scheme, method, target, host } = request;
  const { path, site } = meaning;
  return driver.explain(files, { project: site.project, scheme, method, target, path, host: hostName(host!)! });
}

/** The file a media URL means: what the definition names, and what is served. */
async function filesOf(
  meaning: Meaning<Site>,
  inForce: Meaning<Site> | undefined,
  project: Project | undefined,
  ctx: Context,
): Promise<FileView[]> {
  const found: FileView[] = [];
  if (meaning.to === 'media') {
    const path = textOf(meaning.path);
    const { path: alias } = meaning.route;
    const source = project?.media.find((item) => item.alias === alias)?.source;
    const at =
      source?.kind === 'file'
        ? source.path
        : source?.kind === 'folder'
          ? `${source.path}${path.slice(alias === '/' ? 0 : alias.length)}`
          : undefined;
    if (at !== undefined) found.push({ path: at, of: 'definition', ...(await stateOf(at, ctx)) });
  }
  if (inForce?.to === 'media' && inForce.route.target.to === 'media') {
    found.push(await servedFile(`${LAYOUT.media}/${inForce.route.target.root}`, textOf(inForce.path), ctx));
  }
  return found;
}

/** @param root below the data root */
async function servedFile(root: string, path: string, ctx: Context): Promise<FileView> {
  const at = `${ctx.workspace.data}/${root}${path}`;
  let below = root;
  for (const segment of path.split('/').filter((item) => item !== '')) {
    below = `${below}/${segment}`;
    if ((await ctx.host.readLink(below)) !== undefined) return { path: at, of: 'live', state: 'link' };
  }
  return { path: at, of: 'live', ...(await stateOf(at, ctx)) };
}

/** What stands at a path; where nothing does, the name in the same folder that comes closest. */
async function stateOf(path: string, ctx: Context): Promise<Pick<FileView, 'state' | 'near'>> {
  const state = await unlessClosed(ctx.files.kind(path));
  if (state !== undefined) return { state };
  const beside = await unlessClosed(ctx.files.list(dirname(path)));
  const near = beside === 'closed' ? undefined : didYouMean(basename(path), beside);
  return { state: 'missing', ...(near === undefined ? {} : { near }) };
}

/** Bytes of a path, which are UTF-8 in names of files. */
function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
