import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstAsks, mainHost, ownHosts, sampleHosts } from '../../src/core/asks.ts';
import { parseHostname } from '../../src/core/hostnames.ts';
import { linksIn, sitemapLinks } from '../../src/core/links.ts';
import { contentType, header, parseServer, type Reply } from '../../src/core/reply.ts';
import type { Route, Site } from '../../src/core/routes.ts';
import { compareTexts, compareTwice, normalised } from '../../src/core/steady.ts';

const hosts = (...names: string[]): Site['hostnames'] =>
  names.map((name) => {
    const parsed = parseHostname(name);
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.value;
  });

describe('two answers of each of two servers', () => {
  const page = (token: string, rest = 'the same'): string => `<p>${token}</p>\n<p>${rest} text and more of it</p>\n`;

  test.each<[string, [string, string], [string, string], string]>([
    ['a token each time', [page('a1'), page('b2')], [page('c3'), page('d4')], 'steady'],
    ['a token here only', [page('a1'), page('a1')], [page('c3'), page('d4')], 'steady'],
    ['other words besides', [page('a1'), page('b2')], [page('c3', 'not the'), page('d4', 'not the')], 'different'],
    ['no token, other words', [page('a'), page('a')], [page('b'), page('b')], 'different'],
    ['another number of words each time', [page('a\nb'), page('c')], [page('d'), page('e\nf\ng')], 'steady'],
    ['nothing that stays', ['a b c', 'd e f'], ['g h i', 'j k l'], 'unknown'],
    ['a token in every second word', ['a x b y', 'c x d y'], ['e x f y', 'g x h y'], 'steady'],
    ['more tokens than that', ['a x b c', 'd x e f'], ['g x h i', 'j x k l'], 'unknown'],
    ['a word that differs in front of a token', ['a 1', 'a 2'], ['b 3', 'b 4'], 'different'],
    ['a token there only', ['a x y', 'b x y'], ['a x y', 'a x y'], 'steady'],
    ['another number of words, and other lines', ['a\nb c', 'a\nb c'], ['a\nd', 'a\nd'], 'different'],
    ['as many lines that come as stay', ['a\nx', 'a\ny z'], ['a\nq', 'a\nr'], 'steady'],
    ['more lines that come than stay', ['a\nx\nw', 'a\ny z\nv'], ['a\nq\nt', 'a\nr\ns'], 'unknown'],
    ['lines in another order', ['a\nb\nc d', 'a\nb\nc d'], ['b\na\nc', 'b\na\nc'], 'different'],
    ['lines that come and go', ['x\ny\nz\n', 'q\n'], ['r\n', 's\nt\n'], 'unknown'],
  ])('%s: %s', (_, there, here, expected) => {
    expect(compareTexts(there, here)).toBe(expected);
  });

  test('a server that says the same twice differs from one that says something else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(compareTexts([a, a], [b, b]) === 'steady').toBe(a === b);
      }),
    );
  });

  test('texts are compared when every answer has one', () => {
    const text = (body: string): Reply => ({
      status: 200,
      headers: {},
      body: { hash: body, bytes: 1, whole: true, text: body },
    });
    const failed = { failed: 'late' };
    const link = (scheme: string): Reply => text(`<a href="${scheme}://x.org/">the same</a>`);
    expect(compareTwice([link('http'), link('http')], [link('https'), link('https')], 'x.org')).toBe('steady');
    expect(compareTwice([text('a b'), text('a b')], [text('a c'), text('a c')], 'x.org')).toBe('different');
    expect(compareTwice([failed, failed], [text('a'), text('a')], 'x.org')).toBe('different');
    expect(compareTwice([failed, text('a')], [text('a'), text('a')], 'x.org')).toBe('unknown');
    expect(compareTwice([text('a'), text('a')], [text('a'), text('b')], 'x.org')).toBe('unknown');
  });

  test('bytes are compared as a whole', () => {
    const bytes = (hash: string): Reply => ({ status: 200, headers: {}, body: { hash, bytes: 1, whole: true } });
    expect(compareTwice([bytes('a'), bytes('a')], [bytes('b'), bytes('b')], 'x.org')).toBe('different');
    expect(compareTwice([bytes('a'), bytes('c')], [bytes('b'), bytes('b')], 'x.org')).toBe('unknown');
    expect(compareTwice([bytes('a'), { failed: 'late' }], [bytes('b'), bytes('b')], 'x.org')).toBe('unknown');
  });
});

