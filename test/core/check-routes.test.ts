import { describe, expect, test } from 'vitest';
import { checkRoutes, insideFolders } from '../../src/core/check-routes.ts';
import { brief, check } from '../support/definitions.ts';

async function project(text: string) {
  const { project: found, problems } = await check(text);
  expect(brief(problems)).toEqual([]);
  return found!;
}
const site = (media: string): string =>
  `hostnames: [a.org]\napps:\n  web: { image: web, port: 80 }\n  api: { image: web, port: 80, path: /m/api }\nmedia:\n${media}`;

describe('what a site does not answer', () => {
  test.each<[what: string, text: string, ...found: string[]]>([
    ['all is answered', 'hostnames: [a.org]\napps:\n  web: { image: web, port: 80 }\n'],
    ['no hostnames', 'apps:\n  job: { image: web }\n'],
    [
      'nothing at all',
      'hostnames: [a.org]\napps:\n  job: { image: web }\n',
      'warning nothing answers these hostnames: no app has a `path`, and there is no `media` → add `path: /` to an app',
    ],
    [
      'some paths, in their order',
      'hostnames: [a.org]\napps:\n  one: { image: web, port: 80, path: /z }\n  two: { image: web, port: 80, path: /b }\nmedia:\n  /m: { from: /src/app/media }\n',
      'note only `/b`, `/m`, `/z` is answered; everything else is 404, also `/`',
    ],
    ['files at the root', 'hostnames: [a.org]\napps:\n  job: { image: web }\nmedia:\n  /: { from: /src/app/media }\n'],
  ])('%s', async (_, text, ...found) => {
    const concerns = checkRoutes(await project(text), () => undefined);
    expect(concerns.map(({ level, message, hint }) => `${level} ${message}${hint ? ` → ${hint}` : ''}`)).toEqual(found);
    for (const concern of concerns)
      expect(concern).toMatchObject({ topic: 'routes', project: 'site', path: ['hostnames'], on: 'key' });
    expect(concerns.every((concern) => !('hint' in concern) || concern.hint !== undefined)).toBe(true);
  });
});

describe('files that another route hides', () => {
  const FOLDER = '  /m: { from: /src/app/media }\n';

  test('are looked for below the folder', async () => {
    const found = await project(site(`${FOLDER}  /m/in: { from: /src/pages }\n`));
    const asked: string[] = [];
    expect(
      checkRoutes(found, (path) => {
        asked.push(path);
        return path.endsWith('/in') ? 'folder' : undefined;
      }).map(({ level, path, message, hint }) => [level, path, message, hint]),
    ).toEqual([
      ['note', ['media', '/m'], 'what its folder has at `/m/in` is never served: `/m/in` leads elsewhere', undefined],
    ]);
    expect(asked.toSorted()).toEqual(['/src/app/media/api', '/src/app/media/in']);
    // A file is as hidden as a folder, and what cannot be read is there.
    for (const kind of ['file', 'closed'] as const)
      expect(checkRoutes(found, () => kind).map(({ message }) => message)).toEqual([
        'what its folder has at `/m/api` is never served: `/m/api` leads elsewhere',
        'what its folder has at `/m/in` is never served: `/m/in` leads elsewhere',
      ]);
  });

  test('are none of single files, uploads and images', async () => {
    for (const from of ['/src/app/robots.txt }', './up, writable-by: web, mount: /up }', '"image:web:/srv/m" }'])
      expect(checkRoutes(await project(site(`  /m: { from: ${from}\n`)), () => 'file')).toEqual([]);
  });

  test('are none when the other alias serves that very file', async () => {
    const same = await project(site(`${FOLDER}  /m/a.txt: { from: /src/app/media/a.txt, cache: 1d }\n`));
    const found = checkRoutes(same, (path) => (path.endsWith('a.txt') ? 'file' : undefined));
    expect(found).toEqual([]);
  });

  test('of a folder at the root, and not of one that only begins alike', async () => {
    const text = `hostnames: [a.org]\napps:\n  api: { image: web, port: 80, path: /api }\n  more: { image: web, port: 80, path: /mm }\nmedia:\n  /: { from: /src/app }\n  /m: { from: /src/app/media }\n`;
    expect(insideFolders(await project(text), ['/api', '/mm', '/', '/m', '/m/x'])).toEqual([
      { inside: '/api', outside: '/', file: '/src/app/api' },
      { inside: '/mm', outside: '/', file: '/src/app/mm' },
      { inside: '/m', outside: '/', file: '/src/app/m' },
      { inside: '/m/x', outside: '/', file: '/src/app/m/x' },
      { inside: '/m/x', outside: '/m', file: '/src/app/media/x' },
    ]);
  });
});
