import { beforeEach, describe, expect, test } from 'vitest';
import { HostctlError } from '../../src/errors.ts';
import { setup } from '../../src/ops/setup.ts';
import { World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.with({});
});

const prepare = (): Promise<string[]> => setup(world, { yes: true });
const refuse = (call: RegExp, message: string): void => {
  world.engine.failOn = { call, error: new HostctlError('ENGINE', message) };
};
const TAKEN = { code: 'PORT_TAKEN', exit: 1 };

describe('a port that somebody else has', () => {
  test.each([
    'Error starting userland proxy: listen tcp4 127.0.0.1:80: bind: address already in use',
    'Bind for 0.0.0.0:80 failed: port is already allocated',
  ])('is told as that, and no container stays behind: %s', async (message) => {
    refuse(/^start hostctl-proxy/, message);
    await expect(prepare()).rejects.toMatchObject(TAKEN);
    expect([...world.engine.boxes.keys()]).toEqual([]);
    await prepare();
    expect(world.engine.boxes.get('hostctl-proxy')?.state).toBe('running');
  });

  test('while the proxy was stopped, too', async () => {
    await prepare();
    await world.engine.stop('hostctl-proxy');
    refuse(/^resume hostctl-proxy/, 'bind: address already in use');
    await expect(prepare()).rejects.toMatchObject(TAKEN);
    await prepare();
    expect(world.engine.boxes.get('hostctl-proxy')?.state).toBe('running');
  });

  test('is found before the proxy on the old port is given up', async () => {
    await prepare();
    Object.assign(world.workspace.proxy, { http: 8080 });
    world.machine.listens = async (port: number) => port === 8080;
    await expect(prepare()).rejects.toMatchObject(TAKEN);
    expect(world.engine.boxes.get('hostctl-proxy')).toMatchObject({
      state: 'running',
      spec: { publish: [{ hostPort: 80 }] },
    });
    world.machine.listens = async () => false;
    await prepare();
    expect(world.engine.boxes.get('hostctl-proxy')).toMatchObject({ spec: { publish: [{ hostPort: 8080 }] } });
  });

  test('is not what every refusal means', async () => {
    refuse(/^start hostctl-proxy/, 'no space left on device');
    await expect(prepare()).rejects.toMatchObject({ code: 'ENGINE' });
  });
});
