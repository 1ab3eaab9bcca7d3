import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LocalHost } from '../../src/host/local.ts';

const OWNER = { mode: 0o750, uid: process.getuid!(), gid: process.getgid!() };
let root: string;
let host: LocalHost;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hostctl-host-'));
  host = new LocalHost(root, 'tester@here', () => undefined);
});
afterEach(() => rmSync(root, { recursive: true }));

test('a file is written whole, with its owner and mode, and nothing stays beside it', async () => {
  await host.write('a/b.json', 'one', { ...OWNER, mode: 0o640 });
  await host.write('a/b.json', 'two', { ...OWNER, mode: 0o640 });
  expect(await host.read('a/b.json')).toBe('two');
  expect(statSync(join(root, 'a/b.json')).mode & 0o777).toBe(0o640);
  expect(await host.list('a')).toEqual(['b.json']);
  expect(await host.read('none')).toBeUndefined();
  expect(await host.list('none')).toEqual([]);
});

test('directories are made with those above them, and none below a link that leads nowhere', async () => {
  await host.makeDirectory('a/b/c', OWNER);
  await host.makeDirectory('a/b/c', OWNER);
  expect(statSync(join(root, 'a/b')).isDirectory()).toBe(true);
  await host.link('dangling', 'nowhere');
  await expect(host.makeDirectory('dangling/x/y', OWNER)).rejects.toThrow('leads nowhere');
});

test('a link is moved in one step', async () => {
  await host.link('links/x', 'one');
  await host.link('links/x', 'two');
  expect(readlinkSync(join(root, 'links/x'))).toBe('two');
  expect(await host.readLink('links/none')).toBeUndefined();
});

test('a directory keeps its set-group bit when its owner changes', async () => {
  await host.makeDirectory('d', { ...OWNER, mode: 0o2750 });
  await host.makeDirectory('d', { ...OWNER, mode: 0o2750 });
  expect(statSync(join(root, 'd')).mode & 0o7777).toBe(0o2750);
});

test('nothing leads out of the data root', async () => {
  await expect(host.write('../x', '')).rejects.toThrow('leads out of the data root');
  await expect(host.remove('a/../../x')).rejects.toThrow('leads out of the data root');
});

test('what a process that is gone left half written is swept away, of one that lives it is kept', async () => {
  const [, space] = /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid'))!;
  const dead = [`media/blog/.tmp-${space}-999999999-1-1`, `locks/waiting/.tmp-${space}-999999999-1-2`];
  const alive = `media/blog/.tmp-${space}-${process.pid}-1-1`;
  // Its number may be that of nobody here.
  const elsewhere = 'media/blog/.tmp-1-999999999-1-1';
  const forgotten = 'media/blog/.tmp-1-999999999-1-2';
  for (const path of [...dead, alive, elsewhere, forgotten]) mkdirSync(join(root, path), { recursive: true });
  utimesSync(join(root, forgotten), 0, Date.now() / 1000 - 2 * 86_400);
  await host.sweep();
  for (const path of [...dead, forgotten]) expect(existsSync(join(root, path)), path).toBe(false);
  for (const path of [alive, elsewhere]) expect(existsSync(join(root, path)), path).toBe(true);
});

describe('unpacking', () => {
  const options = { ...OWNER, strip: 1, prefix: 'static' };
  const tarOf = (
    ...entries: {
      name: string;
      type?: 'symlink' | 'link' | 'directory' | 'fifo' | 'character-device';
      linkname?: string;
      text?: string;
    }[]
  ): Readable => {
    const tar = pack();
    for (const { text, ...header } of entries) tar.entry(header, text ?? '');
    tar.finalize();
    return Readable.from(tar, { objectMode: false });
  };

  test('takes files and folders, turns inner links into copies, and leaves out everything else', async () => {
    await host.unpack(
      'media/x',
      tarOf(
        { name: 'top/css/', type: 'directory' },
        { name: 'top/css/base.css', text: 'body{}' },
        { name: 'top/css/copy.css', type: 'symlink', linkname: 'base.css' },
        { name: 'top/out', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'top/up', type: 'symlink', linkname: '../../../etc/passwd' },
        { name: 'top/../../evil', text: 'evil' },
        { name: 'top/pipe', type: 'fifo' },
        { name: 'top/device', type: 'character-device' },
      ),
      options,
    );
    expect(readFileSync(join(root, 'media/x/static/css/base.css'), 'utf8')).toBe('body{}');
    expect(lstatSync(join(root, 'media/x/static/css/copy.css')).isFile()).toBe(true);
    expect(await host.list('media/x/static')).toEqual(['css']);
    expect(await host.list('media')).toEqual(['x']);
    expect(() => lstatSync(join(root, '../evil'))).toThrow('ENOENT');
  });

  test('leaves nothing behind when the stream breaks off', async () => {
    const broken = tarOf({ name: 'top/a', text: 'a' });
    const failing = new Readable({
      read() {
        this.destroy(new Error('cut'));
      },
    });
    await expect(host.unpack('media/x', failing, options)).rejects.toThrow('cut');
    expect(await host.list('media')).toEqual([]);
    await host.unpack('media/x', broken, options);
    expect(await host.list('media')).toEqual(['x']);
  });

  test('equal files of an earlier copy are the same files afterwards, others are not', async () => {
    await host.unpack('media/one', tarOf({ name: 'top/a', text: 'same' }, { name: 'top/b', text: 'old' }), options);
    await host.unpack('media/two', tarOf({ name: 'top/a', text: 'same' }, { name: 'top/b', text: 'new' }), {
      ...options,
      like: 'media/one',
    });
    const inode = (path: string): number => statSync(join(root, path)).ino;
    expect(inode('media/two/static/a')).toBe(inode('media/one/static/a'));
    expect(inode('media/two/static/b')).not.toBe(inode('media/one/static/b'));
    expect(readFileSync(join(root, 'media/two/static/b'), 'utf8')).toBe('new');
  });
});
