import { checkOrders, checkOwnCertificate } from '../core/check-certificates.ts';
import {
  checkMemory,
  checkPool,
  checkSources,
  checkUids,
  checkVolumes,
  type HostFacts,
  readMemory,
  readRoutes,
  readUsers,
} from '../core/check-host.ts';
import { checkHostnames } from '../core/check-hostnames.ts';
import { checkRoutes, insideFolders } from '../core/check-routes.ts';
import { checkLiterals } from '../core/check-secrets.ts';
import { type Concern, LEVELS, TOPICS } from '../core/concern.ts';
import { readPair } from '../core/certificate.ts';
import { registrableDomain } from '../core/domains.ts';
import type { Identity } from '../core/identity.ts';
import { LAYOUT } from '../core/layout.ts';
import type { Project } from '../core/model.ts';
import type { Problem } from '../core/problems.ts';
import type { Audit, AuditFinding } from '../core/results.ts';
import type { YamlFile } from '../core/yaml.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { partsOf } from './driver.ts';
import { readAll } from './load.ts';
import { wholeFile } from './read-definition.ts';
import { unlessClosed } from './surroundings.ts';

/** Everything that can be said of a workspace without the engine. Changes nothing. */
export async function check(ctx: Context): Promise<Audit> {
  const { settings, loaded, problems } = await readAll(ctx.files, ctx.workspace.dir, ctx.templates);
  const { projects, names, files } = loaded;
  const facts: HostFacts = {
    ...optional('memory', readMemory(await ctx.machine.read('/proc/meminfo'))),
    routes: readRoutes(await ctx.machine.read('/proc/net/route')),
    users: readUsers(await ctx.machine.read('/etc/passwd')),
  };
  const proxy = partsOf(ctx).reduce((sum, part) => sum + part.memory, 0);
  const networked = projects.filter(({ apps }) =>
    apps.some((app) => app.listen.kind === 'port' || app.needs.length > 0),
  );
  const concerns = [
    ...projects.flatMap(checkLiterals),
    ...checkHostnames(projects, registrableDomain),
    ...(await Promise.all(projects.map((project) => checkFiles(project, ctx)))).flat(),
    ...(await checkSettingsFiles(ctx)),
    ...checkOrders(projects, ctx.workspace, registrableDomain),
    ...checkMemory(projects, proxy, facts),
    ...checkPool(ctx.workspace.pool, networked.length, facts),
    ...projects.flatMap((project) => checkSources(project, ctx.workspace.data)),
    ...(await checkDataRoot(projects, names, facts, ctx)),
  ];
  const findings = [
    ...problems.map((problem): AuditFinding => ({ ...problem, level: 'error', topic: 'definitions' })),
    ...concerns.map((concern) =>
      placed(concern, concern.project === undefined ? settings : files.get(concern.project)),
    ),
  ];
  return { findings: findings.toSorted(byTopic), projects: names.length };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function byTopic(a: AuditFinding, b: AuditFinding): number {
  return (
    TOPICS.indexOf(a.topic) - TOPICS.indexOf(b.topic) ||
    LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) ||
    (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column)
  );
}

/** A concern at its line; what concerns no line, and no file that is there, at the settings of the host. */
function placed(concern: Concern, file: YamlFile | undefined): AuditFinding {
  const { level, topic, message, hint } = concern;
  const [problem] = concern.path.length > 0 && file ? file.problems([concern]) : [];
  const where: Problem =
    problem ??
    wholeFile(concern.project === undefined ? 'hostctl.yaml' : `projects/${concern.project}.yaml`, message, hint);
  return { ...where, ...(concern.hidden ? { excerpt: [] } : {}), level, topic };
}

