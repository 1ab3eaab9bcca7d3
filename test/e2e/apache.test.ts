import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Compared, compare } from '../../src/core/comparison.ts';
import type { DriverName } from '../../src/core/model.ts';
import { header, type Reply, type WebAnswer, type WebServer } from '../../src/core/reply.ts';
import type { Verification } from '../../src/core/results.ts';
import { NetworkWeb } from '../../src/host/web.ts';
import { Apache, layOut, readEquivalents, type Row } from './support/apache.ts';
import { Lab, ROOT } from './support/lab.ts';

/** Virtual hosts as a real Apache serves them, and the same imported, deployed and served by hostctl. */
const sites = readEquivalents();
const web = new NetworkWeb();
/** Types and charsets have other names in other years; every other difference stands in the table. */
const EVERYWHERE = new Set(['charset', 'type', 'note']);
const DRIVERS: readonly DriverName[] = ['traefik', 'nginx'];

let lab: Lab;
let apache: Apache;
let old: string;

beforeAll(async () => {
  // A pool of its own: what other tests have left of the usual one may not hold so many projects.
  const settings = 'bases: { from: debian }\nnetwork: { pool: 10.214.0.0/16 }\n';
  lab = await Lab.open({ driver: 'traefik', settings, https: true });
  old = join(lab.dir, 'old');
  layOut(old);
  seed();
  apache = await Apache.start(lab, old);
  apache.run('/venv/bin/python', '/home/user/projectname/manage.py', 'migrate', '--no-input');
}, 600_000);
afterAll(async () => {
  apache?.stop();
  await lab?.close();
});

/** The demo's project with a database of its own, that both servers only read. */
function seed(): void {
  const dir = join(old, 'home/user/projectname');
  mkdirSync(dir, { recursive: true });
  cpSync(join(ROOT, 'docs/examples/projectname'), dir, { recursive: true });
  writeFileSync(join(dir, '.dockerignore'), '**/__pycache__\nmedia\n');
  const settings = join(dir, 'projectname/settings.py');
  writeFileSync(settings, readFileSync(settings, 'utf8').replace(/^.*init_command.*$/m, ''));
}

interface Report {
  readonly written: readonly string[];
  readonly entries: readonly { readonly status: string; readonly text: string }[];
}

describe('the import', () => {
  test.each(sites)('of $name leaves nothing to decide but what is asked of everybody', async ({ name }) => {
    const maps = [`/srv=${old}/srv`, `/home/user=${old}/home/user`, `http://127.0.0.1:8000=${old}/srv/proxied/app`];
    const flags = maps.map((map) => `--source ${map}`).join(' ');
    const text = await lab.ok(`import apache ${old}/sites/${name}.conf ${flags} --json --force`);
    const { written, entries } = JSON.parse(text) as Report;
    const open = entries.filter(({ status }) => status === 'decide' || status === 'unsupported');
    expect(open.map((entry) => entry.text)).toEqual(name === 'seed' ? ['ServerAlias *projectname.org'] : []);
    expect(written.length).toBeGreaterThan(0);
  });
});

