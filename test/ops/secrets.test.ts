import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { fromInput, redact, Secret } from '../../src/core/secret.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { remove } from '../../src/ops/remove.ts';
import { releases, rollback } from '../../src/ops/rollback.ts';
import { listSecrets, removeSecret, setSecret } from '../../src/ops/secrets.ts';
import { World } from '../support/world.ts';

const SITE = `hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog, release: [node, migrate.js], secrets: [TOKEN, DB_PASSWORD] }
`;
const VALUE = 'correct horse "battery"\nstaple';

async function blog(definition = SITE): Promise<World> {
  const world = await World.with({ blog: definition });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one' });
  return world;
}

const give = (world: World, name: string, value: string) => setSecret('blog', name, Buffer.from(value), world);
const put = async (world: World) => (await deploy(['blog'], world, { wait: 0 }))[0]!;
const why = async (world: World) => formatPlan(await plan(['blog'], world));

async function running(definition = SITE): Promise<World> {
  const world = await blog(definition);
  await give(world, 'TOKEN', VALUE);
  await give(world, 'DB_PASSWORD', 'first-password');
  expect((await put(world)).error).toBeUndefined();
  return world;
}

function live(world: World) {
  const box = world.engine.boxes.get(world.running('blog')[0]!)!;
  return { box, files: LAYOUT.secretFilesOf('blog', box.spec.name) };
}

describe('a secret arrives', () => {
  test('as a file for the user of the app alone, and its variable names the file', async () => {
    const world = await running();
    const { box, files } = live(world);
    expect(world.host.entries.get(`${files}/TOKEN`)).toEqual({
      text: VALUE,
      owner: { mode: 0o400, uid: box.spec.uid, gid: box.spec.uid },
    });
    expect(world.host.entries.get(files)?.owner).toEqual({ mode: 0o500, uid: box.spec.uid, gid: box.spec.uid });
    expect(world.host.entries.get(LAYOUT.secretFiles('blog'))?.owner).toEqual({ mode: 0o700, uid: 0, gid: 0 });
    expect(box.spec.mounts).toContainEqual({
      source: `${world.workspace.data}/${files}`,
      target: '/run/secrets',
      readOnly: true,
    });
    expect(box.spec.env).toMatchObject({
      TOKEN_FILE: '/run/secrets/TOKEN',
      DB_PASSWORD_FILE: '/run/secrets/DB_PASSWORD',
    });
    expect(JSON.stringify(box.spec)).not.toContain('battery');
  });

  test('in the release command, which has the same container', async () => {
    const world = await blog();
    await give(world, 'TOKEN', VALUE);
    await give(world, 'DB_PASSWORD', 'x');
    const seen: unknown[] = [];
    const create = world.engine.create.bind(world.engine);
    world.engine.create = async (spec) => {
      if (spec.labels['hostctl.role'] === 'task')
        seen.push(
          spec.mounts.map((mount) => mount.target),
          spec.env,
        );
      await create(spec);
    };
    await put(world);
    expect(seen).toEqual([['/run/secrets'], expect.objectContaining({ TOKEN_FILE: '/run/secrets/TOKEN' })]);
  });

  test('as a variable only by choice, through the shell that starts the app', async () => {
    const world = await running(SITE.replace('TOKEN,', '{ name: TOKEN, env: true },'));
    const { spec } = live(world).box;
    expect(spec.entrypoint?.slice(0, 2)).toEqual(['/bin/sh', '-c']);
    expect(spec.entrypoint?.[2]).toContain('TOKEN=$(cat /run/secrets/TOKEN && echo .) || exit 1;');
    expect(spec.env).not.toHaveProperty('TOKEN_FILE');
    expect(spec.env).not.toHaveProperty('TOKEN');
  });

  test('as a variable of an image, in front of what the image starts by itself', async () => {
    const world = await blog(
      'apps:\n  web: { image: "shop:1", port: 80, path: /, secrets: [{ name: TOKEN, env: true }] }\nhostnames: [www.blog.org]\n',
    );
    await give(world, 'TOKEN', VALUE);
    // Not before the image is there can it be known what that is.
    expect(await why(world)).toContain('run     blog-web-pending');
    expect((await put(world)).error).toBeUndefined();
    const { spec } = live(world).box;
    expect(spec.entrypoint?.slice(3)).toEqual(['hostctl', '/entrypoint']);
    expect(spec.command).toEqual(['serve']);
    expect(await why(world)).toBe('Up to date.\n');
  });

  test('not at all in an image without a shell', async () => {
    const world = await blog('apps:\n  job: { image: "shop:1", secrets: [{ name: TOKEN, env: true }] }\n');
    await give(world, 'TOKEN', VALUE);
    world.engine.behaviours.set('shop:1', { shell: false, answers: 200 });
    expect((await put(world)).error).toMatchObject({ code: 'NO_SHELL', message: expect.stringContaining('blog/job') });
    expect(world.running('blog')).toEqual([]);
  });
});

