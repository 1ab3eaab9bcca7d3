import { beforeEach, describe, expect, test } from 'vitest';
import type { Reply, WebAnswer, WebAsk } from '../../src/core/reply.ts';
import type { Comparison, Verification } from '../../src/core/results.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { close } from '../../src/ops/maintenance.ts';
import { verify, type VerifyOptions } from '../../src/ops/verify.ts';
import { Chalk } from 'chalk';
import { formatVerification } from '../../src/ui/verify.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const OPTIONS: VerifyOptions = {
  against: 'http://192.0.2.1',
  insecure: false,
  lists: [],
  crawl: 20,
  parallel: 4,
  timeout: 1000,
};

let world: World;
beforeEach(async () => {
  world = await World.with({ blog: BLOG });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  await deploy(['blog'], world, { wait: 0 });
});

function page(text: string, status = 200, type = 'text/html; charset=utf-8'): Reply {
  const headers = { 'content-type': [type] };
  return { status, headers, body: { hash: text, bytes: text.length, whole: true, text } };
}

/** Both servers answer what is known and 404 besides, but for what one of them says otherwise. */
function serve(
  pages: Record<string, string>,
  otherwise: (place: string, ask: WebAsk, times: number) => WebAnswer | undefined,
): void {
  world.web.answer = (place, ask, times) => {
    const known = pages[ask.path];
    return otherwise(place, ask, times) ?? (known === undefined ? page('none', 404) : page(known));
  };
}

const of = (result: Verification, path: string): Comparison[] =>
  result.comparisons.filter((item) => item.path === path);
const paths = (place: string): string[] =>
  world.web.asked.filter((line) => line.startsWith(place)).map((line) => line.replace(/^\w+ /, ''));

test('both servers get the same requests, and nothing differs', async () => {
  serve({ '/': 'home' }, () => undefined);
  const result = await verify('blog', OPTIONS, world);
  expect(result).toMatchObject({ project: 'blog', different: 0, intended: 0, unknown: 0, same: result.requests });
  expect(paths('there').toSorted()).toEqual(paths('here').toSorted());
  expect(paths('there')).toContain('GET www.blog.org/files/a.txt');
  expect(formatVerification(result, false, new Chalk({ level: 0 }))).toBe(
    `${result.requests} requests, ${result.same} the same, 0 as intended, 0 different\n`,
  );
});

test('what differs is told, with what each server says', async () => {
  serve({ '/': 'home' }, (place, { path }) => {
    if (path === '/favicon.ico') return place === 'there' ? page('icon') : undefined;
    if (path === '/files/') return place === 'there' ? page('<title>Index of /files</title>') : undefined;
    return undefined;
  });
  const result = await verify('blog', OPTIONS, world);
  expect(result).toMatchObject({ different: 1, intended: 1 });
  expect(of(result, '/favicon.ico')).toMatchObject([
    { verdict: 'different', findings: [{ what: 'status', there: '200', here: '404' }] },
  ]);
  const text = formatVerification(result, false, new Chalk({ level: 0 }));
  expect(text).toMatch(/^different +www\.blog\.org\/favicon\.ico +status +200 +404$/m);
  expect(text).toContain('  1 × folders are never listed, such as www.blog.org/files/\n');
  expect(formatVerification(result, true, new Chalk({ level: 0 }))).toMatch(
    /^intended +www\.blog\.org\/files\/ +status +200 +404 +folders are never listed$/m,
  );
});

describe('a page that differs', () => {
  const home = (text: (place: string, times: number) => string): void =>
    serve({}, (place, { path }, times) => (path === '/' ? page(text(place, times)) : undefined));
  const verdict = async (): Promise<string | undefined> =>
    of(await verify('blog', { ...OPTIONS, crawl: 0 }, world), '/')[0]?.verdict;

  test('from one request to the next of the same server is the same', async () => {
    home((place, times) => `<p>some words around it</p> ${place}${times}`);
    expect(await verdict()).toBe('same');
  });

  test('between the servers only is different', async () => {
    home((place) => `<p>some words around it</p> ${place}`);
    expect(await verdict()).toBe('different');
  });

  test('altogether each time cannot be compared', async () => {
    home((place, times) => `${place}${times}`);
    expect(await verdict()).toBe('unknown');
  });
});

describe('links', () => {
  const chain = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`/p${n}`, `<a href="/p${n + 1}">next</a>`]));

  test('are followed on the site itself, as far as wanted', async () => {
    serve({ '/': '<a href="/p0">a</a> <a href="http://elsewhere.org/x">b</a>', ...chain }, () => undefined);
    const result = await verify('blog', { ...OPTIONS, crawl: 10 }, world);
    expect(result.comparisons.filter(({ path }) => /^\/p\d/.test(path))).toHaveLength(10);
    expect(result.comparisons.every(({ host }) => host.endsWith('blog.org'))).toBe(true);
  });

  test('are not followed when that is not wanted', async () => {
    serve({ '/': '<a href="/p0">a</a>', ...chain }, () => undefined);
    const { comparisons } = await verify('blog', { ...OPTIONS, crawl: 0 }, world);
    expect(comparisons.some(({ path }) => path === '/p0')).toBe(false);
  });

  test('of a sitemap too', async () => {
    const sitemap = '<urlset><url><loc>https://www.blog.org/far</loc></url></urlset>';
    serve({ '/': 'home' }, (_, { path }) =>
      path === '/sitemap.xml' ? page(sitemap, 200, 'application/xml') : undefined,
    );
    expect(of(await verify('blog', OPTIONS, world), '/far')).toHaveLength(1);
  });
});

