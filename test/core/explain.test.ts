import { beforeAll, describe, expect, test } from 'vitest';
import { answerOf, nobodysCauses, outrankedBy, parseRequest, placesOf } from '../../src/core/explain.ts';
import { parseHostname } from '../../src/core/hostnames.ts';
import { hostnamesFor, indexHosts } from '../../src/core/match.ts';
import { type Meaning, meaningOf } from '../../src/core/meaning.ts';
import type { Project } from '../../src/core/model.ts';
import type { Site } from '../../src/core/routes.ts';
import { outlineOf } from '../../src/core/site.ts';
import type { YamlFile } from '../../src/core/yaml.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { World } from '../support/world.ts';

describe('what was typed as a request', () => {
  const ENCODED = 'holds characters that are sent encoded: write `%20` for a blank';
  const NAMELESS = 'has no hostname: write www.example.org/path';
  const SCHEME = 'is no web address: write http:// or https://';

  test.each([
    ['a.org', 'http a.org /'],
    ['a.org/x/../y?q=1', 'http a.org /x/../y?q=1'],
    ['a.org?q=1', 'http a.org /?q=1'],
    ['a.org/x#part', 'http a.org /x'],
    ['a.org#part', 'http a.org /'],
    ['https://a.org/', 'https a.org /'],
    ['HTTPS://a.org', 'https a.org /'],
    ['a.org:8080/x', 'http a.org:8080 /x'],
    ['a.org:/x', 'http a.org: /x'],
    ['http://ada:secret@a.org/x', 'http a.org /x'],
    ['bücher.org/', 'http xn--bcher-kva.org /'],
    ['bücher.org:81/', 'http xn--bcher-kva.org:81 /'],
    ['A.org/', 'http A.org /'],
    ['a.org/http://b.org', 'http a.org /http://b.org'],
    ['a.org/%C3%BC~!', 'http a.org /%C3%BC~!'],
  ])('%s', (url, expected) => {
    const parsed = parseRequest(url, 'get');
    const { scheme, host, target, method } = parsed.ok ? parsed.value : { scheme: parsed.message };
    expect(`${scheme} ${host} ${target}`).toBe(expected);
    expect(method).toBe('GET');
  });

  test.each([
    ['ftp://a.org/', SCHEME],
    ['xhttp://a.org/', SCHEME],
    ['httpsx://a.org/', SCHEME],
    ['', NAMELESS],
    ['/x', NAMELESS],
    ['http://', NAMELESS],
    ['http:///x', NAMELESS],
    ['a_b c/', NAMELESS],
    ['a.org/x y', ENCODED],
    ['a.org/\u0000', ENCODED],
    ['a.org/\u007f', ENCODED],
    ['a.org/ü', ENCODED],
    ['a.org/😀', ENCODED],
  ])('%j is refused', (url, message) => {
    expect(parseRequest(url, 'GET')).toEqual({ ok: false, message: `\`${url}\` ${message}` });
  });
});

const DEFINITION = `hostnames: [www.blog.org, blog.org, "*.blog.org"]
apps:
  web: { image: blog, port: 80 }
  api: { image: blog, port: 80, path: /api }
media:
  /files/: { from: /src/blog/files }
  /all: { from: "image:api:/srv/all" }
http:
  canonical: blog.org
  redirects: { /old: /new, /gone/: { status: 410 } }
  access:
    /a: { allow: [10.0.0.0/8, 192.168.0.1] }
    /none: { allow: [] }
    /users: { users: /src/blog/users }
    /both: { allow: [10.0.0.0/8], users: /src/blog/users }
    /either: { allow: [10.0.0.0/8], users: /src/blog/users, either: true }
    /files/a/: { allow: [10.0.0.0/8] }
  timeout: 5s
  hsts: 1d
  compress: true
`;

