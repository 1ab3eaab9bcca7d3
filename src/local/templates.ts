import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Base, baseSchema } from '../core/base.ts';
import { type Runtime, runtimeSchema } from '../core/runtime.ts';
import type { Templates } from '../ports.ts';

/** @param root absolute path of the package's `templates/` */
export async function loadTemplates(root: string): Promise<Templates> {
  const [runtimes, bases] = await Promise.all([
    eachFolder(join(root, 'runtimes'), (name, dir) => readRuntime(name, dir, join(root, 'parts'))),
    eachFolder(join(root, 'bases'), readBase),
  ]);
  return {
    runtimes,
    bases,
    proxy: (driver) => readFolder(join(root, 'proxies', driver)),
    read: (name) => readFile(join(root, name), 'utf8'),
  };
}

async function eachFolder<T>(dir: string, read: (name: string, dir: string) => Promise<T>): Promise<T[]> {
  const names = (await readdir(dir)).toSorted();
  return Promise.all(names.map((name) => read(name, join(dir, name))));
}

async function readRuntime(name: string, dir: string, parts: string): Promise<Runtime> {
  const { 'runtime.yml': text, Dockerfile: dockerfile, ...own } = await readFolder(dir);
  const spec = runtimeSchema.parse(parse(text!));
  const shared = await Promise.all((spec.parts ?? []).map((part) => readFolder(join(parts, part))));
  return { ...spec, name, dockerfile: dockerfile!, files: Object.assign({}, ...shared, own) as Record<string, string> };
}

async function readBase(name: string, dir: string): Promise<Base> {
  const { 'base.yml': spec, Dockerfile: dockerfile } = await readFolder(dir);
  return { ...baseSchema.parse(parse(spec!)), name, dockerfile: dockerfile! };
}

async function readFolder(dir: string): Promise<Record<string, string>> {
  const names = await readdir(dir);
  const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index]!]));
}
