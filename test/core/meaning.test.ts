import { describe, expect, test } from 'vitest';
import { parseHostname, hostnamePattern, sampleName } from '../../src/core/hostnames.ts';
import { hostName, hostnamesFor, indexHosts, pathOf, type Routed, routeFor } from '../../src/core/match.ts';
import { isHidden, meaningOf, type WebRequest } from '../../src/core/meaning.ts';
import type { RouteSettings } from '../../src/core/settings.ts';

const hostnames = (...names: string[]) =>
  names.map((name) => {
    const parsed = parseHostname(name);
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.value;
  });
const app = (path: string, name: string) => ({ path, target: { to: 'app' as const, app: name } });
const media = (path: string, file = false) => ({ path, target: { to: 'media' as const, file } });
const site = (settings?: RouteSettings, more: Partial<Routed> = {}): Routed => ({
  project: 'shop',
  hostnames: hostnames('a.org', 'www.a.org'),
  routes: [app('/', 'web'), app('/api', 'api'), media('/files'), media('/robots.txt', true)],
  ...(settings ? { settings } : {}),
  ...more,
});
const ask = (target: string, of: Routed = site(), more: Partial<WebRequest> = {}) =>
  meaningOf({ method: 'GET', scheme: 'http', host: 'a.org', target, ...more }, indexHosts([of]));
/** As much of a meaning as a visitor sees. */
const seen = (...args: Parameters<typeof ask>): string => {
  const meaning = ask(...args);
  if (meaning.to === 'redirect') return `${meaning.by} ${meaning.status} ${meaning.location}`;
  if (meaning.to === 'refused' || meaning.to === 'nothing') return `${meaning.to} ${meaning.status}: ${meaning.why}`;
  if (meaning.to === 'nobody') return `nobody ${meaning.host}`;
  return `${meaning.to} ${meaning.route.path}${meaning.access ? ` for ${meaning.access.realm}` : ''}`;
};

describe('a request', () => {
  test.each<[string, Partial<WebRequest>, string]>([
    ['/', {}, 'app /'],
    ['/api', {}, 'app /api'],
    ['/api/x', { method: 'DELETE' }, 'app /api'],
    ['/apix', {}, 'app /'],
    ['/files/a', {}, 'media /files'],
    ['/files', {}, 'media 301 /files/'],
    ['/files?a=b#c', {}, 'media 301 /files/?a=b'],
    ['/files?#c', {}, 'media 301 /files/'],
    ['/files', { method: 'POST' }, 'media 301 /files/'],
    ['/files/a', { method: 'HEAD' }, 'media /files'],
    ['/files/a', { method: 'POST' }, 'nothing 405: files are read, not written: `POST` is not for them'],
    ['/files/a', { method: 'GETX' }, 'nothing 405: files are read, not written: `GETX` is not for them'],
    ['/files/a', { method: 'XHEAD' }, 'nothing 405: files are read, not written: `XHEAD` is not for them'],
    ['/files/.git/a', {}, 'nothing 404: hidden files are never served'],
    ['/files/a/.b', { method: 'POST' }, 'nothing 404: hidden files are never served'],
    ['/files/.well-known/a', {}, 'media /files'],
    ['/robots.txt', {}, 'media /robots.txt'],
    ['/robots.txt', { method: 'PUT' }, 'nothing 405: files are read, not written: `PUT` is not for them'],
    ['/robots.txt/', {}, 'app /'],
    ['/', { method: 'TRACE' }, 'refused 405: TRACE is never passed on'],
    ['/', { method: 'CONNECT' }, 'refused 405: CONNECT is never passed on'],
    ['/', { method: 'TRACES' }, 'app /'],
    ['/', { method: 'XTRACE' }, 'app /'],
    ['/..', {}, 'refused 400: the path leads above its root, or is wrongly encoded'],
    ['/', { host: undefined }, 'nobody undefined'],
    ['/', { host: 'a@b' }, 'nobody undefined'],
    ['/', { host: 'B.org:80' }, 'nobody b.org'],
    ['/', { host: 'WWW.A.org.:8080' }, 'app /'],
  ])('of %s, %j is %s', (target, more, expected) => {
    expect(seen(target, site(), more)).toBe(expected);
  });

  test('of a path nobody answers is told so', () => {
    const routes = [media('/files')];
    expect(seen('/x', site(undefined, { routes }))).toBe(
      'nothing 404: no app and no alias of the project answers this path',
    );
    // A folder at the root has no other spelling.
    expect(seen('/', site(undefined, { routes: [media('/')] }))).toBe('media /');
  });

  test('says whose it is', () => {
    expect(ask('/api/x')).toMatchObject({
      to: 'app',
      site: { project: 'shop' },
      hostname: { name: 'a.org' },
      path: '/api/x',
      route: { path: '/api' },
    });
    expect(ask('/api/x')).not.toHaveProperty('access');
  });
});

