import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostName, pathOf } from '../../src/core/match.ts';
import { LABEL } from '../../src/core/names.ts';
import { type Expected, readRequests, requestDefinitions, REQUESTS, type Row } from '../support/requests.ts';
import { askRaw } from './support/http.ts';
import { DRIVERS, Lab } from './support/lab.ts';

const rows = readRequests();

/** What every proxy must make of the same requests. */
describe.each(DRIVERS)('under %s', (driver) => {
  let lab: Lab;
  const answers = new Map<number, string>();

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    const image = await buildEcho(lab);
    for (const folder of ['shop', 'root', 'files'])
      cpSync(join(REQUESTS, folder), join(lab.dir, folder), { recursive: true });
    lab.write('shop/media/.git/config', 'shop:/media/.git/config');
    for (const [name, text] of requestDefinitions()) lab.define(name, text.replaceAll('hostctl/echo', image));
    await lab.ok('deploy --all');
    const limit = pLimit(8);
    await Promise.all(
      rows.map((row) => limit(async () => answers.set(row.line, (await askRaw(lab, wireOf(row))).text))),
    );
  });
  afterAll(() => lab.close());

  test.each(rows.map((row) => [row.text.replaceAll(/ +/g, ' '), row] as const))('%s', (_, row) => {
    check(row, row.expected(driver), answers.get(row.line)!);
  });
});

/** The one image of all apps. */
async function buildEcho(lab: Lab): Promise<string> {
  const bases = await lab.engine.images('hostctl.role=base');
  const base = bases.flatMap((image) => image.tags).find((name) => name.startsWith('hostctl/base-node:'));
  if (!base) throw new Error('the base images are missing: prepare.ts did not run');
  const context = pack();
  for (const name of ['Dockerfile', 'echo.js']) context.entry({ name }, readFileSync(join(REQUESTS, name)));
  context.finalize();
  const tag = `hostctl/echo-${lab.instance}:1`;
  const options = { tag, dockerfile: 'Dockerfile', labels: { [LABEL.instance]: lab.instance }, args: { BASE: base } };
  await lab.engine.build(Readable.from(context, { objectMode: false }), options, () => undefined);
  return tag;
}

/** The bytes of a request; headers that end the connection come last, unless it says otherwise itself. */
function wireOf({ hosts, method, target, version, headers }: Row): string {
  const own = headers.some((header) => /^connection:/i.test(header)) ? [] : ['Connection: close'];
  const lines = [`${method} ${target} ${version}`, ...hosts.map((host) => `Host: ${host}`), ...headers, ...own];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

function readReply(text: string): Reply {
  const [head = '', ...body] = text.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  const pairs = lines.map(
    (item) => [item.slice(0, item.indexOf(':')), item.slice(item.indexOf(':') + 1).trim()] as const,
  );
  return {
    status: Number(/^HTTP\/1\.[01] (\d+)/.exec(line)?.[1] ?? 0),
    headers: new Headers(pairs.map(([name, value]) => [name, value])),
    body: body.join('\r\n\r\n'),
  };
}

function check(row: Row, expected: Expected, text: string): void {
  const reply = readReply(text);
  const { status, headers, body } = reply;
  const short = `${status} ${headers.get('X-Echo') ?? headers.get('Location') ?? body.slice(0, 60).trim()}`;
  switch (expected.kind) {
    case 'nobody':
      // A proxy that cannot close says 404, and neither says whose it is.
      return expect([0, 404], short).toContain(status);
    case 'status':
      expect(headers.get('X-Echo'), short).toBeNull();
      return expect(status, short).toBe(expected.status);
    case 'redirect':
      return expect(short).toBe(`${expected.status} ${expected.location}`);
    case 'file':
      if (row.method === 'HEAD') {
        const length = `${expected.project}:${expected.path}\n`.length;
        return expect({ status, body, length: headers.get('Content-Length') }).toEqual({
          status: 200,
          body: '',
          length: `${length}`,
        });
      }
      return expect({ status, body: Buffer.from(body, 'latin1').toString() }).toEqual({
        status: 200,
        body: `${expected.project}:${expected.path}\n`,
      });
    case 'upgrade':
      return expect(short).toBe(`101 ${expected.app}`);
    case 'app':
      expect(short).toBe(`200 ${expected.app}`);
      if (row.method !== 'HEAD') checkEcho(row, expected, bodyOf(reply));
  }
}

/** Without the lengths of a chunked answer. */
function bodyOf({ headers, body }: Reply): string {
  return headers.get('Transfer-Encoding') === 'chunked'
    ? body.replaceAll(/\r\n[0-9a-f]+\r\n|^[0-9a-f]+\r\n/gi, '')
    : body;
}

/** Headers only a proxy may set; what a visitor claims in them must not get through. */
const FORWARDED = /^(x[-_]forwarded[-_].*|x[-_]real[-_]ip|forwarded|proxy|x-hostctl-.*|x-original-.*|x-rewrite-.*)$/i;

function checkEcho(row: Row, expected: Extract<Expected, { kind: 'app' }>, body: string): void {
  const seen = JSON.parse(body) as { method: string; url: string; headers: [string, string][] };
  const values = (name: string): string[] =>
    seen.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  expect(seen.method).toBe(row.method);
  const sent = row.target.replace(/^https?:\/\/[^/?]*/i, '').replace(/^(?!\/)/, '/');
  // Proxies differ in what they tidy up on the way; what the path means stays.
  expect(pathOf(seen.url)).toBe(pathOf(sent));
  if (expected.url !== undefined) expect(seen.url).toBe(expected.url);
  const authority = /^https?:\/\/(?:[^/?@]*@)?([^/?]*)/i.exec(row.target)?.[1] ?? '';
  const asked = authority === '' ? (row.hosts[0] ?? '') : authority;
  expect(values('Host').map((host) => hostName(host))).toEqual([hostName(asked)]);
  expect(values('X-Forwarded-Host').map((host) => hostName(host))).toEqual([hostName(asked)]);
  expect(values('X-Forwarded-Proto').join()).toMatch(/^(http|ws)$/);
  for (const name of ['X-Forwarded-For', 'X-Real-IP'])
    expect(values(name).join(), name).toMatch(/^[0-9.]+$|^[0-9a-f:]+$/);
  const claimed = seen.headers.filter(([name, value]) => FORWARDED.test(name) && /liar|6\.6\.6\.6|6666/i.test(value));
  expect(claimed).toEqual([]);
  for (const [name, value] of Object.entries(expected.headers)) expect(values(name).join(), name).toBe(value);
}
