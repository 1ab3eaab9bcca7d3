import { readdirSync, readFileSync } from 'node:fs';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { DefinitionError } from '../../src/errors.ts';
import { formatReport } from '../../src/importers/report.ts';
import { readIgnore } from '../../src/local/ignore.ts';
import { importApache } from '../../src/ops/import.ts';
import { importCompose } from '../../src/ops/import-compose.ts';
import type { ImportResult } from '../../src/ops/imported.ts';
import { loadWorkspace } from '../../src/ops/load.ts';
import { formatProblems } from '../../src/ui/problems.ts';
import type { World } from '../support/world.ts';
import { filesBelow, mutations } from './support/bytes.ts';
import { claim, figures, HANG_MS, LONG, printFigures, tryMany } from './support/measure.ts';
import { fuzzWorld, read, under } from './support/sites.ts';

const CORPUS = new URL('../fixtures/fuzz/', import.meta.url).pathname;
const plain = new Chalk({ level: 0 });
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

let world: World;
beforeAll(async () => {
  world = await fuzzWorld();
});
afterAll(printFigures);

/** Texts of a kind that once were a failure. */
function corpus(kind: string): string[] {
  return readdirSync(`${CORPUS}${kind}`).map((name) => readFileSync(`${CORPUS}${kind}/${name}`, 'utf8'));
}

/** The corpus first, then what is made from it and from the fixtures. */
async function tryTexts(
  kind: string,
  seeds: readonly string[],
  runs: number,
  work: (text: string) => Promise<boolean>,
): Promise<void> {
  const row = figures(kind);
  const texts = [...corpus(kind), ...seeds];
  const failures = [
    ...(await tryMany(row, texts.length, fc.constantFrom(...texts), work)),
    ...(await tryMany(row, runs, mutations(texts), work)),
  ];
  expect(failures).toEqual([]);
}

test('hostctl.yaml', async () => {
  const seeds = [
    ...filesBelow(['docs/examples', 'test/fixtures/requests'], ['hostctl.yaml']).map(({ text }) => text),
    'instance: a\ndata: /srv/x\nengine: unix:///run/docker.sock\nproxy: { driver: nginx, address: 127.0.0.1, http: 8080, https: 8443 }\nnetwork: { pool: 10.0.0.0/16 }\ndefaults: { keep: 3, limits: { memory: 64M } }\n',
    'proxy:\n  existing: { container: traefik, directory: /srv/dynamic, entry-points: { http: web } }\ntls: { email: a@b.org, ca: staging, resolvers: [9.9.9.9, "[::1]:53"], dns: { hook: [./h, x], wait: 2m, provider: cloudflare, env: ./e } }\nbases: { from: debian, mirror: http://deb.debian.org/debian, registry: example.org/x, images: { python: "python:3" } }\n',
  ];
  await tryTexts('workspaces', seeds, LONG ? 20_000 : 300, async (text) => {
    world.files.texts.set('/work/hostctl.yaml', text);
    try {
      const workspace = await loadWorkspace(world.files, '/work', world.templates.bases);
      claim(/^[a-z][a-z0-9-]*$/.test(workspace.instance) && workspace.data.startsWith('/'), 'a workspace that is none');
      return true;
    } catch (error) {
      if (error instanceof DefinitionError)
        claim(!CONTROL.test(formatProblems(error.problems, plain)), 'a control character');
      throw error;
    } finally {
      world.files.texts.set('/work/hostctl.yaml', '');
    }
  });
});

test('.dockerignore', async () => {
  const seeds = [
    'node_modules\n**/*.md\n!README.md\n.git\n',
    '*\n!src/**\n!a.txt\n',
    '[a-b].*\n\\[odd\\]\n# no\n\n  a  \n',
    '**/a/**/b\n!/sub/../x\n',
    'a?b*c\n',
  ];
  const paths = [
    'a.txt',
    'src/a.js',
    '.git/config',
    'sub/deep/er/b.log',
    '[odd]/x',
    'ünïcode/x',
    `${'a/'.repeat(40)}b`,
    'a'.repeat(200),
  ];
  await tryTexts('dockerignore', seeds, LONG ? 20_000 : 300, async (text) => {
    const ignore = readIgnore(text);
    for (const path of paths) {
      claim(typeof ignore.excludes(path) === 'boolean', 'no answer');
      claim(!ignore.prunes(path) || ignore.excludes(path), 'what is not left out is not walked');
    }
    return true;
  });
});

