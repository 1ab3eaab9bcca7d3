import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNetwork } from '../../src/core/networks.ts';
import { covers } from '../../src/core/routes.ts';
import { brief, check } from '../support/definitions.ts';

const SITE = `hostnames: [www.example.org, example.org, "*.example.net"]
apps:
  web: { runtime: node, source: /src/app }
  api: { runtime: node, source: /src/app, path: /api }
media:
  /files: { from: /src/app/media }
  /robots.txt: { from: /src/app/robots.txt }
http:
`;
const http = (line: string): string => `${SITE}  ${line}\n`;

test('settings are read into what both proxies understand', async () => {
  const { project, problems } = await check(`${SITE}  canonical: WWW.example.org
  redirects:
    /old/: /new/../newer
    /blog: https://bücher.example
    /a/b: { to: "/store?a=$b&c={d}", status: 302, exact: true }
    /gone: { status: 410 }
    /files: { to: /pictures, exact: true }
  access:
    /admin: { allow: [10.0.0.0/8, "2001:DB8::/32", 192.0.2.1], users: /src/pages/htpasswd, realm: Staff, either: true }
    /: { allow: [] }
  headers: { request: { X-Environment: production, Authorization: "" }, response: {} }
  hsts: { max-age: 2h }
  compress: true
  rate: { requests: 20 }
  errors: { 502: /src/pages/404.html, 404: /src/pages/404.html }
  maintenance: { page: /src/pages/404.html, bypass: [203.0.113.0/24] }
  raw: { nginx: gzip_comp_level 9;, traefik: { compress: {} } }
`);
  expect(brief(problems)).toEqual([]);
  expect(project?.settings).toEqual({
    canonical: 'www.example.org',
    redirects: [
      { path: '/files', to: '/pictures', status: 301, exact: true },
      { path: '/blog', to: 'https://xn--bcher-kva.example', status: 301, exact: false },
      { path: '/gone', status: 410, exact: false },
      { path: '/a/b', to: '/store?a=%24b&c=%7Bd%7D', status: 302, exact: true },
      { path: '/old', to: '/newer', status: 301, exact: false },
    ],
    access: [
      {
        path: '/admin',
        allow: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'],
        users: ['ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/'],
        realm: 'Staff',
        either: true,
      },
      { path: '/', allow: [], realm: 'Restricted', either: false },
    ],
    headers: { request: { 'X-Environment': 'production', Authorization: '' }, response: {} },
    hsts: { maxAge: 7200, subdomains: false, preload: false },
    compress: true,
    rate: { requests: 20, period: 1000, burst: 20 },
    errors: [
      { status: 404, page: '/.hostctl/404.html' },
      { status: 502, page: '/.hostctl/502.html' },
    ],
    maintenance: { page: '/.hostctl/maintenance.html', bypass: ['203.0.113.0/24'] },
    raw: { nginx: 'gzip_comp_level 9;', traefik: { compress: {} } },
  });
  expect(project?.pages.map((page) => page.alias)).toEqual([
    '/.hostctl/404.html',
    '/.hostctl/502.html',
    '/.hostctl/maintenance.html',
  ]);
  expect(project?.apps.every((app) => !app.sticky)).toBe(true);
});

test('what is off is not there', async () => {
  const { project } = await check(`${SITE}  { compress: false, redirects: {}, access: {}, headers: {}, errors: {} }\n`);
  expect(project).toBeDefined();
  expect(project?.settings).toBeUndefined();
});

