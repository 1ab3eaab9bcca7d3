import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import type { Reply, WebAnswer, WebAsk, WebServer } from '../../src/core/reply.ts';
import { NetworkWeb } from '../../src/host/web.ts';
import { freePort } from '../e2e/support/lab.ts';
import { OWN } from '../support/certificates.ts';

const web = new NetworkWeb();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener, secure = false): Promise<WebServer> {
  const server = secure
    ? createSecureServer({ key: OWN.key, cert: OWN.certificate }, listener)
    : createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { scheme: secure ? 'https' : 'http', address: '127.0.0.1', port, trusted: true };
}
const ask = (server: WebServer, more: Partial<WebAsk> = {}): Promise<WebAnswer> =>
  web.ask(server, { method: 'GET', host: 'www.example.org', path: '/', headers: {}, timeout: 2000, ...more });

test('the path is sent as written, the hostname as Host, and no redirect is followed', async () => {
  let asked = 0;
  const server = await serve((request, response) => {
    asked += 1;
    response.writeHead(302, { Location: '/b', 'Set-Cookie': ['a=1', 'b=2'] });
    response.end(`${request.method} ${request.url} ${request.headers.host} ${request.headers['accept-encoding']}`);
  });
  const answer = (await ask(server, { path: '/a//%2e%2e/b?c' })) as Reply;
  expect(answer).toMatchObject({ status: 302, headers: { location: ['/b'], 'set-cookie': ['a=1', 'b=2'] } });
  const body = 'GET /a//%2e%2e/b?c www.example.org identity';
  expect(answer.body).toEqual({
    hash: createHash('sha256').update(body).digest('hex'),
    bytes: body.length,
    whole: true,
  });
  expect(asked).toBe(1);
});

test('text is kept while it is short, other bodies are only hashed', async () => {
  const server = await serve((request, response) => {
    const long = request.url === '/long';
    response.setHeader('Content-Type', request.url === '/bytes' ? 'image/png' : 'text/html; charset=utf-8');
    response.end(long ? 'x'.repeat(2 * 1024 ** 2) : 'Grüße');
  });
  expect(((await ask(server)) as Reply).body.text).toBe('Grüße');
  expect(((await ask(server, { path: '/bytes' })) as Reply).body.text).toBeUndefined();
  expect((await ask(server, { path: '/long' })) as Reply).toMatchObject({
    body: { bytes: 2 * 1024 ** 2, whole: true },
  });
  expect(((await ask(server, { path: '/long' })) as Reply).body.text).toBeUndefined();
});

test('of a body without end only the beginning is read', async () => {
  const chunk = Buffer.alloc(1024 ** 2);
  const server = await serve((_, response) => {
    const more = (): void => {
      while (response.write(chunk));
    };
    response.on('drain', more);
    more();
  });
  const { body } = (await ask(server, { timeout: 20_000 })) as Reply;
  expect(body).toMatchObject({ bytes: 32 * 1024 ** 2, whole: false });
});

test('why there is no answer', async () => {
  const silent = await serve(() => undefined);
  expect(await ask(silent, { timeout: 100 })).toEqual({ failed: 'no answer in time' });
  const slow = await serve((_, response) => response.write('a'));
  expect(await ask(slow, { timeout: 100 })).toEqual({ failed: 'no answer in time' });
  const closing = await serve((request) => request.socket.destroy());
  expect(await ask(closing)).toEqual({ failed: 'the connection was closed without an answer' });
  expect(await ask({ ...silent, port: await freePort() })).toEqual({ failed: 'nothing listens there' });
});

test('a certificate is checked for the hostname asked for, unless it need not be', async () => {
  const server = await serve((_, response) => response.end('a'), true);
  expect(await ask(server)).toMatchObject({
    failed: expect.stringContaining('its certificate is not trusted') as string,
  });
  expect(await ask({ ...server, trusted: false })).toMatchObject({ status: 200 });
});