/** What an import made can be read, by hostctl and by others alike, and is about what was imported. */
async function expectImport(result: ImportResult, text: string): Promise<boolean> {
  claim(!CONTROL.test(formatReport(result.report, 'directive')), 'a control character in the report');
  const lines = text.split(/\r?\n/).length;
  // What is said of the definition that was made has its place in that.
  for (const { place } of result.report.entries.filter((entry) =>
    /^(site\.conf|compose\.yaml)$/.test(entry.place.file),
  ))
    claim(place.line >= 0 && place.line <= lines + 1, `line ${place.line} of ${lines}`);
  let good = false;
  for (const { path, text: made } of result.files) {
    claim(/^\/work\/projects\/[^/]+$/.test(path), `writes ${path}`);
    if (!path.endsWith('.yaml')) continue;
    load(made);
    const { project } = await read(
      world,
      under('nginx', world),
      path.slice('/work/projects/'.length, -'.yaml'.length),
      made,
    );
    good ||= project !== undefined;
  }
  return good;
}

const IMPORT = { out: '/work/projects', force: false, print: true } as const;

test('configurations of Apache', async () => {
  const seeds = filesBelow(['test/fixtures/apache', 'test/fixtures/equivalence'], ['.conf']).map((file) => file.text);
  expect(seeds.length).toBeGreaterThan(50);
  await tryTexts('apache', seeds, LONG ? 20_000 : 300, async (text) => {
    world.files.texts.set('/conf/site.conf', text);
    const given = { files: ['/conf/site.conf'], define: new Map<string, string>(), sources: [], ...IMPORT };
    return expectImport(await importApache(given, world.files), text);
  });
});

test('Compose files', async () => {
  const seeds = filesBelow(['test/fixtures/compose'], ['compose.yaml']).map((file) => file.text);
  expect(seeds.length).toBeGreaterThan(20);
  await tryTexts('compose', seeds, LONG ? 20_000 : 300, async (text) => {
    world.files.texts.set('/conf/compose.yaml', text);
    const given = { file: '/conf/compose.yaml', define: new Map<string, string>(), profiles: [], ...IMPORT };
    return expectImport(await importCompose(given, world.files), text);
  });
});

/** Up to the size a definition may have, of what takes a reader long. */
const SIZE = 127 * 1024;
const full = (piece: string, before = '', after = ''): string =>
  `${before}${piece.repeat(Math.floor((SIZE - before.length - after.length) / piece.length))}${after}`;
const site = (lines: string): string =>
  `hostnames: [a.org]\napps: { web: { runtime: node, source: /src/app } }\n${lines}`;
const list = (length: number, item: (index: number) => string): string =>
  Array.from({ length }, (_, index) => item(index)).join('');

