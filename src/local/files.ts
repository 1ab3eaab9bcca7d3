import { mkdir, readdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { HostctlError } from '../errors.ts';
import type { BuildContext, ContextOptions, Files } from '../ports.ts';
import { buildContext, fingerprint, mediaTar } from './context.ts';

/** The definitions and sources on this machine. */
export class LocalFiles implements Files {
  async read(path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<string | undefined> {
    const stats = await present(path, stat(path));
    if (!stats) return undefined;
    if (!stats.isFile()) throw new HostctlError('NOT_A_FILE', `${path} is not a file`);
    if (stats.size > maxBytes) throw new HostctlError('FILE_TOO_LARGE', `${path} is larger than ${maxBytes} bytes`);
    const bytes = await present(path, readFile(path));
    try {
      return bytes && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) throw new HostctlError('NOT_TEXT', `${path} is not UTF-8 text`);
      throw error;
    }
  }

  async kind(path: string): Promise<'file' | 'folder' | undefined> {
    const stats = await present(path, stat(path));
    if (!stats) return undefined;
    return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : undefined;
  }

  async list(path: string): Promise<string[]> {
    return ((await present(path, readdir(path))) ?? []).toSorted();
  }

  real(path: string): Promise<string | undefined> {
    return present(path, realpath(path));
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

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);
const CLOSED = new Set(['EACCES', 'EPERM', 'EIO']);

/** A path no file can have is one that is not there; what exists and cannot be read is an error of its own. */
async function present<T>(path: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (ABSENT.has(code)) return undefined;
    if (CLOSED.has(code)) throw new HostctlError('NOT_READABLE', `${path} cannot be read (${code})`, { cause: error });
    throw error;
  }
}
