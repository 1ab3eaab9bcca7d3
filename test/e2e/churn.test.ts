import { afterAll, beforeAll, expect, test } from 'vitest';
import { someBase } from './support/images.ts';
import { Lab } from './support/lab.ts';

const ROUNDS = 10;
const PROJECTS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
  const image = await someBase(lab);
  const app = (name: string): string =>
    `  ${name}: { image: "${image}", command: [sleep, "1000"], limits: { memory: 16M }, stop: 1s }\n`;
  for (const project of PROJECTS) lab.define(project, `apps:\n${['a', 'b', 'c', 'd'].map(app).join('')}`);
});
afterAll(() => lab.close());

/** Engines before 20.10.27 can lock up for good when many containers of one bridge come and go at once. */
test('24 apps are deployed and removed ten times, from several processes at once, and the engine still answers', async () => {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await lab.ok('deploy --all');
    const up = [...(await lab.inspectAll()).values()].filter(
      (item) => item.State.Running && item.Config.Labels['hostctl.role'] === 'app',
    );
    expect(up).toHaveLength(24);
    for (const item of up) expect(Object.keys(item.NetworkSettings.Networks)).toEqual([`${lab.instance}.egress`]);
    await Promise.all(PROJECTS.map((project) => lab.ok(`remove ${project} --yes`)));
    const left = [...(await lab.inspectAll()).values()].filter((item) => item.Config.Labels['hostctl.role'] === 'app');
    expect(left).toEqual([]);
    // `/_ping` still answers when the engine hangs; this does not.
    await lab.api.json({ method: 'GET', path: '/networks', deadline: 10_000 });
    await lab.api.json({ method: 'GET', path: '/info', deadline: 10_000 });
  }
}, 900_000);

test('more project networks than the engine’s own address pools have room for', async () => {
  const { chooseSubnet } = await import('../../src/core/identity.ts');
  const taken = (await lab.engine.networks()).flatMap((item) => item.subnets);
  for (let index = 0; index < 40; index += 1) {
    const name = `${lab.instance}-n${index}`;
    const subnet = chooseSubnet('10.213.0.0/16', 28, name, taken);
    taken.push(subnet);
    await lab.engine.createNetwork({
      name,
      subnet,
      internal: true,
      between: true,
      labels: { 'hostctl.instance': lab.instance },
    });
  }
  expect((await lab.engine.networks()).filter((item) => item.name.startsWith(`${lab.instance}-n`))).toHaveLength(40);
});
