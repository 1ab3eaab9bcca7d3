import { basename, join, resolve } from 'node:path';
import { checkSchema } from '../core/check.ts';
import { normalise } from '../core/definition.ts';
import type { Project, Workspace } from '../core/model.ts';
import type { Finding, Problem } from '../core/problems.ts';
import { independent, salvage } from '../core/salvage.ts';
import { filesToRead, type Runtime, type SourceFacts } from '../core/runtime.ts';
import { type ProjectInput, projectSchema } from '../core/schema.ts';
import { quote } from '../core/units.ts';
import { normaliseWorkspace } from '../core/workspace.ts';
import { workspaceSchema } from '../core/workspace-schema.ts';
import { MAX_FILE_BYTES, parseYaml, type YamlFile } from '../core/yaml.ts';
import { DefinitionError, EXIT, HostctlError } from '../errors.ts';
import type { Files } from '../ports.ts';

const WORKSPACE_FILE = 'hostctl.yaml';
const NAME = /^[a-z]([a-z0-9]|-(?=[a-z0-9])){0,23}$/;
const MAX_SOURCE_FILE = 256 * 1024;

/** What the definitions say; broken ones do not hide the others. */
export interface Loaded {
  readonly projects: readonly Project[];
  readonly problems: readonly Problem[];
  /** Every definition's name, broken or not. */
  readonly names: readonly string[];
}

/** hostctl.yaml of a directory. */
export async function loadWorkspace(files: Files, dir: string): Promise<Workspace> {
  const { workspace, problems } = await readWorkspace(files, dir);
  if (problems.length > 0) throw new DefinitionError(problems);
  return workspace;
}

/** hostctl.yaml and what is wrong with it; the defaults stand in for what cannot be read. */
async function readWorkspace(files: Files, dir: string): Promise<{ workspace: Workspace; problems: Problem[] }> {
  const defaults = normaliseWorkspace({}, dir);
  const read = await readYaml(files, join(dir, WORKSPACE_FILE), dir);
  if ('problems' in read) return { workspace: defaults, problems: read.problems };
  if (read.file.value === null || read.file.value === undefined) return { workspace: defaults, problems: [] };
  const checked = checkSchema(workspaceSchema, read.file);
  if (!checked.ok) return { workspace: defaults, problems: inOrder(read.file.problems(checked.findings)) };
  return { workspace: normaliseWorkspace(checked.value, dir), problems: [] };
}

/** Every problem of a workspace, hostctl.yaml's own first; fails with all of them. Returns the projects' names. */
export async function validate(files: Files, dir: string, runtimes: readonly Runtime[]): Promise<readonly string[]> {
  const { workspace, problems } = await readWorkspace(files, dir);
  const loaded = await loadProjects(files, workspace, runtimes);
  const all = [...problems, ...loaded.problems];
  if (all.length > 0) throw new DefinitionError(all);
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
  const dir = join(workspace.dir, 'projects');
  const found = (await files.list(dir)).filter((name) => /\.ya?ml$/.test(name));
  const read = await Promise.all(found.map((name) => readDefinition(join(dir, name), files, workspace, runtimes)));
  const twice = sameName(found, dir, workspace);
  const projects = read.flatMap((item) => (item.project ? [item] : []));
  const problems = [...read.flatMap((item) => item.problems), ...twice, ...sharedHostnames(projects)];
  return {
    projects: projects.flatMap((item) => (item.project ? [item.project] : [])),
    problems,
    names: [...new Set(found.map(nameOf))],
  };
}

/**
 * The projects that were asked for, in the order asked; fails when one of them is unknown or broken. Others may be
 * broken: they do not take these down.
 */
