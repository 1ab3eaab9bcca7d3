import { beforeEach, describe, expect, test } from 'vitest';
import type { Explanation } from '../../src/core/results.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { explain } from '../../src/ops/explain.ts';
import { close } from '../../src/ops/maintenance.ts';
import { World } from '../support/world.ts';

const BLOG = `hostnames: [www.blog.org, blog.org, "*.blog.org"]
apps:
  web: { image: blog, port: 80 }
  api: { image: blog, port: 80, path: /api, health: { path: /api/up } }
media:
  /files/: { from: /src/blog/files }
http:
  redirects: { /old/: /new, /gone: { status: 410 } }
  access: { /api/admin: { allow: [10.0.0.0/8] } }
`;
let world: World;

beforeEach(async () => {
  world = await World.with(
    { blog: BLOG, all: 'hostnames: [all.org, "*.org"]\napps:\n  web: { image: all, port: 80 }\n' },
    { proxy: { driver: 'nginx' } },
  );
  world.source('blog', { 'files/a.txt': 'a', 'files/sub/b.txt': 'b' });
  for (const image of ['blog:latest', 'all:latest']) world.engine.addImage(image);
});

const places = ({ places: found }: Explanation): string[] =>
  found.map(({ what, text, line, column }) => `${what} ${text} ${line}:${column}`);
const causes = ({ causes: found }: Explanation): string[] => found.map(({ text, hint }) => `${text} → ${hint ?? ''}`);

