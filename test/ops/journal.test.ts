import { beforeEach, describe, expect, test } from 'vitest';
import type { EventView } from '../../src/core/journal.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy } from '../../src/ops/deploy.ts';
import { events } from '../../src/ops/journal.ts';
import { stop } from '../../src/ops/lifecycle.ts';
import { close, open } from '../../src/ops/maintenance.ts';
import { remove } from '../../src/ops/remove.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { setup } from '../../src/ops/setup.ts';
import { BLOG } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const NOTIFY = { webhook: 'https://hooks.example.org/s3cret', command: ['/usr/bin/tell', 'ops'] };

let world: World;

beforeEach(async () => {
  world = await World.with({ blog: BLOG });
  world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
});

const put = (wait = 0) => deploy(['blog'], world, { wait });
const change = (text: string): void => world.source('blog', { 'server.js': text });
/** Visitors get 502 while the second release is live. */
const breakSecond = (): void => {
  world.prober.visit = async () => {
    const live = await world.host.readLink('projects/blog/current');
    return { ok: true, status: live === 'releases/2.json' ? 502 : 200, ms: 1 };
  };
};
const all = (project?: string): Promise<EventView[]> => events(project, -Infinity, world);
/** `deploy ok 1→2` */
const shown = (list: readonly EventView[]): string[] =>
  list.map(({ doing, outcome, code, before, after }) =>
    [doing, outcome, ...(code === null ? [] : [code]), `${before}→${after}`].join(' '),
  );

describe('the audit log', () => {
  test('has every change of every project: who, what, from which release to which, and how long it took', async () => {
    await setup(world, { yes: true });
    await put();
    change('two');
    await put();
    await rollback('blog', undefined, 0, world);
    await stop('blog', 'web', world);
    await close('blog', [], world);
    await open('blog', world);
    await remove('blog', false, world);
    const list = await all();
    expect(shown(list)).toEqual([
      'setup ok null→null',
      'deploy ok null→1',
      'deploy ok 1→2',
      'rollback to release 1 ok 2→3',
      'stop web ok 3→3',
      'maintenance on ok 3→3',
      'maintenance off ok 3→3',
      'remove ok 3→null',
    ]);
    expect(list.map(({ project }) => project)).toEqual(['host', ...Array.from({ length: 7 }, () => 'blog')]);
    expect(list[1]).toMatchObject({ who: 'tester@here', exit: 0, ms: expect.any(Number) as number });
    expect(list[1]!.ms).toBeGreaterThan(0);
    expect(await all('shop')).toEqual([]);
    expect((await events(undefined, Date.parse(list.at(-1)!.at), world)).length).toBeLessThan(list.length);
  });

  test('says nothing of a deploy that had nothing to do', async () => {
    await put();
    const before = world.host.log.length;
    await put();
    expect(world.host.log).toHaveLength(before);
  });

  test('has what was refused, what failed, and what was taken back', async () => {
    await put();
    const unlock = await world.host.lock('blog', 'deploy');
    await expect(put()).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(stop('blog', undefined, world)).rejects.toMatchObject({ code: 'LOCKED' });
    await unlock();
    change('two');
    breakSecond();
    await put();
    expect(shown(await all()).slice(1)).toEqual([
      'deploy refused LOCKED 1→1',
      'stop refused LOCKED 1→1',
      'deploy reverted NOT_CONFIRMED 1→1',
    ]);
    expect((await all()).at(-1)!.exit).toBe(6);
  });

  test('shows a deploy that was killed, once nobody holds its lock', async () => {
    await put();
    change('two');
    // Right after it has begun, whatever came before.
    for (let k = 1; world.host.log.length < 3; k += 1) {
      const revive = world.killAt(k);
      await put().catch(() => undefined);
      expect(revive()).toBe(true);
    }
    expect(shown(await all()).at(-1)).toBe('deploy unfinished 1→null');
    const unlock = await world.host.lock('blog', 'deploy');
    expect(shown(await all()).at(-1)).toBe('deploy running 1→null');
    await unlock();
    await put();
    expect(shown(await all()).slice(-2)).toEqual(['deploy unfinished 1→null', 'deploy ok 1→2']);
  });

  test('that cannot be written stops nobody, and says so', async () => {
    world.host.append = async () => {
      throw new HostctlError('DISK_FULL', 'no space left for /var/lib/hostctl/log');
    };
    expect((await put())[0]).toMatchObject({ release: 1, changed: true });
    expect(world.ui.events).toContainEqual({
      type: 'warning',
      project: 'blog',
      text: 'not written to the audit log: no space left for /var/lib/hostctl/log',
    });
  });

  test('lines that are torn, or of another program, are passed over', async () => {
    await put();
    world.host.log.unshift('{"id":"x","at"', 'null', '[]', '{"id":1}', 'text');
    expect(shown(await all())).toEqual(['deploy ok null→1']);
  });

  test('holds nothing of what an app or an error said', async () => {
    world.define('blog', BLOG.replace('source: /src/blog }', 'source: /src/blog, env: { KEY: hunter2 } }'));
    await put();
    expect(world.host.log.join('\n')).not.toContain('hunter2');
  });
});

