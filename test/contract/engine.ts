import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examine } from '../../src/core/audit-container.ts';
import type { ContainerSpec, NetworkSpec } from '../../src/core/container.ts';
import { LABEL } from '../../src/core/names.ts';
import type { Engine } from '../../src/ports.ts';

export interface Subject {
  readonly engine: Engine;
  /** An image with /bin/sh and cat. */
  readonly image: string;
  /** A range nobody else uses, such as `10.214.0`. */
  readonly range: string;
  readonly instance: string;
}

/** What every engine must do alike: the one in memory that the unit tests trust, and the real ones. */
export function engineContract(name: string, open: () => Promise<Subject>): void {
  describe(`the engine contract: ${name}`, () => {
    let subject: Subject;
    let engine: Engine;

    const spec = (app: string, script: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
      name: `${subject.instance}-${app}`,
      image: subject.image,
      uid: 20_001,
      entrypoint: ['/bin/sh', '-c', script],
      command: [],
      env: { HELLO: 'world' },
      labels: { [LABEL.instance]: subject.instance, [LABEL.role]: 'app', [LABEL.app]: app, [LABEL.spec]: 'one' },
      limits: { memory: 64 * 1024 ** 2, cpus: 0.5, pids: 50 },
      files: 1024,
      readOnly: true,
      tmpfs: [{ path: '/tmp', size: 1024 ** 2, exec: false }],
      capabilities: [],
      newPrivileges: false,
      mounts: [],
      networks: [],
      publish: [],
      stopTimeout: 1,
      restart: 'always',
      ...more,
    });
    const network = (number: number): NetworkSpec => ({
      name: `${subject.instance}.net${number}`,
      subnet: `${subject.range}.${number * 16}/28`,
      internal: true,
      between: true,
      labels: { [LABEL.instance]: subject.instance },
    });
    const view = async (app: string) =>
      (await engine.containers(subject.instance)).find((item) => item.name === `${subject.instance}-${app}`);
    const sleeper = 'trap "exit 0" TERM; while true; do sleep 0.1; done';

    beforeAll(async () => {
      subject = await open();
      engine = subject.engine;
    });
    afterAll(async () => {
      for (const item of await engine.containers(subject.instance)) await engine.remove(item.name);
      for (const item of await engine.networks())
        if (item.labels[LABEL.instance] === subject.instance) await engine.removeNetwork(item.name);
    });

    test('says what it is', async () => {
      const info = await engine.info();
      expect(info.version).toMatch(/^\d+\.\d+/);
      expect(info.cpus).toBeGreaterThan(0);
      expect(info.memory).toBeGreaterThan(0);
    });

    test('a container is created, started, seen, stopped and removed, and each step may be repeated', async () => {
      const wanted = spec('web', sleeper);
      await engine.create(wanted);
      expect(await view('web')).toMatchObject({ state: 'created', labels: wanted.labels });
      await engine.create(wanted);
      await engine.start(wanted.name);
      await engine.start(wanted.name);
      expect(await view('web')).toMatchObject({ state: 'running' });
      expect(await engine.inspect(wanted.name)).toMatchObject({ running: true, restarts: 0, limits: wanted.limits });
      await engine.stop(wanted.name, 1);
      await engine.stop(wanted.name, 1);
      expect(await view('web')).toMatchObject({ state: 'exited' });
      await engine.resume(wanted.name);
      expect(await view('web')).toMatchObject({ state: 'running' });
      await engine.remove(wanted.name);
      await engine.remove(wanted.name);
      expect(await view('web')).toBeUndefined();
      expect(await engine.inspect(wanted.name)).toBeUndefined();
      await engine.stop(wanted.name, 1);
    });

    test('a name that something else has is refused, and that thing stays', async () => {
      const mine = spec('taken', sleeper);
      await engine.create(mine);
      await expect(engine.create({ ...mine, labels: { ...mine.labels, [LABEL.spec]: 'two' } })).rejects.toMatchObject({
        code: 'NAME_TAKEN',
      });
      expect(await view('taken')).toMatchObject({ labels: mine.labels });
    });

    test('an image that is not there is undefined, and nothing can be made of it', async () => {
      expect(await engine.image('hostctl/none:1')).toBeUndefined();
      expect(await engine.image(subject.image)).toMatchObject({
        id: expect.stringMatching(/^sha256:/),
        start: { entrypoint: expect.any(Array), command: expect.any(Array) },
      });
      await expect(engine.create(spec('none', 'true', { image: 'hostctl/none:1' }))).rejects.toThrow(/no such image/i);
      expect(await view('none')).toBeUndefined();
    });

    test('says what a container uses, and nothing of one that does not run', async () => {
      const wanted = spec('use', sleeper);
      expect(await engine.memory(wanted.name)).toBeUndefined();
      await engine.create(wanted);
      expect(await engine.memory(wanted.name)).toBeUndefined();
      await engine.start(wanted.name);
      expect(await engine.memory(wanted.name)).toBeGreaterThan(100 * 1024);
      expect(await engine.memory(wanted.name)).toBeLessThan(64 * 1024 ** 2);
      await engine.stop(wanted.name, 1);
      expect(await engine.memory(wanted.name)).toBeUndefined();
    });

    test('limits change while it runs', async () => {
      const wanted = spec('limits', sleeper);
      await engine.create(wanted);
      await engine.start(wanted.name);
      const limits = { memory: 96 * 1024 ** 2, cpus: 0.25, pids: 40 };
      await engine.setLimits(wanted.name, limits);
      expect(await engine.inspect(wanted.name)).toMatchObject({ running: true, limits });
      expect((await engine.readBack(wanted.name, wanted))!.drift.toSorted()).toEqual([
        'Memory',
        'MemorySwap',
        'NanoCpus',
        'PidsLimit',
      ]);
      expect((await engine.readBack(wanted.name, { ...wanted, limits }))!.drift).toEqual([]);
    });

    test('hands out everything it wrote down, which is what was asked for', async () => {
      const wanted = spec('settings', sleeper);
      await engine.create(wanted);
      await engine.start(wanted.name);
      const { settings, drift } = (await engine.readBack(wanted.name, wanted))!;
      expect(drift).toEqual([]);
      const apparmor = (await engine.info()).security.includes('apparmor');
      const results = examine(settings, { apparmor, edge: false, relax: [] });
      expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
      expect(await engine.readBack('nobody')).toBeUndefined();
    });

    test('waits for the end, and hands out the exit code and the log', async () => {
      const fails = spec('fails', 'exit 3', { restart: 'no' });
      await engine.create(fails);
      await engine.start(fails.name);
      expect(await engine.wait(fails.name)).toBe(3);
      const says = spec('says', 'echo hello', { restart: 'no' });
      await engine.create(says);
      await engine.start(says.name);
      expect(await engine.wait(says.name)).toBe(0);
      const lines: string[] = [];
      for await (const line of engine.logs(says.name, { tail: 5 })) lines.push(`${line.stream} ${line.text}`);
      expect(lines).toEqual(['stdout hello']);
    });

    test('runs a program inside, with its output and exit code', async () => {
      const wanted = spec('exec', sleeper);
      await engine.create(wanted);
      await engine.start(wanted.name);
      expect(await engine.exec(wanted.name, ['echo', 'hello', 'you'])).toEqual({ code: 0, output: 'hello you' });
      expect(await engine.exec(wanted.name, ['sh', '-c', 'exit 7'])).toMatchObject({ code: 7 });
      await engine.stop(wanted.name, 1);
      await expect(engine.exec(wanted.name, ['true'])).rejects.toMatchObject({ code: 'ENGINE' });
    });

    test('networks are made, joined and removed, each step may be repeated, and one that is missing is an error', async () => {
      const net = network(1);
      await engine.createNetwork(net);
      await engine.createNetwork(net);
      expect((await engine.networks()).filter((item) => item.name === net.name)).toMatchObject([
        { subnets: [net.subnet], labels: net.labels },
      ]);
      const wanted = spec('net', sleeper, { networks: [{ name: net.name, aliases: ['web'] }] });
      await engine.create(wanted);
      await engine.start(wanted.name);
      await engine.connect(net.name, wanted.name);
      const second = network(2);
      await engine.createNetwork(second);
      await engine.connect(second.name, wanted.name);
      expect((await view('net'))?.networks.toSorted()).toEqual([net.name, second.name]);
      const lost = spec('lost', 'true', { networks: [{ name: 'none-such', aliases: [] }] });
      // Some engines notice at once, others when it starts.
      await expect(engine.create(lost).then(() => engine.start(lost.name))).rejects.toThrow(/not found/i);
      await engine.remove(lost.name);
      await engine.remove(wanted.name);
      for (const item of [net, second, net]) await engine.removeNetwork(item.name);
      expect((await engine.networks()).some((item) => item.name === net.name)).toBe(false);
    });

    test('a subnet that is taken is an error that says so', async () => {
      await engine.createNetwork(network(3));
      await expect(engine.createNetwork({ ...network(3), name: `${subject.instance}.other` })).rejects.toThrow(
        /overlap/i,
      );
    });

    test('a root file system becomes an image with its labels', async () => {
      const tar = pack();
      tar.entry({ name: 'hello.txt' }, 'hello');
      tar.finalize();
      const tag = `hostctl/contract:${subject.instance}`;
      const labels = { [LABEL.instance]: subject.instance };
      await engine.importImage(Readable.from(tar, { objectMode: false }), tag, labels);
      expect(await engine.images(`${LABEL.instance}=${subject.instance}`)).toMatchObject([{ tags: [tag], labels }]);
      await engine.removeImage(tag);
      await engine.removeImage(tag);
      expect(await engine.image(tag)).toBeUndefined();
    });

    test('a path inside a container that is not there is an error', async () => {
      const wanted = spec('copy', sleeper);
      await engine.create(wanted);
      await expect(engine.copyFrom(wanted.name, '/no/such/path')).rejects.toMatchObject({ code: 'NOT_IN_IMAGE' });
      (await engine.copyFrom(wanted.name, '/bin/sh')).destroy();
    });
  });
}
