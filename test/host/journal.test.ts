import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalHost } from '../../src/host/local.ts';

const FULL = 4 * 1024 ** 2;

let root: string;
let host: LocalHost;
const at = (name: string): string => join(root, 'log', name);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hostctl-journal-'));
  host = new LocalHost(root, 'tester@here', () => undefined);
});
afterEach(() => rmSync(root, { recursive: true }));

test('lines come back in their order, and only root can read them', async () => {
  expect(await host.journal()).toEqual([]);
  await host.append('one');
  await host.append('two');
  expect(await host.journal()).toEqual(['one', 'two']);
  expect(statSync(at('audit.jsonl')).mode & 0o777).toBe(0o600);
  expect(statSync(join(root, 'log')).mode & 0o777).toBe(0o700);
});

test('many writers at once mix no lines', async () => {
  const others = Array.from({ length: 10 }, () => new LocalHost(root, 'other@here', () => undefined));
  const lines = Array.from({ length: 200 }, (_, index) => `${index} ${'x'.repeat(1000)}`);
  await Promise.all(lines.map((line, index) => others[index % 10]!.append(line)));
  expect((await host.journal()).toSorted()).toEqual(lines.toSorted());
});

test('a line that a power cut tore takes no other with it', async () => {
  await host.append('whole');
  appendFileSync(at('audit.jsonl'), '{"torn":');
  await host.append('next');
  expect(await host.journal()).toEqual(['whole', '{"torn":', 'next']);
});

test('it is put aside when it is full, by one of those that find it so, and the oldest goes', async () => {
  for (let round = 1; round <= 6; round += 1) {
    await host.append(`round ${round}`);
    appendFileSync(at('audit.jsonl'), `${'x'.repeat(FULL)}\n`);
    await Promise.all(Array.from({ length: 5 }, (_, index) => host.append(`after ${round}.${index}`)));
  }
  expect(readdirSync(join(root, 'log'))).toEqual(['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2', 'audit.jsonl.3']);
  const lines = (await host.journal()).filter((line) => line.startsWith('round'));
  expect(lines).toEqual(['round 4', 'round 5', 'round 6']);
  expect(
    readFileSync(at('audit.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('after 6')),
  ).toHaveLength(5);
  const size = readdirSync(join(root, 'log')).reduce((sum, name) => sum + statSync(at(name)).size, 0);
  expect(size).toBeLessThan(4 * FULL + 1024 ** 2);
});

test('where it cannot be written it says so', async () => {
  writeFileSync(join(root, 'log'), 'a file');
  await expect(host.append('one')).rejects.toThrow();
});
