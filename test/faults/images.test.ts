import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as listenOn } from 'node:net';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { pack } from 'tar-stream';
import { Traffic } from '../e2e/support/http.ts';
import { Lab, SOCKET } from '../e2e/support/lab.ts';
import { leftovers } from './support/leftovers.ts';
import { LONG } from './support/sweep.ts';
import { Sites } from './support/sites.ts';

/** A registry with one image of one layer, which it breaks off after half of it while `cut` says so. */
class TinyRegistry {
  cut = true;
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  #manifest = '';
  asked = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      const blob = this.#blobs.get(/\/blobs\/(sha256:[0-9a-f]+)$/.exec(path)?.[1] ?? '');
      if (path === '/v2/') response.end('{}');
      else if (path.includes('/manifests/')) {
        response.setHeader('Content-Type', 'application/vnd.docker.distribution.manifest.v2+json');
        response.setHeader('Docker-Content-Digest', digest(Buffer.from(this.#manifest)));
        response.setHeader('Content-Length', this.#manifest.length);
        response.end(request.method === 'HEAD' ? undefined : this.#manifest);
      } else if (!blob) response.writeHead(404).end();
      else {
        response.setHeader('Content-Length', blob.length);
        if (!this.cut || blob.length < 1000) response.end(blob);
        else {
          this.asked += 1;
          response.write(blob.subarray(0, blob.length / 2), () => response.destroy());
        }
      }
    });
  }

  async open(): Promise<string> {
    const tar = pack();
    // Nothing that could be compressed.
    tar.entry({ name: 'data' }, randomBytes(400_000));
    tar.finalize();
    const layer = await buffer(tar);
    const zipped = gzipSync(layer);
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        config: { Cmd: ['/none'] },
        rootfs: { type: 'layers', diff_ids: [digest(layer)] },
      }),
    );
    for (const blob of [zipped, config]) this.#blobs.set(digest(blob), blob);
    const entry = (blob: Buffer, type: string) => ({ mediaType: type, size: blob.length, digest: digest(blob) });
    this.#manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: entry(config, 'application/vnd.docker.container.image.v1+json'),
      layers: [entry(zipped, 'application/vnd.docker.image.rootfs.diff.tar.gzip')],
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function digest(data: Buffer): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

test('images that fail, and a port that is taken, touch nothing that runs', async () => {
  const lab = await Lab.open();
  const registry = new TinyRegistry();
  try {
    const sites = new Sites(lab, SOCKET, ['near', 'one']);
    const [near, one] = sites.names as [string, string];

    // Somebody has the port before the proxy.
    const holder = listenOn().listen(lab.port, '127.0.0.1');
    await once(holder, 'listening');
    const taken = await sites.run('deploy --all');
    expect({ code: taken.code, err: taken.err }).toEqual({
      code: 1,
      err: expect.stringContaining(`port ${lab.port} is taken by another program`),
    });
    expect((await lab.engine.containers(lab.instance)).filter((item) => item.state === 'running')).toEqual([]);
    holder.close();
    await sites.ok('deploy --all');
    expect(await leftovers(lab)).toEqual([]);

    const before = await sites.identities([near, one]);
    const visitors = new Traffic(lab, `${one}.org`, '/', 100);

    // The build of one fails in its second step.
    lab.write(`${one}/Dockerfile`, 'FROM scratch\nCOPY nothing-there /\n');
    lab.define(one, `hostnames: [${one}.org]\napps:\n  web: { dockerfile: ../${one}, port: 80 }\n`);
    const built = await sites.run('deploy --all');
    expect({ code: built.code, err: built.err }).toEqual({
      code: 1,
      err: expect.stringContaining('building hostctl/'),
    });
    expect(await sites.identities([near, one])).toBe(before);

    // An image that never arrives in full: the engine itself tries for a minute before it gives up.
    if (LONG) {
      const ref = `${await registry.open()}/${one}:1`;
      lab.define(one, `hostnames: [${one}.org]\napps:\n  web: { image: "${ref}", port: 80 }\n`);
      const pulled = await sites.run(`deploy ${one}`);
      expect({ code: pulled.code, err: pulled.err }).toEqual({
        code: 1,
        err: expect.stringContaining(`pulling ${ref} failed`),
      });
      expect(registry.asked).toBeGreaterThan(0);
      expect(await sites.identities([near, one])).toBe(before);
      registry.cut = false;
      // Now it arrives, and what it holds cannot run: that is no reason to touch what does.
      const arrived = await sites.run(`deploy ${one}`);
      expect(arrived.code).not.toBe(0);
      expect(arrived.err).not.toContain('pulling');
      expect(await sites.serves(one, 'version 0')).toEqual([]);
      await lab.engine.removeImage(ref);
    }

    const load = await visitors.stop();
    sites.define(one, '');
    await sites.ok('deploy --all');
    expect(await leftovers(lab)).toEqual([]);
    expect(await sites.planned('--all')).toEqual([]);
    expect(load.errors).toEqual([]);
    process.stdout.write(`\nfailing images: ${load.requests} requests, ${load.failed} failed\n`);
  } finally {
    registry.close();
    await lab.close();
  }
});
