import { expect, test } from 'vitest';
import { LocalFiles } from '../../src/local/files.ts';

const files = new LocalFiles();

test.each([
  ['a name no file system takes', `/tmp/${'a'.repeat(300)}`],
  ['a path with a NUL', '/tmp/a\0b'],
  ['a folder below a file', '/etc/passwd/a'],
])('%s is not there', async (_, path) => {
  expect(await files.kind(path)).toBeUndefined();
  expect(await files.read(path)).toBeUndefined();
  expect(await files.list(path)).toEqual([]);
});

test('what is there and gives nothing out is an error with a code', async () => {
  // The kernel answers EIO, also to root.
  await expect(files.read('/proc/self/mem')).rejects.toMatchObject({
    code: 'NOT_READABLE',
    message: expect.stringContaining('/proc/self/mem cannot be read (') as string,
  });
});
