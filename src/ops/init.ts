import { basename, join, relative, resolve } from 'node:path';
import { parseHostname } from '../core/hostnames.ts';
import { jsonSchema } from '../core/json-schema.ts';
import { detectRuntime, type Runtime } from '../core/runtime.ts';
import { projectSchema } from '../core/schema.ts';
import {
  dockerfileStarter,
  type InitResult,
  projectName,
  quoteYaml,
  runtimeStarter,
  type Starter,
  workspaceNote,
} from '../core/starter.ts';
import { fillTemplate } from '../core/template.ts';
import { quote } from '../core/units.ts';
import { normaliseWorkspace } from '../core/workspace.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Files, Templates } from '../ports.ts';
import { loadProjects, sourceFacts } from './load.ts';

export interface InitOptions {
  /** Directory of the workspace. */
  readonly dir: string;
  readonly name?: string;
  readonly source: string;
  readonly hostname?: string;
  readonly runtime?: string;
}

/** Beside the definitions, so that editors complete them wherever the workspace is checked out. */
const SCHEMAS = '.hostctl';

/** Writes a first definition for a source directory, and hostctl.yaml where there is none. */
export async function init(options: InitOptions, files: Files, templates: Templates): Promise<InitResult> {
  const source = resolve(options.source);
  if ((await files.kind(source)) !== 'folder') throw wrong(`${options.source} is not a directory`);
  const name = readName(options, source);
  const hostname = options.hostname ?? `${name}.localhost`;
  await checkFree(name, hostname, options.dir, files, templates);
  const projects = join(options.dir, 'projects');
  const { runtime, starter } = await start(options, source, relative(projects, source) || '.', files, templates);
  const inside = relative(source, options.dir);
  const notes = [...starter.notes];
  if (inside !== '..' && !inside.startsWith('../')) {
    notes.push(workspaceNote(inside, await files.read(join(source, '.dockerignore')), runtime !== undefined));
  }

  const text = fillTemplate(await templates.read('project.yaml'), {
    hostname: quoteYaml(hostname),
    how: starter.lines.join('\n    '),
  });
  const written = await writeSchemas(options.dir, files, templates);
  const workspace = join(options.dir, 'hostctl.yaml');
  if ((await files.kind(workspace)) === undefined) {
    await files.write(
      workspace,
      modeline(`${SCHEMAS}/workspace.schema.json`) + (await templates.read('workspace.yaml')),
    );
    written.push(workspace);
  }
  const path = join(projects, `${name}.yaml`);
  await files.write(path, modeline(`../${SCHEMAS}/project.schema.json`) + text);
  written.push(path);
  return {
    written,
    project: name,
    path,
    ...(runtime ? { runtime: runtime.name } : {}),
    notes,
    missing: starter.missing,
  };
}

/** The name that was asked for, or the directory's; a definition could not have any other. */
function readName(options: InitOptions, source: string): string {
  const near = projectName(options.name ?? basename(source));
  if (options.name === undefined) {
    if (near === '') throw wrong(`${quote(basename(source))} makes no project name`, ['add --name']);
    return near;
  }
  const checked = projectSchema.shape.name.safeParse(options.name);
  if (checked.success) return options.name;
  throw wrong(checked.error.issues[0]!.message, [near === '' ? 'write --name mysite' : `write --name ${near}`]);
}

/** Neither the name nor the hostname may be another definition's: both would be refused then. */
async function checkFree(
  name: string,
  hostname: string,
  dir: string,
  files: Files,
  templates: Templates,
): Promise<void> {
  const parsed = parseHostname(hostname);
  if (!parsed.ok) throw wrong(parsed.message);
  for (const path of ['yaml', 'yml'].map((ending) => join(dir, 'projects', `${name}.${ending}`))) {
    if ((await files.kind(path)) !== undefined) throw wrong(`${path} is there already`, ['give another --name']);
  }
  const others = await loadProjects(files, normaliseWorkspace({}, dir), templates.runtimes);
  const owner = others.projects.find((project) => project.hostnames.some((item) => item.name === parsed.value.name));
  if (owner)
    throw wrong(`${quote(hostname)} already leads to ${owner.name}, in ${owner.file}`, ['give another --hostname']);
}

/** A Dockerfile of its own says more about a source than what hostctl recognises; --runtime says more than both. */
async function start(
  options: InitOptions,
  source: string,
  from: string,
  files: Files,
  templates: Templates,
): Promise<{ runtime?: Runtime; starter: Starter }> {
  const facts = await sourceFacts(source, files, templates.runtimes);
  if (options.runtime !== undefined) {
    const runtime = namedRuntime(options.runtime, templates.runtimes);
    return { runtime, starter: runtimeStarter(runtime, facts, from) };
  }
  const runtime = detectRuntime(templates.runtimes, facts);
  const dockerfile = await files.read(join(source, 'Dockerfile')).catch(() => undefined);
  if (dockerfile !== undefined) return { starter: dockerfileStarter(dockerfile, from, runtime) };
  if (runtime) return { runtime, starter: runtimeStarter(runtime, facts, from) };
  throw wrong(`nothing in ${source} says what it is made with`, [
    `add --runtime with one of ${templates.runtimes.map((item) => item.name).join(', ')}`,
  ]);
}

function namedRuntime(name: string, runtimes: readonly Runtime[]): Runtime {
  const found = runtimes.find((item) => item.name === name);
  if (found) return found;
  throw wrong(`there is no runtime ${quote(name)}`, [`one of ${runtimes.map((item) => item.name).join(', ')}`]);
}

function modeline(schema: string): string {
  return `# yaml-language-server: $schema=${schema}\n`;
}

/** Always anew: a newer hostctl knows more keys. */
async function writeSchemas(dir: string, files: Files, templates: Templates): Promise<string[]> {
  const runtimes = templates.runtimes.map((runtime) => runtime.name);
  const written: string[] = [];
  for (const which of ['project', 'workspace'] as const) {
    const path = join(dir, SCHEMAS, `${which}.schema.json`);
    const text = `${JSON.stringify(jsonSchema(which, runtimes), undefined, 2)}\n`;
    if ((await files.read(path)) === text) continue;
    await files.write(path, text);
    written.push(path);
  }
  return written;
}

function wrong(message: string, hints: string[] = []): HostctlError {
  return new HostctlError('INIT', message, { exit: EXIT.definition, hints });
}
