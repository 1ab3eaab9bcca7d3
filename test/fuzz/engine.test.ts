import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EngineApi } from '../../src/engine/api.ts';
import { DockerEngine } from '../../src/engine/docker.ts';
import type { Engine } from '../../src/ports.ts';
import { mutations } from './support/bytes.ts';
import { claim, figures, LONG, printFigures, tryMany } from './support/measure.ts';

/** What engines answer. */
const INFO = {
  ServerVersion: '28.5.2',
  NCPU: 2,
  MemTotal: 1024 ** 3,
  SystemTime: '2026-11-22T12:00:00Z',
  Warnings: null,
  SecurityOptions: ['name=seccomp,profile=default'],
};
const STATE = {
  Id: 'a'.repeat(64),
  Name: '/site-web-1234567',
  RestartCount: 0,
  State: { Running: true, Restarting: false, ExitCode: 0, OOMKilled: false, StartedAt: '2026-11-22T12:00:00Z' },
  Config: { Image: 'busybox:1', Labels: { 'hostctl.instance': 'hostctl' }, Env: ['A=b'] },
  HostConfig: { Memory: 1024 ** 2, NanoCpus: 5e8, PidsLimit: 100 },
  NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } },
};
const ANSWERS: readonly (readonly [path: RegExp, answer: unknown])[] = [
  [/^\/_ping/, 'OK'],
  [/\/info\?/, INFO],
  [
    /\/containers\/json/,
    [
      {
        Id: 'a'.repeat(64),
        Names: ['/site-web-1234567'],
        Image: 'busybox:1',
        ImageID: 'sha256:1',
        State: 'running',
        Status: 'Up 2 hours',
        Created: 1,
        Labels: { 'hostctl.instance': 'hostctl' },
        NetworkSettings: { Networks: { bridge: {} } },
      },
    ],
  ],
  [/\/containers\/[^/]+\/json/, STATE],
  [
    /\/containers\/[^/]+\/stats/,
    { read: '2026-11-22T12:00:00Z', cpu_stats: { cpu_usage: { total_usage: 1 } }, memory_stats: { usage: 5 } },
  ],
  [/\/networks\?/, [{ Id: 'n', Name: 'hostctl_site', Labels: {}, IPAM: { Config: [{ Subnet: '10.0.0.0/28' }] } }]],
  [/\/images\/json/, [{ Id: 'sha256:1', Labels: null, RepoTags: ['a:1'] }]],
  [/\/images\/create/, { status: 'Pulling from library/busybox', id: 'latest' }],
  [/\/images\//, { Id: 'sha256:1', RepoTags: ['busybox:1'], Config: { Labels: { a: 'b' } } }],
  [/\/exec\/[^/]+\/start/, '\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0006hello\n'],
  [/\/exec\/[^/]+\/json/, { ExitCode: 0 }],
  [/\/exec\?/, { Id: 'e' }],
  [/\/wait/, { StatusCode: 0 }],
  [
    /\/logs/,
    '\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0004one\n\u0002\u0000\u0000\u0000\u0000\u0000\u0000\u0004two\n',
  ],
  [/\/build/, '{"stream":"Step 1"}\n{"id":"moby.buildkit.trace","aux":"CgA="}\n{"aux":{"ID":"sha256:1"}}\n'],
];

const textOf = (answer: unknown): string => (typeof answer === 'string' ? answer : JSON.stringify(answer));
const right = (url: string): string => textOf(ANSWERS.find(([path]) => path.test(url))?.[1] ?? '');

/** How an engine that is ill answers one kind of call; all others it answers well. */
interface Ill {
  readonly body: string;
  readonly status: number;
  /** How much of it comes before the connection is cut; all of it and a proper end where this is absent. */
  readonly cut?: number;
  readonly version: string;
}

let server: Server;
let dir: string;
let ill: Ill | undefined;
let target: RegExp | undefined;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hostctl-fuzz-'));
  server = createServer((request, response) => {
    const url = request.url ?? '';
    request.resume();
    const mine = ill && target?.test(url) ? ill : undefined;
    const body = Buffer.from(mine?.body ?? right(url), 'latin1');
    response.statusCode = mine?.status ?? 200;
    response.setHeader('Api-Version', ill?.version ?? '1.41');
    if (mine?.cut === undefined) response.end(body);
    else {
      response.setHeader('Content-Length', body.length + 10);
      response.write(body.subarray(0, mine.cut), () => response.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 'engine.sock'), resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
  printFigures();
});

/** Everything that is asked of an engine, with the answer that may be ill. */
const CALLS: readonly (readonly [path: RegExp, call: (engine: Engine) => Promise<unknown>])[] = [
  [/\/info\?/, (engine) => engine.info()],
  [/^\/_ping/, (engine) => engine.info()],
  [/\/containers\/json/, (engine) => engine.containers('hostctl')],
  [/\/containers\/[^/]+\/json/, (engine) => engine.inspect('site-web-1234567')],
  [/\/networks\?/, (engine) => engine.networks()],
  [/\/networks\?/, (engine) => engine.removeNetwork('hostctl_site')],
  [/\/images\/json/, (engine) => engine.images('a')],
  [/\/images\//, (engine) => engine.image('busybox:1')],
  [/\/images\/create/, (engine) => engine.pull('busybox:1', () => undefined)],
  [
    /\/build/,
    (engine) =>
      engine.build(Readable.from(['']), { tag: 'a:1', dockerfile: 'D', labels: {}, args: {} }, () => undefined),
  ],
  [/\/wait/, (engine) => engine.wait('a')],
  [/\/exec/, (engine) => engine.exec('a', ['true'], 2000)],
  [
    /\/logs/,
    async (engine) => {
      for await (const { text } of engine.logs('a')) claim(typeof text === 'string', 'a line that is no text');
    },
  ],
  [/\/stats/, (engine) => engine.usage('a')],
  [/./, (engine) => engine.stop('a', 1)],
  [/./, (engine) => engine.remove('a')],
];

const bodies = fc.oneof(
  {
    weight: 4,
    arbitrary: mutations(
      ANSWERS.map(([, answer]) => textOf(answer)),
      3,
    ),
  },
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...ANSWERS.map(([, answer]) => textOf(answer)),
      '',
      'null',
      '[null]',
      '{}',
      '[{}]',
      '"x"',
      '{"error":{}}\n',
      '{"error":null}\nnull\n5\n',
      '{"aux":null}\n',
      '{"id":"moby.buildkit.trace","aux":"////"}\n',
      '{"message":5}',
      `{"message":"${'x'.repeat(5000)}"}`,
      '<html>',
      '\u0001\u0000\u0000\u0000\uffff\uffff\uffff\uffffabc',
      '['.repeat(20_000),
    ),
  },
);

test('whatever an engine answers, hostctl says what is wrong, and does not wait', async () => {
  const row = figures('answers of an engine');
  const inputs = fc.record({
    call: fc.constantFrom(...CALLS),
    ill: fc.record(
      {
        body: bodies,
        status: fc.oneof(
          { weight: 6, arbitrary: fc.constant(200) },
          fc.constantFrom(201, 204, 304, 400, 404, 409, 500, 503),
        ),
        cut: fc.nat(60),
        version: fc.oneof(
          { weight: 5, arbitrary: fc.constant('1.41') },
          fc.constantFrom('', 'x', '1.', '9.9', '1.999', '1.41.2', '-1.5'),
        ),
      },
      { requiredKeys: ['body', 'status', 'version'] },
    ),
  });
  const failures = await tryMany(row, LONG ? 20_000 : 400, inputs, async ({ call: [path, call], ill: given }) => {
    [target, ill] = [path, given];
    const engine = new DockerEngine(new EngineApi(`unix://${join(dir, 'engine.sock')}`, 0), (work) => work(), dir);
    const since = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer within 20 s')), 20_000);
    });
    try {
      await Promise.race([call(engine), late]);
    } finally {
      clearTimeout(timer);
    }
    claim(performance.now() - since < 20_000, 'took long');
    return true;
  });
  expect(failures).toEqual([]);
  expect(row.good).toBeGreaterThan(0);
});

test('an engine that is well is understood', async () => {
  ill = undefined;
  const engine = new DockerEngine(new EngineApi(`unix://${join(dir, 'engine.sock')}`, 0), (work) => work(), dir);
  expect(await engine.info()).toMatchObject({ version: '28.5.2', api: '1.41', cpus: 2, security: ['seccomp'] });
  expect(await engine.containers('hostctl')).toMatchObject([{ name: 'site-web-1234567', networks: ['bridge'] }]);
  expect(await engine.inspect('a')).toMatchObject({ running: true, limits: { cpus: 0.5, pids: 100 } });
  expect(await engine.networks()).toMatchObject([{ subnets: ['10.0.0.0/28'] }]);
  expect(await engine.exec('a', ['true'])).toEqual({ code: 0, output: 'hello' });
  expect(
    await engine.build(Readable.from(['']), { tag: 'a:1', dockerfile: 'D', labels: {}, args: {} }, () => undefined),
  ).toBe('sha256:1');
});
