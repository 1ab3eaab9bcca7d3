import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../e2e/support/http.ts';
import { DRIVERS, Lab } from '../e2e/support/lab.ts';
import { Crowd, type Door, doorOf, exchange, statusesOf } from './support/abuse.ts';
import { defineServant, inside } from './support/evil.ts';
import { LATENCY_HEAD, latencyCells, measure } from './support/meter.ts';
import { LONG, printTable } from './support/report.ts';
import { SMUGGLED } from './support/smuggling.ts';

const SECONDS = LONG ? 20 : 3;
const CROWD = LONG ? 10_000 : 2000;
const SLOW = LONG ? 2000 : 300;
const BOMBS = LONG ? 500 : 50;

/** Keeps connections, reads requests by the book, and tells what it was sent. */
const KEEPER = `import http from 'node:http';
const seen = [];
let malformed = 0;
const server = http.createServer((request, response) => {
  if (request.url === '/seen') return response.end(JSON.stringify({ seen: seen.splice(0), malformed }));
  seen.push([request.url, ...request.rawHeaders]);
  request.resume();
  request.on('end', () => response.end(\`answer \${request.url} \${JSON.stringify(request.rawHeaders)}\\n\`));
});
server.on('clientError', (error, socket) => { malformed += 1; socket.destroy(); });
server.listen(process.env.PORT);
`;

