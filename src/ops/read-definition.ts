import { basename, resolve } from 'node:path';
import { checkSchema } from '../core/check.ts';
import { normalise } from '../core/definition.ts';
import type { Project, Workspace } from '../core/model.ts';
import type { Finding, Problem } from '../core/problems.ts';
import type { Runtime } from '../core/runtime.ts';
import { independent, salvage } from '../core/salvage.ts';
import { type ProjectInput, projectSchema } from '../core/schema.ts';
import { quote } from '../core/units.ts';
import { MAX_FILE_BYTES, parseYaml, type YamlFile } from '../core/yaml.ts';
import { HostctlError } from '../errors.ts';
import type { Files } from '../ports.ts';
import { drivers } from '../proxy/index.ts';
import { lookAround } from './surroundings.ts';

const NAME = /^[a-z]([a-z0-9]|-(?=[a-z0-9])){0,23}$/;
const UNREADABLE: Readonly<Record<string, string>> = {
  FILE_TOO_LARGE: 'the file is larger than 128 KiB',
  NOT_A_FILE: 'is not a file',
  NOT_READABLE: 'the file cannot be read: check its owner and mode',
  NOT_TEXT: 'the file is not UTF-8 text',
};

/** One file of `projects/`: the project when nothing is wrong with it, and what can be told of it in any case. */
export interface ReadDefinition {
  readonly project?: Project;
  readonly file?: YamlFile;
  /** As the messages name it. */
  readonly shown: string;
  readonly problems: readonly Problem[];
}

/** Reads one definition, with every problem of it. */
export async function readDefinition(
  path: string,
  files: Files,
  workspace: Workspace,
  runtimes: readonly Runtime[],
): Promise<ReadDefinition> {
  const shown = relative(path, workspace.dir);
  const read = await readYaml(files, path, workspace.dir);
  if ('problems' in read) return { shown, problems: read.problems };
  const { file } = read;
  const name = nameOf(path);
  const { driver, existing } = workspace.proxy;
  const { sockets, storage } = drivers[driver];
  const host = { driver, sockets, orders: storage === undefined, existing: existing !== undefined, tls: workspace.tls };
  const normalised = async (input: ProjectInput): Promise<ReturnType<typeof normalise>> => {
    const dir = resolve(path, '..');
    const world = await lookAround(input, dir, files, runtimes);
    const fixed = { name, file: shown, dir, limits: workspace.limits, watch: workspace.watch, host, runtimes };
    return normalise(input, { ...fixed, ...world });
  };
  const all = (findings: readonly Finding[]): Problem[] =>
    inOrder([...file.flaws, ...file.problems([...checkName(name), ...findings])]);

  const checked = checkSchema(projectSchema, file);
  if (checked.ok) {
    const { project, findings } = await normalised(checked.value);
    const problems = all(findings);
    return { shown, file, problems, ...(project && problems.length === 0 ? { project } : {}) };
  }
  const rest = salvage(projectSchema, file, { apps: {} });
  const more = rest ? independent((await normalised(withStandIns(rest))).findings, rest.cut) : [];
  return { shown, file, problems: all([...checked.findings, ...more]) };
}

/** In the proxy's configuration our routers and services stand beside those of projects. */
const OWN = 'hostctl';

function checkName(name: string): Finding[] {
  const wrong = NAME.test(name)
    ? (name in Object.prototype && 'cannot be used as a name') ||
      (name === OWN && 'is what hostctl calls its own things')
    : 'is no project name: lower-case letters, digits and single hyphens, at most 24';
  return wrong === false ? [] : [{ path: [], message: `${quote(name)} ${wrong}`, hint: 'rename the file' }];
}

/** Puts something harmless where a part was cut out that others lean on, so that they are not called wrong for it. */
function withStandIns({ value, cut }: NonNullable<ReturnType<typeof salvage<ProjectInput>>>): ProjectInput {
  const apps = { ...value.apps };
  for (const [section, name] of cut.filter((path) => path.length === 2)) {
    if (section === 'apps') apps[String(name)] = { image: 'stand-in', port: 80 };
  }
  // Hostnames may stand under the mistyped key.
  const lost = cut.some(([key, ...more]) => key === 'hostnames' || (more.length === 0 && !isKey(String(key))));
  if (!lost) return { ...value, apps };
  const { tls: _, ...others } = value;
  return { hostnames: ['www.example.org'], ...others, apps };
}

function isKey(key: string): boolean {
  return Object.hasOwn(projectSchema.shape, key);
}

/** A YAML file of the workspace, or why it cannot be read. */
export async function readYaml(
  files: Files,
  path: string,
  root: string,
): Promise<{ file: YamlFile } | { problems: readonly Problem[] }> {
  const shown = relative(path, root);
  let text: string | undefined;
  try {
    text = await files.read(path, MAX_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof HostctlError)) throw error;
    return { problems: [wholeFile(shown, UNREADABLE[error.code] ?? error.message)] };
  }
  if (text === undefined) return { problems: [wholeFile(shown, 'the file is not there')] };
  const parsed = parseYaml(shown, text);
  return parsed.ok ? { file: parsed.file } : { problems: parsed.problems };
}

/** A problem of a file as a whole. */
export function wholeFile(file: string, message: string, hint?: string): Problem {
  const place = { line: 0, column: 0, length: 1, path: '', excerpt: [] };
  return { file, message, ...place, ...(hint === undefined ? {} : { hint }) };
}

/** As a reader meets them. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** A path as the messages name it. */
export function relative(path: string, root: string): string {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}

/** The project's name is that of its file. */
export function nameOf(file: string): string {
  return basename(file).replace(/\.ya?ml$/, '');
}
