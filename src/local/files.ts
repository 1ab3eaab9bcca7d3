import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { HostctlError } from '../errors.ts';
import type { BuildContext, ContextOptions, Files } from '../ports.ts';
import { buildContext, fingerprint, mediaTar } from './context.ts';

/** The definitions and sources on this machine. */
export class LocalFiles implements Files {
  async read(path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<string | undefined> {
    const stats = await present(stat(path));
    if (!stats) return undefined;
    if (!stats.isFile()) throw new HostctlError('NOT_A_FILE', `${path} is not a file`);
    if (stats.size > maxBytes) throw new HostctlError('FILE_TOO_LARGE', `${path} is larger than ${maxBytes} bytes`);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
    } catch (error) {
      if (error instanceof TypeError) throw new HostctlError('NOT_TEXT', `${path} is not UTF-8 text`);
      throw error;
    }
  }

  async kind(path: string): Promise<'file' | 'folder' | undefined> {
    const stats = await present(stat(path));
    if (!stats) return undefined;
    return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : undefined;
  }

  async list(path: string): Promise<string[]> {
    return ((await present(readdir(path))) ?? []).toSorted();
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const beside = `${path}.${process.pid}.tmp`;
    await writeFile(beside, text, { flag: 'wx' });
    await rename(beside, path);
  }

  context(dir: string, extra: ReadonlyMap<string, string>, options: ContextOptions): Promise<BuildContext> {
    return buildContext(dir, extra, options);
  }

  fingerprint(path: string): Promise<string> {
    return fingerprint(path);
  }

  tar(path: string): Promise<Readable> {
    return mediaTar(path);
  }
}

async function present<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}