describe('lists of paths', () => {
  test('are asked for, on the main hostname or the one they name', async () => {
    world.files.texts.set('/work/paths.txt', '# links\n/news?page=2\r\n\nhttps://www.blog.org/far#top\n');
    serve({ '/': 'home' }, () => undefined);
    const result = await verify('blog', { ...OPTIONS, lists: ['/work/paths.txt'] }, world);
    expect([...of(result, '/news?page=2'), ...of(result, '/far')].map(({ host }) => host)).toEqual([
      'www.blog.org',
      'www.blog.org',
    ]);
  });

  test.each(['news', 'http://elsewhere.org/', '//elsewhere.org/', 'ftp://www.blog.org/'])(
    '%s is none',
    async (line) => {
      world.files.texts.set('/work/paths.txt', `/fine\n${line}\n`);
      await expect(verify('blog', { ...OPTIONS, lists: ['/work/paths.txt'] }, world)).rejects.toMatchObject({
        code: 'USAGE',
        exit: 2,
        message: expect.stringContaining('/work/paths.txt:2: ') as string,
      });
    },
  );

  test('that are not there', async () => {
    await expect(verify('blog', { ...OPTIONS, lists: ['/work/none.txt'] }, world)).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});

test('requests that are one too many are tried again', async () => {
  serve({}, (place, { path }, times) => {
    if (path !== '/') return undefined;
    return place === 'here' && times % 3 !== 0 ? page('slow down', 429) : page('home');
  });
  expect(of(await verify('blog', { ...OPTIONS, crawl: 0 }, world), '/')[0]?.verdict).toBe('same');
});

test('hostctl comes in while the site is closed, the other server learns nothing of it', async () => {
  await close('blog', [], world);
  const cookies = { there: new Set<string | undefined>(), here: new Set<string | undefined>() };
  serve({ '/': 'home' }, (place, { headers }) => {
    cookies[place as 'there' | 'here'].add(headers['Cookie']);
    return undefined;
  });
  await verify('blog', OPTIONS, world);
  expect([...cookies.there]).toEqual([undefined]);
  expect([...cookies.here]).toEqual([expect.stringMatching(/^hostctl_pass=[0-9a-f]{20}$/)]);
});

describe('a site with https', () => {
  const schemes = async (against: string, leads: boolean): Promise<Set<string>> => {
    world.define('blog', `${BLOG}tls: { acme: http }\n`);
    // No authority gives a certificate while DNS leads elsewhere; the release is live all the same.
    expect(await deploy(['blog'], world, { wait: 0 })).toMatchObject([{ error: { code: 'NOT_IN_DNS' } }]);
    const asked = new Set<string>();
    world.web.servers = (server) => asked.add(`${server.scheme}:${server.port}:${server.trusted}`);
    serve({ '/': 'home' }, (place, { path }, times) => {
      const first = place === 'here' && path === '/' && leads && times === 1;
      return first ? { ...page('', 301), headers: { location: ['https://www.blog.org/'] } } : undefined;
    });
    expect(await verify('blog', { ...OPTIONS, against }, world)).toMatchObject({ different: 0 });
    return asked;
  };
  test('is asked over https where it leads there', async () => {
    expect(await schemes('http://192.0.2.1', true)).toEqual(new Set(['http:80:true', 'https:443:false']));
  });
  test('is asked over http until it has a certificate', async () => {
    expect(await schemes('https://192.0.2.1', false)).toEqual(new Set(['http:80:true', 'https:443:true']));
  });
});

describe('what cannot be compared', () => {
  test.each([
    ['there', 'OTHER_SILENT'],
    ['here', 'PROXY_SILENT'],
  ])('%s is silent', async (silent, code) => {
    serve({ '/': 'home' }, (place) => (place === silent ? { failed: 'nothing listens there' } : undefined));
    await expect(verify('blog', OPTIONS, world)).rejects.toMatchObject({ code, exit: 7 });
  });

  test('a project that is not deployed, one without visitors, an address that is none', async () => {
    await expect(verify('none', OPTIONS, world)).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
    await expect(verify('blog', { ...OPTIONS, against: 'old.example' }, world)).rejects.toMatchObject({
      code: 'USAGE',
    });
    world.define('job', 'apps:\n  job: { runtime: node, source: /src/blog, command: work }\n');
    await deploy(['job'], world, { wait: 0 });
    await expect(verify('job', OPTIONS, world)).rejects.toMatchObject({ code: 'NO_SITE' });
  });
});
