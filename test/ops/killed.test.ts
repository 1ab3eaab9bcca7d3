import { describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { remove } from '../../src/ops/remove.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { removeSecret } from '../../src/ops/secrets.ts';
import { BLOG, OWN, RENEWED } from '../support/certificates.ts';
import { cases, deployed, expectWhole, give, SECRET, SITE, TCP } from '../support/disturbed.ts';
import { World } from '../support/world.ts';

const put = (world: World) => deploy(['blog'], world, { wait: 0 });

describe.each(Object.entries(cases))('%s', (_name, item) => {
  test('killed at any change, and run again, ends whole', async () => {
    for (let k = 1; ; k += 1) {
      const world = await deployed(item);
      await item.change?.(world);
      const revive = world.killAt(k);
      await item.act(world).catch(() => undefined);
      const killed = revive();
      if (item.serving) expect(world.running('blog'), `killed at ${k}`).toContain(world.servedBy('www.blog.org'));
      await item.act(world);
      await expectWhole(world);
      if (!killed) break;
    }
  });

  test('killed at any change, and given up, leaves what served', async () => {
    if (!item.serving || item.from !== SITE) return;
    for (let k = 1; ; k += 1) {
      const world = await deployed(item);
      await item.change?.(world);
      const revive = world.killAt(k);
      await item.act(world).catch(() => undefined);
      if (!revive()) break;
      world.define('blog', SITE);
      world.source('blog', { 'server.js': 'one', 'files/a.txt': 'A' });
      await put(world);
      await expectWhole(world);
      expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
    }
  });
});

test('a rollback to the one before that is killed after its switch is finished, not undone, by the same command', async () => {
  const item = cases['a rollback']!;
  let finished = 0;
  for (let k = 1; ; k += 1) {
    const world = await deployed(item);
    await item.change?.(world);
    const [newer] = world.running('blog');
    const revive = world.killAt(k);
    await rollback('blog', undefined, 0, world).catch(() => undefined);
    const killed = revive();
    const switched = (await world.host.readLink(LAYOUT.current('blog'))) === 'releases/3.json';
    if (switched && world.running('blog').includes(newer!)) {
      finished += 1;
      const { error } = await rollback('blog', undefined, 0, world);
      expect(error).toBeUndefined();
      expect(world.servedBy('www.blog.org')).not.toBe(newer);
      await expectWhole(world);
    }
    if (!killed) break;
  }
  expect(finished).toBeGreaterThan(0);
});

test.each([
  ['nothing', true],
  ['only data', false],
])('a removal that is killed at any change and run again leaves %s', async (_, purge) => {
  for (let k = 1; ; k += 1) {
    const world = await deployed({ from: TCP });
    await put(world);
    const revive = world.killAt(k);
    await remove('blog', purge, world).catch(() => undefined);
    const killed = revive();
    // What is gone already needs no second removal.
    await remove('blog', purge, world).catch(() => undefined);
    expect([...world.engine.boxes.keys()]).toEqual(['hostctl-proxy']);
    const left = [...world.host.entries.keys()].filter((path) => path.includes('blog') && !path.includes('/sites/'));
    const data = /^projects\/blog\/(identity\.json|volumes\/)/;
    expect(left.filter((path) => purge || !data.test(path))).toEqual([]);
    expect([...world.engine.nets.keys()].filter((name) => name.includes('blog'))).toEqual([]);
    expect(world.servedBy('www.blog.org')).toBeUndefined();
    if (!killed) break;
  }
});

test('a deploy with a secret that is killed anywhere and given up leaves no value behind', async () => {
  const files = async (world: World) => (await world.host.list(LAYOUT.secretFiles('blog'))).toSorted();
  for (let k = 1; ; k += 1) {
    const world = await deployed({ from: SECRET });
    await put(world);
    const before = await files(world);
    await give(world, 'TOKEN', 'two');
    const revive = world.killAt(k);
    await put(world).catch(() => undefined);
    if (!revive()) break;
    await give(world, 'TOKEN', 'three');
    await put(world);
    await expectWhole(world);
    expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
    const boxes = [...world.engine.boxes.keys()].filter((name) => name.startsWith('blog'));
    expect(await files(world), `killed at ${k}`).toEqual(boxes.toSorted());
    expect(boxes).toEqual(expect.arrayContaining(before));
  }
});

test('setting and deleting a secret, killed at any change and done again', async () => {
  for (let k = 1; ; k += 1) {
    const world = await deployed({ from: SITE });
    await give(world, 'TOKEN', 'one');
    const revive = world.killAt(k);
    await give(world, 'TOKEN', 'two').catch(() => undefined);
    await removeSecret('blog', 'TOKEN', { force: false }, world).catch(() => undefined);
    const killed = revive();
    await removeSecret('blog', 'TOKEN', { force: false }, world).catch(() => undefined);
    const left = await world.host.list(LAYOUT.secret('blog', 'TOKEN'));
    expect(left.filter((name) => name.endsWith('.json'))).toEqual([]);
    // A number that was used never means another value.
    const used = Math.max(...left.map((name) => Number.parseInt(name, 10)));
    expect((await give(world, 'TOKEN', 'three')).version).toBeGreaterThan(used);
    if (!killed) break;
  }
});

describe('a certificate', () => {
  const own = `${SITE.replace('www.blog.org', 'www.blog.org, www.example.org')}tls: { certificate: /src/tls/cert.pem, key: /src/tls/key.pem }\n`;
  const ordered = `${SITE.replace('www.blog.org', 'www.blog.org, www.example.org')}tls: { acme: dns }\n`;
  const settings = { proxy: { driver: 'nginx' as const }, tls: { dns: { hook: './hook.sh', wait: '10s' } } };
  const bring = (world: World, pair: typeof OWN): void =>
    world.source('tls', { 'cert.pem': pair.certificate, 'key.pem': pair.key });

  async function start(definition: string): Promise<World> {
    const world = await World.with({ blog: definition }, settings);
    world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
    bring(world, OWN);
    for (const name of ['www.blog.org', 'www.example.org']) {
      world.dns.records.set(`_acme-challenge.${name}`, [`value of ${name}`]);
    }
    world.issuer.next = BLOG;
    return world;
  }

  /** The proxy has loaded this certificate and no other, and nothing is left to do. */
  async function expectLoaded(world: World, certificate: string): Promise<void> {
    await expectWhole(world);
    const version = await world.host.readLink(LAYOUT.liveCertificate('blog'));
    expect(await world.host.read(`${LAYOUT.certificate('blog', version!)}/chain.pem`)).toBe(certificate);
    const live = await world.host.readLink(LAYOUT.live.nginx);
    const config = await world.host.read(`proxy/${live}/sites/blog.conf`);
    expect(config!.match(/ssl_certificate .*/g)).toEqual([
      `ssl_certificate /etc/hostctl-tls/blog/${version}/chain.pem;`,
    ]);
    expect(formatPlan(await plan(['blog'], world))).toBe('Up to date.\n');
  }

  test.each([
    ['of the user', own, OWN.certificate],
    ['that is ordered', ordered, BLOG.certificate],
  ])(
    '%s, killed at any change and run again, is in force',
    async (_, definition, certificate) => {
      for (let k = 1; ; k += 1) {
        const world = await start(definition);
        const revive = world.killAt(k);
        await put(world).catch(() => undefined);
        const killed = revive();
        for (const { error } of await put(world)) expect(error, `killed at ${k}`).toBeUndefined();
        await expectLoaded(world, certificate);
        if (!killed) break;
      }
    },
    60_000,
  );

  test('that takes the place of another leaves one of the two in force at any moment', async () => {
    for (let k = 1; ; k += 1) {
      const world = await start(own);
      await put(world);
      bring(world, RENEWED);
      const revive = world.killAt(k);
      await put(world).catch(() => undefined);
      const killed = revive();
      const version = await world.host.readLink(LAYOUT.liveCertificate('blog'));
      expect([OWN.certificate, RENEWED.certificate]).toContain(
        await world.host.read(`${LAYOUT.certificate('blog', version!)}/chain.pem`),
      );
      expect(world.running('blog')).toContain(world.servedBy('www.blog.org'));
      await put(world);
      await expectLoaded(world, RENEWED.certificate);
      if (!killed) break;
    }
  }, 60_000);
});
