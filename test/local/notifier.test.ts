import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LocalNotifier } from '../../src/local/notifier.ts';

const NOTICE = '{"version":1,"text":"blog: deploy failed"}\n';

let dir: string;
const notifier = new LocalNotifier();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hostctl-notifier-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('a webhook', () => {
  let server: Server;
  let asked: { request: IncomingMessage; body: string }[];
  let status: number | 'never';
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/s3cret`;

  beforeEach(async () => {
    asked = [];
    status = 204;
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        asked.push({ request, body });
        if (status !== 'never') response.writeHead(status, { location: '/elsewhere' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('gets the document as JSON, once', async () => {
    await notifier.post(url(), NOTICE);
    expect(asked).toHaveLength(1);
    const [{ request, body }] = asked as [(typeof asked)[0]];
    expect({ method: request.method, url: request.url, body }).toEqual({
      method: 'POST',
      url: '/hooks/s3cret',
      body: NOTICE,
    });
    expect(request.headers['content-type']).toBe('application/json');
  });

  test.each([[500], [404], [302]])('that answers %i counts as not told, and is not followed', async (answer) => {
    status = answer;
    await expect(notifier.post(url(), NOTICE)).rejects.toThrow(new RegExp(`^127\\.0\\.0\\.1:\\d+ answered ${answer}$`));
    expect(asked).toHaveLength(1);
  });

  test('that never answers is given up after five seconds', async () => {
    status = 'never';
    const since = performance.now();
    const failure = await notifier.post(url(), NOTICE).catch((error: Error) => error.message);
    expect(failure).toMatch(/^127\.0\.0\.1:\d+: no end within 5s$/);
    expect(performance.now() - since).toBeLessThan(8000);
  });

  test('that is not there is named without its path, which may be a password', async () => {
    const gone = url();
    await new Promise((resolve) => server.close(resolve));
    const failure = await notifier.post(gone, NOTICE).catch((error: Error) => error.message);
    expect(failure).toMatch(/^127\.0\.0\.1:\d+: ECONNREFUSED$/);
  });
});

describe('a program', () => {
  const script = (text: string): string => {
    const at = join(dir, 'tell');
    writeFileSync(at, `#!/bin/sh\n${text}\n`);
    chmodSync(at, 0o755);
    return at;
  };

  test('gets it as its input, its words as they are, and nothing of our environment', async () => {
    process.env['CI_TOKEN'] = 'hunter2';
    const out = join(dir, 'out');
    await notifier.run([script(`{ cat; echo "$2"; env; pwd; } > "$1"`), out, '$(id); `id`'], NOTICE);
    delete process.env['CI_TOKEN'];
    const text = readFileSync(out, 'utf8');
    expect(text.startsWith(`${NOTICE}$(id); \`id\`\n`)).toBe(true);
    expect(text).not.toContain('hunter2');
    expect(text).toMatch(/^PATH=\/usr\/local\/sbin:/m);
    expect(text.trimEnd().endsWith('/')).toBe(true);
  });

  test('may leave its input unread', async () => {
    await notifier.run([script('exit 0')], 'x'.repeat(1024 ** 2));
  });

  test('that fails, is missing or does not end counts as not told', async () => {
    await expect(notifier.run([script('exit 3')], NOTICE)).rejects.toThrow('it ended with 3');
    await expect(notifier.run([join(dir, 'none')], NOTICE)).rejects.toThrow('ENOENT');
    const since = performance.now();
    const mark = join(dir, 'late');
    await expect(notifier.run([script(`exec sleep 60 && touch ${mark}`)], NOTICE)).rejects.toThrow('no end within 5s');
    expect(performance.now() - since).toBeLessThan(8000);
    expect(existsSync(mark)).toBe(false);
  });
});
