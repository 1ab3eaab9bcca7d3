import { createServer, type RequestListener } from 'node:http';
import { createServer as listenOn } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, type Result, ROOT } from '../e2e/support/lab.ts';
import { LONG } from './support/sweep.ts';

const dir = mkdtempSync(join(tmpdir(), 'hostctl-answers-'));
const socket = join(dir, 'engine.sock');
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
  lab.write('site/index.html', 'site');
  lab.define('site', 'hostnames: [site.org]\napps:\n  web: { runtime: static, source: ../site }\n');
});
afterAll(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});

const deploy = (): Promise<Result> => lab.hostctl('deploy site', { DOCKER_HOST: `unix://${socket}` });

/** hostctl against something that is no good engine. */
async function against(engine: RequestListener): Promise<Result & { seconds: number }> {
  const server = createServer(engine);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const since = performance.now();
  try {
    return { ...(await deploy()), seconds: (performance.now() - since) / 1000 };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const json = (body: unknown, status = 200) => [status, JSON.stringify(body)] as const;
/** Answers `_ping` with a version, and everything else so. */
const engine =
  (version: string, status: number, body: string): RequestListener =>
  (request, response) => {
    response.setHeader('Api-Version', version);
    if (request.url?.startsWith('/_ping')) response.end('OK');
    else response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  };

describe('an engine that is gone', () => {
  test('its socket missing', async () => {
    const { code, err } = await deploy();
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('there is no Docker Engine at') });
  });

  test('nobody listening at its socket', async () => {
    // A socket outlives who listened at it only when that one was killed.
    const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await new Promise((resolve) => execFile(process.execPath, ['-e', script], resolve));
    const { code, err } = await deploy();
    rmSync(socket);
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('is not running') });
  });

  test('no socket in its place but a file', async () => {
    writeFileSync(socket, '');
    const { code, err } = await deploy();
    rmSync(socket);
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('is not running') });
  });
});

describe('an engine that hangs', () => {
  test('altogether: said after ten seconds', async () => {
    const { code, err, seconds } = await against(() => undefined);
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('did not answer GET /_ping within 10s') });
    expect(seconds).toBeGreaterThan(9);
  });

  test.runIf(LONG)('but answers _ping, as one that is deadlocked: said after twenty', async () => {
    const { code, err } = await against((request, response) => {
      if (request.url?.startsWith('/_ping')) response.setHeader('Api-Version', '1.41').end('OK');
    });
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('did not answer GET /info within 20s') });
  });
});

describe('an engine of another time', () => {
  test('too old', async () => {
    const { code, err } = await against(engine('1.39', ...json({})));
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('speaks version 1.39 of its API') });
  });

  test('so new that it no longer takes any version hostctl knows', async () => {
    const message = 'client version 1.51 is too old. Minimum supported API version is 1.60';
    const { code, err } = await against(engine('1.70', ...json({ message }, 400)));
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(message) });
  });
});

describe('no engine at all', () => {
  test('but a web server', async () => {
    const { code, err } = await against((_, response) => response.end('<html>Welcome</html>'));
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining('is no Docker Engine') });
  });

  test('but something that speaks another protocol', async () => {
    const server = listenOn((connection) => connection.end('220 mail.example.org ESMTP\r\n'));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const { code, err } = await deploy();
    server.close();
    expect(code).toBe(7);
    expect(err).toContain('error ');
    expect(err).not.toMatch(/^ {4}at /m);
  });
});

describe('nothing ends without a word', () => {
  /** A program that has hostctl's frame and one command, whose work never comes to an end. */
  function stalled(words: readonly string[]): Promise<Result> {
    const at = join(dir, 'stalled');
    const main = JSON.stringify(join(ROOT, 'dist/main.js'));
    const files = {
      'package.json': JSON.stringify({
        name: 'stalled',
        version: '1.0.0',
        type: 'module',
        oclif: { commands: './commands' },
      }),
      'commands/wait.js': 'export default class Wait { static async run() { await new Promise(() => {}); } }\n',
      'run.js': `import { main } from ${main};\nawait main(${JSON.stringify(at)}, process.argv.slice(2));\n`,
    };
    for (const [name, text] of Object.entries(files))
      lab.write(join('../', dir.split('/').at(-1)!, 'stalled', name), text);
    return new Promise((resolve) => {
      execFile(process.execPath, [join(at, 'run.js'), ...words], (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
      );
    });
  }

  test('a promise that never settles ends in an error', async () => {
    const { code, err } = await stalled(['wait']);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('hostctl ended before its work was done') });
  });

  test('and in one document with --json', async () => {
    const { code, out } = await stalled(['wait', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'UNFINISHED' } });
  });
});