describe.each(DRIVERS)('under %s', (driver) => {
  const answers = new Map<Row, { there: WebAnswer; here: WebAnswer }>();

  beforeAll(async () => {
    lab.write('hostctl.yaml', lab.settings.rest + lab.settings.proxy.replace(/driver: \w+/, `driver: ${driver}`));
    await lab.ok('deploy --all');
    const limit = pLimit(4);
    await Promise.all(
      sites.flatMap(({ rows }) => rows.map((row) => limit(async () => answers.set(row, await askBoth(row))))),
    );
  }, 900_000);

  describe.each(sites)('$name', ({ name, rows }) => {
    test('is asked enough', () => {
      expect(rows.length).toBeGreaterThanOrEqual(12);
    });

    test.each(rows.map((row) => [row.text, row] as const))('%s', (_, row) => {
      const { there, here } = answers.get(row)!;
      expect(there).toMatchObject({ status: row.status });
      const findings = compare({ ...row, timeout: 0 }, there, here, subject(row)).filter(
        ({ reason }) => !EVERYWHERE.has(reason ?? ''),
      );
      if (row.reason === undefined) {
        expect(findings).toEqual([]);
        // Form tokens of Django are the one thing that differs from one page to the next.
        if (name !== 'seed') expect(plain(here)).toEqual(plain(there));
      } else {
        expect(findings.map(({ reason }) => reason)).toEqual([row.reason]);
      }
    });
  });

  test.each(['SAMEORIGIN', 'nosniff', "default-src 'self'; img-src *"])('says %s as Apache does', async (value) => {
    for (const path of ['/page', '/static/app.js', '/static/none.js']) {
      const { there, here } = await askBoth(rowOf('headers.example.com', path));
      for (const answer of [there, here] as Reply[])
        expect(Object.values(answer.headers).flat(), path).toContain(value);
    }
  });

  test('compresses and keeps what Apache does', async () => {
    for (const path of ['/page', '/static/big.css', '/static/app.js']) {
      const { there, here } = await askBoth(rowOf('headers.example.com', path, { 'Accept-Encoding': 'gzip' }));
      for (const answer of [there, here] as Reply[]) expect(header(answer, 'content-encoding'), path).toBe('gzip');
      const ages = [there, here].map((answer) => /max-age=\d+/.exec(header(answer as Reply, 'cache-control'))?.[0]);
      expect(ages[1], path).toBe(ages[0]);
    }
  });

  test('hostctl verify finds no difference', async () => {
    const counts = { requests: 0, same: 0, intended: 0, different: 0, unknown: 0 };
    const wrong: unknown[] = [];
    for (const project of projects()) {
      const { http, https } = apache.ports;
      const against =
        project === 'secure-example' ? `https://127.0.0.1:${https} --insecure` : `http://127.0.0.1:${http}`;
      const { code, out } = await lab.hostctl(`verify ${project} --against ${against} --json`);
      const result = JSON.parse(out) as Verification;
      wrong.push(...result.comparisons.filter(({ verdict }) => verdict === 'different' || verdict === 'unknown'));
      if (code !== 0) wrong.push(`${project} ended with ${code}`);
      for (const key of ['requests', 'same', 'intended', 'different', 'unknown'] as const) counts[key] += result[key];
    }
    expect(wrong).toEqual([]);
    expect(counts).toMatchObject({ different: 0, unknown: 0, same: counts.requests - counts.intended });
    expect(counts.requests).toBeGreaterThan(400);
    process.stdout.write(`verify under ${driver}: ${JSON.stringify(counts)}\n`);
  });

  test('hostctl verify finds what is not the same, and says so', async () => {
    const file = join(old, 'srv/files/media/a.txt');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, 'another a of media\n');
    lab.write('paths.txt', '# what people link to\n/media/a.txt?from=list\nhttp://www.files.example.com/about.html\n');
    try {
      const command = `verify files-example --against http://127.0.0.1:${apache.ports.http} --path paths.txt`;
      const { code, out } = await lab.hostctl(command);
      expect(code).toBe(1);
      expect(out).toMatch(/different +files\.example\.com\/media\/a\.txt +body +19 bytes, \w+ +11 bytes, \w+/);
      expect(out).toMatch(/different +files\.example\.com\/media\/a\.txt\?from=list +body/);
      expect(out).toMatch(/\d+ requests, \d+ the same, \d+ as intended, \d+ different\n$/);
    } finally {
      writeFileSync(file, before);
    }
  });
});

/** What a request got from Apache and from hostctl, each with its own validators where the row is about those. */
async function askBoth(row: Row): Promise<{ there: WebAnswer; here: WebAnswer }> {
  const ask = async (ports: Apache['ports']): Promise<WebAnswer> => {
    const { scheme } = row;
    const server: WebServer = { scheme, address: '127.0.0.1', port: ports[scheme], trusted: false };
    const send = (headers: Row['headers']): Promise<WebAnswer> => web.ask(server, { ...row, headers, timeout: 20_000 });
    const first = await send(row.headers);
    if (row.again === undefined || 'failed' in first) return first;
    return send({ [row.again]: header(first, row.again === 'If-None-Match' ? 'etag' : 'last-modified') });
  };
  return { there: await ask(apache.ports), here: await ask({ http: lab.port, https: lab.https }) };
}

function rowOf(host: string, path: string, headers: Row['headers'] = {}): Row {
  return { text: path, status: 200, method: 'GET', scheme: 'http', host, path, headers };
}

/** What a visitor notices; a page of the server's own has stood in the way of this comparison before. */
function plain(answer: WebAnswer): unknown {
  if ('failed' in answer) return answer;
  const { status, body } = answer;
  return status >= 300 && status < 400 ? status : [status, body.hash];
}

const projects = (): string[] => readdirSync(join(lab.dir, 'projects')).map((name) => name.replace('.yaml', ''));

function subject({ scheme, host }: Row): Compared {
  const definitions = projects().map((name) => load(readFileSync(join(lab.dir, `projects/${name}.yaml`), 'utf8')));
  const media = definitions.flatMap((item) => Object.keys((item as { media?: object }).media ?? {}));
  const own = new Set(sites.flatMap(({ rows }) => rows.map((row) => row.host.toLowerCase())));
  return {
    own: (host) => own.has(host.toLowerCase()),
    aliases: media,
    collected: host.endsWith('projectname.org') ? ['/static'] : [],
    ruled: ['/old', '/a', '/feed', '/secret', '/dead'],
    sticky: [],
    ports: [...Object.values(apache.ports), lab.port, lab.https],
    scheme,
  };
}
