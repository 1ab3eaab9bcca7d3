import { afterAll, describe, expect, test } from 'vitest';
import { DockerEngine } from '../../src/engine/docker.ts';
import { EngineApi } from '../../src/engine/api.ts';
import { engineContract } from '../contract/engine.ts';
import { someBase } from './support/images.ts';
import { Lab } from './support/lab.ts';
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
  });
}