describe('a secret that is not set', () => {
  test('is a problem at its line, and nothing is touched', async () => {
    const world = await blog();
    await give(world, 'TOKEN', VALUE);
    const before = { calls: world.engine.writes.length, writes: world.host.writes.length };
    const problem = {
      file: 'projects/blog.yaml',
      line: 3,
      column: 90,
      message: 'the secret `DB_PASSWORD` is not set',
      hint: 'hostctl secrets set blog DB_PASSWORD',
    };
    await expect(plan(['blog'], world)).rejects.toMatchObject({ problems: [problem] });
    await expect(deploy(['blog'], world, { wait: 0 })).rejects.toMatchObject({
      code: 'DEFINITION',
      problems: [problem],
    });
    expect({ calls: world.engine.writes.length, writes: world.host.writes.length }).toEqual(before);
  });

  test('does not keep the other projects from being deployed', async () => {
    const world = await World.with({
      blog: SITE,
      shop: SITE.replace('blog.org', 'shop.org').replace(/, secrets.*]/, ''),
    });
    world.source('blog', { 'package.json': '{}', 'server.js': 'one' });
    const outcomes = await deploy('all', world, { wait: 0 });
    expect(outcomes.map((item) => [item.project, item.error === undefined])).toEqual([
      ['blog', false],
      ['shop', true],
    ]);
  });

  test('as a variable cannot hold a NUL byte', async () => {
    const world = await blog(SITE.replace('TOKEN,', '{ name: TOKEN, env: true },'));
    await give(world, 'TOKEN', 'a\0b');
    await give(world, 'DB_PASSWORD', 'a\0b');
    await expect(plan(['blog'], world)).rejects.toMatchObject({
      problems: [{ message: 'the secret `TOKEN` holds a NUL byte, which no variable can' }],
    });
  });
});

describe('a new version', () => {
  test('makes a new container, and the plan says why', async () => {
    const world = await running();
    const before = live(world).box.spec.name;
    expect(await give(world, 'TOKEN', 'another')).toMatchObject({ version: 2, changed: true, apps: ['web'] });
    expect(await why(world)).toContain(`(secret TOKEN (now version 2) changed (was ${before.slice(-7)}))`);
    await put(world);
    expect(live(world).box.spec.name).not.toBe(before);
    expect(world.host.entries.get(`${live(world).files}/TOKEN`)?.text).toBe('another');
    expect(await why(world)).toBe('Up to date.\n');
  });

  test('is none when the value is the same', async () => {
    const world = await running();
    expect(await give(world, 'TOKEN', `${VALUE}\n`)).toMatchObject({ version: 1, changed: false });
    expect(await why(world)).toBe('Up to date.\n');
  });

  test('says nothing of its value in the name of the container', async () => {
    const [one, two] = [await blog(), await blog()];
    for (const [world, value] of [
      [one, 'aaaa'],
      [two, 'bbbb'],
    ] as const) {
      await give(world, 'TOKEN', value);
      await give(world, 'DB_PASSWORD', value);
      await put(world);
    }
    expect(one.running('blog')).toEqual(two.running('blog'));
  });

  test('of a name that nobody uses, or of a project that nobody knows', async () => {
    const world = await blog();
    expect(await give(world, 'OTHER', 'x')).toMatchObject({ apps: [] });
    await expect(setSecret('bolg', 'TOKEN', Buffer.from('x'), world)).rejects.toMatchObject({ code: 'NO_PROJECT' });
  });

  test.each([
    ['', 'SECRET_VALUE'],
    ['\n', 'SECRET_VALUE'],
    ['x'.repeat(64 * 1024 + 1), 'SECRET_VALUE'],
  ])('is refused when it is empty or too large', async (value, code) => {
    await expect(give(await blog(), 'TOKEN', value)).rejects.toMatchObject({ code, exit: 2 });
  });

  test('may have 64 KiB, of any bytes', async () => {
    const world = await blog();
    expect(await give(world, 'TOKEN', 'x'.repeat(64 * 1024))).toMatchObject({ version: 1 });
  });

  test('has a name that is not repeated when it is wrong: it may be the value', async () => {
    const world = await blog();
    const given = give(world, 'hunter2-hunter2', 'x');
    await expect(given).rejects.toMatchObject({ code: 'USAGE', message: expect.not.stringContaining('hunter2') });
  });
});

