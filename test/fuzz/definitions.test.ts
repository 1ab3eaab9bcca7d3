import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { indexHosts } from '../../src/core/match.ts';
import type { Project } from '../../src/core/model.ts';
import type { Problem } from '../../src/core/problems.ts';
import type { Site } from '../../src/core/routes.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { printDefinition } from '../../src/importers/yaml.ts';
import { drivers } from '../../src/proxy/index.ts';
import { formatProblems } from '../../src/ui/problems.ts';
import type { World } from '../support/world.ts';
import { filesBelow, mutations } from './support/bytes.ts';
import { type Definition, definition, nearly, spelling } from './support/definitions.ts';
import { claim, figures, LONG, printFigures, tryMany } from './support/measure.ts';
import { probes } from './support/probes.ts';
import { expectNginxMeaning, expectSiteFiles } from './support/shape-nginx.ts';
import { expectTraefikFile, expectTraefikMeaning } from './support/shape-traefik.ts';
import { desiredOf, driverInput, expectApart, fuzzWorld, read, under } from './support/sites.ts';

const CORPUS = new URL('../fixtures/fuzz/definitions', import.meta.url).pathname;
const plain = new Chalk({ level: 0 });
/** Names and shares of a run of many in several processes. */
const RUNS = Number(process.env['HOSTCTL_FUZZ'] ?? (LONG ? 100_000 : 1500));

let world: World;
let templates: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await fuzzWorld();
  templates = await world.templates.proxy('nginx');
});
afterAll(printFigures);

