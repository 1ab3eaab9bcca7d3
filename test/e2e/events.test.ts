import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventView, Notice } from '../../src/core/journal.ts';
import { Lab } from './support/lab.ts';

let lab: Lab;
let server: Server;
let notices: Notice[];

beforeAll(async () => {
  notices = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      notices.push(JSON.parse(body) as Notice);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  lab = await Lab.open({
    settings: `bases: { from: debian }\nnotify: { webhook: "http://127.0.0.1:${port}/s3cret" }\n`,
  });
  lab.write('app/package.json', '{}');
});
afterAll(async () => {
  server.close();
  await lab.close();
});

/** @param body of the program that is the app */
function define(body: string): void {
  lab.write('app/server.js', `${body}; console.error('hunter2 ' + process.env.KEY)`);
  lab.define(
    'blog',
    'hostnames: [blog.org]\napps:\n  web: { runtime: node, source: ../app, env: { KEY: hunter3 }, health: { within: 5s } }\n',
  );
}

async function events(): Promise<EventView[]> {
  return (JSON.parse(await lab.ok('events blog --json')) as { events: EventView[] }).events;
}

const serves = "require('http').createServer((q, r) => r.end('good')).listen(process.env.PORT)";

test('deploys that end well, fail or are killed are in the log; a failure is told, and no value or text of the app with it', async () => {
  define(serves);
  await lab.ok('deploy blog');
  define('setInterval(() => {}, 1000)');
  const failed = await lab.hostctl('deploy blog');
  expect(failed.code).toBe(5);
  const killed = lab.start('deploy blog');
  const gone = new Promise((resolve) => killed.once('exit', resolve));
  await expect.poll(async () => (await events()).at(-1)!.outcome, { timeout: 30_000 }).toBe('running');
  killed.kill('SIGKILL');
  await gone;
  await expect.poll(async () => (await events()).at(-1)!.outcome, { timeout: 30_000 }).toBe('unfinished');
  await lab.ok('stop blog');
  expect(await events()).toMatchObject([
    { doing: 'deploy', outcome: 'ok', before: null, after: 1, exit: 0 },
    { doing: 'deploy', outcome: 'failed', code: 'NOT_READY', before: 1, after: 1, exit: 5 },
    { doing: 'deploy', outcome: 'unfinished', before: 1, pid: killed.pid, ms: null },
    { doing: 'stop', outcome: 'ok', before: 1, after: 1 },
  ]);
  const text = await lab.ok('events blog --since 1h');
  expect(text).toMatch(/^AT \(UTC\) +WHO +PROJECT +DID +OUTCOME +RELEASE +TOOK\n/);
  expect(text).toMatch(/ blog +deploy +failed: NOT_READY +1 +[\d.]+m?s\n/);
  expect(notices).toMatchObject([
    {
      event: 'failure',
      instance: lab.instance,
      project: 'blog',
      code: 'NOT_READY',
      text: expect.stringMatching(/^blog: deploy by \S+ failed \(NOT_READY\); release 1 is live$/) as string,
    },
  ]);
  expect(JSON.stringify(notices) + (await lab.ok('events --json'))).not.toMatch(/hunter/);
});

test('nobody there to be told is a warning, and the exit code stays', async () => {
  await new Promise((resolve) => server.close(resolve));
  const { code, err } = await lab.hostctl('deploy blog');
  expect(code).toBe(5);
  expect(err).toMatch(/the webhook was not told: 127\.0\.0\.1:\d+: ECONNREFUSED/);
  expect(err).not.toContain('s3cret');
});