describe('releases', () => {
  test('record versions, and bring them back', async () => {
    const world = await running();
    const first = live(world).box.spec.name;
    await give(world, 'TOKEN', 'another');
    await put(world);
    expect((await releases('blog', world)).map((item) => item.secrets)).toEqual([
      { web: { TOKEN: 2, DB_PASSWORD: 1 } },
      { web: { TOKEN: 1, DB_PASSWORD: 1 } },
    ]);
    // Whatever became of its files meanwhile.
    await world.host.remove(LAYOUT.secretFilesOf('blog', first));
    expect((await rollback('blog', undefined, 0, world)).error).toBeUndefined();
    expect(world.running('blog')).toEqual([first]);
    expect(world.host.entries.get(`${live(world).files}/TOKEN`)?.text).toBe(VALUE);
  });

  test('that are no longer kept let go of their versions; the newest stays, used or not', async () => {
    const world = await running();
    for (let version = 2; version <= 6; version += 1) {
      await give(world, 'TOKEN', `value ${version}`);
      await put(world);
    }
    expect(await world.host.list(LAYOUT.secret('blog', 'TOKEN'))).toEqual(['3.json', '4.json', '5.json', '6.json']);
    expect((await world.host.list(LAYOUT.secretFiles('blog'))).length).toBe(4);
    world.define('blog', SITE.replace('TOKEN, ', ''));
    for (let count = 1; count <= 5; count += 1) {
      world.source('blog', { 'server.js': `${count}` });
      await put(world);
    }
    expect(await world.host.list(LAYOUT.secret('blog', 'TOKEN'))).toEqual(['6.json']);
    expect(await why(world)).toBe('Up to date.\n');
  });

  test('cannot come back without a version that was deleted, and nothing is touched', async () => {
    const world = await running();
    world.define('blog', SITE.replace('TOKEN, ', ''));
    await put(world);
    const kept = await world.host.list(LAYOUT.secretFiles('blog'));
    expect(await removeSecret('blog', 'TOKEN', { force: false }, world)).toEqual({ releases: [1] });
    for (const name of kept)
      expect(await world.host.read(`${LAYOUT.secretFilesOf('blog', name)}/TOKEN`)).toBeUndefined();
    const before = world.engine.writes.length;
    expect(await rollback('blog', 1, 0, world)).toMatchObject({ error: { code: 'SECRET_GONE' } });
    expect(world.engine.writes.length).toBe(before);
    // Its number does not come back: release 1 would come back with a value it never had.
    expect(await give(world, 'TOKEN', 'other')).toMatchObject({ version: 2 });
  });
});

describe('deleting', () => {
  test('is refused while the definition or the live release uses it, unless forced', async () => {
    const world = await running();
    const attempt = (force: boolean) => removeSecret('blog', 'TOKEN', { force }, world);
    await expect(attempt(false)).rejects.toMatchObject({
      code: 'SECRET_USED',
      message: 'the secret TOKEN is used by the definition of blog/web and by release 1, which is live',
    });
    await attempt(true);
    expect(world.host.entries.get(`${live(world).files}/TOKEN`)?.text).toBe(VALUE);
    expect(await listSecrets('blog', world)).toMatchObject([
      { name: 'DB_PASSWORD', version: 1 },
      { name: 'TOKEN', version: null },
    ]);
  });

  test('what is not there names what is', async () => {
    const world = await running();
    await expect(removeSecret('blog', 'TOKN', { force: false }, world)).rejects.toMatchObject({
      code: 'NO_SECRET',
      hints: ['secrets of blog: DB_PASSWORD, TOKEN'],
    });
  });

  test('the project keeps them, unless it is purged', async () => {
    const world = await running();
    await remove('blog', false, world);
    expect(await world.host.list(LAYOUT.secretFiles('blog'))).toEqual([]);
    expect((await put(world)).error).toBeUndefined();
    expect(world.host.entries.get(`${live(world).files}/TOKEN`)?.text).toBe(VALUE);
    await remove('blog', true, world);
    expect([...world.host.entries.values()].filter((entry) => entry.text?.includes('battery'))).toEqual([]);
    expect([...world.host.entries.keys()].filter((path) => path.startsWith('projects/blog'))).toEqual([]);
  });
});

