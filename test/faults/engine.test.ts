import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../e2e/support/http.ts';
import { DRIVERS, Lab } from '../e2e/support/lab.ts';
import { type Fault, FaultProxy } from './support/fault-proxy.ts';
import { PrivateEngine } from './support/private-engine.ts';
import { Sites } from './support/sites.ts';
import { LONG, sweep, table, type Tally } from './support/sweep.ts';

const tallies: Tally[] = [];
const cuts: string[] = [];
let outer: Lab;
let images: string[];

beforeAll(async () => {
  outer = await Lab.open();
  const bases = (await outer.engine.images('hostctl.role=base')).flatMap((image) => image.tags);
  images = bases.filter((tag) => /base-(nginx|traefik):/.test(tag));
});
afterAll(async () => {
  await outer.close();
  process.stdout.write(`\n${[table(tallies), ...cuts].join('\n')}\n`);
});

/** A restart at about so many calls. */
function restarts(engine: PrivateEngine, count: number, signals: readonly NodeJS.Signals[]) {
  return (calls: number): Fault[] =>
    Array.from({ length: LONG ? calls : count }, (_, index) => ({
      kind: 'meanwhile' as const,
      at: LONG ? index + 1 : 2 + Math.round((index * (calls - 3)) / (count - 1)),
      act: () => engine.restart(signals[index % signals.length]!),
    }));
}

describe.each(DRIVERS)('under %s', (driver) => {
  let engine: PrivateEngine;
  let proxy: FaultProxy;
  let lab: Lab;
  let sites: Sites;

  async function open(...flags: string[]): Promise<void> {
    engine = await PrivateEngine.start(...flags);
    await engine.give(outer, images);
    proxy = await FaultProxy.open(engine.endpoint);
    lab = await Lab.open({ driver, endpoint: engine.endpoint, address: engine.address });
    sites = new Sites(lab, proxy.endpoint, ['near', 'one']);
    await sites.ok('deploy --all');
  }
  afterEach(async () => {
    try {
      await proxy.close();
      await lab.close();
    } finally {
      await engine.stop();
    }
  });

  async function update(
    name: string,
    serving: readonly string[],
    tolerated: number,
    cases: (calls: number) => Fault[],
  ): Promise<void> {
    const [near, one] = sites.names as [string, string];
    let text = '';
    const tally = await sweep(
      lab,
      {
        name: `${name}, ${driver}`,
        command: () => `deploy ${one}`,
        prepare: async (n) => {
          text = `update ${n} ${performance.now()}`;
          sites.write(one, text);
        },
        serving,
        tolerated,
        whole: async () => [
          ...(await sites.serves(one, text)),
          ...(await sites.serves(near, 'version 0')),
          ...(await sites.planned('--all')),
        ],
      },
      proxy,
      cases,
    );
    tallies.push(tally);
    expect(tally.broken.join('\n\n')).toBe('');
    expect(tally.converged).toBe(tally.cases);
  }

  test('an engine that is restarted in the middle of an update', async () => {
    await open();
    await update('engine restarted', [], 0, restarts(engine, 3, ['SIGKILL', 'SIGTERM']));
  });

  // The engine publishes its ports anew, and for that moment nobody new gets in.
  test('the same with live-restore: what runs goes on running', async () => {
    await open('--live-restore');
    const hosts = sites.names.map((name) => `${name}.org`);
    await update('engine killed, live-restore', hosts, 200, restarts(engine, 2, ['SIGKILL']));
  });

  test('a power cut: everything comes back as it was, without hostctl', async () => {
    await open();
    const [near, one] = sites.names as [string, string];
    await sites.ok(`stop ${near}`);
    const before = await sites.identities([near, one]);
    for (let round = 1; round <= (LONG ? 5 : 1); round += 1) {
      await engine.powerCut();
      const since = performance.now();
      await engine.boot();
      const booted = performance.now() - since;
      const until = performance.now() + 30_000;
      while ((await ask(lab, `${one}.org`, '/')).status !== 200 && performance.now() < until) await sleep(20);
      const served = performance.now() - since;
      expect(await sites.serves(one, 'version 0')).toEqual([]);
      // Stopped is stopped, and its files are served still.
      expect(await lab.running(near)).toEqual([]);
      expect((await ask(lab, `${near}.org`, '/files/a.txt')).body).toBe('A');
      expect(await sites.identities([near, one])).toBe(before);
      cuts.push(
        `power cut ${round}, ${driver}: the engine answers after ${(booted / 1000).toFixed(1)} s, the site after ${(served / 1000).toFixed(1)} s`,
      );
    }
    await sites.ok(`start ${near}`);
    expect(await sites.planned('--all')).toEqual([]);
  });
});
