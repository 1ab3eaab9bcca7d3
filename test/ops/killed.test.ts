import { describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import type { DriverName } from '../../src/core/model.ts';
import type { Release } from '../../src/core/state.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { partNames } from '../../src/ops/driver.ts';
import { remove } from '../../src/ops/remove.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { removeSecret, setSecret } from '../../src/ops/secrets.ts';
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

const SECRET = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, secrets: [TOKEN, { name: PASSWORD, env: true }] }
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

const give = (world: World, name: string, value: string) => setSecret('blog', name, Buffer.from(value), world);
const put = (world: World) => deploy(['blog'], world, { wait: 0 });

async function deployed({ from, driver = 'nginx' }: Pick<Case, 'from' | 'driver'>): Promise<World> {
  const world = await World.with({ blog: from }, { proxy: { driver } });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  for (const image of ['postgres:17', 'postgres:18']) await world.engine.pull(image);
  if (from === SECRET) for (const name of ['TOKEN', 'PASSWORD']) await give(world, name, 'one');
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
  'a first deploy with secrets': { from: SECRET, act: put, serving: false },
  'another version of a secret': {
    from: SECRET,
    change: async (world) => {
      await put(world);
      await give(world, 'TOKEN', 'two');
    },
    act: put,
    serving: true,
  },
  'secrets that older releases need no more': {
    from: SECRET,
    change: async (world) => {
      for (let version = 1; version <= 5; version += 1) {
        await give(world, 'TOKEN', `value ${version}`);
        await put(world);
      }
      await give(world, 'TOKEN', 'two');
    },
    act: put,
    serving: true,
  },
  'a rollback to another version of a secret': {
    from: SECRET,
    change: async (world) => {
      await put(world);
      await give(world, 'TOKEN', 'two');
      await put(world);
    },
    act: async (world) => {
      const current = await world.host.readLink(LAYOUT.current('blog'));
      await rollback('blog', current === 'releases/2.json' ? 1 : 3, 0, world);
    },
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
  const withFiles = await world.host.list(LAYOUT.secretFiles('blog'));
  expect(withFiles.filter((name) => !world.engine.boxes.has(name))).toEqual([]);
  for (const name of running) await expectSecrets(name, world);
  const sockets = running.filter((name) =>
    world.engine.boxes.get(name)!.spec.mounts.some((m) => m.target === '/run/hostctl'),
  );
  expect((await world.host.list(LAYOUT.links)).length).toBe(sockets.length);
}

/** A container sees the values its release says, for its user only. */
async function expectSecrets(name: string, world: World): Promise<void> {
  const current = await world.host.readLink(LAYOUT.current('blog'));
  const release = JSON.parse((await world.host.read(`projects/blog/${current}`))!) as Release;
  const workload = release.desired.workloads.find((item) => item.container.name === name);
  for (const [secret, version] of Object.entries(workload?.secrets?.versions ?? {})) {
    const stored = JSON.parse((await world.host.read(LAYOUT.secretVersion('blog', secret, version)))!) as {
      value: string;
    };
    const file = world.host.entries.get(`${LAYOUT.secretFilesOf('blog', name)}/${secret}`);
    expect(file?.text).toBe(Buffer.from(stored.value, 'base64').toString());
    expect(file?.owner).toMatchObject({ mode: 0o400, uid: workload!.container.uid });
  }
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