/** What a user is shown of problems is text, and says where and what. */
function expectReadable(problems: readonly Problem[]): void {
  for (const { message, line, column, length } of problems) {
    claim(message !== '' && line >= 0 && column >= 0 && length >= 1, `a problem without words or place: ${message}`);
    claim(!/undefined|\[object|NaN/.test(message.replaceAll(/`[^`]*`/g, '')), `a problem without sense: ${message}`);
  }
  const text = formatProblems(problems, plain);
  claim(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text), 'a control character on the screen');
}

/** Both proxies are told what these projects mean. */
function expectShapes(projects: readonly Project[], driver: 'nginx' | 'traefik'): void {
  const workspace = under(driver, world);
  const desired = desiredOf(projects, world, workspace);
  expectApart(desired, workspace);
  const sites: Site[] = desired.flatMap(({ site }) => site ?? []);
  const { files } = drivers[driver].generation(driverInput(sites, workspace, templates));
  const trees = expectSiteFiles(sites, files);
  const routers = driver === 'traefik' ? expectTraefikFile(sites, files) : {};
  const index = indexHosts(sites);
  for (const request of sites.flatMap(probes)) {
    const meaning = expectNginxMeaning(request, index, trees);
    if (driver === 'traefik') expectTraefikMeaning(request, meaning, routers);
  }
}

const BOTH = ['nginx', 'traefik'] as const;
/** One of the two, always the same for a text. */
const either = (text: string): (typeof BOTH)[number][] => [BOTH[text.length % 2]!];

/** Reads a text as a definition, as a rule under both proxies; returns whether it was accepted. */
async function tryText(
  text: string,
  more: readonly string[] = [],
  proxies: readonly (typeof BOTH)[number][] = BOTH,
): Promise<boolean> {
  let good = false;
  for (const driver of proxies) {
    const found = [];
    for (const [index, item] of [text, ...more].entries()) {
      const one = await read(world, under(driver, world), ['site', 'other', 'a-b'][index]!, item);
      claim((one.project === undefined) === one.problems.length > 0, 'neither accepted nor refused');
      expectReadable(one.problems);
      found.push(one);
    }
    const owned = new Set<string>();
    const projects = found.flatMap(({ project }) => {
      // A hostname has one owner: what `load` says of all files together.
      if (!project || project.hostnames.some(({ name }) => owned.has(name))) return [];
      for (const { name } of project.hostnames) owned.add(name);
      return [project];
    });
    if (projects.length > 0) expectShapes(projects, driver);
    good ||= found[0]!.project !== undefined;
  }
  return good;
}

/** Sections that hold nothing are not written down. */
function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && Object.keys(value ?? {}).length === 0;
}

/** A text means to the parser of the house what it means to another one. */
function expectRead(value: Definition, text: string): void {
  const parsed = parseYaml('a.yaml', text);
  const said = (item: unknown): unknown =>
    Object.fromEntries(Object.entries(item as object).filter(([, part]) => !isEmpty(part)));
  const wanted: unknown = JSON.parse(JSON.stringify(value));
  claim(!parsed.ok || isDeepStrictEqual(said(parsed.file.value), said(wanted)), 'is read as something else');
}

describe('definitions', () => {
  test('that once were a failure', async () => {
    mkdirSync(CORPUS, { recursive: true });
    const row = figures('corpus of definitions');
    const texts = readdirSync(CORPUS).map((name) => readFileSync(join(CORPUS, name), 'utf8'));
    expect(await tryMany(row, texts.length * 2, fc.constantFrom(...texts), (text) => tryText(text))).toEqual([]);
  });

  test('as people write them: each is refused with a reason, or both proxies do what it means', async () => {
    const row = figures('definitions, right');
    const inputs = fc.tuple(definition, spelling, fc.option(definition, { nil: undefined, freq: 4 }));
    const failures = await tryMany(row, RUNS * 0.4, inputs, ([value, print, other]) => {
      const text = print(value);
      expectRead(value, text);
      return tryText(text, other ? [printDefinition(other)] : []);
    });
    expect(keep(failures)).toEqual([]);
    expect(row.good / row.inputs).toBeGreaterThan(0.3);
  });

  test('with something in them that has no business there', async () => {
    const failures = await tryMany(
      figures('definitions, nearly right'),
      RUNS * 0.4,
      fc.tuple(nearly, spelling),
      ([value, print]) => {
        let text: string;
        try {
          text = print(value);
        } catch {
          // Not everything can be written as YAML.
          text = JSON.stringify(value) ?? '';
        }
        return tryText(text, [], either(text));
      },
    );
    expect(keep(failures)).toEqual([]);
  });

  test('of the documentation and of the tests, with bytes changed', async () => {
    const seeds = filesBelow(
      [
        'docs/examples',
        'test/fixtures/requests/projects',
        'test/fixtures/apps',
        'test/fixtures/globs',
        'test/fixtures/settings',
        'test/fixtures/seed',
        'test/fixtures/tcp',
      ],
      ['.yaml'],
    ).map(({ text }) => text);
    expect(seeds.length).toBeGreaterThan(10);
    const failures = await tryMany(figures('definitions, bytes changed'), RUNS * 0.2, mutations(seeds), (text) =>
      tryText(text, [], either(text)),
    );
    expect(keep(failures)).toEqual([]);
  });
});

test('what is printed is read as what it was', async () => {
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  const safe = fc.dictionary(fc.constantFrom('apps', 'media', 'a', 'http'), value, {
    minKeys: 1,
    noNullPrototype: true,
  });
  const failures = await tryMany(figures('printed definitions'), LONG ? 20_000 : 1000, safe, (input) => {
    const text = printDefinition(input);
    const parsed = parseYaml('a.yaml', text);
    const wanted = Object.fromEntries(Object.entries(input).filter(([key, item]) => key === 'apps' || !isEmpty(item)));
    if (!parsed.ok || parsed.file.flaws.length > 0) {
      // Keys no definition can have, and numbers that are none to a reader.
      claim(
        /cannot be used as a key/.test(parsed.ok ? '' : (parsed.problems[0]?.message ?? '')),
        `is not read: ${text}`,
      );
      return false;
    }
    if (Object.keys(wanted).length === 0) return true;
    claim(isDeepStrictEqual(parsed.file.value, wanted), `is read as ${JSON.stringify(parsed.file.value)}: ${text}`);
    claim(isDeepStrictEqual(load(text), wanted), `is read by others as ${JSON.stringify(load(text))}: ${text}`);
    return true;
  });
  expect(failures).toEqual([]);
});

/** Failures are left where a person looks for them, to be made part of the corpus. */
function keep(failures: readonly string[]): readonly string[] {
  const found = process.env['HOSTCTL_FOUND'];
  if (found !== undefined && failures.length > 0) writeFileSync(found, failures.join('\n\n'), { flag: 'a' });
  return failures;
}
