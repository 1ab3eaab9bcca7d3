import { afterAll } from 'vitest';
import { engineContract } from '../contract/engine.ts';
import { Lab } from './support/lab.ts';
import { someBase } from './support/images.ts';

const lab = await Lab.open();
afterAll(() => lab.close());

engineContract('the Docker Engine of this machine', async () => ({
  engine: lab.engine,
  image: await someBase(lab),
  range: '10.214.0',
  instance: lab.instance,
}));
