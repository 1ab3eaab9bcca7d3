import { join, resolve } from 'node:path';
import type { Base } from '../core/base.ts';
import { checkSchema } from '../core/check.ts';
import { parseHostname } from '../core/hostnames.ts';
import type { Project, Workspace } from '../core/model.ts';
import type { Finding, Problem } from '../core/problems.ts';
import type { Runtime } from '../core/runtime.ts';
import { didYouMean } from '../core/suggest.ts';
import { checkWorkspaceTls, type Texts, workspaceTlsFiles } from '../core/tls.ts';
import { quote } from '../core/units.ts';
import { normaliseWorkspace } from '../core/workspace.ts';
import { workspaceSchema } from '../core/workspace-schema.ts';
import type { YamlFile } from '../core/yaml.ts';
import { DefinitionError, EXIT, HostctlError } from '../errors.ts';
import type { Files, Templates } from '../ports.ts';
import {
  inOrder,
  nameOf,
  type ReadDefinition,
  readDefinition,
  readYaml,
  relative,
  wholeFile,
} from './read-definition.ts';
import { unlessClosed } from './surroundings.ts';

export { sourceFacts } from './surroundings.ts';

const WORKSPACE_FILE = 'hostctl.yaml';
const PROJECTS = 'projects';
/** Bundles of certificates are large. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** What the definitions say; broken ones do not hide the others. */
export interface Loaded {
  readonly projects: readonly Project[];
  readonly problems: readonly Problem[];
  /** Every definition's name, broken or not. */
  readonly names: readonly string[];
  /** By project: where every part of a definition stands. */
  readonly files: ReadonlyMap<string, YamlFile>;
}

/** hostctl.yaml of a directory. `bases` are those whose image it may name. */
export async function loadWorkspace(files: Files, dir: string, bases: readonly Base[]): Promise<Workspace> {
  const { workspace, problems } = await readWorkspace(files, dir, bases);
  if (problems.length > 0) throw new DefinitionError(problems);
  return workspace;
}

/** hostctl.yaml and what is wrong with it; the defaults stand in for what cannot be read. */
async function readWorkspace(
  files: Files,
  dir: string,
  bases: readonly Base[],
): Promise<{ workspace: Workspace; settings?: YamlFile; problems: readonly Problem[] }> {
  const defaults = normaliseWorkspace({}, dir);
  const read = await readYaml(files, join(dir, WORKSPACE_FILE), dir);
  if ('problems' in read) return { workspace: defaults, problems: read.problems };
  const { file } = read;
  if (file.value === null || file.value === undefined)
    return { workspace: defaults, settings: file, problems: file.flaws };
  const checked = checkSchema(workspaceSchema, file);
  const tls = checked.ok ? checked.value.tls : undefined;
  const text = await readTexts(Object.values(workspaceTlsFiles(tls, dir)), files);
  const more = checked.ok ? checkWorkspaceTls(tls, dir, text) : checked.findings;
  const problems = inOrder([...file.flaws, ...file.problems([...more, ...checkBases(file, bases)])]);
  return { workspace: checked.ok ? normaliseWorkspace(checked.value, dir, text) : defaults, settings: file, problems };
}

/** Content of files that hostctl.yaml names; what cannot be read has none. */
async function readTexts(paths: readonly string[], files: Files): Promise<Texts> {
  const texts = new Map<string, string | undefined>();
  for (const path of paths) texts.set(path, await files.read(path, MAX_TEXT_BYTES).catch(unlessUnreadable));
  return (path) => texts.get(path);
}

function unlessUnreadable(error: unknown): undefined {
  if (!(error instanceof HostctlError)) throw error;
}

/** `bases.images` names bases, and which there are is known only to the templates. */
function checkBases(file: YamlFile, bases: readonly Base[]): Finding[] {
  const { images } = (file.value as { bases?: { images?: unknown } | null }).bases ?? {};
  if (images === null || typeof images !== 'object') return [];
  const names = bases.map((base) => base.name);
  return Object.keys(images)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const guess = didYouMean(name, names);
      const hint = guess ? `did you mean ${quote(guess)}?` : `bases: ${names.join(', ')}`;
      return { path: ['bases', 'images', name], on: 'key', message: `there is no base ${quote(name)}`, hint };
    });
}

/** hostctl.yaml and all definitions, with every problem, hostctl.yaml's own first. */
export async function readAll(
  files: Files,
  dir: string,
  templates: Templates,
): Promise<{ workspace: Workspace; settings?: YamlFile; loaded: Loaded; problems: readonly Problem[] }> {
  const { problems, ...read } = await readWorkspace(files, dir, templates.bases);
  const loaded = await loadProjects(files, read.workspace, templates.runtimes);
  return { ...read, loaded, problems: [...problems, ...loaded.problems] };
}

/** Fails with every problem of a workspace. Returns the projects' names. */
export async function validate(files: Files, dir: string, templates: Templates): Promise<readonly string[]> {
  const { loaded, problems } = await readAll(files, dir, templates);
  if (problems.length > 0) throw new DefinitionError(problems);
  return loaded.names;
}

/** The directory with hostctl.yaml: this one or the nearest above. */
export async function findWorkspace(files: Files, from: string): Promise<string> {
  for (let dir = resolve(from); ; dir = resolve(dir, '..')) {
    if ((await files.kind(join(dir, WORKSPACE_FILE))) === 'file') return dir;
    if (dir === '/') break;
  }
  throw new HostctlError('NO_WORKSPACE', `there is no ${WORKSPACE_FILE} in ${resolve(from)} or above`, {
    exit: EXIT.definition,
    hints: ['hostctl init writes one', 'or name its directory with --workspace'],
  });
}

