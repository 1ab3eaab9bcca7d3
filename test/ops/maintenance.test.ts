import { beforeEach, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { close, open } from '../../src/ops/maintenance.ts';
import { remove } from '../../src/ops/remove.ts';
import { render } from '../../src/ops/render.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { status } from '../../src/ops/status.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const SITE = `${BLOG}http: { maintenance: { bypass: [203.0.113.0/24] } }\n`;

async function deployed(): Promise<World> {
  const made = await World.with({ blog: SITE });
  made.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  await deploy(['blog'], made, { wait: 0 });
  return made;
}

/** What the proxy has loaded for the site. */
const loaded = (of: World): string => {
  const live = of.host.entries.get(LAYOUT.live.nginx)!.target!;
  return of.host.entries.get(`proxy/${live}/sites/blog.conf`)!.text!;
};
const closed = (of: World): boolean => loaded(of).includes('return 599;');

let world: World;
beforeEach(async () => {
  world = await deployed();
});

test('lasts through deploys and rollbacks, and ends with the project', async () => {
  const first = await close('blog', ['198.51.100.7'], world);
  expect(first).toMatchObject({ project: 'blog', bypass: ['203.0.113.0/24', '198.51.100.7'] });
  expect(first.link).toMatch(/^http:\/\/www\.blog\.org\/\.hostctl\/pass\/[0-9a-f]{32}$/);
  expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
  world.source('blog', { 'server.js': 'two', 'files/a.txt': 'B' });
  expect((await deploy(['blog'], world, { wait: 0 }))[0]).toMatchObject({ changed: true, visits: { failed: 0 } });
  expect(closed(world)).toBe(true);
  await rollback('blog', undefined, 0, world);
  expect(closed(world)).toBe(true);
  expect((await status([], world)).maintenance).toEqual([first]);
  await remove('blog', false, world);
  await deploy(['blog'], world, { wait: 0 });
  expect(closed(world)).toBe(false);
});

test('closed again, it keeps its link and takes other addresses', async () => {
  const first = await close('blog', ['198.51.100.7'], world);
  expect(await close('blog', [], world)).toEqual(first);
  expect(await close('blog', ['198.51.100.8/32'], world)).toEqual({
    ...first,
    bypass: ['203.0.113.0/24', '198.51.100.8/32'],
  });
  expect(await open('blog', world)).toBe(true);
  expect(await open('blog', world)).toBe(false);
  expect((await close('blog', [], world)).link).not.toBe(first.link);
});

test('what opens it is in no record and on no screen', async () => {
  const token = (await close('blog', [], world)).link.split('/').at(-1)!;
  expect(loaded(world)).toContain(token);
  for (const names of [[], ['blog']]) expect(JSON.stringify(await render('nginx', names, world))).not.toContain(token);
  world.source('blog', { 'server.js': 'two' });
  await deploy(['blog'], world, { wait: 0 });
  const records = [...world.host.entries].filter(([path]) => path.includes('/releases/'));
  expect(JSON.stringify(records)).not.toContain(token);
});

describe('is refused', () => {
  test.each([
    ['none', [], 'NOT_DEPLOYED'],
    ['job', [], 'NO_SITE'],
    ['blog', ['10.0.0.1/8'], 'USAGE'],
  ])('for %s with %j: %s', async (project, addresses, code) => {
    world.define('job', 'apps:\n  job: { runtime: node, source: /src/blog, command: work }\n');
    await deploy(['job'], world, { wait: 0 });
    await expect(close(project, addresses, world)).rejects.toMatchObject({ code, exit: 2 });
  });

  test('by the proxy, and then nothing of it stays', async () => {
    world.engine.failOn = { call: /^exec hostctl-proxy/, error: new HostctlError('ENGINE', 'no such luck') };
    await expect(close('blog', [], world)).rejects.toMatchObject({ code: 'ENGINE' });
    expect(closed(world)).toBe(false);
    expect(await world.host.read(LAYOUT.maintenance('blog'))).toBeUndefined();
    expect((await status([], world)).maintenance).toEqual([]);
  });
});

test.each([
  ['on', (of: World) => close('blog', [], of)],
  ['off', (of: World) => open('blog', of)],
] as const)('%s, killed at any change, holds once it is said again or something is deployed', async (state, act) => {
  for (let k = 1; ; k += 1) {
    for (const again of [act, (of: World) => deploy(['blog'], of, { wait: 0 })]) {
      const made = await deployed();
      if (state === 'off') await close('blog', [], made);
      const revive = made.killAt(k);
      await act(made).catch(() => undefined);
      const killed = revive();
      await again(made);
      const wanted = (await made.host.read(LAYOUT.maintenance('blog'))) !== undefined;
      expect(closed(made), `killed at ${k}`).toBe(wanted);
      if (again === act) expect(wanted).toBe(state === 'on');
      if (!killed) return;
    }
  }
});