describe('a whole site', () => {
  const secure = site(undefined, { tls: { redirect: true } });
  test.each<[string, Routed, Partial<WebRequest>, string]>([
    ['/a?b', secure, {}, 'tls 301 https://a.org/a?b'],
    ['/a', secure, { method: 'HEAD' }, 'tls 301 https://a.org/a'],
    ['/a', secure, { method: 'POST' }, 'tls 308 https://a.org/a'],
    ['/a', secure, { scheme: 'https' }, 'app /'],
    ['/a', site(undefined, { tls: { redirect: false } }), {}, 'app /'],
    ['/.well-known/acme-challenge/x', secure, {}, 'app /'],
    ['/x/.well-known/acme-challenge/x', secure, {}, 'tls 301 https://a.org/x/.well-known/acme-challenge/x'],
    ['/.well-known/acme-challenge', secure, {}, 'tls 301 https://a.org/.well-known/acme-challenge'],
    ['/a', site({ canonical: 'www.a.org' }), {}, 'canonical 301 http://www.a.org/a'],
    ['/a', site({ canonical: 'www.a.org' }), { method: 'PUT', scheme: 'https' }, 'canonical 308 https://www.a.org/a'],
    ['/a', site({ canonical: 'a.org' }), {}, 'app /'],
    ['/a', site({ canonical: 'a.org' }), { host: 'A.ORG:80' }, 'app /'],
    ['/a', site({ canonical: 'www.a.org' }, { tls: { redirect: true } }), {}, 'tls 301 https://a.org/a'],
  ])('at %s', (target, of, more, expected) => {
    expect(seen(target, of, more)).toBe(expected);
  });

  const guarded = site({
    access: [
      { path: '/api/admin', allow: [], realm: 'admin', either: false },
      { path: '/files', allow: [], realm: 'files', either: false },
    ],
  });
  const dots = 'nothing 400: a site with `access` takes no paths with `.` or `..`';
  test.each([
    ['/api/admin', 'app /api for admin'],
    ['/api/admin/x', 'app /api for admin'],
    ['/api/administer', 'app /api'],
    ['/files/x', 'media /files for files'],
    ['/api/../files/x', dots],
    ['/api/./x', dots],
    ['/api/%2e%2E/x', dots],
    ['/api/..', dots],
    ['/api/..?x', dots],
    ['/api%2f..%2fx', dots],
    ['/api%5c.%5Cx', dots],
    ['/api\\..\\x', dots],
    ['/api;..;x', dots],
    ['/api%3b.%3Bx', dots],
    ['/api/...', 'app /api'],
    ['/api/.x', 'app /api'],
    ['/api/x.', 'app /api'],
    ['/api/x?a=/../b', 'app /api'],
  ])('with rules for some paths, at %s', (target, expected) => {
    expect(seen(target, guarded)).toBe(expected);
  });

  test('without rules takes dots as they come', () => {
    expect(seen('/api/../x')).toBe('app /');
  });
});

describe('a redirect', () => {
  const of = site({
    redirects: [
      { path: '/old/one', to: '/single', status: 301, exact: true },
      { path: '/query', to: '/x?y=z', status: 302, exact: true },
      { path: '/part', to: '/x#y', status: 302, exact: true },
      { path: '/gone', status: 410, exact: false },
      { path: '/old', to: '/new/', status: 301, exact: false },
      { path: '/see', to: 'https://b.org', status: 302, exact: false },
      { path: '/', to: '/start', status: 307, exact: true },
    ],
  });
  test.each<[string, string, string]>([
    ['/old', 'GET', 'redirects 301 /new/'],
    ['/old/', 'GET', 'redirects 301 /new/'],
    ['/old/a/b?q=1', 'GET', 'redirects 301 /new/a/b?q=1'],
    ['/old/a', 'POST', 'redirects 308 /new/a'],
    ['/older', 'GET', 'app /'],
    ['/old/one', 'GET', 'redirects 301 /single'],
    ['/old/one/', 'GET', 'redirects 301 /single'],
    ['/old/one/x', 'GET', 'redirects 301 /new/one/x'],
    ['/query?a', 'GET', 'redirects 302 /x?y=z'],
    ['/part?a', 'GET', 'redirects 302 /x#y'],
    ['/see/a', 'GET', 'redirects 302 https://b.org/a'],
    ['/see', 'PUT', 'redirects 307 https://b.org'],
    ['/', 'GET', 'redirects 307 /start'],
    ['/x', 'GET', 'app /'],
    ['/gone/x', 'GET', 'nothing 410: the definition says that it is gone'],
  ])('of %s by %s: %s', (target, method, expected) => {
    expect(seen(target, of, { method })).toBe(expected);
  });
});