describe('of a definition', () => {
  let project: Project;
  let file: YamlFile;
  let site: Site;
  beforeAll(async () => {
    const world = await World.with({ blog: DEFINITION });
    world.source('blog', { 'files/a.txt': 'a', users: 'ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n' });
    const loaded = await loadProjects(world.files, world.workspace, world.templates.runtimes);
    expect(loaded.problems).toEqual([]);
    [project, file] = [loaded.projects[0]!, loaded.files.get('blog')!];
    site = outlineOf(project);
  });

  function meaning(path: string, host = 'blog.org', about = site, scheme: 'http' | 'https' = 'http'): Meaning<Site> {
    return meaningOf({ method: 'GET', scheme, host, target: path }, indexHosts([about]));
  }

  test.each([
    ['/', 'the app `blog/web` answers'],
    ['/a', 'the app `blog/web` answers, to requests from 10.0.0.0/8, 192.168.0.1; 403 to others'],
    ['/none', 'the app `blog/web` answers, to requests from nowhere; 403 to others'],
    ['/users', 'the app `blog/web` answers, to requests with a password; 401 to others'],
    ['/both', 'the app `blog/web` answers, to requests from 10.0.0.0/8 and with a password; 403 to others'],
    ['/either', 'the app `blog/web` answers, to requests from 10.0.0.0/8 or with a password; 401 to others'],
    ['/files/b', 'a file of the alias `/files`'],
    ['/files/a/b', 'a file of the alias `/files`, to requests from 10.0.0.0/8; 403 to others'],
    ['/old', '301 to /new, because of `http.redirects`'],
    ['/gone', '410: the definition says that it is gone'],
    ['/%zz', '400: the path leads above its root, or is wrongly encoded'],
    ['/files', '301 to /files/, because of `media`'],
  ])('%s: %s', (path, answer) => {
    expect(answerOf(meaning(path))).toBe(answer);
  });

  test('a name nobody has, one that is not canonical, http where https is', () => {
    expect(answerOf(meaning('/', 'other.org'))).toBe('404: no project has this hostname');
    expect(answerOf(meaning('/x', 'www.blog.org'))).toBe('301 to http://blog.org/x, because of `http.canonical`');
    expect(answerOf(meaning('/x', 'blog.org', { ...site, tls: { redirect: true } }))).toBe(
      '301 to https://blog.org/x, because of `tls.redirect`',
    );
  });

  const GENERAL = ['setting http.timeout 18:3', 'setting http.hsts 19:3', 'setting http.compress 20:3'];
  const [, ...OF_FILES] = GENERAL;
  test.each<[path: string, host: string, ...lines: string[]]>([
    ['/', 'blog.org', 'hostname blog.org 1:27', ...GENERAL, 'app web, which has `/` 3:3'],
    ['/api/x', 'blog.org', 'hostname blog.org 1:27', ...GENERAL, 'app api, which has `/api` 4:3'],
    [
      '/a',
      'blog.org',
      'hostname blog.org 1:27',
      'setting http.access./a 12:5',
      ...GENERAL,
      'app web, which has `/` 3:3',
    ],
    [
      '/files/a/b',
      'blog.org',
      'hostname blog.org 1:27',
      'setting http.access./files/a/ 17:5',
      ...OF_FILES,
      'media /files 6:3',
    ],
    ['/files/b', 'blog.org', 'hostname blog.org 1:27', ...OF_FILES, 'media /files 6:3'],
    ['/files', 'blog.org', 'hostname blog.org 1:27', 'media /files 6:3'],
    ['/all/b', 'blog.org', 'hostname blog.org 1:27', ...OF_FILES, 'media /all 7:3'],
    ['/old', 'blog.org', 'hostname blog.org 1:27', 'setting http.redirects./old 10:16'],
    ['/gone/x', 'blog.org', 'hostname blog.org 1:27', 'setting http.redirects./gone/ 10:28'],
    ['/x', 'www.blog.org', 'hostname www.blog.org 1:13', 'setting http.canonical 9:3'],
    ['/x', 'x.blog.org', 'hostname *.blog.org 1:37', 'setting http.canonical 9:3'],
    ['/%zz', 'blog.org'],
    ['/', 'other.org'],
  ])('%s of %s is decided by these lines', (path, host, ...lines) => {
    expect(placed(meaning(path, host), project, file)).toEqual(lines);
  });

  test('https is decided by the line of `tls`; what nobody wrote has no line', async () => {
    const text = DEFINITION.replace(', "*.blog.org"', '').replace('media:', 'tls: { acme: http }\nmedia:');
    const world = await World.with({ blog: text });
    world.source('blog', { 'files/a.txt': 'a', users: 'ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n' });
    const { projects, files } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
    const about = outlineOf(projects[0]!);
    const redirect = meaning('/', 'blog.org', about);
    expect(placed(redirect, projects[0], files.get('blog'))).toEqual(['hostname blog.org 1:27', 'setting tls 5:1']);
    expect(placesOf(redirect, undefined, files.get('blog'))).toEqual([]);
    expect(placesOf(redirect, projects[0], undefined)).toEqual([]);
  });

  test('files that a runtime collects are the doing of their app', async () => {
    const world = await World.with({
      site: `hostnames: [a.org]\napps:\n  web: { runtime: django, source: /src/site }\n  more: { image: m, port: 1, path: /m }\n`,
    });
    world.source('site', {
      'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")',
      'requirements.txt': 'Django',
    });
    const { projects, files } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
    const found = meaning('/static/a.css', 'a.org', outlineOf(projects[0]!));
    expect(answerOf(found)).toBe('a file of the alias `/static`');
    expect(placed(found, projects[0], files.get('site'))).toEqual(['hostname a.org 1:13', 'media /static 3:3']);
    // A path that nobody has: only the hostname is to be seen.
    const [first] = projects;
    const without = { ...outlineOf(first!), routes: [] };
    const nothing = meaning('/x', 'a.org', without);
    expect(answerOf(nothing)).toBe('404: no app and no alias of the project answers this path');
    expect(placed(nothing, first, files.get('site'))).toEqual(['hostname a.org 1:13']);
  });
});

