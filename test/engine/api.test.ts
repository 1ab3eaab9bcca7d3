import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EngineApi } from '../../src/engine/api.ts';

/** An engine that begins to answer and then says nothing more. */
let server: Server;
let dir: string;
let api: EngineApi;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hostctl-api-'));
  server = createServer((request, response) => {
    if (request.url?.startsWith('/never')) return;
    response.write('first');
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 'engine.sock'), resolve));
  api = new EngineApi(`unix://${join(dir, 'engine.sock')}`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

async function read(silence: number): Promise<string> {
  let text = '';
  for await (const chunk of await api.open({ method: 'GET', path: '/stream', silence })) text += String(chunk);
  return text;
}

describe('an engine that hangs', () => {
  const unreachable = { code: 'ENGINE_UNREACHABLE', exit: 7 };

  test('before it answers', async () => {
    await expect(api.open({ method: 'GET', path: '/never', deadline: 100 })).rejects.toMatchObject(unreachable);
    await expect(api.json({ method: 'GET', path: '/never', deadline: 100 })).rejects.toMatchObject(unreachable);
  });

  test('in the middle of an answer', async () => {
    await expect(api.json({ method: 'GET', path: '/half', deadline: 100 })).rejects.toMatchObject(unreachable);
  });

  test('in the middle of a stream', async () => {
    await expect(read(100)).rejects.toMatchObject({
      ...unreachable,
      message: 'the Docker Engine has said nothing for 100ms during GET /stream',
    });
  });
});
