import { createWriteStream } from 'node:fs';
import { chmod, chown, copyFile, utimes } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header } from 'tar-stream';
import type { UnpackOptions } from '../ports.ts';
import { makeFolders } from './folders.ts';

const FILE = 0o644;
const FOLDER = 0o755;

/**
 * Regular files and folders of a tar, and nothing else: no links, no devices, no path that climbs. A link to another
 * file of the same tar becomes a copy of it, since the proxy follows no links.
 */
export async function unpackTar(tar: Readable, target: string, options: UnpackOptions): Promise<void> {
  await makeFolders(target, FOLDER);
  const entries = extract();
  // The entries must be taken up at once: their stream stalls when its reader comes late.
  const [links] = await Promise.all([takeEntries(entries, target, options), pipeline(tar, entries)]);
  await copyLinks(links, target);
}

interface Link {
  readonly from: string;
  readonly to: string;
}

/** Writes files and folders; returns the links between files of the same tar. */
async function takeEntries(entries: Extract, target: string, options: UnpackOptions): Promise<Link[]> {
  const links: Link[] = [];
  for await (const entry of entries) {
    const { header } = entry;
    const path =
      header.type === 'file' && options.name !== undefined ? options.name : inside(header.name, options.strip);
    if (path === undefined) {
      entry.resume();
    } else if (header.type === 'directory') {
      await makeFolder(target, path, options);
      entry.resume();
    } else if (header.type === 'file' || header.type === 'contiguous-file') {
      await makeFolder(target, dirname(path), options);
      await writeEntry(entry as AsyncIterable<Buffer>, join(target, path), header, options);
    } else {
      const from = linkTarget(header, path, options.strip);
      if (from !== undefined) links.push({ from, to: path });
      entry.resume();
    }
  }
  return links;
}

/** Makes a folder and those above it, each with the owner of the content. */
async function makeFolder(target: string, path: string, options: UnpackOptions): Promise<void> {
  const parts = path === '.' ? [] : path.split('/');
  for (const [index] of parts.entries()) {
    const folder = join(target, ...parts.slice(0, index + 1));
    const made = await makeFolders(folder, FOLDER);
    if (!made || !options.files) continue;
    await chown(folder, options.files.uid, options.files.gid);
    // What is put in there later belongs to the same group.
    await chmod(folder, 0o2755);
  }
}

async function writeEntry(
  entry: AsyncIterable<Buffer>,
  path: string,
  header: Header,
  options: UnpackOptions,
): Promise<void> {
  await pipeline(Readable.from(entry), createWriteStream(path, { mode: FILE }));
  if (options.files) await chown(path, options.files.uid, options.files.gid);
  // Last-Modified and ETag are made of it.
  if (header.mtime) await utimes(path, header.mtime, header.mtime);
}

/** The path below the target, or undefined for what is stripped away or would climb out. */
function inside(name: string, strip: number): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return undefined;
  const kept = parts.slice(strip);
  return kept.length === 0 ? undefined : kept.join('/');
}

function linkTarget(header: Header, path: string, strip: number): string | undefined {
  if (header.type === 'link' && header.linkname) return inside(header.linkname, strip);
  if (header.type !== 'symlink' || !header.linkname || header.linkname.startsWith('/')) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(path), header.linkname));
  return target.startsWith('..') ? undefined : target;
}

async function copyLinks(links: readonly Link[], target: string): Promise<void> {
  for (const { from, to } of links) {
    try {
      await makeFolders(dirname(join(target, to)), FOLDER);
      await copyFile(join(target, from), join(target, to));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // A link to a folder, or to something that was not in the tar: there is nothing to serve.
      if (code !== 'ENOENT' && code !== 'EISDIR') throw error;
    }
  }
}