describe('from the definitions', () => {
  test.each([
    ['www.blog.org', 'the app `blog/web` answers', ['hostname www.blog.org 1:13', 'app web, which has `/` 3:3']],
    [
      'http://X.blog.ORG:8080/api/x?y',
      'the app `blog/api` answers',
      ['hostname *.blog.org 1:37', 'app api, which has `/api` 4:3'],
    ],
    ['blog.org/files/a.txt', 'a file of the alias `/files`', ['hostname blog.org 1:27', 'media /files 6:3']],
    ['blog.org/files', '301 to /files/, because of `media`', ['hostname blog.org 1:27', 'media /files 6:3']],
    [
      'blog.org/old/x?y=1',
      '301 to /new/x?y=1, because of `http.redirects`',
      ['hostname blog.org 1:27', 'setting http.redirects./old/ 8:16'],
    ],
    [
      'blog.org/gone/x',
      '410: the definition says that it is gone',
      ['hostname blog.org 1:27', 'setting http.redirects./gone 8:29'],
    ],
    [
      'blog.org/api/admin',
      'the app `blog/api` answers, to requests from 10.0.0.0/8; 403 to others',
      ['hostname blog.org 1:27', 'setting http.access./api/admin 9:13', 'app api, which has `/api` 4:3'],
    ],
    ['blog.org/files/.env', '404: hidden files are never served', ['hostname blog.org 1:27', 'media /files 6:3']],
    ['other.org', 'the app `all/web` answers', ['hostname *.org 1:22', 'app web, which has `/` 3:3']],
    ['blog.test', '404: no project has this hostname', []],
    ['blog.org/%zz', '400: the path leads above its root, or is wrongly encoded', []],
  ])('%s: %s', async (url, answer, lines) => {
    const explanation = await explain(url, 'get', world);
    expect(explanation.answer).toBe(answer);
    expect(places(explanation)).toEqual(lines);
  });

  test('other methods, other sites, the rules', async () => {
    expect((await explain('blog.org/old', 'POST', world)).answer).toBe('308 to /new, because of `http.redirects`');
    expect((await explain('blog.org/files/a.txt', 'PUT', world)).answer).toMatch(/^405/);
    const { outranked, rules } = await explain('www.blog.org/files/a.txt', 'GET', world);
    expect(outranked).toEqual(['`*.org` of all fits as well: exact names come before names such as `*.example.org`']);
    expect(rules).toEqual([{ proxy: 'nginx', rule: 'server_name www.blog.org; location ^~ /files/' }]);
  });

  test('settings that every answer goes through', async () => {
    world.define('blog', BLOG.replace('http:\n', 'http:\n  timeout: 5s\n  compress: true\n'));
    const settings = async (url: string) =>
      places(await explain(url, 'GET', world)).filter((text) => text.startsWith('setting'));
    expect(await settings('blog.org')).toEqual(['setting http.timeout 8:3', 'setting http.compress 9:3']);
    expect(await settings('blog.org/files/a.txt')).toEqual(['setting http.compress 9:3']);
  });

  test('the rules of Traefik, with the priority', async () => {
    Object.assign(world.workspace.proxy, { driver: 'traefik' });
    const { rules } = await explain('x.blog.org/api/x', 'GET', world);
    expect(rules).toEqual([
      expect.objectContaining({
        proxy: 'traefik',
        router: expect.stringMatching(/^blog\.leading\d+\.api$/) as string,
        priority: expect.any(Number) as number,
      }),
    ]);
    // Files are nginx's in both.
    expect((await explain('blog.org/files/a.txt', 'GET', world)).rules.map(({ proxy }) => proxy)).toEqual([
      'traefik',
      'nginx',
    ]);
  });

  test('what is no URL is a wrong usage', async () => {
    for (const url of ['ftp://a.org', '/path', 'http://', 'a b.org', 'a.org/x y']) {
      await expect(explain(url, 'GET', world), url).rejects.toThrow(HostctlError);
    }
    world.define('blog', BLOG.replace('www.blog.org', 'bücher.org'));
    expect((await explain('http://bücher.org/', 'GET', world)).answer).toBe('the app `blog/web` answers');
  });

  test('an unreachable engine is no obstacle', async () => {
    world.engine.gate = () => {
      throw new HostctlError('ENGINE_UNREACHABLE', 'no engine');
    };
    const explanation = await explain('blog.org/files/none.txt', 'GET', world);
    expect(explanation).toMatchObject({ offline: 'no engine', files: [{ of: 'definition', state: 'missing' }] });
    expect(causes(explanation)).toEqual([
      '`/src/blog/files/none.txt` is not there → names are compared letter by letter, upper and lower case too',
    ]);
    expect(causes(await explain('blog.org/files/A.txt', 'GET', world))).toEqual([
      '`/src/blog/files/A.txt` is not there → did you mean `a.txt`?',
    ]);
  });

  test('nobody’s name: what is close, and what was left out', async () => {
    world.define('all', 'hostnames: [www.shop.net, "*.tail.net"]\napps:\n  web: { image: all, prt: 80 }\n');
    world.define('good', 'hostnames: [www.shop.net, "*.tail.net"]\napps:\n  web: { image: all, port: 80 }\n');
    expect(causes(await explain('shop.net', 'GET', world)).slice(0, 3)).toEqual([
      'good has `www.shop.net`, `*.tail.net` → add `shop.net` to its hostnames',
      'projects/all.yaml has problems and was left out → hostctl validate',
      'projects/good.yaml has problems and was left out → hostctl validate',
    ]);
    expect(causes(await explain('tail.net', 'GET', world))[0]).toBe(
      '`*.tail.net` of good needs a label in front of it → add `tail.net` to its hostnames',
    );
  });

  test('https without tls', async () => {
    expect(causes(await explain('https://blog.org/', 'GET', world))).toEqual([
      'blog has no `tls`, so that it answers http only → add `tls: { acme: http }`, or a certificate of your own',
    ]);
  });
});

