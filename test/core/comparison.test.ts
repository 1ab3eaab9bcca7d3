import { describe, expect, test } from 'vitest';
import { type Compared, compare, verdictOf } from '../../src/core/comparison.ts';
import type { Reply, WebAsk } from '../../src/core/reply.ts';

const site: Compared = {
  own: (host) => host === 'www.blog.org' || host === 'blog.org',
  aliases: ['/media'],
  collected: ['/static'],
  ruled: ['/old'],
  sticky: ['hostctl_web'],
  ports: [8080, 8081],
  scheme: 'http',
};

function reply(status: number, headers: Record<string, string | string[]> = {}, text?: string): Reply {
  const lists = Object.entries(headers).map(([name, value]) => [name, [value].flat()] as const);
  const body = {
    hash: `hash of ${text}`,
    bytes: text?.length ?? 0,
    whole: true,
    ...(text === undefined ? {} : { text }),
  };
  return { status, headers: Object.fromEntries(lists), body };
}
const page = (text: string, headers: Record<string, string | string[]> = {}): Reply =>
  reply(200, { 'content-type': 'text/html; charset=utf-8', ...headers }, text);
const to = (location: string, status = 301): Reply => reply(status, { location });

function found(there: Reply, here: Reply, path = '/', more: Partial<WebAsk> = {}, about = site): string[] {
  const ask: WebAsk = { method: 'GET', host: 'www.blog.org', path, headers: {}, timeout: 1, ...more };
  return compare(ask, there, here, about).map(({ what, reason }) =>
    reason === undefined ? what : `${what}: ${reason}`,
  );
}

const LISTING = '<html><head><title>Index of /media</title>';
const APACHE_404 = '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<title>404 Not Found</title>';
const NGINX_404 = '<html><center>nginx</center></html>';

describe('statuses', () => {
  test.each<[string, Reply, Reply, string, string[]]>([
    ['the same', page('a'), page('a'), '/', []],
    ['gone', page('a'), reply(404, {}, NGINX_404), '/', ['status']],
    ['an error', page('a'), reply(502), '/', ['status']],
    ['listed', page(LISTING), reply(404), '/media/', ['status: listing']],
    ['a page of that name', page(LISTING), reply(404), '/media/index.html', ['status']],
    ['not listed', reply(403), reply(404), '/media/', ['status: listing']],
    ['closed there and open here', reply(403), page('a'), '/media/', ['status']],
    ['closed there and a file here', reply(403), reply(404), '/media/a', ['status']],
    ['a folder without slash', to('/media/sub/'), reply(404), '/media/sub', ['status: listing']],
    ['led elsewhere', to('/media/other/'), reply(404), '/media/sub', ['status']],
    ['hidden', page('a'), reply(404), '/media/.secret', ['status: hidden']],
    ['served although hidden', reply(403), page('a'), '/.htpasswd', ['status']],
    ['a well-known place', page('a'), reply(404), '/.well-known/security.txt', ['status']],
    ['an alias without slash', reply(404), to('/media/'), '/media', ['status: alias-slash']],
    ['a redirect of something else', reply(404), to('/media/'), '/medium', ['status']],
    ['collected', reply(404), page('a'), '/static/a.css', ['status: collected']],
    ['not collected', reply(404), page('a'), '/statics', ['status']],
    ['a redirect of the bare path', reply(404), to('/new'), '/old', ['status: edge']],
    ['with its slash', reply(404), to('/new'), '/old/?q', ['status: edge']],
    ['something below', reply(404), to('/new'), '/old/a', ['status']],
    ['a page there', page('a'), to('/new'), '/old', ['status']],
    ['see other', to('/a', 303), to('/a', 302), '/', ['status: see-other']],
    ['see something else', to('/a', 303), to('/b', 302), '/', ['status']],
    ['for a while', to('/a', 302), to('/a', 301), '/', ['status']],
    ['encoded slash', reply(404), page('a'), '/a%2Fb', ['status: encoded-slash']],
  ])('%s', (_, there, here, path, expected) => {
    expect(found(there, here, path)).toEqual(expected);
  });

  test('no answer is a difference, also when nobody answers', () => {
    const ask: WebAsk = { method: 'GET', host: 'www.blog.org', path: '/', headers: {}, timeout: 1 };
    const failed = { failed: 'no answer in time' };
    expect(compare(ask, page('a'), failed, site)).toEqual([
      { what: 'answer', there: '200', here: 'no answer in time' },
    ]);
    expect(compare(ask, failed, failed, site)[0]).toMatchObject({ what: 'answer', remark: 'neither server answered' });
  });
});

