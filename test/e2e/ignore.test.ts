import { execFileSync } from 'node:child_process';
import { extract } from 'tar-stream';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalFiles } from '../../src/local/files.ts';
import { Lab } from './support/lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

const TREE = [
  'a.txt', 'b.md', 'README.md', 'README-secret.md', '.env', '.env.local', '.git/config', '.git/objects/aa/bb',
  'node_modules/x/index.js', 'sub/node_modules/y/index.js', 'sub/a.txt', 'sub/deep/a.txt', 'sub/deep/er/b.log', 'logs/one.log',
  'logs/keep.log', 'logs/old/two.log', 'build/out.js', 'src/build/out.js', 'temp1', 'sub/temp2', 'docs/guide.md', 'docs/img/a.png', 'foo bar/x', 'ünïcode/x', '[odd]/x', 'sub/.dockerignore',
]; // prettier-ignore

/** Patterns people write, and those that differ between implementations. */
const CASES: readonly (readonly string[])[] = [
  ['node_modules'],
  ['**/node_modules'],
  ['*.md'],
  ['**/*.md', '!README.md'],
  ['*', '!src'],
  ['*', '!src/**', '!a.txt'],
  ['logs', '!logs/keep.log'],
  ['logs/*', '!logs/keep.log'],
  ['logs/**', '!logs/keep.log'],
  ['/a.txt'],
  ['./a.txt', 'sub/'],
  ['sub/*/a.txt'],
  ['*/temp*', 'temp?'],
  ['**/temp*'],
  ['# comment', '', '  a.txt  ', '#a'],
  ['.git', '.env*'],
  ['**/.*'],
  ['docs/**/*.png'],
  ['!a.txt', 'a.txt'],
  ['*.md', '!README*.md', 'README-secret.md'],
  ['**'],
  ['**', '!sub/deep'],
  ['sub/deep/../a.txt'],
  ['build/', 'foo bar'],
  ['\\[odd\\]'],
  ['[a-b].*'],
  ['ünïcode'],
  ['sub', '!sub/deep/er'],
  ['Dockerfile', '.dockerignore'],
];

describe('a context without what .dockerignore leaves out', () => {
  test.each(CASES.map((lines) => [lines.join(' | '), lines] as const))('%s', async (name, lines) => {
    const folder = `ctx${CASES.findIndex((item) => item === lines)}`;
    for (const path of TREE) lab.write(`${folder}/${path}`, path);
    const dockerfile = lab.write(`${folder}/Dockerfile`, 'FROM scratch\nCOPY . /ctx\n');
    lab.write(`${folder}/.dockerignore`, `${lines.join('\n')}\n`);
    const theirs = await asDocker(`${lab.dir}/${folder}`);
    const context = await new LocalFiles().context(`${lab.dir}/${folder}`, new Map(), {
      prefix: '',
      dependencies: [],
      ignore: [],
      dockerfile,
    });
    const ours = (await filesOf(context.tar())).filter((path) => !needed(path, lines));
    expect(ours, name).toEqual(theirs.filter((path) => !needed(path, lines)));
  });
});

/** Both send these two even when they are ignored; only the Docker client then removes them again. */
function needed(path: string, lines: readonly string[]): boolean {
  return (path === 'Dockerfile' || path === '.dockerignore') && lines.length > 0;
}

/** What the Docker client itself sends. */
async function asDocker(dir: string): Promise<string[]> {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  let id: string;
  try {
    id = execFileSync('docker', ['build', '--quiet', dir], { encoding: 'utf8', env, stdio: 'pipe' }).trim();
  } catch (error) {
    // With everything left out there is nothing to copy.
    if (/no source files|COPY failed/.test((error as { stderr: string }).stderr)) return [];
    throw error;
  }
  const name = execFileSync('docker', ['create', id, 'none'], { encoding: 'utf8' }).trim();
  try {
    return (await filesOf(await lab.engine.copyFrom(name, '/ctx'))).map((path) => path.replace(/^ctx\//, ''));
  } finally {
    await lab.engine.remove(name);
    execFileSync('docker', ['rmi', '--force', id], { stdio: 'ignore' });
  }
}

async function filesOf(tar: Readable): Promise<string[]> {
  const names: string[] = [];
  const entries = extract();
  tar.pipe(entries);
  for await (const entry of entries) {
    if (entry.header.type === 'file') names.push(entry.header.name);
    entry.resume();
  }
  return names.toSorted();
}
