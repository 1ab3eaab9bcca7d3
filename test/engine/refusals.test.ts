import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EngineApi } from '../../src/engine/api.ts';
import { DockerEngine } from '../../src/engine/docker.ts';

/** An engine that refuses everything with the same words. */
let server: Server;
let dir: string;
let engine: DockerEngine;
let refusal: { status: number; message: string };

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hostctl-refusals-'));
  server = createServer((request, response) => {
    response.setHeader('Api-Version', '1.41');
    if (/_ping|\/info/.test(request.url ?? '')) response.end('{}');
    else response.writeHead(refusal.status).end(JSON.stringify({ message: refusal.message }));
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 'engine.sock'), resolve));
  engine = new DockerEngine(new EngineApi(`unix://${join(dir, 'engine.sock')}`), (work) => work(), '/nonexistent');
});
afterEach(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

const MIB = 1024 ** 2;
const lower = (): Promise<void> => engine.setLimits('blog-web-1', { memory: 64 * MIB, cpus: 1, pids: 10 });

describe('what the engine refuses in words of its own', () => {
  test('less memory than an app uses', async () => {
    refusal = { status: 500, message: 'unable to set memory limit to 67108864 (current usage: 134217728, peak: 1)' };
    await expect(lower()).rejects.toMatchObject({
      code: 'MEMORY_IN_USE',
      message: 'blog-web-1 cannot be limited to 64M now: it uses 128M',
    });
    refusal.message = 'write memory.limit_in_bytes: device or resource busy: unknown';
    await expect(lower()).rejects.toThrow(/ to 64M now$/);
  });

  test('a path that is not in an image', async () => {
    refusal = { status: 404, message: 'Could not find the file /nope in container blog-web-1' };
    await expect(engine.copyFrom('blog-web-1', '/nope')).rejects.toMatchObject({
      code: 'NOT_IN_IMAGE',
      message: '/nope is not in the image of blog-web-1',
    });
  });

  test('anything else keeps them', async () => {
    refusal = { status: 404, message: 'No such container: blog-web-1' };
    await expect(engine.copyFrom('blog-web-1', '/nope')).rejects.toMatchObject({ code: 'ENGINE' });
    await expect(lower()).rejects.toThrow('No such container: blog-web-1');
  });
});
