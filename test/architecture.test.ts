import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
const files = execFileSync('find', ['src', '-name', '*.ts'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');

/** Relative imports of a file, types included: what is written at the top is what a reader follows. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)[^;]*? from '(\.[^']+)';|^import '(\.[^']+)';/gm)].map((match) =>
    normalize(join(dirname(file), match[1] ?? match[2]!)),
  );
}

const room = (file: string): string => /^src\/(\w+)\//.exec(file)?.[1] ?? file.replace('src/', '');

/** Who may import whom. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  core: ['core', 'errors.ts'],
  'errors.ts': ['core'],
  'ports.ts': ['core'],
  proxy: ['proxy', 'core', 'errors.ts'],
  importers: ['importers', 'core', 'errors.ts'],
  ops: ['ops', 'core', 'proxy', 'importers', 'ports.ts', 'errors.ts'],
  engine: ['engine', 'core', 'ports.ts', 'errors.ts'],
  host: ['host', 'core', 'ports.ts', 'errors.ts'],
  acme: ['acme', 'core', 'ports.ts', 'errors.ts'],
  local: ['local', 'core', 'ports.ts', 'errors.ts'],
  ui: ['ui', 'core', 'ports.ts', 'errors.ts'],
  commands: ['command.ts', 'core', 'errors.ts', 'ports.ts'],
};

describe('the house', () => {
  test.each(Object.entries(MAY))('%s imports only what it may', (from, allowed) => {
    const wrong = files
      .filter((file) => room(file) === from)
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => !allowed.includes(room(target)))
          .map((target) => `${file} → ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test('has no circles, not even of types', () => {
    const graph = new Map(files.map((file) => [file, importsOf(file)]));
    const done = new Set<string>();
    const walk = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) throw new Error([...trail.slice(trail.indexOf(file)), file].join(' → '));
      if (done.has(file)) return;
      for (const target of graph.get(file) ?? []) walk(target, [...trail, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(done.size).toBeGreaterThan(80);
  });

  test('keeps libraries in their rooms, and settings of the environment at the door', () => {
    const users = (pattern: RegExp): string[] =>
      [...new Set(files.filter((file) => pattern.test(readFileSync(join(ROOT, file), 'utf8'))).map(room))].toSorted();
    expect(users(/from 'dockerode'/)).toEqual(['engine']);
    expect(users(/from 'chalk'/)).toEqual(['command.ts', 'ui']);
    expect(users(/process\.env/)).toEqual(['command.ts', 'commands']);
    expect(users(/@oclif/)).toEqual(['command.ts', 'commands', 'main.ts']);
  });

  test('has small files, and no drawer for everything', () => {
    const long = files
      .map((file) => [file, readFileSync(join(ROOT, file), 'utf8').split('\n').length] as const)
      .filter(([, lines]) => lines > 320);
    expect(long).toEqual([]);
    expect(files.filter((file) => /util|helper|misc|common/i.test(file))).toEqual([]);
  });
});