test.each([
  [
    '<input type="hidden" name="csrfmiddlewaretoken" value="x1">',
    '<input type="hidden" name="csrfmiddlewaretoken" value="">',
  ],
  [
    '<input value="x1" type=hidden name="_csrf"> <input name="q" value="x1">',
    '<input value="" type=hidden name="_csrf"> <input name="q" value="x1">',
  ],
  ['<INPUT NAME="_TOKEN" VALUE="x1">', '<INPUT NAME="_TOKEN" VALUE="">'],
  ['<a href="/?sid=a.b-c_1&amp;PHPSESSID=2&sessionid=3&side=4">', '<a href="/?sid=&amp;PHPSESSID=&sessionid=&side=4">'],
  ['<b data-nonce="x1" announce="y">', '<b data-nonce="" announce="y">'],
  [
    'http://xyorg/ http://x.org-a http://x.org: https://x.org:443.',
    'http://xyorg/ http://x.org-a http://x.org: https://x.org:443.',
  ],
  ['<meta name="csrf-token" content="x1">', '<meta name="csrf-token" content="">'],
  ['<script nonce="x1">', '<script nonce="">'],
  ['<a href="/a;jsessionid=X1?b">', '<a href="/a;jsessionid=?b">'],
  ['see HTTP://x.org:8080/a and https://x.org', 'see //x.org/a and //x.org'],
  ['see https://y.org and http://x.org.y and http://x.orgs', 'see https://y.org and http://x.org.y and http://x.orgs'],
])('%s is %s', (text, expected) => {
  expect(normalised(text, 'x.org')).toBe(expected);
});

describe('links', () => {
  const at = { host: 'x.org', path: '/blog/' };
  const own = (host: string): boolean => host === 'x.org' || host === 'www.x.org';

  test('of a page, to the site itself, that do nothing when followed', () => {
    const html = `<a href="a?b=1&amp;c=2#d">a</a> <a href='/x'>x</a> <img src=/i.png> <a href="https://www.x.org/y">
      <a href="http://other.org/">o</a> <a href="mailto:a@x.org">m</a> <a href="javascript:void 0">j</a>
      <a href="/accounts/logout/">out</a> <a href="/item/3/delete">d</a> <a href="/x">again</a> <a data-href="/no">n</a>
      <a href="http://[">broken</a> <a href="/${'l'.repeat(2000)}">long</a>`;
    expect(linksIn(html, at, own).map(({ host, path }) => host + path)).toEqual([
      'x.org/blog/a?b=1&c=2',
      'x.org/x',
      'x.org/i.png',
      'www.x.org/y',
    ]);
  });

  test('of a sitemap', () => {
    const xml = '<urlset><url><loc> http://x.org/a </loc></url><url><loc>https://other.org/</loc></url></urlset>';
    expect(sitemapLinks(xml, at, own)).toEqual([{ host: 'x.org', path: '/a' }]);
  });

  test('any text has links or none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const { host, path } of linksIn(`<a href="${text}">`, at, own)) {
          expect(own(host)).toBe(true);
          expect(path).toMatch(/^\/[^\s#]*$/);
        }
      }),
    );
  });
});

