import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../e2e/support/http.ts';
import { DRIVERS, Lab } from '../e2e/support/lab.ts';
import { type Fault, type FaultKind, FaultProxy } from './support/fault-proxy.ts';
import { Sites } from './support/sites.ts';
import { LONG, type Scenario, sweep, table, type Tally } from './support/sweep.ts';

/** Killed before a call is killed after the one before it: only the first call has none. */
const FIRST: Fault = { kind: 'kill-before', at: 1 };
const LETHAL: readonly FaultKind[] = ['kill-after', 'drop-before', 'drop-after'];
const MORE: readonly FaultKind[] = ['truncate', 'answer-500', 'answer-503', 'SIGINT', 'SIGTERM', 'delay'];
const tallies: Tally[] = [];
afterAll(() => {
  process.stdout.write(`\n${table(tallies)}\n`);
});

/** Every call with every fault. */
function every(kinds: readonly FaultKind[], calls: number): Fault[] {
  return Array.from({ length: calls }, (_, index) => index + 1).flatMap((at) => kinds.map((kind) => ({ kind, at })));
}

/** About so many calls, from the first to the last, with one fault after the other. */
function some(kinds: readonly FaultKind[], count: number, calls: number): Fault[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: kinds[index % kinds.length]!,
    at: 1 + Math.round((index * (calls - 1)) / (count - 1)),
  }));
}

/** What fits into `npm test`: the worst two, where the answer is lost. */
const few = (calls: number): Fault[] => some(['kill-after', 'drop-after'], 4, calls);

describe.each(DRIVERS)('under %s', (driver) => {
  let lab: Lab;
  let proxy: FaultProxy;
  let sites: Sites;
  let before: string;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    proxy = await FaultProxy.open();
    sites = new Sites(lab, proxy.endpoint, ['near', 'one', 'two', 'three', 'four', 'five']);
    await sites.ok(`deploy ${near()}`);
    before = await sites.identities([near()]);
  });
  afterAll(async () => {
    await proxy.close();
    await lab.close();
  });

  /** The neighbour nobody touches, and the one everything happens to. */
  const near = (): string => sites.names[0]!;
  const one = (): string => sites.names[1]!;
  const hosts = (...names: string[]): string[] => names.map((name) => `${name}.org`);

  async function untouched(): Promise<string[]> {
    return (await sites.identities([near()])) === before ? [] : ['a neighbour or the proxy was touched'];
  }

  async function put(scenario: Scenario, cases: (calls: number) => readonly Fault[]): Promise<Tally> {
    const whole = async (): Promise<string[]> => [...(await scenario.whole()), ...(await untouched())];
    const named = { ...scenario, name: `${scenario.name}, ${driver}`, whole };
    const tally = await sweep(lab, named, proxy, cases);
    tallies.push(tally);
    expect(tally.broken.join('\n\n')).toBe('');
    expect(tally.converged).toBe(tally.cases);
    return tally;
  }

  const lethal = (calls: number): Fault[] => (LONG ? [FIRST, ...every(LETHAL, calls)] : few(calls));

  test('a first deploy', async () => {
    await put(
      {
        name: 'first deploy',
        command: () => `deploy ${one()}`,
        prepare: async (n) => {
          if (n > 0) await sites.ok(`remove ${one()} --purge --confirm ${one()}`);
        },
        serving: hosts(near()),
        whole: async () => [...(await sites.serves(one(), 'version 0')), ...(await sites.planned(one()))],
      },
      lethal,
    );
  });

  const update = (): Scenario => {
    let text = '';
    return {
      name: 'update',
      command: () => `deploy ${one()}`,
      prepare: async (n) => {
        text = `update ${n} ${performance.now()}`;
        sites.write(one(), text);
      },
      serving: hosts(near(), one()),
      whole: async () => [...(await sites.serves(one(), text)), ...(await sites.planned(one()))],
    };
  };

  test('an update', async () => {
    await sites.ok(`deploy ${one()}`);
    await put(update(), lethal);
  });

  test('an update, with faults that leave hostctl alive', async () => {
    const kinds = (calls: number): Fault[] => (LONG ? every(MORE, calls) : some(MORE, 6, calls));
    await put({ ...update(), name: 'update, other faults' }, kinds);
  });

  test('a rollback', async () => {
    const texts = ['forth', 'back'];
    for (const text of texts) {
      sites.write(one(), text);
      await sites.ok(`deploy ${one()}`);
    }
    let text = '';
    let command = '';
    const scenario = {
      name: 'rollback',
      command: () => command,
      prepare: async (n: number) => {
        text = texts[n % 2]!;
        const { releases } = JSON.parse(await sites.ok(`releases ${one()} --json`)) as { releases: { id: number }[] };
        command = `rollback ${one()} --to ${releases[1]!.id}`;
      },
      serving: hosts(near(), one()),
      whole: async () => {
        const { out } = await sites.run(command);
        const more = out.startsWith('up to date') ? [] : [`there was still something to do: ${out}`];
        return [...(await sites.serves(one(), text)), ...more];
      },
    };
    await put(scenario, (calls) => {
      if (LONG) return lethal(calls);
      return driver === 'nginx' ? every(['kill-after', 'drop-after'], calls) : few(calls);
    });
    if (!LONG) return;
    const hanging = { ...scenario, name: 'rollback, hanging calls' };
    // No call of a rollback may take longer than a minute.
    expect((await put(hanging, (calls) => some(['hang'], 6, calls))).longest).toBeLessThan(75);
  });

  test('a removal', async () => {
    await put(
      {
        name: 'remove',
        command: () => `remove ${one()} --yes`,
        already: 2,
        prepare: () => sites.ok(`deploy ${one()}`),
        serving: hosts(near()),
        whole: async () => {
          const running = await lab.running(one());
          const { status } = await ask(lab, `${one()}.org`, '/');
          return running.length > 0 || ![0, 404].includes(status) ? [`${one()} answers ${status}`] : [];
        },
      },
      lethal,
    );
  });

  test('a deploy of five', async () => {
    const five = sites.names.slice(1);
    let text = 'all 1';
    for (const name of five) sites.write(name, text);
    await sites.ok('deploy --all');
    await put(
      {
        name: 'deploy --all of 5',
        command: () => 'deploy --all',
        prepare: async (n) => {
          text = `all ${n % 2}`;
          for (const name of five) sites.write(name, text);
        },
        serving: hosts(...sites.names),
        whole: async () => {
          const each = await Promise.all(five.map((name) => sites.serves(name, text)));
          return [...each.flat(), ...(await sites.planned('--all'))];
        },
      },
      lethal,
    );
  });
});