/** All definitions of a workspace, with every problem of every file. */
export async function loadProjects(files: Files, workspace: Workspace, runtimes: readonly Runtime[]): Promise<Loaded> {
  const dir = join(workspace.dir, PROJECTS);
  const listed = await listProjects(files, dir);
  if ('problem' in listed) return { projects: [], problems: [listed.problem], names: [], files: new Map() };
  const found = listed.names.filter((name) => /\.ya?ml$/.test(name));
  const read = await Promise.all(found.map((name) => readDefinition(join(dir, name), files, workspace, runtimes)));
  const twice = sameName(found, dir, workspace);
  return {
    projects: read.flatMap((item) => (item.project ? [item.project] : [])),
    problems: [...read.flatMap((item) => item.problems), ...twice, ...sharedHostnames(read)],
    names: [...new Set(found.map(nameOf))],
    files: new Map(read.flatMap(({ shown, file }) => (file ? [[nameOf(shown), file]] : []))),
  };
}

/** Names of the definitions, right or wrong; undefined when they cannot be listed. */
export async function projectNames(files: Files, workspace: Workspace): Promise<string[] | undefined> {
  const listed = await listProjects(files, join(workspace.dir, PROJECTS));
  return 'names' in listed ? listed.names.filter((name) => /\.ya?ml$/.test(name)).map(nameOf) : undefined;
}

async function listProjects(files: Files, dir: string): Promise<{ names: string[] } | { problem: Problem }> {
  const kind = await unlessClosed(files.kind(dir));
  if (kind === 'file') return { problem: wholeFile(PROJECTS, 'is a file: definitions stand in a folder') };
  const names = kind === 'closed' ? kind : await unlessClosed(files.list(dir));
  return names === 'closed'
    ? { problem: wholeFile(PROJECTS, 'the folder cannot be read: check its owner and mode') }
    : { names };
}

/**
 * The projects that were asked for, in the order asked; fails when one of them is unknown or broken. Others may be
 * broken: they do not take these down.
 */
export function selectProjects(loaded: Loaded, names: readonly string[] | 'all'): Project[] {
  failWithoutFolder(loaded);
  const wanted = names === 'all' ? loaded.names : names;
  const unknown = wanted.filter((name) => !loaded.names.includes(name));
  if (unknown.length > 0) {
    throw new HostctlError('NO_PROJECT', `there is no project ${unknown.map(quote).join(', ')}`, {
      exit: EXIT.definition,
      hints: [
        loaded.names.length > 0 ? `projects here: ${loaded.names.join(', ')}` : 'hostctl init writes a first one',
      ],
    });
  }
  const problems = loaded.problems.filter((problem) => wanted.includes(nameOf(problem.file)));
  if (problems.length > 0) throw new DefinitionError(problems);
  return wanted.map((name) => loaded.projects.find((project) => project.name === name)!);
}

/** Projects to work on, and why others are not among them. */
export interface Selection {
  readonly projects: readonly Project[];
  readonly broken: readonly { readonly project: string; readonly error: DefinitionError }[];
}

/** Every project whose definition is right, and why the others stay as they are. */
export function selectSound(loaded: Loaded): Selection {
  failWithoutFolder(loaded);
  const broken = loaded.names.flatMap((project) => {
    const problems = loaded.problems.filter((problem) => nameOf(problem.file) === project);
    return problems.length === 0 ? [] : [{ project, error: new DefinitionError(problems) }];
  });
  const wrong = new Set(broken.map((item) => item.project));
  return { projects: loaded.projects.filter((project) => !wrong.has(project.name)), broken };
}

function failWithoutFolder(loaded: Loaded): void {
  const problems = loaded.problems.filter((problem) => problem.file === PROJECTS);
  if (problems.length > 0) throw new DefinitionError(problems);
}

function sameName(found: readonly string[], dir: string, workspace: Workspace): Problem[] {
  return found
    .filter((name) => name.endsWith('.yml') && found.includes(name.replace(/yml$/, 'yaml')))
    .map((name) => {
      const message = `the project ${quote(nameOf(name))} is defined twice, here and in ${nameOf(name)}.yaml`;
      return wholeFile(relative(join(dir, name), workspace.dir), message, 'keep one of the files');
    });
}

/** One hostname leads to one project; all files are told, also those that have other problems. */
function sharedHostnames(read: readonly ReadDefinition[]): Problem[] {
  const claims = read.flatMap(claimsOf);
  const owners = new Map<string, Set<ReadDefinition>>();
  for (const { name, item } of claims) owners.set(name, (owners.get(name) ?? new Set()).add(item));
  return claims.flatMap(({ name, index, item }) => {
    const others = [...owners.get(name)!].filter((other) => other !== item).map((other) => other.shown);
    if (others.length === 0) return [];
    const message = `${quote(name)} is also claimed by ${others.join(', ')}`;
    const hint = 'one hostname leads to one project';
    return item.file!.problems([{ path: ['hostnames', index], message, hint }]);
  });
}

function claimsOf(item: ReadDefinition): { name: string; index: number; item: ReadDefinition }[] {
  const hostnames = (item.file?.value as { hostnames?: unknown } | null | undefined)?.hostnames;
  if (!Array.isArray(hostnames)) return [];
  return hostnames.flatMap((text: unknown, index) => {
    const parsed = typeof text === 'string' ? parseHostname(text) : undefined;
    return parsed?.ok ? [{ name: parsed.value.name, index, item }] : [];
  });
}
