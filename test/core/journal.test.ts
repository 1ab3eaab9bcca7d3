import { describe, expect, test } from 'vitest';
import { type Begin, type End, eventsOf, kindOf, noticeOf } from '../../src/core/journal.ts';

const begin = (id: string, at: string, more: Partial<Begin> = {}): Begin => ({
  phase: 'begin',
  id,
  at,
  who: 'a@b',
  pid: 7,
  doing: 'deploy',
  project: 'shop',
  before: 1,
  ...more,
});
const end = (id: string, at: string, more: Partial<End> = {}): End => ({
  ...begin(id, at),
  phase: 'end',
  outcome: 'ok',
  code: null,
  exit: 0,
  after: 2,
  ms: 5,
  ...more,
});
const lock = (who: string, pid: number) => ({
  name: 'shop',
  state: 'held' as const,
  who,
  doing: null,
  since: null,
  pid,
});
const events = (entries: readonly unknown[], ...locks: ReturnType<typeof lock>[]) =>
  eventsOf(
    entries.map((entry) => JSON.stringify(entry)),
    locks,
  );

describe('what was done', () => {
  test('is a begin and its end in one', () => {
    expect(events([begin('1', 'a'), end('1', 'a')])).toEqual([
      {
        outcome: 'ok',
        code: null,
        exit: 0,
        after: 2,
        ms: 5,
        at: 'a',
        who: 'a@b',
        pid: 7,
        doing: 'deploy',
        project: 'shop',
        before: 1,
      },
    ]);
  });

  test('comes in the order of its begin, whatever ended first', () => {
    const list = events([begin('1', 'b'), begin('2', 'a'), end('2', 'a'), begin('3', 'c'), end('1', 'b')]);
    expect(list.map(({ at, outcome }) => `${at} ${outcome}`)).toEqual(['a ok', 'b ok', 'c unfinished']);
    const same = [begin('1', 'a', { project: 'x' }), begin('2', 'a', { project: 'y' })];
    expect(events(same).map(({ project }) => project)).toEqual(['x', 'y']);
  });

  test('is that of its end, also when the lines come the other way round', () => {
    expect(events([end('1', 'a'), begin('1', 'a')]).map(({ outcome }) => outcome)).toEqual(['ok']);
  });

  test('goes on while its process holds a lock', () => {
    const outcome = (...locks: ReturnType<typeof lock>[]) => events([begin('1', 'a')], ...locks)[0]!;
    expect(outcome(lock('a@b', 7))).toMatchObject({
      outcome: 'running',
      code: null,
      exit: null,
      after: null,
      ms: null,
    });
    expect(outcome(lock('a@b', 8)).outcome).toBe('unfinished');
    expect(outcome(lock('c@b', 7)).outcome).toBe('unfinished');
    expect(outcome(lock('c@b', 8), lock('a@b', 7)).outcome).toBe('running');
  });

  test('is not what is no line of the log', () => {
    expect(events([{ id: 'x' }, { at: 'x' }, { id: 1, at: 'x' }, 'text', 1, [], {}])).toEqual([]);
    expect(eventsOf(['{"id":"1","at', '', 'null'], [])).toEqual([]);
  });
});

describe('a notice', () => {
  test.each([
    ['ok', 'success'],
    ['failed', 'failure'],
    ['reverted', 'revert'],
    ['refused', undefined],
  ] as const)('of what ended %s is one of %s', (outcome, kind) => {
    expect(kindOf({ outcome })).toBe(kind);
  });

  test('holds what the log holds, and a sentence', () => {
    expect(noticeOf(end('1', 'a'), 'success', 'hostctl', 1)).toEqual({
      version: 1,
      event: 'success',
      instance: 'hostctl',
      text: 'shop: deploy by a@b is done; release 2 is live',
      at: 'a',
      who: 'a@b',
      doing: 'deploy',
      project: 'shop',
      before: 1,
      code: null,
      exit: 0,
      after: 2,
      ms: 5,
    });
    const text = (more: Partial<End>, event: 'failure' | 'revert'): string =>
      noticeOf(end('1', 'a', more), event, 'hostctl', 1).text;
    expect(text({ code: 'NOT_READY', after: null }, 'failure')).toBe(
      'shop: deploy by a@b failed (NOT_READY); nothing is live',
    );
    expect(text({ code: 'NOT_CONFIRMED', after: 1 }, 'revert')).toBe(
      'shop: deploy by a@b was taken back (NOT_CONFIRMED); release 1 is live',
    );
  });
});
