import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSchema } from '../../src/core/check.ts';
import { normalise } from '../../src/core/definition.ts';
import { projectSchema } from '../../src/core/schema.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { countEntries, formatReport } from '../../src/importers/report.ts';
import { importCompose } from '../../src/ops/import-compose.ts';
import type { ImportResult } from '../../src/ops/imported.ts';
import { World } from '../support/world.ts';

const FIXTURES = new URL('../fixtures/compose/', import.meta.url).pathname;
const cases = readdirSync(FIXTURES);

interface Arguments {
  readonly define?: Readonly<Record<string, string>>;
  readonly profile?: readonly string[];
  readonly hostname?: string;
}

/** The import of a fixture: `compose.yaml` is /conf/compose.yaml, and what lies in `tree/` is this machine. */
async function importCase(name: string): Promise<ImportResult> {
  const world = await World.with({});
  const tree = `${FIXTURES}${name}/tree`;
  const files = existsSync(tree) ? readdirSync(tree, { recursive: true, withFileTypes: true }) : [];
  for (const file of files.filter((entry) => entry.isFile())) {
    const path = join(file.parentPath, file.name);
    world.files.texts.set(path.slice(tree.length), readFileSync(path, 'utf8'));
  }
  world.files.texts.set('/conf/compose.yaml', readFileSync(`${FIXTURES}${name}/compose.yaml`, 'utf8'));
  const given = `${FIXTURES}${name}/args.json`;
  const args = (existsSync(given) ? JSON.parse(readFileSync(given, 'utf8')) : {}) as Arguments;
  return importCompose(
    {
      file: '/conf/compose.yaml',
      define: new Map(Object.entries(args.define ?? {})),
      profiles: args.profile ?? [],
      out: '/conf/projects',
      force: false,
      print: true,
      ...(args.hostname === undefined ? {} : { hostname: args.hostname }),
    },
    world.files,
  );
}

const { templates } = await World.with({});
const { runtimes } = templates;

/** What `hostctl validate` says of a definition whose files are all there. */
function validate(path: string, text: string): string[] {
  const parsed = parseYaml(path, text);
  if (!parsed.ok) return parsed.problems.map(({ message }) => message);
  const checked = checkSchema(projectSchema, parsed.file);
  if (!checked.ok) return checked.findings.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  const { findings } = normalise(checked.value, {
    name: path.split('/').at(-1)!.replace('.yaml', ''),
    file: path,
    dir: '/conf/projects',
    limits: { memory: 256 * 1024 ** 2, cpus: 1, pids: 100 },
    watch: 3000,
    host: {
      driver: 'traefik',
      sockets: false,
      orders: false,
      existing: false,
      tls: normaliseWorkspace({}, '/conf').tls,
    },
    runtimes,
    exists: (asked) => (/Dockerfile(?:\.\w+)?$|htpasswd$/.test(asked) ? 'file' : 'folder'),
    text: () => 'anna:$apr1$abcdefgh$0123456789012345678901\n',
    facts: () => ({ names: [], texts: {} }),
  });
  return findings.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
}

/** `expected.yaml` is the first definition; what else is made has its own name behind it. */
function expectedName(path: string, index: number): string {
  return index === 0 ? 'expected.yaml' : `expected-${path.split('/').at(-1)!}`;
}

describe.each(cases)('%s', (name) => {
  test('becomes these definitions, with this report', async () => {
    const result = await importCase(name);
    for (const [index, { path, text }] of result.files.entries()) {
      await expect(text).toMatchFileSnapshot(`${FIXTURES}${name}/${expectedName(path, index)}`);
    }
    await expect(formatReport(result.report, 'key')).toMatchFileSnapshot(`${FIXTURES}${name}/report.txt`);
    const kept = readdirSync(`${FIXTURES}${name}`).filter((file) => file.startsWith('expected'));
    expect(kept.toSorted()).toEqual(result.files.map(({ path }, index) => expectedName(path, index)).toSorted());
  });

  test('becomes definitions that are valid once what is open is done', async () => {
    const { files } = await importCase(name);
    const definitions = files.filter(({ path }) => path.endsWith('.yaml'));
    const findings = definitions.flatMap(({ path, text }) => validate(path, text));
    expect(findings).toEqual(LEFT[name] ?? []);
  });
});

/** What is left to a person when the report says so. */
const LEFT: Readonly<Record<string, readonly string[]>> = {};

test('the fixtures are enough, and know all keys but those that are none', async () => {
  const entries = (await Promise.all(cases.map(async (name) => (await importCase(name)).report.entries))).flat();
  expect(cases.length).toBeGreaterThanOrEqual(25);
  expect(entries.length).toBeGreaterThan(550);
  const unknown = entries.filter(({ note }) => note === 'hostctl does not know this key here');
  expect(unknown.map(({ text }) => text)).toEqual(['services.agent.frobnicate: yes']);
  const counts = countEntries(entries);
  expect(Object.values(counts).every((count) => count > 20)).toBe(true);
  expect(counts.decide + counts.unsupported).toBeLessThan(entries.length / 5);
});