describe('with what is live', () => {
  const deployed = async (...names: string[]): Promise<void> => {
    for (const outcome of await deploy(names, world, { wait: 0 })) expect(outcome.error).toBeUndefined();
  };
  const box = (part: string) => [...world.engine.boxes.values()].find((item) => item.spec.name.startsWith(part))!;

  test('what was never deployed', async () => {
    await deployed('all');
    expect(causes(await explain('blog.org', 'GET', world))).toEqual([
      'blog was never deployed here → hostctl deploy blog',
    ]);
  });

  test('all is well', async () => {
    await deployed('blog', 'all');
    const { live, causes: none } = await explain('blog.org/api', 'GET', world);
    expect(live).toMatchObject({
      release: 1,
      proxy: 'answers',
      containers: [{ state: 'running', detail: 'answers 200 at /api/up', ok: true }],
    });
    expect(none).toEqual([]);
  });

  test('a container that ended, with its last words and its exit code', async () => {
    await deployed('blog', 'all');
    const web = box('blog-web');
    Object.assign(web, { state: 'exited', exitCode: 3 });
    web.log.push('no such table: posts');
    const explanation = await explain('blog.org/', 'GET', world);
    expect(explanation.live?.containers).toMatchObject([
      { state: 'exited', detail: 'exit code 3', log: ['no such table: posts'] },
    ]);
    expect(causes(explanation)).toEqual([
      `${web.spec.name} is stopped (exit code 3) → hostctl start blog; its last words are above`,
    ]);
    world.engine.boxes.delete(web.spec.name);
    expect(causes(await explain('blog.org/', 'GET', world))).toEqual([
      `there is no container ${web.spec.name}, which the live release needs → hostctl deploy blog`,
    ]);
  });

  test('an app that runs and listens nowhere', async () => {
    await deployed('blog', 'all');
    world.engine.behaviours.set('blog:latest', {});
    const explanation = await explain('blog.org/', 'GET', world);
    expect(explanation.live?.containers).toMatchObject([
      { state: 'running', ok: false, detail: 'nothing listens yet (asked at port 80 for /)' },
    ]);
    expect(causes(explanation)[0]).toContain('it must listen where hostctl expects it');
  });

  test('what the app itself says', async () => {
    await deployed('blog', 'all');
    world.prober.visit = async () => ({ ok: true, status: 504, ms: 1 });
    expect(causes(await explain('blog.org/', 'GET', world))).toEqual([
      'the app did not answer this page within 1m → make it faster, or raise `http.timeout`',
    ]);
    world.prober.visit = async () => ({ ok: true, status: 403, ms: 1 });
    expect(causes(await explain('blog.org/api/admin', 'GET', world))[0]).toContain(
      '`http.access` of blog keeps this machine out',
    );
    world.prober.visit = async () => ({ ok: true, status: 404, ms: 1 });
    expect(causes(await explain('blog.org/', 'GET', world))[0]).toContain(
      'the app itself says that there is no such page',
    );
    world.prober.visit = async () => ({ ok: true, status: 502, ms: 1 });
    expect(causes(await explain('blog.org/', 'GET', world))[0]).toContain('the proxy does not reach them');
  });

  test('a definition that was changed since', async () => {
    await deployed('blog', 'all');
    world.define('blog', BLOG.replace(', path: /api', ', path: /rest').replace('/api/admin', '/rest'));
    const explanation = await explain('blog.org/rest', 'GET', world);
    expect(explanation.answer).toContain('the app `blog/api` answers');
    expect(causes(explanation)).toEqual([
      'the live release 1 does something else: the app `blog/web` answers → hostctl plan blog, then deploy',
    ]);
    // The rule is the one in force.
    expect(explanation.rules).toEqual([{ proxy: 'nginx', rule: 'server_name blog.org; location /' }]);
  });

  test('a site that is closed', async () => {
    await deployed('blog', 'all');
    await close('blog', [], world);
    expect(causes(await explain('blog.org/', 'GET', world))).toEqual([
      'blog is closed for maintenance: visitors get 503 → hostctl maintenance off blog',
    ]);
  });

  test('a proxy that is down', async () => {
    await deployed('blog', 'all');
    Object.assign(box('hostctl-proxy'), { state: 'exited' });
    expect(causes(await explain('blog.org/', 'GET', world))).toEqual([
      'the proxy does not answer: no site of this host does → hostctl doctor, then hostctl setup',
    ]);
  });

  test('a file that came after the deploy, and one behind a link', async () => {
    await deployed('blog', 'all');
    world.source('blog', { 'files/new.txt': 'n' });
    const added = await explain('blog.org/files/new.txt', 'GET', world);
    expect(added.files.map(({ of, state }) => [of, state])).toEqual([
      ['definition', 'file'],
      ['live', 'missing'],
    ]);
    expect(causes(added)).toEqual([
      '`/src/blog/files/new.txt` is there, and was not when the project was deployed → hostctl deploy blog',
    ]);
    world.host.entries.set('media/blog/files.live/files/l.txt', { target: '/etc/passwd' });
    expect(causes(await explain('blog.org/files/l.txt', 'GET', world))[0]).toContain('is reached over a symbolic link');
  });
});
