import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Explanation } from '../../src/core/results.ts';
import { ask } from './support/http.ts';
import { Lab } from './support/lab.ts';

describe.each(['nginx', 'traefik'] as const)('explain under %s', (driver) => {
  let lab: Lab;
  const explain = async (url: string): Promise<Explanation> =>
    JSON.parse(await lab.ok(`explain ${url} --json`)) as Explanation;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    lab.write('site/index.html', 'the page');
    lab.write('files/a.txt', 'a file');
    lab.define(
      'site',
      'hostnames: [www.site.org, "*.site.org"]\napps:\n  web: { runtime: static, source: ../site }\nmedia:\n  /files: { from: ../files }\n  /up: { from: ../none, writable-by: web }\n',
    );
    await lab.ok('deploy site');
  });
  afterAll(() => lab.close());

  test('says what a visitor gets, and by which rule', async () => {
    const page = await explain('www.site.org/');
    expect(page).toMatchObject({
      answer: 'the app `site/web` answers',
      live: { release: 1, proxy: 'answers', visit: { status: 200 }, containers: [{ state: 'running', ok: true }] },
      causes: [],
    });
    expect(page.rules[0]).toMatchObject({ proxy: driver });
    const file = await explain('x.site.org/files/a.txt');
    expect(file.live?.visit).toEqual({ status: 200 });
    expect(file.files.map(({ of, state }) => `${of} ${state}`)).toEqual(['definition file', 'live file']);
    expect(file.rules.at(-1)).toEqual({ proxy: 'nginx', rule: 'server_name *.site.org; location ^~ /files/' });
    expect((await explain('nobody.org/')).live?.visit).toEqual({ status: 404 });
  });

  test('finds the reason of a 404', async () => {
    lab.write('files/new.txt', 'too late');
    expect((await explain('www.site.org/files/new.txt')).causes[0]?.text).toContain(
      'was not when the project was deployed',
    );
    expect((await explain('www.site.org/files/none.txt')).causes[0]?.text).toContain('is not there');
    symlinkSync('/etc/passwd', join(lab.data, 'media/site/up.uploads/up/passwd'));
    const link = await explain('www.site.org/up/passwd');
    expect([403, 404]).toContain(link.live?.visit?.status);
    expect(link.causes[0]?.text).toContain('is reached over a symbolic link');
  });

  test('finds the reason of a 502', async () => {
    const [app] = await lab.running('site');
    await lab.engine.stop(app!.Name.slice(1), 1);
    expect((await ask(lab, 'www.site.org', '/')).status).toBe(502);
    const { out } = await lab.hostctl('explain www.site.org');
    expect(out).toContain('asked now: 502');
    expect(out).toMatch(/! site-web-\S+ is stopped \(exit code \d+\)\n {2}→ hostctl start site/);
    await lab.ok('start site');
    expect((await explain('www.site.org/')).causes).toEqual([]);
  });
});
