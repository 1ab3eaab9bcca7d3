import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ask, ask, askRaw, type Reply } from './support/http.ts';
import { Lab } from './support/lab.ts';

/** Says what it was asked, and answers as it is told to. */
const ECHO = `import http from 'node:http';
import os from 'node:os';
http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://x');
  response.setHeader('X-Frame-Options', 'SAMEORIGIN');
  response.setHeader('X-Powered-By', 'echo');
  response.setHeader('Strict-Transport-Security', 'max-age=1');
  response.setHeader('Content-Type', 'application/json');
  response.statusCode = Number(/^\\/status\\/(\\d+)/.exec(pathname)?.[1] ?? 200);
  let length = 0;
  request.on('data', (chunk) => (length += chunk.length));
  request.on('end', () => {
    const filling = pathname.startsWith('/big') ? 'x'.repeat(4000) : '';
    response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers, host: os.hostname(), length, filling }));
  });
}).listen(process.env.PORT);
`;
const SHA1 = `{SHA}${createHash('sha1').update('secret').digest('base64')}`;
const USERS = [
  '# who may',
  // "secret" in every form that is taken
  'bcrypt:$2y$05$CCCCCCCCCCCCCCCCCCCCC.pIKrLVkBX9/OvQMSygY1pWEVn72t6na',
  'apr1:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/',
  `sha:${SHA1}`,
].join('\n');

