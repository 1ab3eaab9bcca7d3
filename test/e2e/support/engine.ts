import { setTimeout as sleep } from 'node:timers/promises';
import { EngineApi } from '../../../src/engine/api.ts';

const START_MS = 60_000;
const POLL_MS = 50;

/** Waits until an engine that was started answers. */
export async function answers(endpoint: string): Promise<void> {
  const api = new EngineApi(endpoint);
  const until = performance.now() + START_MS;
  for (;;) {
    try {
      await api.version();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** Copies an image from one engine into another. */
export async function copyImage(image: string, from: EngineApi, endpoint: string): Promise<void> {
  await new EngineApi(endpoint).text({
    method: 'POST',
    path: '/images/load',
    stream: await from.open({ method: 'GET', path: `/images/${image}/get` }),
    headers: { 'Content-Type': 'application/x-tar' },
    deadline: 120_000,
  });
}