describe('what is looked up', () => {
  test('is the strongest hostname, and of two sites with one the first by name', () => {
    const named = (project: string, ...names: string[]): Routed =>
      site(undefined, { project, hostnames: hostnames(...names) });
    const all = [
      named('z', 'a.org', '*.a.org', 'www.*', '*a.org'),
      named('b', 'a.org', '*.org', 'www.a.*'),
      named('a', '*.b.a.org', '*.*a.org'),
    ];
    const found = (name: string): string[] =>
      hostnamesFor(name, indexHosts(all)).map((entry) => `${entry.site.project} ${entry.hostname.name}`);
    expect(found('a.org')).toEqual(['b a.org', 'b *.org', 'z *a.org']);
    expect(found('www.a.org')).toEqual(['z *.a.org', 'b *.org', 'b www.a.*', 'z www.*', 'a *.*a.org', 'z *a.org']);
    expect(found('x.b.a.org')).toEqual(['a *.b.a.org', 'z *.a.org', 'b *.org', 'a *.*a.org', 'z *a.org']);
    expect(found('www')).toEqual([]);
    expect(found('org')).toEqual([]);
  });

  test.each([
    ['A.org', 'a.org'],
    ['a.org.', 'a.org'],
    ['a.org:80', 'a.org'],
    ['a.org:', 'a.org'],
    ['a.org.:80', 'a.org'],
    ['a_b.org', 'a_b.org'],
    ['localhost', 'localhost'],
    ['a..org', undefined],
    ['.a.org', undefined],
    ['a.org..', undefined],
    ['[::1]:80', undefined],
    ['a b', undefined],
    ['', undefined],
    ['a.org:80:80', undefined],
  ])('the host %j as %j', (host, name) => {
    expect(hostName(host)).toBe(name);
  });

  test.each([
    ['/a/%2e', '/a/'],
    ['/a/b.', '/a/b.'],
    ['/a/...', '/a/...'],
    ['/%41%c3%A4', '/A\u00c3\u00a4'],
    ['/a%0', undefined],
    ['/a%g0', undefined],
    ['/a%00b', undefined],
    ['/.', '/'],
    ['/a/../..', undefined],
    ['/a//', '/a/'],
    ['', undefined],
    ['?a', undefined],
    ['a/b', undefined],
  ])('the target %s as %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });

  test('a path of no route is nobody’s', () => {
    expect(routeFor('/x', [app('/a', 'web')])).toBeUndefined();
    expect(routeFor('/ab', [app('/a', 'web')])).toBeUndefined();
    expect(routeFor('/a/b', [media('/a', true)])).toBeUndefined();
    expect(routeFor('/a/b', [app('/', 'x'), app('/a', 'web')])?.path).toBe('/a');
  });

  test.each([
    ['/.git', true],
    ['/a/.b/c', true],
    ['/a.b/c.', false],
    ['/.well-known/a', false],
    ['/.well-known', true],
    ['/.well-knownx/a', true],
    ['/', false],
  ])('%s is hidden: %j', (path, hidden) => {
    expect(isHidden(path)).toBe(hidden);
  });
});

test.each([
  ['a.org', '^a\\.org$', 'a.org'],
  ['*.a.org', '^[a-z0-9_-]+(\\.[a-z0-9_-]+)*\\.a\\.org$', 'hostctl-probe.a.org'],
  ['www.a.*', '^www\\.a\\.[a-z0-9._-]+$', 'www.a.example'],
  ['*a.org', '^(?:[a-z0-9_-][a-z0-9._-]*)?a\\.org$', 'a.org'],
  ['a*?.org', '^a[a-z0-9._-]*[a-z0-9._-]\\.org$', 'aaa.org'],
  ['*.a*.org', '^(?:[a-z0-9_-][a-z0-9._-]*)?\\.a[a-z0-9._-]*\\.org$', 'a.aa.org'],
  ['a.*b.org', '^a\\.[a-z0-9._-]*b\\.org$', 'a.ab.org'],
])('%s is matched by %s and asked for as %s', (name, pattern, sample) => {
  const [hostname] = hostnames(name);
  expect([hostnamePattern(hostname!), sampleName(hostname!)]).toEqual([pattern, sample]);
});
