import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  sleep: async (ms) => {
    await setTimeout(Math.max(0, ms));
  },
};
