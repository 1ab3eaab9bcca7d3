import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from './support/http.ts';
import { freePort, Lab } from './support/lab.ts';

let outer: Lab;
let registry: string;

/** A real registry from Debian's packages, holding our own bases under the names of the official images. */
beforeAll(async () => {
  outer = await Lab.open();
  const image = `hostctl/test-registry:${outer.instance}`;
  const tar = pack();
  tar.entry(
    { name: 'Dockerfile' },
    'FROM hostctl/debian:trixie\nRUN apt-get update && apt-get install -y --no-install-recommends docker-registry && rm -rf /var/lib/apt/lists/* && sed -i "/^auth:/,/path:/d" /etc/docker/registry/config.yml\n',
  );
  tar.finalize();
  const labels = { 'hostctl.instance': outer.instance };
  await outer.engine.build(
    Readable.from(tar, { objectMode: false }),
    { tag: image, dockerfile: 'Dockerfile', labels, args: {} },
    () => undefined,
  );
  const port = await freePort();
  registry = `127.0.0.1:${port}/library`;
  await outer.api.json({
    method: 'POST',
    path: '/containers/create',
    query: { name: `${outer.instance}-registry` },
    body: {
      Image: image,
      Cmd: ['docker-registry', 'serve', '/etc/docker/registry/config.yml'],
      Labels: labels,
      HostConfig: { PortBindings: { '5000/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
      ExposedPorts: { '5000/tcp': {} },
    },
  });
  await outer.engine.start(`${outer.instance}-registry`);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/v2/`, { signal: AbortSignal.timeout(2000) })).ok);
  const ours = (await outer.engine.images('hostctl.role=base')).flatMap((item) => item.tags);
  for (const [base, official] of [
    ['hostctl/base-nginx:', 'nginx:1.30'],
    ['hostctl/base-python:', 'python:3.13-slim'],
    ['hostctl/debian:trixie', 'debian:trixie-slim'],
  ] as const) {
    await push(
      ours.find((tag) => tag.startsWith(base))!,
      `${registry}/${official}`,
    );
  }
});
afterAll(() => outer.close());

async function push(image: string, ref: string): Promise<void> {
  const [repo, tag] = ref.split(/:(?=[^/]*$)/) as [string, string];
  await outer.api.text({ method: 'POST', path: `/images/${image}/tag`, query: { repo, tag } });
  const headers = { 'X-Registry-Auth': Buffer.from('{}').toString('base64url') };
  const answer = await outer.api.text({
    method: 'POST',
    path: `/images/${repo}/push`,
    query: { tag },
    headers,
    deadline: 120_000,
  });
  expect(answer).not.toContain('"error"');
  await outer.engine.removeImage(ref);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error('the registry did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('base images', () => {
  test('come from a registry where there is one, official images and a Debian root alike', async () => {
    const lab = await Lab.open({ settings: `bases: { from: registry, registry: "${registry}" }\n` });
    try {
      lab.write('site/index.html', 'from a registry');
      lab.define('site', 'hostnames: [site.org]\napps:\n  web: { runtime: static, source: ../site }\n');
      lab.write('flask/requirements.txt', '');
      lab.write(
        'flask/app.py',
        'def application(e, s):\n    s("200 OK", [])\n    return [b"python from a registry"]\n',
      );
      lab.define('flask', 'hostnames: [flask.org]\napps:\n  web: { runtime: wsgi, source: ../flask, wsgi: app }\n');
      lab.define(
        'apache',
        'hostnames: [apache.org]\napps:\n  web: { runtime: wsgi, source: ../flask, wsgi: app, server: { kind: mod_wsgi } }\n',
      );
      expect(await lab.ok('plan --all')).toContain('base    nginx  (not on the engine)');
      const { code, err } = await lab.hostctl('deploy --all');
      expect(code, err).toBe(0);
      expect(err).not.toContain('made from Debian packages');
      expect((await ask(lab, 'site.org', '/')).body).toBe('from a registry');
      expect((await ask(lab, 'flask.org', '/')).body).toBe('python from a registry');
      expect((await ask(lab, 'apache.org', '/')).body).toBe('python from a registry');
      for (const ref of ['nginx:1.30', 'python:3.13-slim', 'debian:trixie-slim'])
        expect(await lab.engine.image(`${registry}/${ref}`), ref).toBeDefined();
      expect(await lab.ok('doctor')).toContain(`${registry}/python:3.13-slim`);
    } finally {
      await lab.close();
      for (const ref of ['nginx:1.30', 'python:3.13-slim', 'debian:trixie-slim'])
        await outer.engine.removeImage(`${registry}/${ref}`);
    }
  });

  test('come from Debian packages where no registry answers, which is said', async () => {
    const port = await freePort();
    const lab = await Lab.open({
      settings: `bases: { from: auto, registry: "127.0.0.1:${port}/library", images: {} }\n`,
    });
    try {
      // The same bases as everybody's are found, so nothing has to be made again.
      lab.write('site/index.html', 'from Debian');
      lab.define('site', 'hostnames: [site.org]\napps:\n  web: { runtime: static, source: ../site }\n');
      await lab.ok('deploy site');
      expect((await ask(lab, 'site.org', '/')).body).toBe('from Debian');
      expect(await lab.ok('doctor')).toContain('nginx (hostctl/base-nginx:');
    } finally {
      await lab.close();
    }
  });

  test('are made anew when they are gone, and a registry that is insisted on must answer', async () => {
    const port = await freePort();
    const nginx = (await outer.engine.images('hostctl.role=base'))
      .flatMap((item) => item.tags)
      .find((tag) => tag.startsWith('hostctl/base-nginx:'))!;
    const kept = `hostctl/kept:${outer.instance}`;
    const [repo, tag] = kept.split(':') as [string, string];
    await outer.api.text({ method: 'POST', path: `/images/${nginx}/tag`, query: { repo, tag } });
    await outer.engine.removeImage(nginx);
    try {
      const strict = await Lab.open({ settings: `bases: { from: registry, registry: "127.0.0.1:${port}/library" }\n` });
      const refused = await strict.hostctl('setup --yes');
      await strict.close();
      expect(refused.code).not.toBe(0);
      expect(refused.err).toContain(`127.0.0.1:${port}`);
      const lab = await Lab.open({ settings: `bases: { from: auto, registry: "127.0.0.1:${port}/library" }\n` });
      const { code, err } = await lab.hostctl('setup --yes');
      await lab.close();
      expect(code, err).toBe(0);
      expect(err).toContain(
        `no registry gave 127.0.0.1:${port}/library/nginx:1.30, so nginx is made from Debian packages`,
      );
      expect(await outer.engine.image(nginx)).toBeDefined();
    } finally {
      await outer.engine.removeImage(kept);
    }
  });

  test('can be named, for another version of a language', async () => {
    const python = (await outer.engine.images('hostctl.role=base'))
      .flatMap((item) => item.tags)
      .find((tag) => tag.startsWith('hostctl/base-python:'))!;
    const lab = await Lab.open({ settings: `bases: { from: debian, images: { python: "${python}" } }\n` });
    try {
      lab.write('flask/app.py', 'def application(e, s):\n    s("200 OK", [])\n    return [b"named"]\n');
      lab.define('flask', 'hostnames: [flask.org]\napps:\n  web: { runtime: wsgi, source: ../flask, wsgi: app }\n');
      await lab.ok('deploy flask');
      expect((await ask(lab, 'flask.org', '/')).body).toBe('named');
    } finally {
      await lab.close();
    }
  });
});
