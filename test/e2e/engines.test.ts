import { execFileSync, spawn } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { fenceTable } from '../../src/core/fence.ts';
import { DockerEngine } from '../../src/engine/docker.ts';
import { EngineApi } from '../../src/engine/api.ts';
import { defineServant } from '../attacks/support/evil.ts';
import { engineContract } from '../contract/engine.ts';
import { someBase } from './support/images.ts';
import { freePort, Lab } from './support/lab.ts';
import { fetchThrough, NestedEngine } from './support/nested.ts';

const outer = await Lab.open();
const image = await someBase(outer);
const python = (await outer.engine.images('hostctl.role=base'))
  .flatMap((item) => item.tags)
  .find((tag) => tag.includes('base-python'))!;
afterAll(() => outer.close());

/** Debian 13's engine and the newest there are packages of, beside the one of this machine. */
for (const [suite, version] of [
  ['trixie', '26.1'],
  ['forky', '28.5'],
] as const) {
  const engine = await NestedEngine.start(outer, suite);
  afterAll(() => engine.stop());
  for (const ref of [image, python]) await engine.give(ref);

  engineContract(`Docker Engine ${version}`, async () => ({
    engine: new DockerEngine(new EngineApi(engine.endpoint), (work) => work(), '/nonexistent'),
    image,
    range: '10.214.0',
    instance: 'contract',
  }));

  describe(`a host with Docker Engine ${version}`, () => {
    test('builds, deploys, switches and rolls back, over a socket and over TCP', async () => {
      const lab = await Lab.open({ endpoint: engine.endpoint, through: engine.through });
      try {
        expect((await lab.engine.info()).version).toMatch(new RegExp(`^${version}`));
        lab.write('site/index.html', 'version one');
        lab.define(
          'site',
          'hostnames: [site.org]\napps:\n  web: { runtime: static, source: ../site }\nmedia:\n  /m: { from: ../site }\n',
        );
        lab.example('tcp-site');
        lab.define('tcp', 'hostnames: [tcp.org]\napps:\n  web: { dockerfile: ../tcp-site, port: 8000 }\n');
        await lab.ok('deploy --all');
        expect(fetchThrough(engine.through, lab.port, 'site.org')).toBe('200 version one');
        expect(fetchThrough(engine.through, lab.port, 'tcp.org')).toContain('plain Dockerfile');
        lab.write('site/index.html', 'version two');
        expect(await lab.ok('deploy site')).toMatch(/\d+ requests, 0 failed/);
        expect(fetchThrough(engine.through, lab.port, 'site.org')).toBe('200 version two');
        expect(await lab.ok('deploy --all')).not.toContain('live');
        await lab.ok('rollback site');
        expect(fetchThrough(engine.through, lab.port, 'site.org')).toBe('200 version one');
        expect((await lab.hostctl('doctor')).code).toBe(0);
      } finally {
        await lab.close();
      }
    });

    test('keeps apps from the services of its host, and lets them have its proxy', async () => {
      const lab = await Lab.open({ endpoint: engine.endpoint, through: engine.through });
      const [program, ...words] = engine.through as [string, ...string[]];
      const port = await freePort();
      const script = `require('http').createServer((q, r) => r.end('a service of the host')).listen(${port}, '0.0.0.0')`;
      const service = spawn(program, [...words, process.execPath, '-e', script]);
      try {
        const { rest, proxy } = lab.settings;
        lab.write('hostctl.yaml', rest + proxy.replace('address: 127.0.0.1', 'address: 0.0.0.0'));
        defineServant(lab, 'evil', 'port');
        await lab.ok('deploy --all');
        const [evil] = await lab.running('evil');
        const gateway = evil!.NetworkSettings.Networks[`${lab.instance}.egress`]!.Gateway;
        const says = async (at: number, word: string): Promise<string> =>
          (
            await lab.engine.exec(evil!.Name.slice(1), [
              'python3',
              '/app/attempts.py',
              'says',
              gateway,
              String(at),
              word,
            ])
          ).output;
        expect(await says(port, 'a service of the host')).toContain('timed out');
        expect(await says(lab.port, 'HTTP/1')).toContain('heard');
        execFileSync(program, [...words, 'nft', 'delete', 'table', 'inet', fenceTable(lab.instance)]);
        expect(await says(port, 'a service of the host')).toContain('heard');
        await lab.ok('deploy --all');
        expect(await says(port, 'a service of the host')).toContain('timed out');
        expect(await lab.ok('audit --probe')).toMatch(/\d+ of \d+ attempts from inside were held/);
      } finally {
        service.kill();
        await lab.close();
      }
    });
  });
}