describe.each(['nginx', 'traefik'] as const)('%s', (driver) => {
  let lab: Lab;
  /** The address under which the proxy knows this machine. */
  let here: string;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    lab.write('echo/package.json', '{ "type": "module", "scripts": { "start": "node server.js" } }');
    lab.write('echo/server.js', ECHO);
    lab.write('files/a.txt', 'a file');
    lab.write('files/big.css', 'a { color: red }\n'.repeat(200));
    lab.write('files/secret/b.txt', 'a secret file');
    lab.write('pages/404.html', '<h1>nothing here</h1>');
    lab.write('pages/502.html', '<h1>asleep</h1>');
    lab.write('pages/closed.html', '<h1>back soon</h1>');
    lab.write('htpasswd', `${USERS}\n`);
    lab.define(
      'rated',
      `hostnames: [rated.org]
apps:
  web: { runtime: node, source: ../echo }
media:
  /files: { from: ../files }
http:
  rate: { requests: 3, per: 1m, burst: 5 }
`,
    );
    lab.define(
      'sticky',
      `hostnames: [sticky.org]
apps:
  web: { runtime: node, source: ../echo, replicas: 2, sticky: true }
  tcp: { runtime: node, source: ../echo, replicas: 2, sticky: true, path: /tcp, port: 3000 }
`,
    );
    await lab.ok('deploy --all');
    here = headersOf(await ask(lab, 'sticky.org', '/'))['x-real-ip']!;
    lab.define('site', siteOf(here));
    lab.define('open', 'hostnames: [open.org]\napps:\n  web: { runtime: node, source: ../echo }\n');
    await lab.ok('deploy site open');
  });
  afterAll(() => lab.close());

  const get = (path: string, options: Ask = {}): Promise<Reply> => ask(lab, 'www.site.org', path, options);
  const basic = (user: string, password = 'secret'): Ask => ({
    headers: { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  });

  describe('the canonical hostname', () => {
    test.each([
      ['GET', 'site.org', 301, 'http://www.site.org/a/b?c=d'],
      ['HEAD', 'site.org', 301, 'http://www.site.org/a/b?c=d'],
      ['POST', 'site.org', 308, 'http://www.site.org/a/b?c=d'],
      ['GET', 'SITE.org:8080', 301, 'http://www.site.org:8080/a/b?c=d'],
      ['GET', 'any.thing.site.org', 301, 'http://www.site.org/a/b?c=d'],
      ['GET', 'www.site.org', 200, undefined],
      ['GET', 'WWW.Site.ORG:8080', 200, undefined],
    ])('%s to %s → %i', async (method, host, status, location) => {
      const reply = await ask(lab, host, '/a/b?c=d', { method });
      expect(reply).toMatchObject({ status });
      expect(reply.headers.location).toBe(location);
    });

    test('holds for media and for what has rules, but not for the challenges of a certificate authority', async () => {
      for (const path of ['/files/a.txt', '/admin', '/old/x'])
        expect((await ask(lab, 'site.org', path)).headers.location, path).toBe(`http://www.site.org${path}`);
      expect((await ask(lab, 'site.org', '/.well-known/acme-challenge/x')).status).toBe(200);
    });

    test('is not found in what a visitor sends', async () => {
      for (const path of ['/%0d%0aX-Evil:%20yes', '/www.site.org/', '/:www.site.org/', '//evil.org']) {
        const { status, headers } = await ask(lab, 'site.org', path);
        expect(status, path).toBe(301);
        expect(headers.location?.toLowerCase()).toBe(`http://www.site.org${path}`.toLowerCase());
        expect(headers['x-evil']).toBeUndefined();
      }
    });
  });

  describe('redirects', () => {
    test.each([
      ['GET', '/old', 301, '/new/'],
      ['HEAD', '/old?q=1', 301, '/new/?q=1'],
      ['POST', '/old?q=1', 308, '/new/?q=1'],
      ['GET', '/old/', 301, '/new/'],
      ['GET', '/old/x/y?q=1&r=%20', 301, '/new/x/y?q=1&r=%20'],
      ['PUT', '/old/x', 308, '/new/x'],
      ['GET', '/old/%C3%BC%20%2F%3F', 301, '/new/%C3%BC%20%2F%3F'],
      ['GET', '/older', 200, undefined],
      ['GET', '/blog', 301, 'https://blog.example.org'],
      ['GET', '/blog/2020/', 301, 'https://blog.example.org/2020/'],
      ['DELETE', '/blog/2020/', 308, 'https://blog.example.org/2020/'],
      ['GET', '/shop', 302, '/store'],
      ['GET', '/shop/?a=b', 302, '/store?a=b'],
      ['POST', '/shop', 307, '/store'],
      ['GET', '/shop/cart', 200, undefined],
      ['GET', '/search', 307, '/find?by=name'],
      ['GET', '/search?by=price', 307, '/find?by=name'],
      ['GET', '/gone', 410, undefined],
      ['POST', '/gone/for/good', 410, undefined],
      ['GET', '/files/', 301, '/home/'],
    ])('%s %s → %i %s', async (method, path, status, location) => {
      const reply = await get(path, { method });
      expect(reply.status).toBe(status);
      expect(reply.headers.location).toBe(location);
    });

    // Proxies may write an odd path anew before they look at it, so what it becomes differs; where it leads must not.
    test.each([
      ['//old/x', /^\/new\/x$/],
      ['/%6fld/x', /^\/new\/x$/],
      ['/old/%0d%0aX-Evil:%20yes', /^\/new\/%0d%0aX-Evil:%20yes$/i],
      ['/%6fld/%0d%0aX-Evil:%20yes', /^\/new\/(%0d%0aX-Evil:%20yes)?$/i],
      ['/home//evil.org', /^\/evil\.org$/],
      ['/home/\\evil.org', /^\/(%5c)?evil\.org$/i],
      ['/home/\\/\\/evil.org', /^\/(%5c\/%5c\/)?evil\.org$/i],
      ['/home/%2f%2fevil.org', /^\/%2f%2fevil\.org$/i],
      ['/home/%5cevil.org', /^\/%5cevil\.org$/i],
      ['//home//evil.org', /^\/evil\.org$/],
      ['/%68ome/%2f/evil.org', /^\/(%2f\/)?evil\.org$/i],
      ['/%68ome/%5cevil.org', /^\/(%5cevil\.org)?$/i],
    ])('%s cannot lead to another host, nor end the header', async (path, location) => {
      const { text } = await askRaw(lab, `GET ${path} HTTP/1.1\r\nHost: www.site.org\r\nConnection: close\r\n\r\n`);
      const found = /^location: (.*)\r$/im.exec(text)?.[1] ?? '';
      expect(found).toMatch(location);
      expect(new URL(found, 'http://www.site.org').host).toBe('www.site.org');
      expect(text).not.toMatch(/^x-evil/im);
    });
  });

  describe('access', () => {
    test.each([
      ['/admin', {}, 401],
      ['/admin/x', {}, 401],
      ['/admin/x', basic('bcrypt'), 200],
      ['/admin/x', basic('apr1'), 200],
      ['/admin/x', basic('sha'), 200],
      ['/admin/x', basic('sha', 'wrong'), 401],
      ['/admin/x', basic('nobody'), 401],
      ['/administrator', {}, 200],
      // The longest path decides alone.
      ['/admin/open/x', {}, 200],
      ['/private', {}, 403],
      ['/private/x', basic('sha'), 403],
      ['/inside', {}, 200],
      ['/outside', {}, 403],
      ['/both', {}, 401],
      ['/both', basic('sha'), 200],
      ['/neither', {}, 403],
      ['/neither', basic('sha'), 403],
      ['/either', {}, 200],
      ['/either-far', {}, 401],
      ['/either-far', basic('sha'), 200],
      ['/files/a.txt', {}, 200],
      ['/files/secret/b.txt', {}, 401],
      ['/files/secret/b.txt', basic('sha'), 200],
    ])('%s with %j → %i', async (path, options, status) => {
      expect((await get(path, options)).status).toBe(status);
    });

    test('says what the password is for', async () => {
      expect((await get('/admin')).headers['www-authenticate']).toBe('Basic realm="Staff only"');
    });

    test.each([
      '//admin/x',
      '/%61dmin/x',
      '/./admin/x',
      '/open/../admin/x',
      '/open/..%2fadmin/x',
      '/open/%2e%2e/admin/x',
      '/admin/..%2fopen',
      '/admin%2f..%2fopen',
      '/admin/%2e%2e%5copen',
      '/admin/..;/open',
      '/admin/x/..',
      '/files/x/..%2fsecret/b.txt',
      '/files//secret/b.txt',
      'http://www.site.org/admin/x',
    ])('%s leads nobody in', async (path) => {
      const { status, text } = await askRaw(
        lab,
        `GET ${path} HTTP/1.1\r\nHost: www.site.org\r\nConnection: close\r\n\r\n`,
      );
      expect([400, 401, 404]).toContain(status);
      expect(text).not.toMatch(/"url"|a secret file/);
    });
  });

  describe('headers', () => {
    test('to the app', async () => {
      const headers = headersOf(await get('/', { headers: { 'X-Environment': 'mine', 'X-Debug': '1' } }));
      expect(headers['x-environment']).toBe('it\'s "production"; {really}');
      expect(headers['x-debug']).toBeUndefined();
      expect(headers['x-forwarded-proto']).toBe('http');
    });

    test.each([
      ['/', 200],
      ['/status/404', 404],
      ['/files/a.txt', 200],
      ['/files/none', 404],
      ['/private', 403],
      ['/old', 301],
    ])('to the visitor of %s', async (path, status) => {
      const reply = await get(path);
      expect(reply.status).toBe(status);
      expect(reply.headers['x-frame-options']).toBe('DENY');
      expect(reply.headers['x-powered-by']).toBeUndefined();
      expect(reply.headers['content-security-policy']).toBe('default-src \'self\'; img-src "x"');
      // Never over plain http, whatever the app says.
      expect(reply.headers['strict-transport-security']).toBeUndefined();
    });

    test('of media give way to those of the definition', async () => {
      const { headers } = await get('/files/a.txt');
      expect(headers['cache-control']).toBe('private, max-age=5');
      expect(headers['x-content-type-options']).toBe('nosniff');
    });

    test('of another site are its own', async () => {
      const { headers } = await ask(lab, 'open.org', '/');
      expect(headers).toMatchObject({ 'x-frame-options': 'SAMEORIGIN', 'x-powered-by': 'echo' });
    });
  });

  test('text is compressed for who takes it', async () => {
    const zip = { headers: { 'Accept-Encoding': 'gzip' } };
    expect((await get('/big', zip)).headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect((await get('/files/big.css', zip)).headers['content-encoding']).toBe('gzip');
    expect((await get('/files/a.txt', zip)).headers['content-encoding']).toBeUndefined();
    expect((await get('/big')).headers['content-encoding']).toBeUndefined();
    expect((await ask(lab, 'open.org', '/big', zip)).headers['content-encoding']).toBeUndefined();
  });

  describe('pages of errors', () => {
    test.each([
      ['GET', '/status/404', 404, 'nothing here'],
      ['POST', '/status/404', 404, 'nothing here'],
      ['GET', '/files/none', 404, 'nothing here'],
      ['GET', '/files/.hidden', 404, 'nothing here'],
      ['GET', '/status/500', 500, '"url":"/status/500"'],
      ['GET', '/.hostctl/404.html', 404, 'nothing here'],
    ])('%s %s → %i', async (method, path, status, body) => {
      const reply = await get(path, { method });
      expect(reply.status).toBe(status);
      expect(reply.body).toContain(body);
    });

    test('one for an app that is down', async () => {
      await lab.ok('stop site');
      // On TCP its address is known for a moment longer, and does not answer: 504.
      await expect.poll(async () => (await get('/')).status, { timeout: 20_000 }).toBe(502);
      const reply = await get('/');
      expect(reply).toMatchObject({ status: 502, headers: { 'content-type': 'text/html; charset=utf-8' } });
      expect(reply.body).toContain('asleep');
      expect((await get('/files/a.txt')).status).toBe(200);
      await lab.ok('start site');
      expect((await get('/')).status).toBe(200);
    });
  });

  test('who asks too often is told so, by address and for apps only', async () => {
    const statuses = async (count: number, path: string): Promise<number[]> => {
      const replies = await Promise.all(Array.from({ length: count }, () => ask(lab, 'rated.org', path)));
      return replies.map((reply) => reply.status);
    };
    // What the deploy itself asked for has to be forgotten first: three a minute.
    await lab.ok('restart rated');
    await setTimeout(20_000);
    const first = await statuses(20, '/');
    expect(first.filter((status) => status === 429).length).toBeGreaterThanOrEqual(15);
    expect(first).toContain(200);
    expect(await statuses(20, '/files/a.txt')).toEqual(Array.from({ length: 20 }, () => 200));
    expect((await ask(lab, 'open.org', '/')).status).toBe(200);
  });

  describe.each(['/', '/tcp'])('a visitor of replicas at %s', (path) => {
    const visit = async (cookie?: string): Promise<{ host: string; cookie: string | undefined }> => {
      const reply = await ask(lab, 'sticky.org', path, cookie === undefined ? {} : { headers: { Cookie: cookie } });
      expect(reply.status).toBe(200);
      const { host } = JSON.parse(reply.body) as { host: string };
      return { host, cookie: reply.headers['set-cookie']?.[0] };
    };

    test('stays with one, and others get the other', async () => {
      const seen = new Set<string>();
      for (let visitor = 0; visitor < 20; visitor += 1) {
        const first = await visit();
        seen.add(first.host);
        expect(first.cookie).toMatch(/^hostctl_\w+=\w+; .*HttpOnly/i);
        const cookie = first.cookie!.split(';')[0]!;
        for (let request = 0; request < 4; request += 1) expect((await visit(cookie)).host).toBe(first.host);
      }
      expect(seen.size).toBe(2);
    });

    test('is moved on while that one is down, with whatever was to be sent', async () => {
      const app = path === '/' ? 'web' : 'tcp';
      const { host, cookie } = await visit();
      const own = cookie!.split(';')[0]!;
      // The engine names a container's host after its id.
      const replica = (await lab.running('sticky', app)).find((item) => item.Id.startsWith(host))!;
      await lab.engine.stop(replica.Name.slice(1), 1);
      const moved = await visit(own);
      expect(moved.host).not.toBe(host);
      expect(moved.cookie).not.toContain(own);
      const posted = await ask(lab, 'sticky.org', path, {
        method: 'POST',
        body: 'x'.repeat(20_000),
        headers: { Cookie: own },
      });
      expect(posted.status).toBe(200);
      expect(JSON.parse(posted.body)).toMatchObject({ method: 'POST', host: moved.host, length: 20_000 });
      await lab.ok('start sticky');
      expect((await visit(own)).host).toBe(host);
    });

    test('with a cookie that says nothing gets any', async () => {
      const { cookie } = await visit(`hostctl_${path === '/' ? 'web' : 'tcp'}=nonsense`);
      expect(cookie).toMatch(/^hostctl_/);
    });
  });

  test('raw directives count, and are refused where they would lead out', async () => {
    const { headers } = await get('/raw');
    if (driver === 'nginx') expect(headers['x-raw']).toBe('a "b"; {c}');
    else expect(headers['x-traefik']).toBe('yes');
    lab.define(
      'open',
      'hostnames: [open.org]\napps:\n  web: { runtime: node, source: ../echo }\nhttp:\n  raw: { traefik: {}, nginx: "root /etc;" }\n',
    );
    const { code, err } = await lab.hostctl('deploy open');
    expect(code).toBe(2);
    expect(err).toContain('`root` cannot stand here');
  });

  describe('maintenance', () => {
    const link = (out: string): string => /http:\/\/www\.site\.org:\d+(\/\S+?)[,\n]/.exec(out)![1]!;
    let path: string;

    test('closes a site, its media too, and no other', async () => {
      path = link(await lab.ok('maintenance on site'));
      for (const [method, asked] of [
        ['GET', '/'],
        ['POST', '/'],
        ['GET', '/files/a.txt'],
        ['GET', '/old'],
        ['GET', '/private'],
        ['GET', '/none'],
      ] as const) {
        const reply = await get(asked, { method });
        expect(reply.status, asked).toBe(503);
        expect(reply.body).toContain('back soon');
        expect(reply.headers['retry-after']).toMatch(/^\d+$/);
        expect(reply.headers['cache-control']).toBe('no-store');
        expect(reply.headers['x-frame-options']).toBe('DENY');
      }
      expect((await ask(lab, 'site.org', '/')).status).toBe(301);
      expect((await get('/.well-known/acme-challenge/x')).status).toBe(200);
      expect((await ask(lab, 'open.org', '/')).status).toBe(200);
    });

    test('but not to who has the link, in a browser', async () => {
      const reply = await get(path);
      expect(reply).toMatchObject({ status: 302, headers: { location: '/' } });
      const cookie = reply.headers['set-cookie']![0]!;
      expect(cookie).toMatch(/HttpOnly; SameSite=Lax/);
      const own = { headers: { Cookie: `a=b; ${cookie.split(';')[0]!}` } };
      expect((await get('/', own)).status).toBe(200);
      expect((await get('/files/a.txt', own)).status).toBe(200);
      for (const wrong of ['hostctl_pass=', 'hostctl_pass=1', `hostctl_pass=${'0'.repeat(32)}`])
        expect((await get('/', { headers: { Cookie: wrong } })).status).toBe(503);
      expect((await get(`${path}x`)).status).not.toBe(302);
    });

    test('lasts through deploys, whose visits are let in', async () => {
      lab.write('echo/server.js', ECHO.replace("'echo'", "'echo two'"));
      const out = await lab.ok('deploy site');
      expect(out).toMatch(/ 0 failed/);
      expect((await get('/')).status).toBe(503);
      expect(await lab.ok('status')).toMatch(/site is closed for maintenance since .*: visitors get 503/);
      expect(await lab.ok('maintenance on site')).toContain(path);
      expect(await lab.ok('render nginx site')).not.toContain(path.split('/').at(-1));
    });

    test('lets addresses in', async () => {
      await lab.ok(`maintenance on --bypass ${here} site`);
      expect((await get('/')).status).toBe(200);
      await lab.ok('maintenance on --bypass 203.0.113.0/24 site');
      expect((await get('/')).status).toBe(503);
    });

    test('ends', async () => {
      expect(await lab.ok('maintenance off site')).toBe('site is open again\n');
      expect((await get('/')).status).toBe(200);
      expect((await get(path)).status).not.toBe(302);
      expect(await lab.ok('maintenance off site')).toBe('site is open, as it was\n');
      expect(await lab.ok('status')).not.toContain('closed');
      const { code, err } = await lab.hostctl('maintenance on none');
      expect([code, err]).toEqual([2, expect.stringContaining('is not deployed')]);
    });

    test('works without a page', async () => {
      await lab.ok('maintenance on open');
      const reply = await ask(lab, 'open.org', '/');
      expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '300' } });
      expect(reply.body).toContain('down for maintenance');
      await lab.ok('maintenance off open');
    });
  });
});

