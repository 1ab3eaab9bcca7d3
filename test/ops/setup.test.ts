import { beforeEach, expect, test, vi } from 'vitest';
import { HostctlError } from '../../src/errors.ts';
import { setup } from '../../src/ops/setup.ts';
import { World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.with({});
  const dead = new HostctlError('ENGINE_UNREACHABLE', 'there is no Docker Engine at unix:///run/none.sock', {
    exit: 7,
  });
  vi.spyOn(world.engine, 'info').mockRejectedValue(dead);
});

test('an engine that is not this system’s is neither installed nor started', async () => {
  world.systemEngine = false;
  const run = vi.spyOn(world.machine, 'run');
  const detach = vi.spyOn(world.machine, 'detach');
  const before = world.clock.now();
  await expect(setup(world, { yes: true })).rejects.toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    exit: 7,
    hints: [expect.stringContaining('DOCKER_HOST')],
  });
  expect(run).not.toHaveBeenCalled();
  expect(detach).not.toHaveBeenCalled();
  expect(world.clock.now()).toBe(before);
  expect(world.host.writes).toEqual([]);
});

test('that of this system is started', async () => {
  const detach = vi.spyOn(world.machine, 'detach');
  vi.spyOn(world.machine, 'run').mockResolvedValue({ code: 1, output: '' });
  await expect(setup(world, { yes: true })).rejects.toThrow('did not start within 1m');
  expect(detach).toHaveBeenCalledWith(['dockerd'], expect.any(String));
});
