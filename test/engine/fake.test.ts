import { engineContract } from '../contract/engine.ts';
import { FakeEngine } from '../support/engine.ts';

engineContract('in memory', async () => {
  const engine = new FakeEngine();
  engine.addImage('hostctl/test:1');
  return { engine, image: 'hostctl/test:1', range: '10.214.0', instance: 'contract' };
});