describe('redirects', () => {
  test.each([
    ['/a', 'http://www.blog.org/a', []],
    ['http://www.blog.org:8080/a', '/a', []],
    ['http://blog.org/a', 'http://www.blog.org/a', ['redirect']],
    ['https://www.blog.org/a', 'http://www.blog.org/a', ['redirect']],
    ['https://elsewhere.org/a', 'https://elsewhere.org/a', []],
    ['http://elsewhere.org:8080/a', 'http://elsewhere.org/a', ['redirect']],
    ['/a?q=1', '/a', ['redirect']],
    ['/a/', '/a', ['redirect']],
    ['https://elsewhere.org', 'https://elsewhere.org/', []],
    ['//elsewhere.org/a', '/a', ['redirect']],
  ])('%s and %s', (there, here, expected) => {
    expect(found(to(there), to(here))).toEqual(expected);
  });

  test('the scheme does not count when the servers are asked over different ones', () => {
    const mixed: Compared = { ...site, scheme: 'mixed' };
    const pair = [to('http://www.blog.org/a'), to('https://www.blog.org/a')] as const;
    expect(found(...pair, '/', {}, mixed)).toEqual([]);
    expect(found(to('http://x.org/'), to('https://x.org/'), '/', {}, mixed)).toEqual(['redirect']);
  });
});

describe('types', () => {
  test.each([
    ['text/html', 'text/html; charset=utf-8', ['type: charset']],
    ['text/html; charset=iso-8859-1', 'text/html; charset=utf-8', ['type']],
    ['text/html; charset=UTF-8', 'Text/HTML;charset="utf-8"', []],
    ['text/html; charset=utf-8', 'text/html', ['type']],
    ['application/javascript', 'text/javascript', ['type: type']],
    ['image/x-icon', 'image/vnd.microsoft.icon', ['type: type']],
    ['text/html', 'text/plain', ['type']],
    ['', 'application/octet-stream', ['type: type']],
    ['', 'text/plain', ['type']],
  ])('%s and %s', (there, here, expected) => {
    const typed = (type: string): Reply => reply(200, type === '' ? {} : { 'content-type': type }, 'a');
    expect(found(typed(there), typed(here))).toEqual(expected);
  });
});

describe('bodies', () => {
  test.each<[string, Reply, Reply, Partial<WebAsk>, string[]]>([
    ['other text', page('a'), page('b'), {}, ['body']],
    ['other bytes', reply(200), { ...reply(200), body: { hash: 'x', bytes: 1, whole: true } }, {}, ['body']],
    ['HEAD has none', page('a'), page('b'), { method: 'HEAD' }, []],
    ['redirects have none worth a look', { ...to('/a'), body: page('x').body }, to('/a'), {}, []],
    [
      'Apache and nginx each say it their way',
      reply(404, {}, APACHE_404),
      reply(404, {}, NGINX_404),
      {},
      ['body: error-page'],
    ],
    ['a page of the user took the place', reply(404, {}, APACHE_404), reply(404, {}, 'mine'), {}, ['body: error-page']],
    ['a page of the user is missing', reply(404, {}, 'mine'), reply(404, {}, NGINX_404), {}, ['body']],
    [
      'a page of the app where files are collected',
      reply(404, {}, 'mine'),
      reply(404, {}, NGINX_404),
      { path: '/static/a' },
      ['body: collected'],
    ],
    [
      'form tokens',
      page('<input name="csrfmiddlewaretoken" value="a">'),
      page('<input name="csrfmiddlewaretoken" value="bc">'),
      {},
      [],
    ],
    [
      'links to itself',
      page('<a href="http://www.blog.org:8080/x">'),
      page('<a href="https://www.blog.org/x">'),
      {},
      [],
    ],
    [
      'links to a name that only begins so',
      page('http://www.blog.org.evil/'),
      page('https://www.blog.org.evil/'),
      {},
      ['body'],
    ],
  ])('%s', (_, there, here, more, expected) => {
    expect(found(there, here, '/', more)).toEqual(expected);
  });

  test('what was not read is told', () => {
    const cut = { ...page('a'), body: { hash: 'x', bytes: 9, whole: false } };
    expect(found(cut, cut)).toEqual(['body: note']);
  });
});

test('cookies by name, caching as a note', () => {
  const cookies = (...lines: string[]): Reply => page('a', { 'set-cookie': lines });
  expect(found(cookies('a=1; Path=/'), cookies('a=2'))).toEqual([]);
  expect(found(cookies('a=1'), cookies())).toEqual(['cookies']);
  expect(found(cookies('a=1'), cookies('a=1', 'hostctl_web=1'))).toEqual(['cookies: sticky']);
  expect(found(cookies(), cookies('other=1'))).toEqual(['cookies']);
  expect(found(page('a'), page('a', { 'cache-control': 'max-age=1' }))).toEqual(['cache: note']);
});

test('a verdict is that of the worst finding', () => {
  const finding = { what: 'type', there: 'a', here: 'b' } as const;
  expect(verdictOf([])).toBe('same');
  expect(verdictOf([{ ...finding, reason: 'note' }])).toBe('same');
  expect(
    verdictOf([
      { ...finding, reason: 'note' },
      { ...finding, reason: 'charset' },
    ]),
  ).toBe('intended');
  expect(verdictOf([{ ...finding, reason: 'charset' }, finding])).toBe('different');
});
