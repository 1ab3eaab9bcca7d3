import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSchema } from '../../src/core/check.ts';
import { normalise } from '../../src/core/definition.ts';
import { projectSchema } from '../../src/core/schema.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { countEntries, formatReport, openEntries } from '../../src/importers/report.ts';
import { importApache, readSources } from '../../src/ops/import.ts';
import type { ImportResult } from '../../src/ops/imported.ts';
import { World } from '../support/world.ts';

const FIXTURES = new URL('../fixtures/apache/', import.meta.url).pathname;
const cases = readdirSync(FIXTURES);

interface Arguments {
  readonly define?: Readonly<Record<string, string>>;
  readonly source?: readonly string[];
  readonly hostname?: string;
}

const textOf = (name: string): string => readFileSync(`${FIXTURES}${name}/site.conf`, 'utf8');

/** The import of a fixture: `site.conf` is /conf/site.conf, and what lies in `tree/` is this machine. */
async function importCase(name: string): Promise<ImportResult> {
  const world = await World.with({});
  const tree = `${FIXTURES}${name}/tree`;
  const files = existsSync(tree) ? readdirSync(tree, { recursive: true, withFileTypes: true }) : [];
  for (const file of files.filter((entry) => entry.isFile())) {
    const path = join(file.parentPath, file.name);
    world.files.texts.set(path.slice(tree.length), readFileSync(path, 'utf8'));
  }
  world.files.texts.set('/conf/site.conf', textOf(name));
  const given = `${FIXTURES}${name}/args.json`;
  const args = (existsSync(given) ? JSON.parse(readFileSync(given, 'utf8')) : {}) as Arguments;
  return importApache(
    {
      files: ['/conf/site.conf'],
      define: new Map(Object.entries(args.define ?? {})),
      sources: readSources(args.source ?? [], '/work'),
      out: '/work/projects',
      force: false,
      print: true,
      ...(args.hostname === undefined ? {} : { hostname: args.hostname }),
    },
    world.files,
  );
}

/** What `hostctl validate` says of a definition whose folders are all there. */
function validate(path: string, text: string): string[] {
  const parsed = parseYaml(path, text);
  if (!parsed.ok) return parsed.problems.map(({ message }) => message);
  const checked = checkSchema(projectSchema, parsed.file);
  if (!checked.ok) return checked.findings.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  const { findings } = normalise(checked.value, {
    name: path.split('/').at(-1)!.replace('.yaml', ''),
    file: path,
    dir: '/work/projects',
    limits: { memory: 256 * 1024 ** 2, cpus: 1, pids: 100 },
    watch: 3000,
    host: {
      driver: 'traefik',
      sockets: false,
      orders: false,
      existing: false,
      tls: normaliseWorkspace({}, '/work').tls,
    },
    runtimes,
    exists: (asked) => (/\.(?:html|txt|ico|pem|crt|key|css)$|htpasswd$/.test(asked) ? 'file' : 'folder'),
    text: () => 'anna:$apr1$abcdefgh$0123456789012345678901\n',
    facts: () => ({ names: [], texts: {} }),
  });
  // Certificates and sources are not part of the fixtures.
  const rest = findings.filter((item) => item.path[0] !== 'tls' && !item.message.startsWith('nothing in the source'));
  return rest.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
}

const { templates } = await World.with({});
const { runtimes } = templates;

describe.each(cases)('%s', (name) => {
  test('becomes these definitions, with this report', async () => {
    const result = await importCase(name);
    for (const { path, text } of result.files) {
      await expect(text).toMatchFileSnapshot(`${FIXTURES}${name}/expected/${path.split('/').at(-1)!}`);
    }
    await expect(formatReport(result.report, 'directive')).toMatchFileSnapshot(`${FIXTURES}${name}/report.txt`);
    const kept = existsSync(`${FIXTURES}${name}/expected`) ? readdirSync(`${FIXTURES}${name}/expected`) : [];
    expect(kept.toSorted()).toEqual(result.files.map(({ path }) => path.split('/').at(-1)!).toSorted());
  });

  test('becomes definitions that are valid once what is open is done', async () => {
    for (const { path, text } of (await importCase(name)).files) {
      expect({ path, findings: validate(path, text) }).toEqual({ path, findings: LEFT[name] ?? [] });
    }
  });

  test('has every directive in its report, each once', async () => {
    const { report } = await importCase(name);
    const own = report.entries.filter(({ place }) => place.file === 'site.conf').map(({ place }) => place.line);
    const lines = directiveLines(textOf(name));
    const seen = new Set(own);
    expect(lines.filter((line) => !seen.has(line))).toEqual([]);
    if (!/macro/i.test(textOf(name)) && name !== 'broken') expect(own).toHaveLength(lines.length);
  });
});

/** What is left to a person when the report says so. */
const LEFT: Readonly<Record<string, readonly string[]>> = {
  keystone: ['apps.web.source: a runtime needs a `source`', 'apps.identity.source: a runtime needs a `source`'],
  'modpython-pythonpath-code': ['apps.mysite.source: a runtime needs a `source`'],
  'shared-folders': ['apps.root.source: a runtime needs a `source`'],
  'proxy-gunicorn': ['apps.web: `web` has neither `runtime`, `dockerfile` nor `image`'],
};

/** Numbers of the lines that hold a directive, found without the parser. */
function directiveLines(text: string): number[] {
  let joined = false;
  return text.split('\n').flatMap((line, index) => {
    const starts = !joined && !/^\s*(?:#|<\/|$)/.test(line);
    const first = joined ? [] : starts && line.trim() !== '\\' ? [index + 1] : line.trim() === '\\' ? [index + 1] : [];
    joined = line.endsWith('\\') && (joined || first.length > 0);
    return first;
  });
}

test('the fixtures are enough, and few of their directives are unknown', async () => {
  const entries = (await Promise.all(cases.map(async (name) => (await importCase(name)).report.entries))).flat();
  expect(cases.length).toBeGreaterThanOrEqual(42);
  expect(entries.length).toBeGreaterThan(600);
  expect(
    entries.filter(({ note }) => note === 'hostctl does not know this directive here').map(({ text }) => text),
  ).toEqual(['ServerAlias "never closed', 'FooBar baz']);
  expect(Object.values(countEntries(entries)).every((count) => count > 20)).toBe(true);
  expect(openEntries(entries).length).toBeLessThan(entries.length / 2);
});
