import { basename, join, relative, resolve } from 'node:path';
import { parseHostname } from '../core/hostnames.ts';
import { jsonSchema } from '../core/json-schema.ts';
import { detectRuntime, type Runtime } from '../core/runtime.ts';
import { fillTemplate } from '../core/template.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Files, Templates } from '../ports.ts';
import { sourceFacts } from './load.ts';

export interface InitOptions {
  /** Directory of the workspace. */
  readonly dir: string;
  readonly name?: string;
  readonly source: string;
  readonly hostname?: string;
  readonly runtime?: string;
}

export interface InitResult {
  readonly written: readonly string[];
  readonly project: string;
  /** The runtime that was recognised or asked for. */
  readonly runtime?: string;
}

/** Beside the definitions, so that editors complete them wherever the workspace is checked out. */
const SCHEMAS = '.hostctl';

/** Writes a first definition for a source directory, and hostctl.yaml where there is none. */
export async function init(options: InitOptions, files: Files, templates: Templates): Promise<InitResult> {
  const source = resolve(options.source);
  if ((await files.kind(source)) !== 'folder') throw wrong(`${options.source} is not a directory`);
  const name = options.name ?? projectName(basename(source));
  const hostname = options.hostname ?? `${name}.localhost`;
  const parsed = parseHostname(hostname);
  if (!parsed.ok) throw wrong(parsed.message);
  const runtime = await chooseRuntime(options, source, files, templates);
  const own = runtime === undefined && (await files.kind(join(source, 'Dockerfile'))) === 'file';
  if (!runtime && !own) {
    throw wrong(`nothing in ${source} says what it is made with`, [
      `add --runtime with one of ${templates.runtimes.map((item) => item.name).join(', ')}`,
    ]);
  }
  const path = join(options.dir, 'projects', `${name}.yaml`);
  if ((await files.kind(path)) !== undefined) throw wrong(`${path} is there already`, ['give another --name']);

  const from = relative(join(options.dir, 'projects'), source) || '.';
  const how = runtime
    ? `runtime: ${runtime.name}\n    source: ${quoteYaml(from)}`
    : `dockerfile: ${quoteYaml(from)}\n    port: 8000`;
  const text = fillTemplate(await templates.read('project.yaml'), { hostname: quoteYaml(hostname), how });
  const written = await writeSchemas(options.dir, files, templates);
  const workspace = join(options.dir, 'hostctl.yaml');
  if ((await files.kind(workspace)) === undefined) {
    await files.write(
      workspace,
      modeline(`${SCHEMAS}/workspace.schema.json`) + (await templates.read('workspace.yaml')),
    );
    written.push(workspace);
  }
  await files.write(path, modeline(`../${SCHEMAS}/project.schema.json`) + text);
  written.push(path);
  return { written, project: name, ...(runtime ? { runtime: runtime.name } : {}) };
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

async function chooseRuntime(
  options: InitOptions,
  source: string,
  files: Files,
  templates: Templates,
): Promise<Runtime | undefined> {
  if (options.runtime === undefined) {
    return detectRuntime(templates.runtimes, await sourceFacts(source, files, templates.runtimes));
  }
  const found = templates.runtimes.find((item) => item.name === options.runtime);
  if (!found)
    throw wrong(`there is no runtime ${quote(options.runtime)}`, [
      `one of ${templates.runtimes.map((item) => item.name).join(', ')}`,
    ]);
  return found;
}

/** A directory's name as a project's: `My Site_2` → `my-site-2`. */
function projectName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/, '');
  if (name === '') throw wrong(`${quote(text)} makes no project name`, ['add --name']);
  return name;
}

function quoteYaml(text: string): string {
  return /^[A-Za-z0-9./][A-Za-z0-9._/-]*$/.test(text) ? text : JSON.stringify(text);
}

function wrong(message: string, hints: string[] = []): HostctlError {
  return new HostctlError('INIT', message, { exit: EXIT.definition, hints });
}