export function selectProjects(loaded: Loaded, names: readonly string[] | 'all'): Project[] {
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

function nameOf(file: string): string {
  return basename(file).replace(/\.ya?ml$/, '');
}

interface ReadDefinition {
  readonly project?: Project;
  readonly file?: YamlFile;
  readonly problems: readonly Problem[];
}

async function readDefinition(
  path: string,
  files: Files,
  workspace: Workspace,
  runtimes: readonly Runtime[],
): Promise<ReadDefinition> {
  const read = await readYaml(files, path, workspace.dir);
  if ('problems' in read) return read;
  const { file } = read;
  const name = nameOf(path);
  const findings: Finding[] = NAME.test(name)
    ? []
    : [
        {
          path: [],
          message: `${quote(name)} is no project name: lower-case letters, digits and single hyphens, at most 24`,
          hint: 'rename the file',
        },
      ];
  const normalised = async (input: ProjectInput): Promise<ReturnType<typeof normalise>> => {
    const dir = resolve(path, '..');
    const world = await lookAround(input, dir, files, runtimes);
    const { limits } = workspace;
    return normalise(input, { name, file: relative(path, workspace.dir), dir, limits, runtimes, ...world });
  };
  const checked = checkSchema(projectSchema, file);
  if (checked.ok) {
    const { project, findings: more } = await normalised(checked.value);
    const problems = inOrder(file.problems([...findings, ...more]));
    return { file, problems, ...(project && problems.length === 0 ? { project } : {}) };
  }
  const rest = salvage(projectSchema, file);
  // Without its hostnames every site would also be told that it has none.
  const input = rest?.cut.some(([key]) => key === 'hostnames')
    ? { hostnames: ['www.example.org'], ...rest.value }
    : rest?.value;
  const more = rest && input ? independent((await normalised(input)).findings, rest.cut) : [];
  return { file, problems: inOrder(file.problems([...findings, ...checked.findings, ...more])) };
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

async function readYaml(
  files: Files,
  path: string,
  root: string,
): Promise<{ file: YamlFile } | { problems: Problem[] }> {
  const shown = relative(path, root);
  const broken = (message: string): { problems: Problem[] } => ({
    problems: [{ file: shown, line: 0, column: 0, length: 1, path: '', message, excerpt: [] }],
  });
  let text: string | undefined;
  try {
    text = await files.read(path, MAX_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof HostctlError)) throw error;
    return broken(error.code === 'FILE_TOO_LARGE' ? 'the file is larger than 1 MiB' : error.message);
  }
  if (text === undefined) return broken('the file is not there');
  const parsed = parseYaml(shown, text);
  return parsed.ok ? { file: parsed.file } : { problems: [...parsed.problems] };
}

function relative(path: string, root: string): string {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}

/** Looks up what normalising will ask about: which paths exist, and what stands in the sources. */
async function lookAround(
  input: ProjectInput,
  dir: string,
  files: Files,
  runtimes: readonly Runtime[],
): Promise<{ exists: (path: string) => 'file' | 'folder' | undefined; facts: (dir: string) => SourceFacts }> {
  const apps = Object.values(input.apps);
  const sources = apps.flatMap((app) => (app.source === undefined ? [] : [resolve(dir, app.source)]));
  const dockerfiles = apps.flatMap((app) => (app.dockerfile === undefined ? [] : [resolve(dir, app.dockerfile)]));
  const media = Object.values(input.media ?? {}).map((item) => resolve(dir, item.from));
  const paths = [...sources, ...dockerfiles, ...dockerfiles.map((path) => join(path, 'Dockerfile')), ...media];
  const kinds = new Map(await Promise.all(paths.map(async (path) => [path, await files.kind(path)] as const)));
  const folders = sources.filter((path) => kinds.get(path) === 'folder');
  const facts = new Map(
    await Promise.all(folders.map(async (path) => [path, await sourceFacts(path, files, runtimes)] as const)),
  );
  return { exists: (path) => kinds.get(path), facts: (path) => facts.get(path) ?? { names: [], texts: {} } };
}

/** What the runtimes want to know of a source directory. */
export async function sourceFacts(dir: string, files: Files, runtimes: readonly Runtime[]): Promise<SourceFacts> {
  const names = await files.list(dir);
  const texts: Record<string, string> = {};
  for (const name of filesToRead(runtimes)) {
    if (!names.includes(name.split('/')[0]!)) continue;
    // A file that is too large or no text tells a runtime nothing.
    const text = await files.read(join(dir, name), MAX_SOURCE_FILE).catch(() => undefined);
    if (text !== undefined) texts[name] = text;
  }
  return { names, texts };
}

function sameName(found: readonly string[], dir: string, workspace: Workspace): Problem[] {
  return found
    .filter((name) => name.endsWith('.yml') && found.includes(name.replace(/yml$/, 'yaml')))
    .map((name) => ({
      file: relative(join(dir, name), workspace.dir),
      line: 0,
      column: 0,
      length: 1,
      path: '',
      message: `the project ${quote(nameOf(name))} is defined twice, here and in ${nameOf(name)}.yaml`,
      hint: 'keep one of the files',
      excerpt: [],
    }));
}

/** One hostname leads to one project; both files are told. */
function sharedHostnames(read: readonly ReadDefinition[]): Problem[] {
  const owners = new Map<string, ReadDefinition[]>();
  for (const item of read) {
    for (const hostname of item.project!.hostnames) {
      owners.set(hostname.name, [...(owners.get(hostname.name) ?? []), item]);
    }
  }
  return [...owners].flatMap(([name, items]) =>
    items.length === 1
      ? []
      : items.flatMap((item) => {
          const index = item.project!.hostnames.findIndex((hostname) => hostname.name === name);
          const others = items.filter((other) => other !== item).map((other) => other.project!.file);
          return item.file!.problems([
            {
              path: ['hostnames', index],
              message: `${quote(name)} is also claimed by ${others.join(', ')}`,
              hint: 'one hostname leads to one project',
            },
          ]);
        }),
  );
}
