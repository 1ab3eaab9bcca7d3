import { describe, expect, test } from 'vitest';
import { type Compared, compare, verdictOf } from '../../src/core/comparison.ts';
import type { Reply, WebAnswer, WebAsk } from '../../src/core/reply.ts';

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

describe('in words', () => {
  const told = (there: WebAnswer, here: WebAnswer, path = '/', more: Partial<WebAsk> = {}, about = site): string[] =>
    compare({ method: 'GET', host: 'www.blog.org', path, headers: {}, timeout: 1, ...more }, there, here, about).map(
      (item) =>
        `${item.what}: ${item.there} | ${item.here}${item.reason ? ` (${item.reason})` : ''}${item.remark ? `: ${item.remark}` : ''}`,
    );
  const SECURE = 'https://www.blog.org/';

  test.each<[what: string, there: Reply, here: Reply, ...expected: string[]]>([
    ['a status', page('a'), reply(500), 'status: 200 | 500'],
    ['a status with its target', to('/a'), reply(500), 'status: 301 /a | 500'],
    ['both with targets', to('/a', 303), to('/b', 302), 'status: 303 /a | 302 /b'],
    ['too many there', reply(429), page('a'), 'status: 429 | 200: requests are limited: verify with --parallel 1'],
    ['too many here', page('a'), reply(429), 'status: 200 | 429: requests are limited: verify with --parallel 1'],
    ['no app', page('a'), reply(502), 'status: 200 | 502: the app does not answer: hostctl logs NAME'],
    ['no app in time', page('a'), reply(504), 'status: 200 | 504: the app does not answer: hostctl logs NAME'],
    ['no app there', reply(502), page('a'), 'status: 502 | 200'],
    ...[401, 403].flatMap((status): [string, Reply, Reply, string][] => [
      [
        'nobody may there',
        reply(status),
        page('a'),
        `status: ${status} | 200: who may see this: the two servers may know this machine under different addresses`,
      ],
      [
        'nobody may here',
        page('a'),
        reply(status),
        `status: 200 | ${status}: who may see this: the two servers may know this machine under different addresses`,
      ],
    ]),
    [
      'https there',
      to(SECURE),
      page('a'),
      `status: 301 ${SECURE} | 200: the other server leads to https: compare with --against https://…`,
    ],
    ['https here', page('a'), to(`${SECURE}x`), `status: 200 | 301 ${SECURE}x: hostctl leads to https here`],
    ['https elsewhere', page('a'), to('https://www.blog.org.evil/'), 'status: 200 | 301 https://www.blog.org.evil/'],
    ['what is meant has no remark', reply(403), reply(404), 'status: 403 | 404 (listing)'],
    ['a redirect', to('/a'), to('/b'), 'redirect: http://www.blog.org/a | http://www.blog.org/b'],
    ['a redirect to nowhere', reply(301), to('/b'), 'redirect:  | http://www.blog.org/b'],
    ['a redirect that is none', to('http://['), to('/b'), 'redirect: http://[ | http://www.blog.org/b'],
    [
      'types',
      reply(200, { 'content-type': 'text/plain; charset=a' }, 'a'),
      reply(200, {}, 'a'),
      'type: text/plain; charset=a | none',
    ],
    [
      'types of other names',
      reply(200, {}, 'a'),
      reply(200, { 'content-type': 'application/octet-stream' }, 'a'),
      'type: none | application/octet-stream (type)',
    ],
    [
      'bodies',
      { ...reply(200), body: { hash: '0123456789abcdef', bytes: 3, whole: true } },
      { ...reply(200), body: { hash: 'fedcba9876543210', bytes: 4, whole: true } },
      'body: 3 bytes, 0123456789ab | 4 bytes, fedcba987654',
    ],
    [
      'pages of the servers',
      reply(404, {}, APACHE_404),
      reply(404, {}, NGINX_404),
      "body: the server's own page | the server's own page (error-page)",
    ],
    [
      'a page of the server, and one of the user',
      reply(404, {}, APACHE_404),
      reply(404, {}, 'mine'),
      "body: the server's own page | 4 bytes, hash of mine (error-page)",
    ],
    [
      'a beginning',
      { ...page('a'), body: { hash: 'x', bytes: 9, whole: false } },
      { ...page('a'), body: { hash: 'x', bytes: 9, whole: true } },
      'body: the first 9 bytes | the first 9 bytes (note): the rest was not read',
    ],
    [
      'the same beginning of what is longer here',
      { ...page('a'), body: { hash: 'x', bytes: 9, whole: true } },
      { ...page('a'), body: { hash: 'x', bytes: 9, whole: false } },
      'body: the first 9 bytes | the first 9 bytes (note): the rest was not read',
    ],
    [
      'cookies',
      page('a', { 'set-cookie': ['b=1', 'a=2; Path=/'] }),
      page('a', { 'set-cookie': ['c=1'] }),
      'cookies: a b | c',
    ],
    ['no cookies there', page('a'), page('a', { 'set-cookie': ['a=1', 'b=1'] }), 'cookies: none | a b'],
    ['no cookies here', page('a', { 'set-cookie': ['a=1'] }), page('a'), 'cookies: a | none'],
    [
      'cookies whose names only look alike together',
      page('a', { 'set-cookie': ['ab=1', 'c=1'] }),
      page('a', { 'set-cookie': ['a=1', 'bc=1'] }),
      'cookies: ab c | a bc',
    ],
    [
      'the cookie of a replica',
      page('a'),
      page('a', { 'set-cookie': ['hostctl_web=1'] }),
      'cookies: none | hostctl_web (sticky)',
    ],
    [
      'the cookie of a replica that both set',
      page('a', { 'set-cookie': ['hostctl_web=1'] }),
      page('a', { 'set-cookie': ['hostctl_web=2'] }),
    ],
    [
      'the cookie of a replica that is gone',
      page('a', { 'set-cookie': ['hostctl_web=1'] }),
      page('a'),
      'cookies: hostctl_web | none',
    ],
    [
      'how long it is kept',
      page('a', { 'cache-control': 'max-age=1', expires: 'tomorrow' }),
      page('a', { expires: 'today' }),
      'cache: max-age=1, Expires | Expires (note)',
    ],
    ['kept, and not', page('a', { expires: 'x' }), page('a'), 'cache: Expires | none (note)'],
    ['kept until another day', page('a', { expires: 'x' }), page('a', { expires: 'y' })],
  ])('%s', (_, there, here, ...expected) => {
    expect(told(there, here)).toEqual(expected);
  });

  test('several findings in their order', () => {
    const other = { 'content-type': 'text/plain', 'set-cookie': 'a=1', 'cache-control': 'no-store' };
    expect(told(page('a'), reply(200, other, 'b'))).toEqual([
      'type: text/html; charset=utf-8 | text/plain',
      'body: 1 bytes, hash of a | 1 bytes, hash of b',
      'cookies: none | a',
      'cache: none | no-store (note)',
    ]);
    expect(told(to('/a'), { ...to('/b'), headers: { location: ['/b'], 'set-cookie': ['a=1'] } })).toEqual([
      'redirect: http://www.blog.org/a | http://www.blog.org/b',
      'cookies: none | a',
    ]);
    const set = (answer: Reply): Reply => ({ ...answer, headers: { ...answer.headers, 'set-cookie': ['a=1'] } });
    expect(told(reply(404, {}, APACHE_404), set(reply(404, {}, NGINX_404))).slice(1)).toEqual(['cookies: none | a']);
    expect(told(reply(404, {}, 'mine'), set(reply(404, {}, NGINX_404)), '/static/a')).toEqual([
      "body: 4 bytes, hash of mine | the server's own page (collected)",
      'cookies: none | a',
    ]);
  });

  test('what neither server has to say anything about', () => {
    const failed = (why: string): WebAnswer => ({ failed: why });
    expect(told(failed('a'), failed('b'))).toEqual(['answer: a | b: neither server answered']);
    expect(told(failed('a'), reply(200))).toEqual(['answer: a | 200']);
    // HEAD shows no bodies, and of an error not even the type of one.
    const plain = (status: number): Reply => reply(status, { 'content-type': 'text/plain' });
    const none = (status: number): Reply => reply(status, { 'content-type': 'text/html' });
    expect(told(plain(404), none(404), '/', { method: 'HEAD' })).toEqual([]);
    expect(told(plain(200), none(200), '/', { method: 'HEAD' })).toEqual(['type: text/plain | text/html']);
    expect(told(plain(400), none(400))).toEqual(['type: text/plain | text/html']);
    expect(told(plain(200), none(200))).toEqual(['type: text/plain | text/html']);
    const cut = { ...page('a'), body: { hash: 'x', bytes: 9, whole: false } };
    expect(told(cut, cut, '/', { method: 'HEAD' })).toEqual([]);
  });

  test.each<[what: string, there: Reply, here: Reply, path: string, reason: string | undefined]>([
    ['a hidden file', page('a'), reply(404), '/a/.env', 'hidden'],
    ['one that merely ends so', page('a'), reply(404), '/a.env', undefined],
    ['a hidden file that may not be seen', page('a'), reply(403), '/.env', undefined],
    ['a listing that may not be seen', page(LISTING), reply(403), '/media/', 'listing'],
    ['a listing that is gone', page(LISTING), reply(410), '/media/', undefined],
    ['a listing with a query', page(LISTING), reply(404), '/media/?C=N', 'listing'],
    ['a listing of a server error', reply(500, {}, LISTING), reply(404), '/media/', undefined],
    ['a folder whose slash is added elsewhere', to('http://x.org/sub/'), reply(404), '/sub', 'listing'],
    ['for a while', to('/sub/', 302), reply(404), '/sub', undefined],
    ['an alias that both complete', to('/media/'), to('/media/', 301), '/media', undefined],
    ['an alias led elsewhere', reply(404), to('/x'), '/media', undefined],
    ['an alias led for a while', reply(404), to('/media/', 302), '/media', undefined],
    ['the root that is ruled', reply(404), to('/new'), '/', undefined],
    ['an encoded slash, in either case', reply(404), page('a'), '/a%2fb', 'encoded-slash'],
    ['an encoded slash that is refused otherwise', reply(400), page('a'), '/a%2Fb', undefined],
  ])('%s', (_, there, here, path, reason) => {
    const [finding] = compare(
      { method: 'GET', host: 'www.blog.org', path, headers: {}, timeout: 1 },
      there,
      here,
      site,
    );
    expect(finding?.reason).toBe(reason);
  });

  test('ports and schemes of the two servers are no part of a target', () => {
    expect(told(to('http://www.blog.org:8081/a?b#c'), to('/a?b#c'))).toEqual([]);
    expect(told(to('http://www.blog.org:9000/a'), to('/a'))).toEqual([
      'redirect: http://www.blog.org:9000/a | http://www.blog.org/a',
    ]);
    const secure: Compared = { ...site, scheme: 'https' };
    expect(told(to('/a'), to('https://www.blog.org/a'), '/', {}, secure)).toEqual([]);
    const mixed: Compared = { ...site, scheme: 'mixed' };
    expect(told(to('/a?b#c'), to('https://www.blog.org/x'), '/', {}, mixed)).toEqual([
      'redirect: //www.blog.org/a?b#c | //www.blog.org/x',
    ]);
    expect(told(to('a'), to('/x/a'), '/x/b')).toEqual([]);
  });
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