const GREEDY: Readonly<Record<string, string>> = {
  'aliases that grow': list(
    12,
    (index) =>
      `a${index}: &a${index} [${Array.from({ length: 9 }, () => (index === 0 ? 'x' : `*a${index - 1}`)).join(',')}]\n`,
  ),
  'an alias of itself': 'a: &a [*a, *a]\n',
  anchors: full('&a '),
  tags: full('!a '),
  brackets: full('['),
  braces: full('{a: '),
  'open keys': full('? '),
  dashes: full('- '),
  'flat keys': list(9000, (index) => `k${index}: 1\n`),
  'one key many times': full('apps: {}\n'),
  'quotes never closed': full('"\n', 'a: ["'),
  'texts of many lines': full('a\n b\n', 'a: ['),
  'closing braces': full('a: }\n'),
  commas: full(',\n', 'a: ['),
  directives: full('%x\n'),
  documents: full('---\n'),
  'escapes that are none': full('a: "\\q"\n'),
  comments: full('#\n'),
  'an endless line': full('a'),
  blanks: full(' '),
  'carriage returns': full('\r', 'a: "', '"'),
  'odd numbers': list(9000, (index) => `k${index}: 1e3\n`),
  hostnames: `hostnames: [${list(6000, (index) => `h${index}.example.org, `)}]\napps: { web: { runtime: node, source: /src/app } }\n`,
  globs: `hostnames: [${list(2000, (index) => `"*a${index}?*.org", `)}]\napps: { web: { runtime: node, source: /src/app } }\n`,
  'a glob of stars': `hostnames: ["${'*a'.repeat(120)}.org"]\napps: { web: { runtime: node, source: /src/app } }\n`,
  'a hostname of hyphens': `hostnames: [${full('-', 'a')}]\n`,
  'a hostname of dots': `hostnames: ["${full('a.')}"]\n`,
  'a hostname of umlauts': `hostnames: ["${'ä'.repeat(30_000)}.de"]\n`,
  'a duration of digits': site(`http: { timeout: "${'9'.repeat(100_000)}" }\n`),
  'a size of digits': site(`http: { body: "${'1.'.repeat(50_000)}M" }\n`),
  'a path of slashes': site(`media: { "${'/'.repeat(100_000)}": { from: /src/app } }\n`),
  'a path of dots': site(`media: { "/${'./'.repeat(50_000)}": { from: /src/app } }\n`),
  'a container path': `hostnames: [a.org]\napps: { web: { runtime: node, source: /src/app, writable: ["${'/a'.repeat(50_000)}/.."] } }\n`,
  'an image of dots': `hostnames: [a.org]\napps: { web: { image: "${'a.'.repeat(50_000)}!", port: 1 } }\n`,
  'a name of hyphens': `hostnames: [a.org]\napps: { "${'a-'.repeat(50_000)}": { image: a } }\n`,
  'a module of dots': `hostnames: [a.org]\napps: { web: { runtime: wsgi, source: /src/app, wsgi: "${'a.'.repeat(50_000)}" } }\n`,
  'a header of blanks': site(`http: { headers: { response: { X-A: "a${' '.repeat(100_000)}" } } }\n`),
  'a command of backslashes': `apps: { job: { image: "a:1", command: '${'\\'.repeat(100_000)}"' } }\n`,
  'a command of quotes': `apps: { job: { image: "a:1", command: '${'"a" '.repeat(25_000)}"' } }\n`,
  'a command of variables': `apps: { job: { image: "a:1", command: '${'${'.repeat(40_000)}' } }\n`,
  'raw directives': site(`http: { raw: { nginx: '${'if ($a) { '.repeat(1500)}' } }\n`),
  'raw backslashes': site(`http: { raw: { nginx: '${'\\'.repeat(16_000)}' } }\n`),
  'raw variables': site(`http: { raw: { nginx: 'set $a ${'${a'.repeat(5000)};' } }\n`),
  redirects: site(`http:\n  redirects:\n${list(2500, (index) => `    /a${index}: /a${index + 1}\n`)}`),
  rules: site(`http:\n  access:\n${list(2500, (index) => `    /a${index}: { allow: [10.0.0.0/8] }\n`)}`),
  networks: site(
    `http: { access: { /: { allow: [${list(6000, (index) => `10.${index % 250}.${Math.floor(index / 250)}.0/24, `)}] } } }\n`,
  ),
  'needs in a circle': `apps:\n${list(900, (index) => `  a${index}: { image: "a:1", needs: [a${index + 1}, a${index + 2}, a0] }\n`)}`,
  'needs that branch': `apps:\n${list(600, (index) => `  a${index}: { image: "a:1", needs: [${list(6, (more) => `a${index + more + 1}, `)}] }\n`)}`,
  variables: `apps: { job: { image: "a:1", env: { ${list(9000, (index) => `A${index}: "1", `)}} } }\n`,
  'variables that are numbers': `apps: { job: { image: "a:1", env: { ${list(9000, (index) => `A${index}: 1, `)}} } }\n`,
  'unknown keys': `apps: { job: { image: "a:1", ${list(7000, (index) => `k${index}: 1, `)}} }\n`,
  aliases: site(`media:\n${list(2500, (index) => `  /a${index}: { from: /src/app/media }\n`)}`),
  volumes: `apps: { job: { image: "a:1", volumes: { ${list(2500, (index) => `v${index}: /d${index}, `)}} } }\n`,
};

describe('a definition made to take long', () => {
  const row = figures('definitions made to take long');
  test.each(Object.entries(GREEDY))('%s', async (name, text) => {
    expect(Buffer.byteLength(text), name).toBeLessThan(128 * 1024);
    const failures = await tryMany(
      row,
      1,
      fc.constant(text),
      async () => (await read(world, normaliseWorkspace({}, '/work'), 'site', text)).project !== undefined,
    );
    expect(failures.map((failure) => failure.slice(0, 1000))).toEqual([]);
    // What a process has taken it hardly gives back: the most of all.
    expect(process.memoryUsage().rss / 1024 ** 2).toBeLessThan(1500);
  });
  test('none takes long', () => expect(row.slowest).toBeLessThan(HANG_MS));
});
