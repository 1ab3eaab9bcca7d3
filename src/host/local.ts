import { chmod, chown, lstat, open, readdir, readFile, readlink, rename, rm, statfs, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { LAYOUT } from '../core/layout.ts';
import type { LockView } from '../core/lock.ts';
import { HostctlError } from '../errors.ts';
import type { Host, Owner, UnpackOptions } from '../ports.ts';
import { besideOf, isBeside, isLeftover } from './beside.ts';
import { makeFolders } from './folders.ts';
import { FileJournal } from './journal.ts';
import { FileLocks } from './lock.ts';
import { shareFiles } from './share.ts';
import { unpackTar } from './unpack.ts';

const PRIVATE: Owner = { mode: 0o600, uid: 0, gid: 0 };
const PRIVATE_DIRECTORY: Owner = { mode: 0o700, uid: 0, gid: 0 };
const DIRECTORY = 0o711;
const LOG_WAIT_MS = 10_000;

/** The data root on this machine. Needs the right to give files to other users. */
export class LocalHost implements Host {
  readonly #root: string;
  readonly #locks: FileLocks;
  readonly #journal: FileJournal;

  /** @param lost called when a lock ends that is held; going on without it could hurt somebody */
  constructor(root: string, who: string, lost: (error: HostctlError) => void) {
    this.#root = root;
    this.#journal = new FileJournal(join(root, LAYOUT.log));
    this.#locks = new FileLocks(join(root, LAYOUT.locks), who, lost);
  }

  async read(path: string): Promise<string | undefined> {
    return this.#plain(path, () => absent(readFile(this.#at(path), 'utf8')));
  }

  async list(path: string): Promise<string[]> {
    const names = (await this.#plain(path, () => absent(readdir(this.#at(path))))) ?? [];
    return names.filter((name) => !isBeside(name)).toSorted();
  }

  async write(path: string, content: string | Uint8Array, owner: Owner = PRIVATE): Promise<void> {
    await this.#plain(path, async () => {
      const target = this.#at(path);
      await makeFolders(dirname(target), DIRECTORY);
      const beside = besideOf(target);
      try {
        const file = await open(beside, 'wx', owner.mode);
        try {
          await file.writeFile(content);
          await file.chmod(owner.mode);
          await file.chown(owner.uid, owner.gid);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, target);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
      await syncDirectory(dirname(target));
    });
  }

  async makeDirectory(path: string, owner: Owner): Promise<void> {
    await this.#plain(path, async () => {
      const target = this.#at(path);
      await makeFolders(target, DIRECTORY);
      const found = await lstat(target);
      if (!found.isDirectory()) throw new HostctlError('DATA_ROOT', `${target} is not a directory`);
      if (found.uid !== owner.uid || found.gid !== owner.gid) await chown(target, owner.uid, owner.gid);
      // chown clears the set-group bit, so the mode comes after it.
      if ((found.mode & 0o7777) !== owner.mode || found.gid !== owner.gid) await chmod(target, owner.mode);
    });
  }

  async files(path: string, most: number): Promise<string[]> {
    return this.#plain(path, async () => {
      const found: string[] = [];
      const folders = [''];
      for (let folder = folders.shift(); folder !== undefined && found.length < most; folder = folders.shift()) {
        const entries = (await absent(readdir(join(this.#at(path), folder), { withFileTypes: true }))) ?? [];
        const seen = entries
          .filter((entry) => !entry.name.startsWith('.'))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
        for (const entry of seen) {
          if (entry.isFile()) found.push(join(folder, entry.name));
          if (entry.isDirectory() && folders.length < most) folders.push(join(folder, entry.name));
        }
      }
      return found.slice(0, most);
    });
  }

  async owner(path: string): Promise<number | undefined> {
    return this.#plain(path, async () => (await absent(lstat(this.#at(path))))?.uid);
  }

  async link(path: string, target: string): Promise<void> {
    await this.#plain(path, async () => {
      const at = this.#at(path);
      await makeFolders(dirname(at), DIRECTORY);
      const beside = besideOf(at);
      try {
        await symlink(target, beside);
        await rename(beside, at);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
      await syncDirectory(dirname(at));
    });
  }

  async readLink(path: string): Promise<string | undefined> {
    return this.#plain(path, () => absent(readlink(this.#at(path)), 'EINVAL'));
  }

  async unpack(path: string, tar: Readable, options: UnpackOptions): Promise<void> {
    await this.#plain(path, async () => {
      const target = this.#at(path);
      const beside = besideOf(target);
      await makeFolders(beside, 0o755);
      try {
        await unpackTar(tar, join(beside, options.prefix), options);
        if (options.like !== undefined) await shareFiles(beside, this.#at(options.like));
        await chown(beside, options.uid, options.gid);
        await chmod(beside, options.mode);
        await rm(target, { recursive: true, force: true });
        await rename(beside, target);
      } catch (error) {
        await rm(beside, { recursive: true, force: true });
        throw error;
      }
    });
  }

  async remove(path: string): Promise<void> {
    await this.#plain(path, () => rm(this.#at(path), { recursive: true, force: true }));
  }

  async sweep(): Promise<void> {
    for (const dir of await this.#writtenDirectories()) {
      const names = (await absent(readdir(join(this.#root, dir)))) ?? [];
      for (const path of names.map((name) => join(this.#root, dir, name))) {
        if (await isLeftover(path)) await rm(path, { recursive: true, force: true });
      }
    }
  }

  /** Every directory something is written into beside its place; never inside volumes and uploads. */
  async #writtenDirectories(): Promise<string[]> {
    const below = async (dir: string): Promise<string[]> => (await this.list(dir)).map((name) => `${dir}/${name}`);
    const deeper = async (dirs: readonly string[]): Promise<string[]> => (await Promise.all(dirs.map(below))).flat();
    const [projects, media, generations, tls] = await Promise.all([
      below(LAYOUT.projects),
      below(LAYOUT.media),
      below(LAYOUT.generations),
      below(LAYOUT.tls),
    ]);
    return [
      '',
      LAYOUT.links,
      LAYOUT.waiting,
      LAYOUT.proxy,
      ...projects,
      ...projects.map((dir) => `${dir}/releases`),
      ...(await deeper(projects.flatMap((dir) => [`${dir}/secrets`, `${dir}/secret-files`]))),
      ...media,
      ...generations,
      ...generations.map((dir) => `${dir}/sites`),
      ...tls,
      ...(await deeper(tls)),
    ];
  }

  async free(): Promise<number> {
    let path = this.#root;
    for (;;) {
      const stats = await absent(statfs(path));
      if (stats) return stats.bavail * stats.bsize;
      path = dirname(path);
    }
  }

  async lock(name: string, doing: string, wait = 0, turn?: number): Promise<() => Promise<void>> {
    for (const path of [LAYOUT.locks, LAYOUT.waiting]) await this.makeDirectory(path, PRIVATE_DIRECTORY);
    return this.#plain(LAYOUT.locks, () =>
      this.#locks.take({ name, doing, wait, ...(turn === undefined ? {} : { turn }) }),
    );
  }

  locks(): Promise<LockView[]> {
    return this.#plain(LAYOUT.locks, () => this.#locks.views());
  }

  append(line: string): Promise<void> {
    const alone = async (work: () => Promise<void>): Promise<void> => {
      const unlock = await this.lock('the log', 'putting it aside', LOG_WAIT_MS);
      try {
        await work();
      } finally {
        await unlock();
      }
    };
    return this.#plain(LAYOUT.log, () => this.#journal.append(line, alone));
  }

  journal(): Promise<string[]> {
    return this.#plain(LAYOUT.log, () => this.#journal.read());
  }

  #at(path: string): string {
    if (path.split('/').includes('..')) throw new Error(`${path} leads out of the data root`);
    return join(this.#root, path);
  }

  async #plain<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const at = this.#at(path);
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
        throw new HostctlError('DATA_ROOT', `no access to ${at}: ${code}`, {
          hints: ['run hostctl as root'],
          cause: error,
        });
      }
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        throw new HostctlError('DISK_FULL', `no space left for ${at}`, {
          hints: ['free some space and run the same command again; nothing was half written'],
          cause: error,
        });
      }
      throw error;
    }
  }
}

/** @param also another code that says so: EINVAL of what is there and no link */
async function absent<T>(work: Promise<T>, also?: string): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || (code !== undefined && code === also)) return undefined;
    throw error;
  }
}

/** A rename is only safe from a power cut once its directory is on the disk. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
