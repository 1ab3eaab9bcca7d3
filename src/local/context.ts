import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import pLimit from 'p-limit';
import { pack, type Pack } from 'tar-stream';
import { HostctlError } from '../errors.ts';
import type { BuildContext, ContextOptions } from '../ports.ts';
import { type Ignore, readIgnore } from './ignore.ts';
import { type Entry, walk } from './walk.ts';

const OPEN_FILES = 16;
/** Where files hostctl adds to a runtime's context stand. */
const OWN = 'hostctl';

/**
 * What a build gets: the source without what `.dockerignore` leaves out, and the files hostctl adds. Owners are root and
 * modes plain, so that an image does not depend on the umask of whoever deployed it.
 */
export async function buildContext(
  dir: string,
  extra: ReadonlyMap<string, string>,
  options: ContextOptions,
): Promise<BuildContext> {
  const ignore = await ignoreOf(dir, options);
  const entries = await walk(dir, ignore);
  const hashes = await hashAll(dir, entries);
  const dependencies = readIgnore(options.dependencies.join('\n'));
  const copies = entries.filter((entry) => entry.kind === 'file' && dependencies.excludes(entry.path));
  const hash = createHash('sha256');
  for (const entry of entries) {
    hash.update(`${entry.path}\0${entry.kind}\0${entry.executable}\0${entry.target ?? hashes.get(entry.path) ?? ''}\n`);
  }
  for (const [path, text] of [...extra].toSorted(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${path}\0${text}\n`);
  return {
    hash: hash.digest('hex'),
    files: entries.filter((entry) => entry.kind === 'file').length,
    size: entries.reduce((sum, entry) => sum + entry.size, 0),
    tar: () => toTar(dir, entries, copies, extra, options.prefix),
  };
}

async function ignoreOf(dir: string, options: ContextOptions): Promise<Ignore> {
  const own = options.dockerfile === undefined ? undefined : await optional(`${options.dockerfile}.dockerignore`);
  const written = own ?? (await optional(join(dir, '.dockerignore')));
  const lines = [...(written === undefined ? options.ignore : [written]), ...(options.always ?? [])];
  const ignore = readIgnore(lines.length > 0 ? lines.join('\n') : undefined);
  // The engine needs these two even when they are not to be copied into the image.
  const needed = new Set(options.prefix === '' ? ['.dockerignore', options.dockerfile?.slice(dir.length + 1)] : []);
  return { ...ignore, excludes: (path) => !needed.has(path) && ignore.excludes(path) };
}

async function optional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function hashAll(dir: string, entries: readonly Entry[]): Promise<Map<string, string>> {
  const limit = pLimit(OPEN_FILES);
  const files = entries.filter((entry) => entry.kind === 'file');
  const pairs = await Promise.all(
    files.map((entry) => limit(async () => [entry.path, await hashFile(join(dir, entry.path))] as const)),
  );
  return new Map(pairs);
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function toTar(
  dir: string,
  entries: readonly Entry[],
  copies: readonly Entry[],
  extra: ReadonlyMap<string, string>,
  prefix: string,
): Readable {
  const tar = pack();
  const fill = async (): Promise<void> => {
    if (prefix !== '') tar.entry({ name: `${prefix}/`, type: 'directory', mode: 0o755 });
    for (const entry of entries) await add(tar, dir, entry, prefix === '' ? entry.path : `${prefix}/${entry.path}`);
    for (const entry of copies) await add(tar, dir, entry, `${OWN}/deps/${entry.path}`);
    for (const [path, text] of extra) tar.entry({ name: path, mode: 0o644 }, text);
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error as Error));
  return Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false });
}

async function add(tar: Pack, dir: string, entry: Entry, name: string): Promise<void> {
  const mtime = new Date(entry.mtime);
  if (entry.kind === 'folder') {
    tar.entry({ name: `${name}/`, type: 'directory', mode: 0o755, mtime });
    return;
  }
  if (entry.kind === 'link') {
    tar.entry({ name, type: 'symlink', linkname: entry.target!, mtime });
    return;
  }
  await addFile(tar, join(dir, entry.path), { name, mode: entry.executable ? 0o755 : 0o644, size: entry.size, mtime });
}

async function addFile(
  tar: Pack,
  path: string,
  header: { name: string; mode: number; size: number; mtime: Date },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const changed = (cause: Error): void =>
      reject(
        new HostctlError('SOURCE_CHANGED', `${path} changed while it was read: ${cause.message}`, {
          hints: ['run the same command again', 'leave files that are written all the time out with .dockerignore'],
          cause,
        }),
      );
    const entry = tar.entry(header, (error) => (error ? changed(error) : resolve()));
    entry.on('error', changed);
    const from = createReadStream(path);
    from.on('error', changed);
    from.pipe(entry);
  });
}

/** A folder, or a single file under its own name, as tar. */
export async function mediaTar(path: string): Promise<Readable> {
  const { dir, entries } = await mediaEntries(path);
  return toTar(dir, entries, [], new Map(), '');
}

/** Names, sizes and times: enough to see a change, without reading gigabytes of pictures. */
export async function fingerprint(path: string): Promise<string> {
  const hash = createHash('sha256');
  const { entries } = await mediaEntries(path);
  for (const entry of entries) hash.update(`${entry.path}\0${entry.size}\0${entry.mtime}\0${entry.target ?? ''}\n`);
  return hash.digest('hex');
}

async function mediaEntries(path: string): Promise<{ dir: string; entries: Entry[] }> {
  const stats = await stat(path);
  if (stats.isDirectory()) return { dir: path, entries: await walk(path, readIgnore(undefined)) };
  const file: Entry = { path: basename(path), kind: 'file', executable: false, size: stats.size, mtime: stats.mtimeMs };
  return { dir: dirname(path), entries: [file] };
}
