import { afterAll, describe, expect, test } from 'vitest';
import { LABEL } from '../../src/core/names.ts';
import { DRIVERS, type Inspect, Lab } from '../e2e/support/lab.ts';
import { type Fault, FaultProxy } from './support/fault-proxy.ts';
import { Sites } from './support/sites.ts';
import { LONG, sweep, table, type Tally } from './support/sweep.ts';

const tallies: Tally[] = [];
afterAll(() => {
  process.stdout.write(`\n${table(tallies)}\n`);
});

/** Half of it in one case, and every request of it that is not answered is counted. */
const MOST_FAILED = 500;

describe.each(DRIVERS)('%s', (driver) => {
  test('killed while a project is updated, comes back, and the update is finished by the same command', async () => {
    const lab = await Lab.open({ driver });
    const proxy = await FaultProxy.open();
    try {
      const sites = new Sites(lab, proxy.endpoint, ['one']);
      const name = sites.names[0]!;
      await sites.ok(`deploy ${name}`);
      const parts = async (): Promise<Inspect[]> => {
        const all = [...(await lab.inspectAll()).values()];
        return all.filter((item) => item.Config.Labels[LABEL.role] === 'proxy');
      };
      // By its number, as the kernel does when memory is short: what the engine kills it does not start again.
      const kill = async (index: number): Promise<void> => {
        const all = await parts();
        const { Pid } = all[index % all.length]!.State;
        if (Pid > 0) process.kill(Pid, 'SIGKILL');
      };
      let text = '';
      const tally = await sweep(
        lab,
        {
          name: `proxy killed, ${driver}`,
          command: () => `deploy ${name}`,
          prepare: async (n) => {
            text = `update ${n}`;
            sites.write(name, text);
          },
          serving: [`${name}.org`],
          tolerated: MOST_FAILED,
          whole: async () => [...(await sites.serves(name, text)), ...(await sites.planned(name))],
        },
        proxy,
        (calls): Fault[] =>
          Array.from({ length: LONG ? calls : 3 }, (_, index) => ({
            kind: 'meanwhile',
            at: LONG ? index + 1 : 1 + Math.round((index * (calls - 6)) / 2),
            act: () => kill(index),
          })),
      );
      tallies.push(tally);
      expect(tally.broken.join('\n\n')).toBe('');
      expect(tally.converged).toBe(tally.cases);
    } finally {
      await proxy.close();
      await lab.close();
    }
  });
});
