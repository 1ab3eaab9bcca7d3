import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EngineApi } from '../../src/engine/api.ts';

/** An engine that begins to answer and then says nothing more. */
let server: Server;
let dir: string;
let api: EngineApi;
let asked: string[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hostctl-api-'));
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url?.startsWith('/never')) return;
    if (request.url?.includes('/lost') && asked.length < 3) return void request.socket.destroy();
    if (request.url?.includes('/lost')) return void response.end('{"found":true}');
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

describe('a connection that is lost', () => {
  const unreachable = { code: 'ENGINE_UNREACHABLE', exit: 7 };

  test('by an engine that was there is made again: it may be restarting', async () => {
    api.pin('1.41');
    expect(await api.json({ method: 'POST', path: '/lost' })).toEqual({ found: true });
    expect(asked).toEqual(['POST /v1.41/lost?', 'POST /v1.41/lost?', 'POST /v1.41/lost?']);
  });

  test('by one that never answered is told at once', async () => {
    await expect(api.json({ method: 'GET', path: '/lost' })).rejects.toMatchObject(unreachable);
    expect(asked).toHaveLength(1);
  });

  test('with half of a request’s body sent is told at once: it cannot be sent again', async () => {
    api.pin('1.41');
    const call = { method: 'POST', path: '/lost', stream: Readable.from(['body']) } as const;
    await expect(api.text(call)).rejects.toMatchObject(unreachable);
    expect(asked).toHaveLength(1);
  });

  test('in the middle of a stream is the engine’s fault, in words', async () => {
    const stream = await api.open({ method: 'GET', path: '/stream' });
    server.closeAllConnections();
    await expect(stream.toArray()).rejects.toMatchObject(unreachable);
  });
});