describe('what is wrong has a place and what to write instead:', () => {
  test.each<readonly [string, readonly string[]]>([
    [
      'canonical: example.com',
      [
        '9:14 http.canonical: `example.com` is none of the exact hostnames of the project → did you mean `example.org`?',
      ],
    ],
    [
      'canonical: "*.example.net"',
      [
        '9:14 http.canonical: `*.example.net` is none of the exact hostnames of the project → exact hostnames here: www.example.org, example.org',
      ],
    ],
    ['canonical: http://x.org', ['9:14 http.canonical: `http://x.org` is a URL: write only the hostname']],
    [
      'redirects: { old: /new, /a: /b, /a/: /c }',
      [
        '9:16 http.redirects.old: `old` does not start with a slash: write `/old`',
        '9:35 http.redirects./a/: `/a` is redirected twice',
      ],
    ],
    [
      'redirects: { /files: /x, /: { to: /y }, /robots.txt: { to: /z, exact: true } }',
      [
        '9:16 http.redirects./files: `/files` and all below it is redirected, so the alias `/files` is never reached → add `exact: true` to redirect this one path only',
        '9:28 http.redirects./: `/` and all below it is redirected, so the alias `/files` is never reached → add `exact: true` to redirect this one path only',
        '9:43 http.redirects./robots.txt: `/robots.txt` is redirected, so the alias `/robots.txt` is never reached',
      ],
    ],
    [
      'redirects: { /api: /x }',
      [
        '9:16 http.redirects./api: `/api` and all below it is redirected, so the app `api` is never reached → add `exact: true` to redirect this one path only',
      ],
    ],
    [
      'redirects: { /old: /old/new, /a: /b, /b: /a, /c: "https://example.org/c", /d: { to: /d, exact: true } }',
      [
        '9:22 http.redirects./old: `/old/new` leads back to `/old`',
        '9:36 http.redirects./a: `/b` leads back to `/a`',
        '9:44 http.redirects./b: `/a` leads back to `/b`',
        '9:52 http.redirects./c: `https://example.org/c` leads back to `/c`',
        '9:77 http.redirects./d: `/d` leads back to `/d`',
      ],
    ],
    [
      'redirects: { /a: //evil.org, /b: "/\\\\evil.org", /c: "javascript:alert(1)", /d: "https://me@b.org", /e: new, /f: "/x y" }',
      [
        '9:20 http.redirects./a: `//evil.org` leads to another host: write it with https://',
        '9:36 http.redirects./b: `/\\evil.org` holds a blank, a control character or a backslash',
        '9:55 http.redirects./c: `javascript:alert(1)` is neither a path such as /new nor an http URL',
        '9:82 http.redirects./d: `https://me@b.org` holds a user name',
        '9:106 http.redirects./e: `new` is neither a path such as /new nor an http URL',
        '9:115 http.redirects./f: `/x y` holds a blank, a control character or a backslash',
      ],
    ],
    ['redirects: { /a: /.//evil.org }', ['9:20 http.redirects./a: `/.//evil.org` leads to another host']],
    [
      'redirects: { /a: "/x?y=z", /b: "/x#y" }',
      [
        '9:20 http.redirects./a: `/x?y=z` holds a query or a fragment, so no tail can follow → add `exact: true`',
        '9:34 http.redirects./b: `/x#y` holds a query or a fragment, so no tail can follow → add `exact: true`',
      ],
    ],
    [
      'redirects: { /a: {}, /b: { to: /x, status: 410 } }',
      [
        '9:16 http.redirects./a: nothing says where to → add `to: /new`, or write `status: 410`',
        '9:30 http.redirects./b.to: what is gone (410) leads nowhere',
      ],
    ],
    [
      'redirects: { /a: { to: /x, status: 303 } }',
      ['9:38 http.redirects./a.status: a status for a redirect is 301, 302, 307, 308, or 410 without `to`'],
    ],
    [
      'access: { /a: {}, /b: { allow: [10.0.0.1/8, nope, "::1/129"] }, /c: { users: ./none } }',
      [
        '9:13 http.access./a: nothing says who may → add `allow: [10.0.0.0/8]`, `users: ./htpasswd`, or `allow: []` for nobody',
        '9:35 http.access./b.allow[0]: `10.0.0.1/8` is an address inside of a network: write `10.0.0.1` for it alone',
        '9:47 http.access./b.allow[1]: `nope` is no address or network: write 203.0.113.7 or 10.0.0.0/8',
        '9:53 http.access./b.allow[2]: `::1/129` needs a length of 0 to 128 behind the slash',
        '9:80 http.access./c.users: `./none` is not there → looked for /work/projects/none',
      ],
    ],
    [
      'access: { /a: { allow: [], realm: x, either: true }, /a/: { allow: [] }, b: { allow: [] } }',
      [
        '9:30 http.access./a.realm: `realm` is what `users` are asked with',
        '9:40 http.access./a.either: `either` needs both `allow` and `users`',
        '9:56 http.access./a/: `/a` has two rules',
        '9:76 http.access.b: `b` does not start with a slash: write `/b`',
      ],
    ],
    [
      'access: { /a: { users: /src/pages/bad-users } }',
      [
        '9:26 http.access./a.users: line 3 of `/src/pages/bad-users`: is not NAME:HASH → write it anew with htpasswd -B /src/pages/bad-users NAME',
        '9:26 http.access./a.users: line 4 of `/src/pages/bad-users`: the password of `plain` is not bcrypt, apr1 or SHA1, which every proxy checks → write it anew with htpasswd -B /src/pages/bad-users plain',
        '9:26 http.access./a.users: line 5 of `/src/pages/bad-users`: the password of `sha512` is not bcrypt, apr1 or SHA1, which every proxy checks → write it anew with htpasswd -B /src/pages/bad-users sha512',
        '9:26 http.access./a.users: line 6 of `/src/pages/bad-users`: bcrypt of cost 12 for `slow` would hold the proxy up at every request → at most 10: write it anew with htpasswd -B /src/pages/bad-users slow',
        '9:26 http.access./a.users: line 7 of `/src/pages/bad-users`: the user `good` stands there twice → keep one of the lines',
        '9:26 http.access./a.users: line 8 of `/src/pages/bad-users`: the password of `tail` is not bcrypt, apr1 or SHA1, which every proxy checks → write it anew with htpasswd -B /src/pages/bad-users tail',
        '9:26 http.access./a.users: line 9 of `/src/pages/bad-users`: holds a character that no user name can → write it anew with htpasswd -B /src/pages/bad-users NAME',
      ],
    ],
    [
      'access: { /a: { users: /src/pages/nobody } }',
      [
        '9:26 http.access./a.users: `/src/pages/nobody` holds no user → write one with htpasswd -B /src/pages/nobody NAME',
      ],
    ],
    [
      'access: { /a: { users: /src/pages } }',
      ['9:26 http.access./a.users: `/src/pages` is a folder → looked for /src/pages'],
    ],
    [
      'headers: { request: { host: a, X-Forwarded-For: b, X_Y: c, "": d } }',
      [
        "9:25 http.headers.request.host: `host` is the proxy's own to write",
        "9:34 http.headers.request.X-Forwarded-For: `X-Forwarded-For` is the proxy's own to write",
        '9:54 http.headers.request.X_Y: `X_Y` is no header name: letters, digits and hyphens, a letter first',
        '9:62 http.headers.request.: `` is no header name: letters, digits and hyphens, a letter first',
      ],
    ],
    [
      'headers: { response: { Server: "", x-a: b, X-A: c, Strict-Transport-Security: d } }',
      [
        "9:26 http.headers.response.Server: `Server` is the proxy's own to write",
        '9:46 http.headers.response.X-A: `X-A` is the same header as `x-a`',
        '9:54 http.headers.response.Strict-Transport-Security: `Strict-Transport-Security` must not be sent over plain http → write `http.hsts`',
      ],
    ],
    [
      'headers: { response: { X-A: "a$b", X-B: "a\\nb", X-C: "{{ a }}", X-D: é, X-E: " a", X-F: 1 } }',
      [
        '9:31 http.headers.response.X-A: holds a `$`, which a proxy would expand',
        '9:43 http.headers.response.X-B: a header value is one line of plain ASCII, without blanks around it',
        '9:56 http.headers.response.X-C: holds `{{`, which a proxy would expand',
        '9:72 http.headers.response.X-D: a header value is one line of plain ASCII, without blanks around it',
        '9:80 http.headers.response.X-E: a header value is one line of plain ASCII, without blanks around it',
        '9:91 http.headers.response.X-F: write the value of a header as text, not `1`',
      ],
    ],
    ['hsts: true', ['9:9 http.hsts: write how long, such as 365d, or { max-age: 365d, subdomains: true }']],
    ['hsts: 365', ['9:9 http.hsts: write how long, such as 365d, or { max-age: 365d, subdomains: true }']],
    [
      'hsts: { max-age: 1d, subdomains: true, preload: true }',
      [
        '9:51 http.hsts.preload: browsers build in only names with subdomains, for a year or more → write { max-age: 365d, subdomains: true, preload: true }, or leave `preload` out',
      ],
    ],
    ['compress: gzip', ['9:13 http.compress: write true or false, not `gzip`']],
    [
      'rate: { requests: 0, per: 2h, burst: 1.5 }',
      [
        '9:21 http.rate.requests: write 1 to 100000',
        '9:29 http.rate.per: write at most 1h',
        '9:40 http.rate.burst: write how many as a whole number, not `1.5`',
      ],
    ],
    [
      'rate: { requests: 10, per: 1h }',
      ['9:3 http.rate: less than one request a minute cannot be counted → write a shorter `per`'],
    ],
    [
      'errors: { 404: ./none.html, 200: ./x, teapot: ./y, 500: /src/pages }',
      [
        '9:18 http.errors.404: `./none.html` is not there → looked for /work/projects/none.html',
        '9:31 http.errors.200: `200` is no status of an error: write 400 to 599',
        '9:41 http.errors.teapot: `teapot` is no status of an error: write 400 to 599',
        '9:59 http.errors.500: `/src/pages` is a folder, not a file → looked for /src/pages',
      ],
    ],
    [
      'maintenance: { page: ./none.html, bypass: [here] }',
      [
        '9:24 http.maintenance.page: `./none.html` is not there → looked for /work/projects/none.html',
        '9:46 http.maintenance.bypass[0]: `here` is no address or network: write 203.0.113.7 or 10.0.0.0/8',
      ],
    ],
    ['raw: { nginx: "root /etc;" }', ['9:10 http.raw.nginx: line 1: `root` cannot stand here: write it under `media`']],
    [
      'raw: { traefik: { compress: {} } }',
      [
        '9:3 http.raw: says nothing for nginx, the proxy of this workspace → write `raw.nginx` as well, or set proxy.driver to traefik',
      ],
    ],
    ['cannonical: example.org', ['9:3 http.cannonical: unknown key `cannonical` → did you mean `canonical`?']],
  ])('%s', async (line, expected) => {
    const { problems, project } = await check(http(line));
    expect(brief(problems)).toEqual(expected);
    expect(project).toBeUndefined();
  });

  test('an app nobody visits that is sticky', async () => {
    const { problems } = await check(
      'hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app }\n  job: { runtime: node, source: /src/app, command: work, sticky: true }\n',
    );
    expect(brief(problems)).toEqual([
      '4:58 apps.job.sticky: no visitor reaches `job`, so there is nothing to stick to → add the `path` it answers, or leave `sticky` out',
    ]);
  });
});