function placed(meaning: Meaning<Site>, project: Project | undefined, file: YamlFile | undefined): string[] {
  return placesOf(meaning, project, file).map(({ what, text, line, column }) => `${what} ${text} ${line}:${column}`);
}

const site = (project: string, ...names: string[]): Site => ({
  project,
  hostnames: names.map((text) => {
    const parsed = parseHostname(text);
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.value;
  }),
  routes: [],
  maxBody: 0,
});

test('hostnames of others that fit as well, and never those of the same project', () => {
  const sites = [site('all', '*.org', '*g'), site('shop', 'www.shop.org', '*.shop.org'), site('zoo', 'zoo.org')];
  const outranked = (host: string): string[] => {
    const entries = hostnamesFor(host, indexHosts(sites));
    return outrankedBy(entries[0]!, entries);
  };
  expect(outranked('www.shop.org')).toEqual([
    '`*.org` of all fits as well: exact names come before names such as `*.example.org`',
    '`*g` of all fits as well: exact names come before globs',
  ]);
  expect(outranked('x.shop.org')).toEqual([
    '`*.org` of all fits as well: the longer one wins',
    '`*g` of all fits as well: names such as `*.example.org` come before globs',
  ]);
  expect(outranked('other.org')).toEqual([]);
  // Of one that is not the strongest, only those are named that it beats.
  const entries = hostnamesFor('x.shop.org', indexHosts(sites));
  expect(outrankedBy(entries[1]!, entries)).toEqual([]);
});

describe('a name that nobody has', () => {
  const sites = [site('shop', 'www.shop.org', '*.tail.org'), site('zoo', 'zoo.org', 'www.bare.org', '*.bare.org')];
  const causes = (host: string, broken: string[] = []): string[] =>
    nobodysCauses(host, broken, sites).map(({ text, hint }) => `${text} → ${hint}`);

  test.each([
    ['shop.org', 'shop has `www.shop.org`, `*.tail.org` → add `shop.org` to its hostnames'],
    ['a.zoo.org', 'zoo has `zoo.org`, `www.bare.org`, `*.bare.org` → add `a.zoo.org` to its hostnames'],
    ['tail.org', '`*.tail.org` of shop needs a label in front of it → add `tail.org` to its hostnames'],
    ['bare.org', '`*.bare.org` of zoo needs a label in front of it → add `bare.org` to its hostnames'],
  ])('%s', (host, cause) => {
    expect(causes(host)).toEqual([cause]);
  });

  test('that is like no other, and what was left out', () => {
    expect(causes('else.net')).toEqual([]);
    expect(causes('a.b.zoo.org')).toEqual([]);
    expect(causes('shop.org', ['projects/a.yaml', 'projects/b.yaml'])).toEqual([
      'shop has `www.shop.org`, `*.tail.org` → add `shop.org` to its hostnames',
      'projects/a.yaml has problems and was left out → hostctl validate',
      'projects/b.yaml has problems and was left out → hostctl validate',
    ]);
  });
});
