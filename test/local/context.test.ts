import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { extract } from 'tar-stream';
import { afterEach, expect, test } from 'vitest';
import { workspaceFiles } from '../../src/core/workspace.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import { buildContext } from '../../src/local/context.ts';
import { loadTemplates } from '../../src/local/templates.ts';

const { runtimes } = await loadTemplates(new URL('../../templates', import.meta.url).pathname);
const dir = mkdtempSync(join(tmpdir(), 'hostctl-source-'));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(path: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), path);
}

/** The files of the source an image of that runtime gets. */
async function contentOf(runtime: Runtime): Promise<string[]> {
  const { dependencies, ignore } = runtime;
  const options = { prefix: 'source', dependencies, ignore, always: workspaceFiles('') };
  const files = (await buildContext(dir, new Map(), options)).tar().pipe(extract());
  const names: string[] = [];
  for await (const entry of files) {
    if (entry.header.type === 'file') names.push(entry.header.name);
    entry.resume();
  }
  return names.filter((name) => name.startsWith('source/'));
}

test('even where the source has a .dockerignore of its own', async () => {
  for (const path of ['hostctl.yaml', 'index.html']) write(path);
  writeFileSync(join(dir, '.dockerignore'), '*.md\n!hostctl.yaml\n');
  expect(await contentOf(runtimes[0]!)).toEqual(['source/.dockerignore', 'source/index.html']);
});

test.each(runtimes)('a workspace in the source stays out of the image of $name', async (runtime) => {
  for (const path of ['hostctl.yaml', '.hostctl/project.schema.json', 'projects/site.yaml', 'projects/old.yml'])
    write(path);
  for (const path of ['index.html', 'projects/index.html', 'projects/one/data.yaml']) write(path);
  expect(await contentOf(runtime)).toEqual([
    'source/index.html',
    'source/projects/index.html',
    'source/projects/one/data.yaml',
  ]);
});
