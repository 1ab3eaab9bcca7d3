import { join, resolve } from 'node:path';
import type { Surroundings } from '../core/report.ts';
import { filesToRead, type Runtime, type SourceFacts } from '../core/runtime.ts';
import type { ProjectInput } from '../core/schema.ts';
import { HostctlError } from '../errors.ts';
import type { Files } from '../ports.ts';

const MAX_SOURCE_FILE = 256 * 1024;

/** Looks up what normalising will ask about: which paths exist, and what stands in the sources. */
export async function lookAround(
  input: ProjectInput,
  dir: string,
  files: Files,
  runtimes: readonly Runtime[],
): Promise<Pick<Surroundings, 'exists' | 'facts' | 'text'>> {
  const apps = Object.values(input.apps);
  const sources = apps.flatMap((app) => (app.source === undefined ? [] : [resolve(dir, app.source)]));
  const dockerfiles = apps.flatMap((app) => (app.dockerfile === undefined ? [] : [resolve(dir, app.dockerfile)]));
  const media = Object.values(input.media ?? {}).map((item) => resolve(dir, item.from));
  const { users, pages } = settingsFiles(input, dir);
  const inner = dockerfiles.map((path) => join(path, 'Dockerfile'));
  const pem = [input.tls?.certificate, input.tls?.key].flatMap((item) =>
    item === undefined ? [] : [resolve(dir, item)],
  );
  const paths = [...sources, ...dockerfiles, ...inner, ...media, ...users, ...pages, ...pem];
  const kinds = new Map(
    await Promise.all(paths.map(async (path) => [path, await unlessClosed(files.kind(path))] as const)),
  );
  const folders = sources.filter((path) => kinds.get(path) === 'folder');
  const facts = new Map<string, SourceFacts>();
  for (const path of folders) {
    const found = await unlessClosed(sourceFacts(path, files, runtimes));
    if (found === 'closed') kinds.set(path, found);
    else facts.set(path, found);
  }
  const texts = await readTexts([...users, ...pem], kinds, files);
  return {
    exists: (path) => kinds.get(path),
    facts: (path) => facts.get(path) ?? { names: [], texts: {} },
    text: (path) => texts.get(path),
  };
}

/** Files the `http:` section names. */
function settingsFiles({ http }: ProjectInput, dir: string): { users: string[]; pages: string[] } {
  const users = Object.values(http?.access ?? {}).flatMap((rule) => rule.users ?? []);
  const pages = [...Object.values(http?.errors ?? {}), http?.maintenance?.page ?? []].flat();
  return { users: users.map((path) => resolve(dir, path)), pages: pages.map((path) => resolve(dir, path)) };
}

/** What cannot be read turns out `closed`; what is no text has none. */
async function readTexts(
  paths: readonly string[],
  kinds: Map<string, ReturnType<Surroundings['exists']>>,
  files: Files,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const path of paths.filter((item) => kinds.get(item) === 'file')) {
    const text = await unlessClosed(files.read(path, MAX_SOURCE_FILE).catch(unlessUnreadable));
    if (text === 'closed') kinds.set(path, text);
    else if (text !== undefined) texts.set(path, text);
  }
  return texts;
}

function unlessUnreadable(error: unknown): undefined {
  if (error instanceof HostctlError && (error.code === 'NOT_TEXT' || error.code === 'FILE_TOO_LARGE')) return undefined;
  throw error;
}

/** What may not be read is a fact about a path, for the definition that names it to report. */
export async function unlessClosed<T>(work: Promise<T>): Promise<T | 'closed'> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HostctlError && error.code === 'NOT_READABLE') return 'closed';
    throw error;
  }
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
