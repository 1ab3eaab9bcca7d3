import { describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import type { DriverName } from '../../src/core/model.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { partNames } from '../../src/ops/driver.ts';
import { remove } from '../../src/ops/remove.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { BLOG, OWN, RENEWED } from '../support/certificates.ts';
import { World } from '../support/world.ts';

const SITE = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, release: [sh, -c, "exit 0"] }
media:
  /files: { from: /src/blog/files }
`;
const TCP = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, port: 3000, needs: [db] }
  db: { image: "postgres:17", port: 5432, volumes: { data: /var/lib/postgresql/data } }
`;

interface Case {
  readonly from: string;
  /** Default: nginx. */
  readonly driver?: DriverName;
  /** What is killed, and then done again. */
  readonly act: (world: World) => Promise<unknown>;
  /** Before it. */
  readonly change?: (world: World) => Promise<void>;
  /** Visitors have somebody to talk to at every moment. */
  readonly serving: boolean;
}

const put = (world: World) => deploy(['blog'], world, { wait: 0 });

async function deployed({ from, driver = 'nginx' }: Pick<Case, 'from' | 'driver'>): Promise<World> {
  const world = await World.with({ blog: from }, { proxy: { driver } });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  for (const image of ['postgres:17', 'postgres:18']) await world.engine.pull(image);
  return world;
}

const cases: Readonly<Record<string, Case>> = {
  'a first deploy': { from: SITE, act: put, serving: false },
  'a first deploy over TCP, with an app it needs': { from: TCP, act: put, serving: false },
  'a new version': {
    from: SITE,
    change: async (world) => {
      await put(world);
      world.source('blog', { 'server.js': 'two', 'files/a.txt': 'B' });
    },
    act: put,
    serving: true,
  },
  'a new version over TCP': {
    from: TCP,
    change: async (world) => {
      await put(world);
      world.source('blog', { 'server.js': 'two' });
    },
    act: put,
    serving: true,
  },
  'a new version of an app whose volume only one copy may write to': {
    from: TCP,
    change: async (world) => {
      await put(world);
      world.define('blog', TCP.replace('postgres:17', 'postgres:18'));
    },
    act: put,
    serving: true,
  },
  'a first deploy under Traefik': { from: SITE, driver: 'traefik', act: put, serving: false },
  'a new version under Traefik': {
    from: SITE,
    driver: 'traefik',
    change: async (world) => {
      await put(world);
      world.source('blog', { 'server.js': 'two', 'files/a.txt': 'B' });
    },
    act: put,
    serving: true,
  },
  'a change of the proxy to Traefik': {
    from: SITE,
    change: async (world) => {
      await put(world);
      Object.assign(world.workspace.proxy, { driver: 'traefik' });
    },
    act: put,
    // Which of the two has the ports changes in the middle of it.
    serving: false,
  },
  'a change of the proxy to nginx': {
    from: SITE,
    driver: 'traefik',
    change: async (world) => {
      await put(world);
      Object.assign(world.workspace.proxy, { driver: 'nginx' });
    },
    act: put,
    serving: false,
  },
  'a new version that does not last': {
    from: SITE,
    change: async (world) => {
      await put(world);
      world.source('blog', { 'server.js': 'two', 'files/a.txt': 'B' });
      const known = new Set(world.engine.imageIds.keys());
      const behaviourOf = world.engine.behaviourOf.bind(world.engine);
      world.engine.behaviourOf = (image) =>
        image.startsWith('hostctl/blog:') && !known.has(image) ? { answers: 200, lasts: 1500 } : behaviourOf(image);
    },
    act: put,
    serving: true,
  },
  'a new version of an app whose volume only one copy may write to, which does not last': {
    from: TCP,
    change: async (world) => {
      await put(world);
      world.define('blog', TCP.replace('postgres:17', 'postgres:18'));
      world.engine.behaviours.set('postgres:18', { answers: 200, lasts: 1500 });
    },
    act: put,
    serving: true,
  },
  'other limits': {
    from: SITE,
    change: async (world) => {
      await put(world);
      world.define('blog', SITE.replace('source: /src/blog,', 'source: /src/blog, limits: { memory: 99M },'));
    },
    act: put,
    serving: true,
  },
  'a rollback': {
    from: SITE,
    change: async (world) => {
      await put(world);
      world.source('blog', { 'server.js': 'two', 'files/a.txt': 'B' });
      await put(world);
    },
    act: async (world) => {
      // A rollback that is repeated after it went through would go back one more.
      const current = await world.host.readLink(LAYOUT.current('blog'));
      if (current === 'releases/2.json') await rollback('blog', 1, 0, world);
      else await rollback('blog', 3, 0, world);
    },
    serving: true,
  },
};

/** What must be true once the same command was run again. */
async function expectWhole(world: World): Promise<void> {
  const served = world.servedBy('www.blog.org');
  const running = world.running('blog');
  expect(running).toContain(served);
  expect(new Set(running.map((name) => world.engine.boxes.get(name)!.spec.labels['hostctl.app'])).size).toBe(
    running.length,
  );
  for (const name of running) {
    const box = world.engine.boxes.get(name)!;
    expect(box.restart).toBe('always');
  }
  const tasks = [...world.engine.boxes.values()].filter((box) => box.spec.labels['hostctl.role'] === 'task');
  expect(tasks).toEqual([]);
  expect(await world.host.read(LAYOUT.unfinished('blog'))).toBeUndefined();
  const proxies = [...world.engine.boxes.values()].filter((box) => box.spec.labels['hostctl.role'] === 'proxy');
  expect(proxies.map((box) => `${box.spec.name} ${box.state}`).toSorted()).toEqual(
    partNames(world).map((name) => `${name} running`),
  );
  const sockets = running.filter((name) =>
    world.engine.boxes.get(name)!.spec.mounts.some((m) => m.target === '/run/hostctl'),
  );
  expect((await world.host.list(LAYOUT.links)).length).toBe(sockets.length);
}

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
    if (!item.serving || item.from === TCP) return;
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

test('a removal that is killed at any change and run again leaves nothing', async () => {
  for (let k = 1; ; k += 1) {
    const world = await deployed({ from: TCP });
    await put(world);
    const revive = world.killAt(k);
    await remove('blog', true, world).catch(() => undefined);
    const killed = revive();
    // What is gone already needs no second removal.
    await remove('blog', true, world).catch(() => undefined);
    expect([...world.engine.boxes.keys()]).toEqual(['hostctl-proxy']);
    expect([...world.host.entries.keys()].filter((path) => path.includes('blog') && !path.includes('/sites/'))).toEqual(
      [],
    );
    expect(world.servedBy('www.blog.org')).toBeUndefined();
    if (!killed) break;
  }
});

describe('a certificate', () => {
  const own = `${SITE.replace('www.blog.org', 'www.blog.org, www.example.org')}tls: { certificate: /src/tls/cert.pem, key: /src/tls/key.pem }\n`;
  const ordered = `${SITE.replace('www.blog.org', 'www.blog.org, www.example.org')}tls: { acme: dns }\n`;
  const settings = { proxy: { driver: 'nginx' as const }, tls: { dns: { hook: './hook.sh', wait: '10s' } } };
  const give = (world: World, pair: typeof OWN): void =>
    world.source('tls', { 'cert.pem': pair.certificate, 'key.pem': pair.key });

  async function start(definition: string): Promise<World> {
    const world = await World.with({ blog: definition }, settings);
    world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
    give(world, OWN);
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
      give(world, RENEWED);
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