describe('rates and times', () => {
  test.each([
    ['{ requests: 60, per: 1h }', { requests: 60, period: 3_600_000, burst: 60 }],
    ['{ requests: 1, per: 1m, burst: 5 }', { requests: 1, period: 60_000, burst: 5 }],
    ['{ requests: 5, burst: 1 }', { requests: 5, period: 1000, burst: 1 }],
  ])('a rate of %s', async (text, rate) => {
    const { project, problems } = await check(http(`rate: ${text}`));
    expect(brief(problems)).toEqual([]);
    expect(project?.settings?.rate).toEqual(rate);
  });

  test.each([
    ['365d', { maxAge: 31_536_000, subdomains: false, preload: false }],
    ['{ max-age: 1500ms, subdomains: true }', { maxAge: 2, subdomains: true, preload: false }],
    ['{ max-age: 365d, subdomains: true, preload: true }', { maxAge: 31_536_000, subdomains: true, preload: true }],
  ])('hsts of %s', async (text, hsts) => {
    const { project, problems } = await check(http(`hsts: ${text}`));
    expect(brief(problems)).toEqual([]);
    expect(project?.settings?.hsts).toEqual(hsts);
  });

  test.each(['{ max-age: 365d, preload: true }', '{ max-age: 364d, subdomains: true, preload: true }'])(
    'hsts of %s is too little for browsers to build in',
    async (text) => {
      expect((await check(http(`hsts: ${text}`))).problems.map(({ path }) => path)).toEqual(['http.hsts.preload']);
    },
  );

  test('a canonical hostname needs an exact one', async () => {
    const { problems } = await check(
      'hostnames: ["*.example.net"]\napps:\n  web: { runtime: node, source: /src/app }\nhttp: { canonical: a.example.net }\n',
    );
    expect(brief(problems)).toEqual([
      '4:20 http.canonical: `a.example.net` is none of the exact hostnames of the project → add it under `hostnames`',
    ]);
  });

  test('compression and headers that are off leave nothing', async () => {
    for (const line of ['compress: false', 'headers: { request: {} }', 'errors: {}', 'redirects: {}', 'access: {}'])
      expect((await check(http(line))).project?.settings, line).toBeUndefined();
    expect((await check(http('headers: { response: { X-A: "" } }'))).project?.settings).toEqual({
      headers: { request: {}, response: { 'X-A': '' } },
    });
    expect((await check(http('maintenance: {}'))).project?.settings).toEqual({ maintenance: { bypass: [] } });
  });

  test('error pages come by status, and each is a file the proxy alone asks for', async () => {
    const { project } = await check(http('errors: { 503: /src/pages/404.html, 404: /src/app/robots.txt }'));
    expect(project?.settings?.errors).toEqual([
      { status: 404, page: '/.hostctl/404.html' },
      { status: 503, page: '/.hostctl/503.html' },
    ]);
    expect(project?.pages).toContainEqual({
      alias: '/.hostctl/503.html',
      source: { kind: 'file', path: '/src/pages/404.html' },
      maxAge: 0,
    });
  });
});

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
    ['192.0.2.255/32', '192.0.2.255/32'],
    ['2001:DB8::/29', '2001:db8::/29'],
    ['::ffff:192.0.2.0/120', '::ffff:192.0.2.0/120'],
    ['fe80::1', 'fe80::1'],
    ['1:2:3:4:5:6:7:0/112', '1:2:3:4:5:6:7:0/112'],
    ['1:2:3:4:5:6:7:8/128', '1:2:3:4:5:6:7:8/128'],
    ['8000::/1', '8000::/1'],
    ['::1:0/112', '::1:0/112'],
    ['1::2:0/112', '1::2:0/112'],
    ['10.0.0.0/08', '10.0.0.0/8'],
    ['128.0.0.0/1', '128.0.0.0/1'],
  ])('%s', (text, value) => expect(parseNetwork(text)).toEqual({ ok: true, value }));

  test.each([
    '10.0.0.0/7x',
    '10.0.0.0/',
    '10.0.0/8',
    '::1/64',
    '2001:db8::/28',
    '::ffff:192.0.2.1/120',
    'fe80::1%eth0',
    '',
    '/8',
    '1.2.3.4/8/8',
    'all',
    '010.0.0.0/8',
    '1:2:3:4:5:6:7:8/127.',
    '1:2:3:4:5:6:7:1/112',
    '1::2:1/112',
    '8000::/0',
    '1::/15',
    '::ffff:192.0.3.0/118',
    '128.0.0.0/0',
    '10.0.0.0/0008',
  ])('%s is none', (text) => expect(parseNetwork(text).ok).toBe(false));

  test.each([
    ['nope/8', '`nope/8` is no address or network: write 203.0.113.7 or 10.0.0.0/8'],
    ['10.0.0.0/8/8', '`10.0.0.0/8/8` is no address or network: write 203.0.113.7 or 10.0.0.0/8'],
    ['10.0.0.0/33', '`10.0.0.0/33` needs a length of 0 to 32 behind the slash'],
    ['10.0.0.0/x', '`10.0.0.0/x` needs a length of 0 to 32 behind the slash'],
    ['2001:DB8::1/32', '`2001:DB8::1/32` is an address inside of a network: write `2001:db8::1` for it alone'],
  ])('%s is none, and why', (text, message) => expect(parseNetwork(text)).toEqual({ ok: false, message }));

  test('an address with all bits behind the slash cut off is one', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), (number, length) => {
        const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
        const dotted = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
        const whole = (number & mask) >>> 0 === number >>> 0;
        expect(parseNetwork(`${dotted(number)}/${length}`).ok).toBe(whole);
        expect(parseNetwork(`${dotted((number & mask) >>> 0)}/${length}`).ok).toBe(true);
      }),
    );
  });
});

test('a path covers what begins at a segment edge', () => {
  expect(['/a', '/a/b', '/ab', '/', '/b'].filter((path) => covers('/a', path))).toEqual(['/a', '/a/b']);
  expect(covers('/', '/anything')).toBe(true);
});
