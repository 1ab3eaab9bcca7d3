import { describe, expect, test } from 'vitest';
import {
  chooseServer,
  detectRuntime,
  filesToRead,
  findValues,
  type Runtime,
  type SourceFacts,
  templateValues,
} from '../../src/core/runtime.ts';
import { didYouMean } from '../../src/core/suggest.ts';
import { fillTemplate } from '../../src/core/template.ts';

const runtime = (name: string, more: Partial<Runtime> = {}): Runtime => ({
  name,
  title: name,
  detect: { rank: 1 },
  dependencies: [],
  ignore: [],
  accepts: [],
  servers: { one: { base: 'debian', values: { a: 'server' } }, two: { base: 'debian' } },
  health: '/',
  dockerfile: '',
  files: {},
  ...more,
});
const facts = (texts: Readonly<Record<string, string>>, ...names: string[]): SourceFacts => ({ names, texts });

describe('a source is recognised', () => {
  const all = [
    runtime('low', { detect: { rank: 1, files: ['package.json'] } }),
    runtime('high', { detect: { rank: 5, files: ['package.json', 'server.js'] } }),
    runtime('any', { detect: { rank: 3, any: ['app.py', 'src/app.py'] } }),
    runtime('mentions', {
      detect: { rank: 4, mentions: { 'requirements.txt': '^flask\\b', 'pyproject.toml': 'flask' } },
    }),
  ];
  test.each<[string | undefined, SourceFacts]>([
    ['low', facts({}, 'package.json')],
    ['high', facts({}, 'server.js', 'package.json')],
    ['any', facts({ 'src/app.py': '' })],
    ['any', facts({}, 'app.py', 'package.json')],
    ['mentions', facts({ 'requirements.txt': 'a\nFlask==1' }, 'app.py')],
    ['mentions', facts({ 'pyproject.toml': '"flask"' })],
    [undefined, facts({ 'requirements.txt': 'flasks' })],
    [undefined, facts({}, 'server.js')],
    [undefined, facts({})],
  ])('as %s', (name, source) => {
    expect(detectRuntime(all, source)?.name).toBe(name);
    expect(detectRuntime(all.toReversed(), source)?.name).toBe(name);
  });

  test('by files that have to be read, each once', () => {
    const finds = runtime('finds', {
      detect: { rank: 1, files: ['a/b', 'plain'], any: ['c/d', 'plain'], mentions: { 'm.txt': 'x' } },
      find: { value: [{ in: ['f.py', 'm.txt'] }, { in: ['g.py'] }] },
    });
    expect(filesToRead([finds, all[3]!, finds])).toEqual([
      'm.txt',
      'a/b',
      'c/d',
      'f.py',
      'g.py',
      'requirements.txt',
      'pyproject.toml',
    ]);
    expect(filesToRead([all[0]!])).toEqual([]);
  });
});

describe('values', () => {
  const finds = runtime('finds', {
    values: { a: 'runtime', b: 'runtime' },
    find: {
      wsgi: [
        { in: ['manage.py', 'other.py'], match: '^module = "(.*)"$' },
        { in: ['app/main.py', 'app/__init__.py'], value: '{{module}}:app' },
      ],
      root: [{ in: ['public/index.html'], value: 'public' }],
    },
  });

  test.each<[string, Record<string, string>, object]>([
    [
      'are what the first rule that fits finds',
      { 'manage.py': 'x\nmodule = "m"\n', 'app/main.py': '' },
      { wsgi: { value: 'm', file: 'manage.py' } },
    ],
    [
      'may be in the next file',
      { 'manage.py': 'none', 'other.py': 'module = "o"' },
      { wsgi: { value: 'o', file: 'other.py' } },
    ],
    ['may be the module', { 'app/main.py': '' }, { wsgi: { value: 'app.main:app', file: 'app/main.py' } }],
    ['of a package', { 'app/__init__.py': '' }, { wsgi: { value: 'app:app', file: 'app/__init__.py' } }],
    [
      'may say that a file is there',
      { 'public/index.html': '' },
      { root: { value: 'public', file: 'public/index.html' } },
    ],
    ['may not be there', {}, {}],
  ])('%s', (_, texts, found) => {
    expect(findValues(finds, facts(texts))).toEqual(found);
  });

  test('come from the runtime, its server, the source and the definition, the last one first', () => {
    const server = chooseServer(finds)!;
    expect(templateValues(finds, server, facts({ 'app/main.py': '' }), { b: 'given' })).toEqual({
      values: { a: 'server', b: 'given', wsgi: 'app.main:app' },
      missing: ['root'],
    });
    expect(templateValues(finds, server, facts({ 'app/main.py': '' }), { wsgi: 'given', root: 'given' })).toEqual({
      values: { a: 'server', b: 'runtime', wsgi: 'given', root: 'given' },
      missing: [],
    });
    expect(templateValues(runtime('plain'), server, facts({}), {}).missing).toEqual([]);
  });
});

test('the first server is the default, and only those that are there can be chosen', () => {
  expect(chooseServer(runtime('x'))?.name).toBe('one');
  expect(chooseServer(runtime('x'), 'two')).toEqual({ name: 'two', spec: { base: 'debian' } });
  expect(chooseServer(runtime('x'), 'three')).toBeUndefined();
  expect(chooseServer(runtime('x'), 'constructor')).toBeUndefined();
});

test('a template is filled, or names what it lacks', () => {
  expect(fillTemplate('{{a}} and {{b}}{{a}} {c} {{ a }}', { a: '1', b: '' })).toBe('1 and 1 {c} {{ a }}');
  expect(() => fillTemplate('{{a}} {{c}}', { a: '1' })).toThrow('the template names {{c}}, which has no value');
});

test.each([
  ['hostname', ['hostnames', 'apps'], 'hostnames'],
  ['statc', ['static', 'node'], 'static'],
  ['a', ['b'], 'b'],
  ['ab', ['cd'], undefined],
  ['abcd', ['abef'], undefined],
  ['abcdef', ['abcdxy'], 'abcdxy'],
  ['abcdef', ['abcxyz'], undefined],
  ['x', [], undefined],
])('%s may have been meant to be one of %j: %s', (word, candidates, guess) => {
  expect(didYouMean(word, candidates)).toBe(guess);
});