describe.each(DRIVERS)('the proxy under abuse: %s', (driver) => {
  let lab: Lab;
  let door: Door;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    defineServant(lab, 'evil', 'port');
    defineServant(lab, 'good', 'socket');
    lab.write('keep/package.json', '{ "type": "module" }');
    lab.write('keep/server.js', KEEPER);
    lab.define('keep', 'hostnames: [keep.org]\napps:\n  web: { runtime: node, source: ../keep }\n');
    lab.write('big/index.html', 'x'.repeat(8_000_000));
    lab.define('big', 'hostnames: [big.org]\napps:\n  web: { runtime: static, source: ../big }\n');
    await lab.ok('deploy --all');
    door = await doorOf(lab);
  });
  afterAll(() => lab.close());

  test('other sites keep answering while it is kept busy', async () => {
    const quiet = await measure(lab, 'good.org', async () => undefined, { seconds: Math.max(4, SECONDS / 2) });
    const rows: string[][] = [['nothing', '', ...latencyCells(quiet)]];
    const failed: string[] = [];
    const under = async (name: string, work: () => Promise<string>): Promise<void> => {
      let said = '';
      const latency = await measure(lab, 'good.org', async () => void (said = await work()), { seconds: SECONDS });
      rows.push([name, said, ...latencyCells(latency)]);
      if (latency.failed > 0)
        failed.push(`${name}: ${latency.failed} of ${latency.requests} visits failed, ${latency.firstFailure}`);
    };
    const crowd = async (size: number, first: string, work: (crowd: Crowd) => Promise<unknown>): Promise<string> => {
      const many = new Crowd();
      try {
        await many.join(door, size, first);
        const joined = many.open;
        await work(many);
        return `${joined} connected, ${many.open} left`;
      } finally {
        many.stop();
      }
    };
    const wait = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    const post = 'POST / HTTP/1.1\r\nHost: evil.org\r\nContent-Length: 1000000\r\n\r\n';
    let letter = 0;
    await under(`${CROWD} who say nothing`, () => crowd(CROWD, '', wait));
    await under(`${SLOW} slow headers`, () =>
      crowd(SLOW, 'GET / HTTP/1.1\r\nHost: evil.org\r\n', (many) =>
        many.trickle(() => `X-${(letter += 1)}: y\r\n`, SECONDS),
      ),
    );
    await under(`${SLOW} slow bodies`, () => crowd(SLOW, post, (many) => many.trickle(() => 'x', SECONDS)));
    await under(`${SLOW} who do not read 8 MB`, () =>
      crowd(SLOW, 'GET / HTTP/1.1\r\nHost: big.org\r\n\r\n', async (many) => {
        many.ignore();
        await wait();
      }),
    );
    await under(`${SLOW} keep one request open`, () =>
      crowd(SLOW, `POST / HTTP/1.1\r\nHost: evil.org\r\nX-Run: yes\r\nContent-Length: 7\r\n\r\nsleep 9`, wait),
    );
    for (const [name, bytes] of Object.entries(headerBombs())) {
      await under(`${BOMBS} × ${name}`, async () => {
        const texts = await Promise.all(Array.from({ length: BOMBS }, () => exchange(door, bytes)));
        const answers = texts.map((text) => statusesOf(text)[0] ?? 0);
        const counts = [...new Set(answers)].map(
          (status) => `${status || 'closed'} ×${answers.filter((item) => item === status).length}`,
        );
        if (answers.some((status) => status >= 200 && status < 400)) failed.push(`${name} was let through`);
        return counts.join(', ');
      });
    }
    printTable(
      `a neighbour’s visitors, 50 a second, while ${driver} is kept busy by …`,
      ['what', 'what came of it', ...LATENCY_HEAD],
      rows,
    );
    expect(failed).toEqual([]);
    expect((await ask(lab, 'big.org', '/')).status).toBe(200);
  });

  test('where a request ends is seen alike by the proxy and the app', async () => {
    const rows: string[][] = [];
    const wrong: string[] = [];
    await seenByKeeper(lab);
    for (const [name, bytes] of Object.entries(SMUGGLED)) {
      const text = await exchange(door, bytes, 1500);
      const { seen, malformed } = await seenByKeeper(lab);
      const hidden = seen.filter(([path]) => path === '/smuggled').length;
      const answered = text.split('answer /smuggled').length - 1;
      // One that the proxy answered was a request to the proxy as well, and was treated as one.
      if (hidden > answered) wrong.push(`${name}: the app saw ${hidden} hidden requests, the proxy ${answered}`);
      if (malformed > 0) wrong.push(`${name}: the app was sent something it could not read`);
      const both = seen.filter((item) => item.includes('Content-Length') && item.includes('Transfer-Encoding'));
      if (both.length > 0) wrong.push(`${name}: the app was sent both lengths`);
      rows.push([name, statusesOf(text).join(' ') || 'closed', seen.map(([path]) => path).join(' ')]);
    }
    for (let visit = 0; visit < 30; visit += 1) {
      const { body } = await ask(lab, 'keep.org', `/normal${visit}`);
      if (!body.startsWith(`answer /normal${visit} `))
        wrong.push(`after all: /normal${visit} got ${body.slice(0, 60)}`);
    }
    printTable(`${rows.length} requests with two ends, to ${driver}`, ['what', 'answers', 'the app saw'], rows);
    expect(rows.length).toBeGreaterThanOrEqual(40);
    expect(wrong).toEqual([]);
  });

  test('what a visitor claims of himself reaches no app', async () => {
    const claims = forwardedClaims();
    for (const headers of claims) {
      const lines = headers.map((line) => `${line}\r\n`).join('');
      const text = await exchange(door, `GET /claims HTTP/1.1\r\nHost: keep.org\r\n${lines}Connection: close\r\n\r\n`);
      expect(statusesOf(text), headers.join()).toHaveLength(1);
      if (statusesOf(text)[0] !== 200) continue;
      const raw = JSON.parse(/answer \/claims (\[.*\])/.exec(text)![1]!) as string[];
      const told = raw.flatMap((name, index) =>
        index % 2 === 0 ? [{ name: name.toLowerCase(), value: raw[index + 1]! }] : [],
      );
      const of = (name: string): string[] => told.filter((item) => item.name === name).map(({ value }) => value);
      // A line that goes on with a space belongs to the header before it.
      const others = told.filter(({ name }) => name !== 'x-a').map(({ value }) => value);
      expect(others.join('\n'), headers.join()).not.toMatch(/203\.0\.113\.66|spoofed\.example|^https$|44444/im);
      expect(of('x-forwarded-for'), headers.join()).toHaveLength(1);
      expect(of('x-forwarded-proto'), headers.join()).toEqual(['http']);
      expect(of('x-forwarded-host')[0] ?? 'keep.org', headers.join()).toMatch(/^keep\.org/);
    }
    process.stdout.write(`\n${claims.length} claims about the visitor, to ${driver}: none reached the app\n`);
  });

  test('no path leads out of a site’s uploads', async () => {
    await inside(lab, 'good.org', 'echo the-neighbours-own > /uploads/own.txt');
    await inside(lab, 'evil.org', 'echo mine > /uploads/own.txt; echo hidden > /uploads/.hidden');
    expect((await ask(lab, 'good.org', '/uploads/own.txt')).body).toContain('the-neighbours-own');
    const rows: string[][] = [];
    for (const path of traversals()) {
      const text = await exchange(door, `GET ${path} HTTP/1.1\r\nHost: evil.org\r\nConnection: close\r\n\r\n`);
      rows.push([path.slice(0, 70), String(statusesOf(text)[0] ?? 'closed')]);
      expect(text, path).not.toMatch(/the-neighbours-own|root:.*:0:0|worker_processes|^hidden/m);
    }
    printTable(`${rows.length} paths to ${driver} that want out`, ['path', 'answer'], LONG ? rows : []);
  });
});

