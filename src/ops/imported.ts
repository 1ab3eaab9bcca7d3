import { join, resolve } from 'node:path';
import { checkSchema } from '../core/check.ts';
import { projectSchema } from '../core/schema.ts';
import { quote } from '../core/units.ts';
import { parseYaml } from '../core/yaml.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Imported, ImportedSite } from '../importers/definition.ts';
import type { Look } from '../importers/look.ts';
import {
  countEntries,
  type Entry,
  formatOpen,
  formatReport,
  type ImportReport,
  openEntries,
} from '../importers/report.ts';
import { printDefinition } from '../importers/yaml.ts';
import type { Files } from '../ports.ts';
import { findWorkspace } from './load.ts';

/** What every import is told, whatever it reads. */
export interface ImportOptions {
  /** Directory the definitions go to. */
  readonly out: string;
  /** Write although something is left open, and over definitions that are there. */
  readonly force: boolean;
  /** Write nothing. */
  readonly print: boolean;
}

/** A definition an import made. */
interface ImportedFile {
  readonly path: string;
  readonly text: string;
}

export interface ImportResult {
  readonly files: readonly ImportedFile[];
  /** Paths that were written; empty when something is left open. */
  readonly written: readonly string[];
  readonly report: ImportReport;
}

/** More questions after each other than any configuration leads to. */
const MOST_ROUNDS = 200;
const MAX_BYTES = 1024 * 1024;

/**
 * Runs a pure importer and writes what it made below `out`. Nothing is written while anything is left open, unless that
 * is forced. @param empty what to say of a configuration that makes nothing and leaves nothing open
 */
export async function importWith(
  work: (look: Look) => Imported,
  empty: () => HostctlError,
  options: ImportOptions,
  files: Files,
): Promise<ImportResult> {
  const { sites, report, beside = [] } = await answering(files, work);
  if (sites.length === 0 && openEntries(report.entries).length === 0) throw empty();
  const definitions = sites.map((site) => definitionFile(site, report.entries, options.out));
  const made = [...definitions, ...beside.map(({ name, text }) => ({ path: join(options.out, name), text }))];
  const entries = [...report.entries, ...definitions.flatMap(refused)];
  const result = { files: made, written: [], report: { ...report, entries } };
  if (options.print || (!options.force && openEntries(entries).length > 0)) return result;
  if (!options.force) await checkFree(made, files);
  for (const { path, text } of made) await files.write(path, text);
  return { ...result, written: made.map(({ path }) => path) };
}

/** The text of a file that is to be imported. */
export async function readWhole(path: string, files: Files): Promise<string> {
  if ((await files.kind(path)) !== 'file') throw wrong(`${path} is no file`);
  return (await files.read(path, MAX_BYTES)) ?? '';
}

async function checkFree(made: readonly ImportedFile[], files: Files): Promise<void> {
  for (const { path } of made) {
    const other = path.replace(/\.yaml$/, '.yml');
    for (const taken of [path, other]) {
      if ((await files.kind(taken)) === undefined) continue;
      throw wrong(`${taken} is there already; nothing was written`, ['--out DIR writes elsewhere, --force over it']);
    }
  }
}

/** The text of a definition, with what is left open at its top. */
function definitionFile(site: ImportedSite, entries: readonly Entry[], out: string): ImportedFile {
  const own = new Set(site.entries);
  const elsewhere = new Set(entries.filter((entry) => !own.has(entry)));
  const open = openEntries(entries).filter((entry) => own.has(entry) || (site.first && elsewhere.has(entry)));
  const head = [
    `Imported from ${site.from} by hostctl import.`,
    ...(open.length === 0 ? [] : ['Left to you:', ...formatOpen(open).map((line) => `- ${line}`)]),
  ];
  const comment = head.map((line) => `# ${line.replaceAll(/[^\x20-\x7e\u00a1-\uffff]/g, ' ')}\n`).join('');
  return { path: join(out, `${site.name}.yaml`), text: comment + printDefinition(site.definition) };
}