function headersOf(reply: Reply): Record<string, string> {
  return (JSON.parse(reply.body) as { headers: Record<string, string> }).headers;
}

/** Everything at once: what one setting says must hold beside the others. @param here address that is let in */
function siteOf(here: string): string {
  const far = '203.0.113.0/24';
  return `hostnames: [www.site.org, site.org, "*.site.org"]
apps:
  web: { runtime: node, source: ../echo }
media:
  /files: { from: ../files }
http:
  canonical: www.site.org
  redirects:
    /old: /new/
    /blog: https://blog.example.org
    /home: /
    /shop: { to: /store, status: 302, exact: true }
    /search: { to: "/find?by=name", status: 307, exact: true }
    /gone: { status: 410 }
    /files: { to: /home/, exact: true }
  access:
    /admin: { users: ../htpasswd, realm: Staff only }
    /admin/open: { allow: [${here}] }
    /private: { allow: [] }
    /inside: { allow: [${far}, ${here}, "2001:db8::/32"] }
    /outside: { allow: [${far}] }
    /both: { allow: [${here}], users: ../htpasswd }
    /neither: { allow: [${far}], users: ../htpasswd }
    /either: { allow: [${here}], users: ../htpasswd, either: true }
    /either-far: { allow: [${far}], users: ../htpasswd, either: true }
    /files/secret: { users: ../htpasswd }
  headers:
    request: { X-Environment: 'it''s "production"; {really}', X-Debug: "" }
    response:
      X-Frame-Options: DENY
      X-Powered-By: ""
      Cache-Control: private, max-age=5
      Content-Security-Policy: default-src 'self'; img-src "x"
  hsts: 365d
  compress: true
  errors: { 404: ../pages/404.html, 502: ../pages/502.html }
  maintenance: { page: ../pages/closed.html }
  raw:
    nginx: |
      # a comment; with } braces {
      location = /raw {
        add_header 'X-Raw' "a \\"b\\"; {c}";
        return 204;
      }
    traefik: { headers: { customResponseHeaders: { X-Traefik: 'yes' } } }
`;
}