test('a list says who uses what, what is missing, and no value', async () => {
  const world = await blog();
  await give(world, 'TOKEN', VALUE);
  const at = '2026-11-22T12:00:00.000Z';
  const list = await listSecrets(undefined, world);
  expect(list).toEqual([
    { project: 'blog', name: 'DB_PASSWORD', version: null, at: null, by: null, apps: ['web'], releases: [] },
    { project: 'blog', name: 'TOKEN', version: 1, at, by: 'tester@here', apps: ['web'], releases: [] },
  ]);
  await give(world, 'DB_PASSWORD', 'x');
  await put(world);
  expect((await listSecrets('blog', world))[1]!.releases).toEqual([{ id: 1, version: 1, live: true }]);
});

describe('a value is hidden', () => {
  const secret = new Secret(Buffer.from(VALUE));

  test('from whatever prints it', () => {
    const printed = [
      String(secret),
      ['', secret].join(),
      JSON.stringify({ secret }),
      inspect({ secret }),
      inspect(secret, { showHidden: true }),
    ];
    for (const text of printed) {
      expect(text).toContain('***');
      expect(text).not.toContain('battery');
    }
    expect(Object.keys(secret)).toEqual([]);
    expect(secret.use((value) => Buffer.from(value).toString())).toBe(VALUE);
  });

  test('in the last words of an app that says it', async () => {
    const world = await blog();
    await give(world, 'TOKEN', VALUE);
    await give(world, 'DB_PASSWORD', 'first-password');
    const says = ['connecting with first-password', 'correct horse "battery"', 'bye'];
    world.engine.behaviours.set('hostctl/blog*', { ends: 1, says });
    const { error } = (await put(world)) as { error: Error };
    expect(error.message).toContain('connecting with ***\n  ***\n  bye');
  });

  test('in those of one that is taken back after the switch', async () => {
    const world = await running();
    world.source('blog', { 'server.js': 'two' });
    const create = world.engine.create.bind(world.engine);
    world.engine.create = async (spec) => {
      const bad = { answers: 200, says: ['cannot use first-password'], ends: 3, lasts: 1500 };
      if (spec.name.startsWith('blog-')) world.engine.behaviours.set(spec.image, bad);
      return create(spec);
    };
    const { error } = (await put(world)) as { error: Error };
    expect(error).toMatchObject({ code: 'NOT_STABLE', exit: 6 });
    expect(error.message).toContain('cannot use ***');
    expect(error.message).not.toContain('first-password');
  });

  test('in those of one that only answers no visitor any more', async () => {
    const world = await running();
    world.source('blog', { 'server.js': 'two' });
    const before = world.servedBy('www.blog.org');
    const visit = world.prober.visit.bind(world.prober);
    world.prober.visit = async (request) => {
      const name = world.servedBy('www.blog.org');
      if (name === undefined || name === before) return visit(request);
      world.engine.boxes.get(name)!.log.push('cannot use first-password');
      return { ok: true, status: 502, ms: 1 };
    };
    const { error } = (await put(world)) as { error: Error };
    expect(error.message).toContain('cannot use ***');
    expect(error.message).not.toContain('first-password');
  });

  test('only where it is long enough to be one', () => {
    expect(redact('a cat and a secret', [new Secret(Buffer.from('cat')), new Secret(Buffer.from('secret'))])).toBe(
      'a cat and a ***',
    );
  });
});

test.each([
  ['a', 'a'],
  ['a\n', 'a'],
  ['a\n\n', 'a\n'],
  ['a\r\n', 'a\r'],
  ['\n', ''],
])('of %j, %j is stored: one newline at the end goes', (input, value) => {
  expect(Buffer.from(fromInput(Buffer.from(input))).toString()).toBe(value);
});