async function seenByKeeper(lab: Lab): Promise<{ seen: string[][]; malformed: number }> {
  const { body } = await ask(lab, 'keep.org', '/seen');
  return JSON.parse(body) as { seen: string[][]; malformed: number };
}

function headerBombs(): Record<string, string> {
  const head = 'GET / HTTP/1.1\r\nHost: evil.org\r\n';
  return {
    'one header of 1 MB': `${head}X-A: ${'a'.repeat(1_000_000)}\r\n\r\n`,
    '20 000 headers': `${head}${Array.from({ length: 20_000 }, (_, n) => `X-${n}: y\r\n`).join('')}\r\n`,
    'a path of 200 kB': `GET /${'a'.repeat(200_000)} HTTP/1.1\r\nHost: evil.org\r\n\r\n`,
    'a header without an end': `${head}X-A: ${'a'.repeat(300_000)}`,
  };
}

function forwardedClaims(): string[][] {
  const [ip, host] = ['203.0.113.66', 'spoofed.example'];
  const names = ['X-Forwarded-For', 'X-Real-IP', 'X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'Client-IP'];
  // Those that no proxy here sets are an app's own to believe; what the proxy vouches for is tried in every spelling.
  const vouched = names.slice(0, 2);
  const spellings = (name: string): string[] => [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    name.replace('-', '_'),
  ];
  return [
    ...vouched.flatMap(spellings).map((name) => [`${name}: ${ip}`]),
    ...spellings('X-Forwarded-Host').map((name) => [`${name}: ${host}`]),
    ...spellings('X-Forwarded-Proto').map((name) => [`${name}: https`]),
    ...spellings('X-Forwarded-Port').map((name) => [`${name}: 44444`]),
    ...['X-Forwarded-Scheme', 'X-Forwarded-Protocol', 'X-Url-Scheme']
      .flatMap(spellings)
      .map((name) => [`${name}: https`]),
    [`Forwarded: for=${ip};proto=https;host=${host}`],
    [`forwarded: for="${ip}"`, `Forwarded: host=${host}`],
    [`X-Forwarded-For: ${ip}`, `X-Forwarded-For: ${ip}`],
    [`X-Forwarded-For: ${ip}, 127.0.0.1`],
    [`X-Forwarded-For: ${ip}`, 'Connection: X-Forwarded-For'],
    [`Connection: X-Forwarded-For, X-Forwarded-Proto, X-Real-IP, X-Forwarded-Host`],
    [`X-Original-URL: /${host}`],
    [`X-Rewrite-URL: /${host}`],
    [`X-Forwarded-Prefix: /${host}`],
    [`X-Forwarded-Server: ${host}`],
    [`X-Forwarded-For : ${ip}`],
    [`X-A: b`, ` X-Forwarded-For: ${ip}`],
  ];
}

function traversals(): string[] {
  const targets = ['good/own.txt', '../good/own.txt', 'etc/passwd', '../etc/passwd', 'etc/hostctl/live/nginx.conf'];
  const ups = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '..%5c',
    '..\\',
    '%252e%252e%252f',
    '....//',
    '..;/',
    '.%2e/',
    '%c0%ae%c0%ae/',
    '..%00/',
    '..%0a/',
  ];
  const deep = ups.flatMap((up) => targets.map((target) => `/uploads/${up.repeat(4)}${target}`));
  return [
    ...deep,
    '/uploads../good/own.txt',
    '/uploads..%2fgood/own.txt',
    '/uploads//../../good/own.txt',
    '/uploads/./../../good/own.txt',
    '/uploads/.hidden',
    '/uploads/%2ehidden',
    '/uploads//etc/passwd',
    '/uploads/own.txt/../../../good/own.txt',
    '//uploads/../good/own.txt',
    '/%2fuploads/../good/own.txt',
    'http://good.org@evil.org/uploads/own.txt',
    '/uploads/own.txt%00.html',
  ];
}
