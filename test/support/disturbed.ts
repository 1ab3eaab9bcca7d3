import { expect } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import type { DriverName } from '../../src/core/model.ts';
import type { Outcome } from '../../src/core/results.ts';
import type { Release } from '../../src/core/state.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { partNames } from '../../src/ops/driver.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { setSecret } from '../../src/ops/secrets.ts';
import { World } from './world.ts';

/** Things to do that are disturbed in the middle, and what must be true when they were done again. */

export const SITE = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, release: [sh, -c, "exit 0"] }
media:
  /files: { from: /src/blog/files }
`;
export const TCP = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, port: 3000, needs: [db] }
  db: { image: "postgres:17", port: 5432, volumes: { data: /var/lib/postgresql/data } }
`;

export const SECRET = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, secrets: [TOKEN, { name: PASSWORD, env: true }] }
`;

export interface Case {
  readonly from: string;
  /** Default: nginx. */
  readonly driver?: DriverName;
  /** What is disturbed, and then done again. */
  readonly act: (world: World) => Promise<readonly Outcome[]>;
  /** Before it. */
  readonly change?: (world: World) => Promise<void>;
  /** Visitors have somebody to talk to at every moment. */
  readonly serving: boolean;
  /** What is deployed does not last, so that the earlier release comes back. */
  readonly reverts?: true;
}

export const give = (world: World, name: string, value: string) => setSecret('blog', name, Buffer.from(value), world);
const put = (world: World) => deploy(['blog'], world, { wait: 0 });

export async function deployed({ from, driver = 'nginx' }: Pick<Case, 'from' | 'driver'>): Promise<World> {
  const world = await World.with({ blog: from }, { proxy: { driver } });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  for (const image of ['postgres:17', 'postgres:18']) await world.engine.pull(image);
  if (from === SECRET) for (const name of ['TOKEN', 'PASSWORD']) await give(world, name, 'one');
  return world;
}

export const cases: Readonly<Record<string, Case>> = {
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
    reverts: true,
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
    reverts: true,
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
    act: async (world) => [await rollback('blog', 1, 0, world)],
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
    act: async (world) => [await rollback('blog', 1, 0, world)],
    serving: true,
  },
};

/** What must be true once the same command was run again. */
export async function expectWhole(world: World): Promise<void> {
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