/** What the schema says against a definition: a value that no definition can have. */
function refused({ path, text }: ImportedFile): Entry[] {
  const parsed = parseYaml(path, text);
  const checked = parsed.ok ? checkSchema(projectSchema, parsed.file) : undefined;
  const problems = parsed.ok ? (checked!.ok ? [] : parsed.file.problems(checked!.findings)) : parsed.problems;
  return problems.map((problem) => ({
    status: 'decide',
    place: { file: path.split('/').at(-1)!, line: problem.line },
    text: problem.path,
    note: problem.message,
  }));
}

/**
 * Runs a pure importer that asks about files: it is run again with the answers until it asks nothing new.
 * What cannot be read, or is no text, is as good as not there.
 */
async function answering<R>(files: Files, work: (look: Look) => R): Promise<R> {
  const known = new Map<string, unknown>();
  const unlessClosed = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof HostctlError) return undefined;
      throw error;
    }
  };
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const asked = new Map<string, () => Promise<unknown>>();
    const ask = <T>(key: string, question: () => Promise<T>, meanwhile: T): T => {
      if (!known.has(key)) asked.set(key, question);
      return known.has(key) ? (known.get(key) as T) : meanwhile;
    };
    const result = work({
      kind: (path) => ask(`kind ${path}`, () => unlessClosed(files.kind(path)), undefined),
      text: (path) => ask(`text ${path}`, () => unlessClosed(files.read(path, MAX_BYTES)), undefined),
      list: (path) => ask(`list ${path}`, async () => (await unlessClosed(files.list(path))) ?? [], [] as string[]),
      real: (path) => ask(`real ${path}`, () => unlessClosed(files.real(path)), undefined),
    });
    if (asked.size === 0) return result;
    for (const [key, question] of asked) known.set(key, await question());
  }
  throw wrong('the files lead to one another without an end');
}

/** `--define NAME=VALUE` and `--source FROM=TO`. */
export function readPairs(flag: string, texts: readonly string[]): [string, string][] {
  return texts.map((text) => {
    // A URL holds no equals sign before its end, and a folder mostly none.
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    const wanted = flag === 'define' ? 'NAME=VALUE' : 'FROM=DIR';
    throw new HostctlError('USAGE', `--${flag} ${quote(text)}: write ${wanted}`, { exit: EXIT.definition });
  });
}

/** Where definitions go: where it is said, else `projects/` of the workspace, which may be yet to come. */
export async function definitionsDirectory(
  given: { readonly out: string | undefined; readonly workspace: string | undefined; readonly cwd: string },
  files: Files,
): Promise<string> {
  if (given.out !== undefined) return resolve(given.cwd, given.out);
  if (given.workspace !== undefined) return join(resolve(given.cwd, given.workspace), 'projects');
  const dir = await findWorkspace(files, given.cwd).catch((error: unknown) => {
    if (error instanceof HostctlError && error.code === 'NO_WORKSPACE') return given.cwd;
    throw error;
  });
  return join(dir, 'projects');
}

/**
 * What a command says of an import: as a document, as text, and its exit code.
 * @param noun what a line of the configuration is called, such as "directive"
 */
export function describeImport(
  { files, written, report }: ImportResult,
  { print, force }: ImportOptions,
  noun: string,
): { readonly document: Record<string, unknown>; readonly text: string; readonly exit: number } {
  const open = openEntries(report.entries).length;
  const shown = print ? files.map(({ path, text }) => `# ---- ${path}\n${text}\n`).join('') : '';
  const nothing = `nothing was written: ${open} left to you; --force writes all the same\n`;
  const end = written.length > 0 ? written.map((path) => `wrote ${path}\n`).join('') : nothing;
  const { entries, notes } = report;
  return {
    document: { definitions: files, written, counts: countEntries(entries), entries, notes },
    text: `${shown}${formatReport(report, noun)}${print ? '' : end}`,
    exit: open > 0 && !force ? EXIT.definition : EXIT.done,
  };
}

/** An import that cannot be done at all. */
export function wrong(message: string, hints: string[] = []): HostctlError {
  return new HostctlError('IMPORT', message, { exit: EXIT.definition, hints });
}
