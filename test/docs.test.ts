import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandNames } from '../src/command-names.ts';
import { INTENDED } from '../src/core/intended.ts';
import { formatReport } from '../src/importers/report.ts';
import { importApache } from '../src/ops/import.ts';
import { importCompose } from '../src/ops/import-compose.ts';
import { brief, check } from './support/definitions.ts';
import { World } from './support/world.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const sources = execFileSync('find', ['src', '-name', '*.ts'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');

describe('docs', () => {
  test('errors.md has one heading per code, and no other', () => {
    const used = new Set(
      sources.flatMap((path) =>
        [...read(path).matchAll(/(?:HostctlError|Fault|super)\(\s*'([A-Z_]+)'/g)].map((match) => match[1]!),
      ),
    );
    const explained = [...read('docs/errors.md').matchAll(/^## (\w+)$/gm)].map((match) => match[1]!);
    expect(explained).toEqual([...used].toSorted());
  });

  test('the definitions they show are right', async () => {
    const shown = ['README.md', 'docs/definition.md'].flatMap((path) =>
      [...read(path).matchAll(/```yaml\n(hostnames:[\s\S]*?)```/g)].map((match) => match[1]!),
    );
    expect(shown.length).toBeGreaterThanOrEqual(3);
    for (const text of shown) {
      const { problems } = await check(
        text
          .replaceAll(/source: \S+?(?=[ }\n])/g, 'source: /src/django')
          .replaceAll(
            /from: (\.\.?\/\S+?)(?=[,} ])/g,
            (_, path: string) => `from: ${path.endsWith('.txt') ? '/src/app/robots.txt' : '/src/app/media'}`,
          ),
      );
      expect(brief(problems), text).toEqual([]);
    }
  });

  test('from-apache.md shows what an import of its example prints and writes', async () => {
    const text = read('docs/from-apache.md');
    const block = (start: string): string => text.split(start)[1]!.split('\n```')[0]!;
    const world = await World.with({});
    world.files.texts.set('/conf/projectname.conf', `${block('```apache\n')}\n`);
    const result = await importApache(
      {
        files: ['/conf/projectname.conf'],
        define: new Map(),
        sources: [],
        out: '/work/projects',
        force: false,
        print: false,
      },
      world.files,
    );
    const end = 'nothing was written: 2 left to you; --force writes all the same';
    const shown = block('$ hostctl import apache projectname.conf\n');
    expect(shown).toBe(`${formatReport(result.report, 'directive')}${end}`);
    expect(`${block('```yaml\n')}\n`).toBe(result.files[0]!.text);
    expect(`${block('```apache\n')}\n`).toBe(read('test/fixtures/apache/seed/site.conf'));
  });

  test('from-compose.md shows what an import of its example prints and writes', async () => {
    const text = read('docs/from-compose.md');
    const block = (start: string): string => text.split(start)[1]!.split('\n```')[0]!;
    const fixture = 'test/fixtures/compose/shop';
    const world = await World.with({});
    world.files.texts.set('/conf/compose.yaml', `${block('```yaml compose.yaml\n')}\n`);
    for (const name of ['.env', 'Dockerfile'])
      world.files.texts.set(`/conf/${name}`, read(`${fixture}/tree/conf/${name}`));
    const options = { file: '/conf/compose.yaml', define: new Map(), profiles: [], out: '/conf/projects' };
    const result = await importCompose({ ...options, force: false, print: false }, world.files);
    const end = 'nothing was written: 1 left to you; --force writes all the same';
    expect(block('$ hostctl import compose compose.yaml\n')).toBe(`${formatReport(result.report, 'key')}${end}`);
    expect(`${block('```yaml\n')}\n`).toBe(result.files[0]!.text);
    expect(`${block('```yaml compose.yaml\n')}\n`).toBe(read(`${fixture}/compose.yaml`));
  });

  test('every link leads somewhere', () => {
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      ...readdirSync(join(ROOT, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ];
    for (const page of pages) {
      for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        expect(() => read(join(page, '..', target!)), `${page} → ${target}`).not.toThrow();
      }
    }
  });

  test('what verify calls intended is in the list for those who come from Apache', () => {
    for (const sentence of Object.values(INTENDED)) expect(read('docs/from-apache.md')).toContain(`| ${sentence} |`);
  });

  test('the README names every command', () => {
    for (const name of commandNames) expect(read('README.md')).toContain(`\`${name}\``);
    const files = readdirSync(join(ROOT, 'src/commands'), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.replace(/(?:\/index)?\.ts$/, '').replaceAll('/', ' '));
    expect(files.toSorted()).toEqual([...commandNames].toSorted());
  });
});