/** Routes, and files on this machine that the definition names. */
async function checkFiles(project: Project, ctx: Context): Promise<Concern[]> {
  const paths = [
    ...project.apps.flatMap(({ path }) => (path === undefined ? [] : [path])),
    ...project.media.map(({ alias }) => alias),
  ];
  const kinds = new Map<string, Awaited<ReturnType<typeof lookAt>>>();
  for (const { file } of insideFolders(project, paths)) kinds.set(file, await lookAt(file, ctx));
  const empty: Concern[] = [];
  for (const { alias, source } of project.media) {
    if (source.kind !== 'folder') continue;
    const inside = await unlessClosed(ctx.files.list(source.path));
    const at = { topic: 'files', project: project.name, path: ['media', alias, 'from'] } as const;
    if (inside === 'closed')
      empty.push({ ...at, level: 'error', message: `${source.path} cannot be read`, hint: 'check its owner and mode' });
    else if (inside.length === 0)
      empty.push({ ...at, level: 'warning', message: `${source.path} is empty: every request for it is 404` });
  }
  return [...checkRoutes(project, (path) => kinds.get(path)), ...empty, ...(await checkOwn(project, ctx))];
}

function lookAt(path: string, ctx: Context): Promise<'file' | 'folder' | 'closed' | undefined> {
  return unlessClosed(ctx.files.kind(path));
}

/** The project's own certificate; that its files are right was found with the definition. */
async function checkOwn(project: Project, ctx: Context): Promise<Concern[]> {
  const source = project.tls?.source;
  if (source?.kind !== 'files') return [];
  const [certificate, key] = await Promise.all([ctx.files.read(source.certificate), ctx.files.read(source.key)]);
  const read = readPair(certificate ?? '', key ?? '');
  return read.ok ? checkOwnCertificate(project, read.pair, ctx.clock.now()) : [];
}

/** Files hostctl.yaml names. */
async function checkSettingsFiles(ctx: Context): Promise<Concern[]> {
  const { hook } = ctx.workspace.tls.dns;
  const program = hook?.[0]?.includes('/') ? hook[0] : undefined;
  const kind = program === undefined ? 'file' : await lookAt(program, ctx);
  if (kind === 'file') return [];
  const what = { folder: 'is a folder', closed: 'cannot be read', none: 'is not there' }[kind ?? 'none'];
  return [{ level: 'error', topic: 'files', path: ['tls', 'dns', 'hook'], message: `${program} ${what}` }];
}

/** What the data root remembers, where it can be read. */
async function checkDataRoot(
  projects: readonly Project[],
  names: readonly string[],
  facts: HostFacts,
  ctx: Context,
): Promise<Concern[]> {
  const { data, instance } = ctx.workspace;
  const at = { topic: 'host', path: ['data'] } as const;
  try {
    const owner = (await ctx.host.read(LAYOUT.instance))?.trim();
    if (owner !== undefined && owner !== instance) {
      return [
        {
          ...at,
          level: 'error',
          message: `the data root ${data} belongs to the instance ${owner}`,
          hint: 'give this workspace another `data`',
        },
      ];
    }
    const known = await ctx.host.list(LAYOUT.projects);
    const identities: Record<string, Identity> = {};
    const volumes: Record<string, string[]> = {};
    const broken: Concern[] = [];
    for (const name of known) {
      const text = await ctx.host.read(LAYOUT.identity(name));
      try {
        if (text !== undefined) identities[name] = JSON.parse(text) as Identity;
      } catch {
        broken.push({
          ...at,
          level: 'error',
          message: `${data}/${LAYOUT.identity(name)} cannot be read`,
          hint: 'restore it from a backup',
        });
      }
      const apps = await ctx.host.list(LAYOUT.volumes(name));
      const inside = await Promise.all(
        apps.map(async (app) =>
          (await ctx.host.list(`${LAYOUT.volumes(name)}/${app}`)).map((volume) => `${app}/${volume}`),
        ),
      );
      volumes[name] = inside.flat();
    }
    return [...broken, ...checkUids(identities, facts), ...checkVolumes(projects, names, volumes)];
  } catch (error) {
    if (!(error instanceof HostctlError)) throw error;
    return [
      {
        ...at,
        level: 'note',
        message: `uids and volumes were not looked at: ${error.message}`,
        hint: 'run it as root',
      },
    ];
  }
}