describe('notices', () => {
  const told = () => world.notifier.sent.map(({ to, notice }) => `${to} ${notice.event}: ${notice.text}`);

  const withNotify = async (notify: object): Promise<void> => {
    world = await World.with({ blog: BLOG }, { notify });
    world.source('blog', { 'package.json': '{}', 'server.js': 'one', 'files/a.txt': 'A' });
  };

  test('tell of failures and of releases that were taken back, by webhook and program', async () => {
    await withNotify(NOTIFY);
    await put();
    expect(told()).toEqual([]);
    change('two');
    breakSecond();
    await put();
    expect(told()).toEqual(
      ['https://hooks.example.org/s3cret', '/usr/bin/tell ops'].map(
        (to) => `${to} revert: blog: deploy by tester@here was taken back (NOT_CONFIRMED); release 1 is live`,
      ),
    );
    const { notice } = world.notifier.sent[0]!;
    expect(notice).toEqual({
      version: 1,
      event: 'revert',
      instance: 'hostctl',
      text: expect.any(String) as string,
      at: expect.stringMatching(/^2026-/) as string,
      who: 'tester@here',
      doing: 'deploy',
      project: 'blog',
      before: 1,
      after: 1,
      code: 'NOT_CONFIRMED',
      exit: 6,
      ms: expect.any(Number) as number,
    });
  });

  test('a failure says what serves; being refused by somebody else’s lock is none', async () => {
    await withNotify({ webhook: NOTIFY.webhook });
    await put();
    const unlock = await world.host.lock('blog', 'deploy');
    await put().catch(() => undefined);
    await unlock();
    expect(told()).toEqual([]);
    change('two');
    world.engine.gate = (changes) => {
      if (changes) throw new HostctlError('ENGINE_UNREACHABLE', 'gone', { exit: 7 });
    };
    await put();
    expect(told()).toEqual([
      'https://hooks.example.org/s3cret failure: blog: deploy by tester@here failed (ENGINE_UNREACHABLE); release 1 is live',
    ]);
  });

  test('success is told to who asks for it', async () => {
    await withNotify({ on: ['success'], command: ['/usr/bin/tell'] });
    await put();
    expect(told()).toEqual(['/usr/bin/tell success: blog: deploy by tester@here is done; release 1 is live']);
  });

  test('one that cannot be delivered is a warning, and changes nothing else', async () => {
    await withNotify({ ...NOTIFY, on: ['success'] });
    world.notifier.broken = true;
    expect((await put())[0]).toMatchObject({ release: 1, changed: true });
    expect(world.ui.events.filter((event) => event.type === 'warning')).toEqual([
      { type: 'warning', project: 'blog', text: 'the webhook was not told: nobody listens' },
      { type: 'warning', project: 'blog', text: '/usr/bin/tell was not told: nobody listens' },
    ]);
  });
});
