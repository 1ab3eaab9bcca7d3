import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { ask, askRaw } from './support/http.ts';
import { DRIVERS, Lab } from './support/lab.ts';

const SECRET = 'nobody may read this';
describe.each(DRIVERS)('under %s', (driver) => {
  let lab: Lab;
  /** Where the uploads of the site stand on this machine. */
  let uploads: string;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    lab.write('site/index.html', '<h1>the app</h1>');
    lab.write('files/a.txt', 'a file');
    lab.write('files/deep/er/b.txt', 'deeper');
    lab.write('files/.hidden', SECRET);
    lab.write('files/.git/config', SECRET);
    lab.write('files/page.html', '<script>alert(1)</script>');
    lab.write('files/style.css', 'body { color: red }');
    lab.write('files/style.css.gz', gzipSync('body { color: red }'));
    lab.write('secret.txt', SECRET);
    symlinkSync('/etc/passwd', join(lab.dir, 'files/passwd'));
    symlinkSync('a.txt', join(lab.dir, 'files/link.txt'));
    lab.write('robots.txt', 'User-agent: *');
    lab.define(
      'files',
      `hostnames: [files.org]
apps:
  web: { runtime: static, source: ../site }
media:
  /media: { from: ../files }
  /media/inner: { from: ../files/deep }
  /uploads: { from: ../none, writable-by: web }
  /robots.txt: { from: ../robots.txt }
  /etc: { from: "image:web:/etc/nginx" }
`,
    );
    lab.write('other/index.html', SECRET);
    lab.define(
      'other',
      'hostnames: [other.org]\napps:\n  web: { runtime: static, source: ../other }\nmedia:\n  /private: { from: ../other }\n',
    );
    await lab.ok('deploy --all');
    uploads = join(lab.data, 'media/files/uploads.uploads/uploads');
  });
  afterAll(() => lab.close());

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    ask(lab, 'files.org', path, { headers, method });

  describe('files are served as files', () => {
    test.each([
      ['/media/a.txt', 200, 'a file'],
      ['/media/deep/er/b.txt', 200, 'deeper'],
      ['/media/inner/er/b.txt', 200, 'deeper'],
      ['/robots.txt', 200, 'User-agent: *'],
      ['/etc/nginx.conf', 200, 'worker_processes'],
      // A link inside the folder became a copy of what it leads to.
      ['/media/link.txt', 200, 'a file'],
      ['/media/none.txt', 404, ''],
      ['/media/', 404, ''],
      ['/media/deep/', 404, ''],
      ['/media/deep', 404, ''],
      ['/robots.txt/', 404, ''],
      ['/mediafoo', 404, ''],
      ['/', 200, 'the app'],
    ])('%s → %i', async (path, status, body) => {
      const reply = await get(path);
      expect(reply.status).toBe(status);
      if (status === 200) expect(reply.body).toContain(body);
    });

    test('the bare alias leads to the folder, with the query', async () => {
      expect(await get('/media?x=1')).toMatchObject({ status: 301, headers: { location: '/media/?x=1' } });
    });

    test('ranges, ETags and stored compression', async () => {
      const whole = await get('/media/a.txt');
      expect(await get('/media/a.txt', { Range: 'bytes=2-5' })).toMatchObject({ status: 206, body: 'file' });
      expect(await get('/media/a.txt', { 'If-None-Match': whole.headers.etag! })).toMatchObject({ status: 304 });
      expect(await get('/media/style.css', { 'Accept-Encoding': 'gzip' })).toMatchObject({
        headers: { 'content-encoding': 'gzip', 'content-type': 'text/css' },
      });
      expect(whole.headers['cache-control']).toBe('public, max-age=3600');
    });

    test('an unchanged file keeps its ETag through a deploy', async () => {
      const before = (await get('/media/a.txt')).headers.etag;
      lab.write('files/new.txt', 'new');
      await lab.ok('deploy files');
      expect((await get('/media/new.txt')).status).toBe(200);
      expect((await get('/media/a.txt')).headers.etag).toBe(before);
    });

    test('nothing but reading', async () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
        expect((await get('/media/a.txt', {}, method)).status, method).toBe(405);
      expect((await get('/media/a.txt', {}, 'HEAD')).status).toBe(200);
    });

    test('uploads cannot act as pages of the site', async () => {
      writeFileSync(join(uploads, 'evil.html'), '<script>alert(1)</script>');
      const { status, headers } = await get('/uploads/evil.html');
      expect(status).toBe(200);
      expect(headers['content-security-policy']).toContain("sandbox; default-src 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
    });

    test('they answer while the app is stopped, and the app does not', async () => {
      await lab.ok('stop files');
      expect((await get('/media/a.txt')).status).toBe(200);
      expect((await get('/uploads/evil.html')).status).toBe(200);
      expect((await get('/')).status).toBe(502);
      await lab.ok('start files');
      expect((await get('/')).status).toBe(200);
    });

    test('uploads change hands with the app that writes them, links in them lead nowhere', async () => {
      const site = (app: string): string =>
        `hostnames: [hands.org]\napps:\n  ${app}: { runtime: static, source: ../site, path: / }\nmedia:\n  /up: { from: ../none, writable-by: ${app}, mount: /up }\n`;
      const write = async (name: string): Promise<void> => {
        const app = [...(await lab.running('hands')), ...(await lab.running('hands', 'site'))][0];
        const script = `mkdir -p /up/sub && echo ${name} > /up/sub/${name}`;
        expect(await lab.engine.exec(app!.Name.slice(1), ['sh', '-c', script])).toEqual({ code: 0, output: '' });
      };
      lab.define('hands', site('web'));
      await lab.ok('deploy hands');
      await write('old');
      const outside = lab.write('outside.txt', 'mine');
      symlinkSync(outside, join(lab.data, 'media/hands/up.uploads/up/sub/link'));
      lab.define('hands', site('site'));
      expect(await lab.ok('plan hands')).toContain('own     /up  (now written by site)');
      await lab.ok('deploy hands');
      await write('new');
      for (const name of ['old', 'new'])
        expect(await ask(lab, 'hands.org', `/up/sub/${name}`)).toMatchObject({ status: 200, body: `${name}\n` });
      expect(statSync(outside).uid).toBe(0);
      expect(await lab.ok('plan hands')).toBe('Up to date.\n');
      await lab.ok('rollback hands');
      await write('again');
      expect((await ask(lab, 'hands.org', '/up/sub/again')).status).toBe(200);
    });

    test('a project with media is added without a restart or a new proxy', async () => {
      const proxy = async () => (await lab.inspectAll()).get(lab.edge)!;
      const before = await proxy();
      lab.define(
        'added',
        'hostnames: [added.org]\napps:\n  web: { runtime: static, source: ../site }\nmedia:\n  /m: { from: ../files }\n',
      );
      await lab.ok('deploy added');
      expect((await ask(lab, 'added.org', '/m/a.txt')).status).toBe(200);
      const after = await proxy();
      expect([after.Id, after.State.StartedAt, after.RestartCount]).toEqual([
        before.Id,
        before.State.StartedAt,
        before.RestartCount,
      ]);
    });
  });

  /** Every way out that was ever tried; none may answer with what lies outside. */
  const ESCAPES = [
    '/media/../secret.txt',
    '/media/../../secret.txt',
    '/media/..%2fsecret.txt',
    '/media/..%2f..%2fsecret.txt',
    '/media/%2e%2e/secret.txt',
    '/media/%2e%2e%2fsecret.txt',
    '/media/.%2e/secret.txt',
    '/media/%2e./secret.txt',
    '/media/%252e%252e%252fsecret.txt',
    '/media/%252e%252e/secret.txt',
    '/media/..%5csecret.txt',
    '/media/..\\secret.txt',
    '/media/..;/secret.txt',
    '/media/....//secret.txt',
    '/media/..../secret.txt',
    '/media/%c0%ae%c0%ae/secret.txt',
    '/media/%c0%2e%c0%2e/secret.txt',
    '/media/%uff0e%uff0e/secret.txt',
    '/media/a.txt%00.png',
    '/media/%00',
    '/media/%00/../secret.txt',
    '/media../secret.txt',
    '/media..%2fsecret.txt',
    '/media%2e%2e/secret.txt',
    '/media%2e%2e%2fsecret.txt',
    '/media%2f..%2fsecret.txt',
    '/media%2f..%2f..%2fother/index.html',
    '//media//../secret.txt',
    '/./media/./../secret.txt',
    '/x/../media/../secret.txt',
    '/x/..%2fmedia/..%2fsecret.txt',
    '/MEDIA/../secret.txt',
    '/media/a.txt/../../secret.txt',
    '/media/a.txt/',
    '/media/a.txt/x',
    '/media/.hidden',
    '/media/%2ehidden',
    '/media/.git/config',
    '/media/%2egit/config',
    '/media/.git%2fconfig',
    '/media/deep/../.hidden',
    '/media/passwd',
    '/media/%70asswd',
    '/media/../../../../../../etc/passwd',
    '/media/..%2f..%2f..%2f..%2fetc/passwd',
    '/media//etc/passwd',
    '/media/../other/private/index.html',
    '/media/../../other/private.live/private/index.html',
    '/uploads/../../other/private.live/private/index.html',
    '/uploads..%2f..%2fother/private.live/private/index.html',
    '/robots.txt/../../other/private.live/private/index.html',
    '/etc/../../../../etc/passwd',
    '/etc/../passwd',
    '/etc/%2e%2e/passwd',
    '/private/index.html',
    '/media/~root',
    '/media/a.txt~',
    '/media/file:///etc/passwd',
  ];

  describe('nothing else is', () => {
    test(`${ESCAPES.length} ways out lead nowhere`, async () => {
      expect(ESCAPES.length).toBeGreaterThanOrEqual(40);
      for (const path of ESCAPES) {
        const { status, text } = await askRaw(
          lab,
          `GET ${path} HTTP/1.1\r\nHost: files.org\r\nConnection: close\r\n\r\n`,
        );
        expect(text, path).not.toContain(SECRET);
        expect(text, path).not.toContain('root:x:0');
        expect([0, 301, 400, 404], `${path} answered ${status}`).toContain(status);
      }
    });

    test('links that an app plants among its uploads are not followed', async () => {
      const other = join(
        lab.data,
        'media/other',
        readdirSync(join(lab.data, 'media/other')).find((name) => name.endsWith('.live'))!,
        'private',
      );
      symlinkSync('/etc/passwd', join(uploads, 'passwd'));
      symlinkSync('/etc', join(uploads, 'etc'));
      symlinkSync('../../../other/private.live/private/index.html', join(uploads, 'neighbour'));
      symlinkSync('passwd', join(uploads, 'chain'));
      mkdirSync(join(uploads, 'folder'));
      symlinkSync(other, join(uploads, 'folder/other'));
      for (const path of ['passwd', 'etc/passwd', 'neighbour', 'chain', 'folder/other/index.html']) {
        const reply = await get(`/uploads/${path}`);
        expect([403, 404], path).toContain(reply.status);
        expect(reply.body).not.toContain(SECRET);
        expect(reply.body).not.toContain('root:');
      }
    });

    test('what is no plain file does not hold the proxy up', async () => {
      execFileSync('mkfifo', [join(uploads, 'pipe')]);
      const since = performance.now();
      expect([403, 404]).toContain((await get('/uploads/pipe')).status);
      expect(performance.now() - since).toBeLessThan(2000);
      writeFileSync(join(uploads, 'closed.txt'), 'x');
      chmodSync(join(uploads, 'closed.txt'), 0o600);
      expect([403, 404]).toContain((await get('/uploads/closed.txt')).status);
      linkSync(join(uploads, 'evil.html'), join(uploads, 'again.html'));
      expect((await get('/uploads/again.html')).status).toBe(200);
    });

    test('what a visitor claims in forwarding headers does not reach an app', async () => {
      lab.write(
        'echo/app.py',
        'import json\ndef application(environ, start_response):\n    start_response("200 OK", [])\n    return [json.dumps({k: v for k, v in environ.items() if k.startswith("HTTP_") or k == "REMOTE_ADDR"}).encode()]\n',
      );
      lab.define('echo', 'hostnames: [echo.org]\napps:\n  web: { runtime: wsgi, source: ../echo, wsgi: app }\n');
      await lab.ok('deploy echo');
      const lie = 'a.evil.org';
      const names = [
        'X-Forwarded-For',
        'X-Forwarded-Proto',
        'X-Forwarded-Host',
        'X-Forwarded-Port',
        'X-Forwarded-Prefix',
        'X-Forwarded-Server',
        'X-Real-IP',
        'Forwarded',
        'Proxy',
        'X_Forwarded_For',
        'X_Real_Ip',
      ];
      const reply = await ask(lab, 'echo.org', '/', { headers: Object.fromEntries(names.map((name) => [name, lie])) });
      expect(reply.body).not.toContain('evil');
      expect(JSON.parse(reply.body)).toMatchObject({
        HTTP_HOST: 'echo.org',
        HTTP_X_FORWARDED_PROTO: 'http',
        HTTP_X_FORWARDED_HOST: 'echo.org',
        HTTP_X_FORWARDED_PORT: String(lab.port),
      });
    });
  });

  describe('settings of a site', () => {
    test('request bodies end at their limit, answers at their time', async () => {
      lab.write(
        'limits/app.py',
        'import time\ndef application(environ, start_response):\n    size = sum(map(len, iter(lambda: environ["wsgi.input"].read(65536), b"")))\n    if environ["PATH_INFO"] == "/slow": time.sleep(4)\n    start_response("200 OK", [])\n    return [str(size).encode()]\n',
      );
      lab.define(
        'limits',
        'hostnames: [limits.org]\napps:\n  web: { runtime: wsgi, source: ../limits, wsgi: app }\nhttp: { body: 1M, timeout: 2s }\n',
      );
      await lab.ok('deploy limits');
      const post = (size: number) =>
        ask(lab, 'limits.org', '/', {
          method: 'POST',
          body: Buffer.alloc(size),
          headers: { 'Content-Length': String(size) },
        });
      expect(await post(1024 ** 2)).toMatchObject({ status: 200, body: String(1024 ** 2) });
      expect((await post(1024 ** 2 + 1)).status).toBe(413);
      expect((await ask(lab, 'limits.org', '/slow')).status).toBe(504);
      // More than the proxy has memory for.
      lab.define(
        'limits',
        'hostnames: [limits.org]\napps:\n  web: { runtime: wsgi, source: ../limits, wsgi: app }\nhttp: { body: 400M, timeout: 60s }\n',
      );
      await lab.ok('deploy limits');
      expect(await post(300 * 1024 ** 2)).toMatchObject({ status: 200, body: String(300 * 1024 ** 2) });
    });
  });

  test('the generated configuration has one file per project, and the files are only for the proxy', () => {
    const live = join(lab.data, LAYOUT.live[driver]);
    expect(readdirSync(join(live, 'sites')).toSorted()).toEqual([
      'added.conf',
      'echo.conf',
      'files.conf',
      'hands.conf',
      'limits.conf',
      'other.conf',
    ]);
    expect(readFileSync(join(live, 'sites/files.conf'), 'utf8')).toContain('disable_symlinks on');
    expect(execFileSync('stat', ['-c', '%a %u %g', join(live, 'nginx.conf')], { encoding: 'utf8' }).trim()).toBe(
      '640 0 19999',
    );
  });
});