describe('what is asked', () => {
  const app: Route = { path: '/', target: { to: 'app', app: 'web', upstreams: [], readTimeout: 1 } };
  const media = (path: string, file = false): Route => ({
    path,
    target: { to: 'media', root: 'r', file, uploads: false, maxAge: 1 },
  });
  const site: Site = {
    project: 'blog',
    hostnames: hosts('blog.org', '*.blog.org', '*log.org'),
    routes: [app, media('/media'), media('/robots.txt', true), { ...app, path: '/api' }],
    maxBody: 1,
    settings: {
      redirects: [
        { path: '/old', to: '/new', status: 301, exact: false },
        { path: '/one', to: '/two', status: 301, exact: true },
      ],
      access: [{ path: '/admin', allow: [], realm: 'Restricted', either: false }],
    },
  };
  const asked = (files: string[]): string[] =>
    firstAsks(site, new Map([['/media', files]]), [{ host: 'blog.org', path: '/mine' }]).map(
      ({ method, host, path, headers, again }) =>
        `${method} ${host}${path}${Object.values(headers).join('')}${again === undefined ? '' : ` ${again}`}`,
    );

  test('every hostname, alias, redirect and rule', () => {
    expect(asked(['/media/a.css', '/media/b.css', '/media/c.png', '/media/deep/er/d.css'])).toEqual([
      ...['/', '/robots.txt', '/sitemap.xml', '/favicon.ico', '/hostctl-verify/nothing-here'].map(
        (path) => `GET blog.org${path}`,
      ),
      'GET blog.org/api',
      'GET blog.org/api/',
      'GET blog.org/old',
      'GET blog.org/old/',
      'GET blog.org/old/hostctl-verify/nothing-here?q=1',
      'GET blog.org/one',
      'GET blog.org/one/',
      'GET blog.org/one/hostctl-verify/nothing-here',
      'GET blog.org/admin',
      'GET blog.org/admin/',
      'GET blog.org/admin/hostctl-verify/nothing-here',
      'GET hostctl-probe.blog.org/',
      'GET hostctl-probe.blog.org/hostctl-verify/nothing-here',
      'GET log.org/',
      'GET log.org/hostctl-verify/nothing-here',
      'GET hostctl-probe.log.org/',
      'GET hostctl-probe.log.org/hostctl-verify/nothing-here',
      'GET blog.org/media',
      'GET blog.org/media/',
      'GET blog.org/media/hostctl-verify/nothing-here',
      'GET blog.org/media/deep/er',
      'GET blog.org/media/deep/er/',
      'GET blog.org/media/a.css',
      'HEAD blog.org/media/a.css',
      'GET blog.org/media/a.cssbytes=0-9',
      'GET blog.org/media/a.cssbytes=999999999-',
      'GET blog.org/media/a.css If-None-Match',
      'GET blog.org/media/a.css If-Modified-Since',
      'GET blog.org/media/c.png',
      'GET blog.org/media/deep/er/d.css',
      'HEAD blog.org/robots.txt',
      'GET blog.org/mine',
    ]);
  });

  test.each<[what: string, files: string[], chosen: string[]]>([
    ['of each kind one', ['a.css', 'b.css', 'c.png'], ['a.css', 'c.png', 'b.css']],
    [
      'of three kinds, and one from below',
      ['a.css', 'b.png', 'c.js', 'x/y/d.css', 'x/e.css'],
      ['a.css', 'b.png', 'x/y/d.css'],
    ],
    ['the deepest alone', ['a.jpg', 'b.jpg', 'x/y/c.jpg', 'x/d.jpg'], ['a.jpg', 'x/y/c.jpg', 'b.jpg']],
    [
      'deep is a matter of folders, not of letters',
      ['a.jpg', 'a-long-name.jpg', 'x/d.jpg'],
      ['a.jpg', 'x/d.jpg', 'a-long-name.jpg'],
    ],
    ['without a kind', ['LICENSE', 'README', 'a.b/NOTICE'], ['LICENSE', 'a.b/NOTICE', 'README']],
    ['all of few', ['a.css', 'b.png'], ['a.css', 'b.png']],
  ])('of the files of a folder three: %s', (_, files, chosen) => {
    const whole = asked(files.map((file) => `/media/${file}`)).filter((line) => /^GET \S+$/.test(line));
    const named = whole.filter((line) => files.some((file) => line.endsWith(`/media/${file}`)));
    expect(named.map((line) => line.replace('GET blog.org/media/', ''))).toEqual(chosen);
  });

  test('nothing that could change a site', () => {
    expect(asked([]).every((line) => /^(GET|HEAD) /.test(line))).toBe(true);
  });

  test('the hostname most is asked of, and the others', () => {
    expect(mainHost(site)).toBe('blog.org');
    expect(mainHost({ ...site, settings: { canonical: 'www.blog.org' } })).toBe('www.blog.org');
    expect(mainHost({ ...site, hostnames: hosts('*.blog.org') })).toBe('hostctl-probe.blog.org');
    expect(sampleHosts(hosts('a?c.org', 'www.*'))).toEqual(['aac.org', 'www.example']);
    expect(['blog.org', 'BLOG.org', 'a.blog.org', 'log.org', 'blog.com'].map(ownHosts(site))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});

test.each([
  ['http://192.0.2.1', { scheme: 'http', address: '192.0.2.1', port: 80 }],
  ['https://old.example.org', { scheme: 'https', address: 'old.example.org', port: 443 }],
  ['http://[2001:db8::1]:8080/', { scheme: 'http', address: '2001:db8::1', port: 8080 }],
])('%s is a server', (text, value) => {
  expect(parseServer(text)).toEqual({ ok: true, value });
});

test.each([
  ['192.0.2.1', '`192.0.2.1` is no http URL: write http://192.0.2.10, or http://192.0.2.10:8080'],
  ['ftp://x.org', '`ftp://x.org` is no http URL: write http://192.0.2.10, or http://192.0.2.10:8080'],
  ['', '`` is no http URL: write http://192.0.2.10, or http://192.0.2.10:8080'],
  ['http://u:p@x.org', '`http://u:p@x.org` holds a user name, and no credentials are ever sent'],
  ['http://u@x.org', '`http://u@x.org` holds a user name, and no credentials are ever sent'],
  ['http://:p@x.org', '`http://:p@x.org` holds a user name, and no credentials are ever sent'],
  [
    'http://x.org:81/path',
    '`http://x.org:81/path` holds a path: name the server alone, `http://x.org:81`; --path names paths',
  ],
  ['http://x.org/?q', '`http://x.org/?q` holds a path: name the server alone, `http://x.org`; --path names paths'],
  ['http://x.org/#f', '`http://x.org/#f` holds a path: name the server alone, `http://x.org`; --path names paths'],
])('%s is none, and why', (text, message) => {
  expect(parseServer(text)).toEqual({ ok: false, message });
});

test.each<[string[] | undefined, string, string, string]>([
  [['Text/HTML; Charset=UTF-8'], 'Text/HTML; Charset=UTF-8', 'text/html', 'utf-8'],
  [
    ['text/html;boundary=x; charset="latin1"', 'image/png'],
    'text/html;boundary=x; charset="latin1"',
    'text/html',
    'latin1',
  ],
  [['text/html; xcharset=a'], 'text/html; xcharset=a', 'text/html', ''],
  [['image/png'], 'image/png', 'image/png', ''],
  [[], '', '', ''],
  [undefined, '', '', ''],
])('the type in %j', (values, first, type, charset) => {
  const headers: Reply['headers'] = values ? { 'content-type': values } : {};
  const reply: Reply = { status: 200, headers, body: { hash: '', bytes: 0, whole: true } };
  expect(header(reply, 'content-type')).toBe(first);
  expect(contentType(reply)).toEqual({ type, charset });
});
