import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readAvailable, reserveOf } from '../../src/core/memory.ts';
import { ask } from './support/http.ts';
import { someBase } from './support/images.ts';
import { Lab } from './support/lab.ts';
import { NestedEngine } from './support/nested.ts';

const MIB = 1024 ** 2;
const LONG = process.env['HOSTCTL_TESTS'] === 'long';
/** Builds of each kind; figures are medians of that many. */
const ROUNDS = LONG ? 3 : 1;
const HOST = 'neighbour.org';

if (LONG) vi.setConfig({ testTimeout: 20 * 60_000 });

/** What hostctl says of a plan as JSON, as far as it is looked at here. */
interface PlanJson {
  readonly overcommitted: boolean;
  readonly projects: readonly { readonly memory?: Readonly<Record<string, unknown>> }[];
}

interface Latency {
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A site that holds so much memory, in MiB, and says so. */
function site(lab: Lab, name: string, held: number, limit: string, words = ''): void {
  const hold = `\nblob = b"x" * (${held} << 20)\n`;
  const server = readFileSync(`${lab.example('tcp-site')}/server.py`, 'utf8').replace(
    '\nserver = ',
    `${hold}server = `,
  );
  lab.write(`${name}/server.py`, `# ${words}\n${server}`);
  lab.write(`${name}/Dockerfile`, readFileSync(`${lab.dir}/tcp-site/Dockerfile`));
  lab.define(
    name,
    `hostnames: [${name}.org]\napps:\n  web: { dockerfile: ../${name}, port: 8000, drain: 2s, limits: { memory: ${limit} } }\n`,
  );
}

function settings(lab: Lab, more: string): void {
  lab.write('hostctl.yaml', `${lab.settings.rest}${lab.settings.proxy}${more}`);
}

const lab = await Lab.open();
afterAll(() => lab.close());

describe('a second copy', () => {
  test('is announced with what it needs, for how long, and what is free', async () => {
    site(lab, 'shop', 40, '128M');
    await lab.ok('deploy shop');
    expect(await lab.ok('plan shop')).toBe('Up to date.\n');
    site(lab, 'shop', 40, '128M', 'changed');
    const text = await lab.ok('plan shop');
    expect(text).toMatch(
      /^shop\n {2}memory {2}needs 128M for about \d\S*s, [\d.]+[GM] free {2}\(what runs now uses \d+(\.\d)?M\)$/m,
    );
    const { projects } = JSON.parse(await lab.ok('plan shop --json')) as PlanJson;
    expect(projects[0]?.memory).toMatchObject({ needs: 128 * MIB, beside: true, measured: true, fits: true });
    expect(projects[0]?.memory?.['likely']).toBeGreaterThan(40 * MIB);
    expect(projects[0]?.memory?.['likely']).toBeLessThan(80 * MIB);
    const { code, err } = await lab.hostctl('deploy shop');
    expect(code, err).toBe(0);
    expect(err).toMatch(/needs 128M for about \d/);
  });

  test('that does not fit is refused, and the old one goes on serving', async () => {
    site(lab, 'shop', 40, '512G', 'too large');
    expect(await lab.ok('plan shop')).toMatch(/memory {2}needs 512G .* free: too little, as [\d.]+[GM] must be left/);
    const { code, err, out } = await lab.hostctl('deploy shop');
    expect(code, out + err).toBe(5);
    expect(out + err).toMatch(/the deploy needs 512G for about \S+, \S+ free: too little/);
    expect(out + err).toMatch(/release 2 of shop is still serving/);
    expect((await ask(lab, 'shop.org', '/')).status).toBe(200);
    expect(await lab.running('shop')).toHaveLength(1);
  });

  test('is started after the old one was stopped where hostctl.yaml wants it so', async () => {
    site(lab, 'large', 1536, '2G');
    await lab.ok('deploy large');
    settings(lab, 'memory: { when-short: stop-first }\n');
    const free = readAvailable(readFileSync('/proc/meminfo', 'utf8'))!;
    const room = free - reserveOf((await lab.engine.info()).memory);
    site(lab, 'large', 1536, `${Math.round(room / MIB) + 768}M`, 'changed');
    expect(await lab.ok('plan large')).toMatch(
      /stop {4}large-web-\w+ {2}\(too little memory for two copies: short interruption\)/,
    );
    const deploying = lab.hostctl('deploy large');
    let down = 0;
    const over = new AbortController();
    void deploying.then(() => over.abort());
    while (!over.signal.aborted) {
      const { status } = await ask(lab, 'large.org', '/');
      if (status !== 200) down += 20;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { code, out, err } = await deploying;
    expect(code, out + err).toBe(0);
    expect(down).toBeGreaterThan(0);
    process.stdout.write(`memory: stopped first, about ${down} ms without an answer\n`);
    expect((await ask(lab, 'large.org', '/')).status).toBe(200);
    for (const name of ['large', 'shop']) await lab.ok(`remove ${name} --yes`);
  });
});

/** Asks a site every 10 ms until a program has ended, where the engine's ports are. */
function latencyDuring(work: Promise<unknown>, at: Lab, through: readonly string[]): Promise<Latency> {
  const script = `
    const { request } = require('http'), times = []; let failed = 0, over = false;
    process.stdin.on('end', () => (over = true)).resume();
    const one = () => new Promise((done) => {
      const since = performance.now();
      const end = (ok) => { ok ? times.push(performance.now() - since) : failed++; done(); };
      const r = request({ port: ${at.port}, host: '127.0.0.1', headers: { Host: '${HOST}' }, agent: false, timeout: 10000 },
        (a) => { a.resume(); a.on('end', () => end(a.statusCode === 200)); });
      r.on('error', () => end(false)); r.on('timeout', () => r.destroy()); r.end();
    });
    (async () => {
      while (!over) { await one(); await new Promise((d) => setTimeout(d, 10)); }
      times.sort((a, b) => a - b);
      const q = (p) => times[Math.min(times.length - 1, Math.floor(times.length * p))];
      console.log(JSON.stringify({ requests: times.length + failed, failed, p50: q(0.5), p99: q(0.99), max: q(1) }));
    })();`;
  const [program, ...words] = [...through, process.execPath, '-e', script];
  return new Promise((resolve, reject) => {
    const child = execFile(program, words, (error, out) =>
      error ? reject(error) : resolve(JSON.parse(out) as Latency),
    );
    void work.finally(() => child.stdin!.end());
  });
}

const HUNGRY = {
  cpu: 'for i in 1 2 3 4; do timeout 5 sh -c "while :; do :; done" & done; wait',
  memory: 'python3 -c "b = [b\'x\' * (64 << 20) for _ in range(64)]; import time; time.sleep(2)"',
  // Each is smaller than the neighbour, which the kernel would rather end than any of these.
  crowd:
    'for i in $(seq 48); do python3 -c "b = b\'x\' * (40 << 20); import time; time.sleep(6)" & p="$p $!"; done; for i in $p; do wait $i || exit 137; done',
};

/** Engine by engine: what a neighbour notices of a hungry build, with limits and without. */
const ENGINES: readonly (readonly [string, 'trixie' | 'forky' | undefined])[] = [
  ['20.10', undefined],
  ...(LONG
    ? ([
        ['26.1', 'trixie'],
        ['28.5', 'forky'],
      ] as const)
    : []),
];

describe.each(ENGINES)('a hungry build with Docker Engine %s', (version, suite) => {
  let at = lab;
  let nested: NestedEngine | undefined;
  beforeAll(async () => {
    if (suite) {
      nested = await NestedEngine.start(lab, suite);
      const tags = (await lab.engine.images('hostctl.role=base')).flatMap((item) => item.tags);
      for (const ref of [await someBase(lab), tags.find((tag) => tag.includes('base-python'))!]) await nested.give(ref);
      at = await Lab.open({ endpoint: nested.endpoint, through: nested.through });
    }
    settings(at, 'builds: { memory: 512M, cpus: 1 }\n');
    site(at, 'neighbour', 80, '128M');
    await at.ok('deploy neighbour');
  });
  afterAll(async () => {
    if (at !== lab) await at.close();
    await nested?.stop();
  });

  /** Builds it and says what a neighbour noticed. @param capped whether a builder is used that takes limits */
  const during = async (kind: keyof typeof HUNGRY, capped: boolean, round: number) => {
    const buildKit = capped ? '' : 'ARG TARGETARCH\n';
    at.write(
      'hungry/Dockerfile',
      `ARG HOSTCTL_PYTHON\nFROM \${HOSTCTL_PYTHON}\n${buildKit}RUN : ${round}; ${HUNGRY[kind]}\n`,
    );
    at.define(
      'hungry',
      'hostnames: [hungry.org]\napps:\n  web: { dockerfile: ../hungry, port: 8000, command: [sleep, "9"], health: { within: 1s } }\n',
    );
    const built = at.hostctl('deploy hungry');
    const latency = await latencyDuring(built, at, nested?.through ?? []);
    return { latency, result: await built };
  };

  test('has what hostctl.yaml says from the kernel, in every step', async () => {
    const look = ['memory.max', 'memory/memory.limit_in_bytes', 'cpu.max', 'cpu/cpu.cfs_quota_us'];
    at.write(
      'limited/Dockerfile',
      `ARG HOSTCTL_PYTHON\nFROM \${HOSTCTL_PYTHON}\nRUN cd /sys/fs/cgroup; head -v ${look.join(' ')}; exit 3\n`,
    );
    at.define('limited', 'hostnames: [limited.org]\napps:\n  web: { dockerfile: ../limited, port: 8000 }\n');
    const { code, out, err } = await at.hostctl('deploy limited');
    expect(code).toBe(1);
    expect(out + err).toMatch(new RegExp(`memory\\.(max|limit_in_bytes) <==\\s+${512 * MIB}\\s`));
    expect(out + err).toMatch(/cpu\.(max|cfs_quota_us) <==\s+100000\s/);
  });

  test('leaves the sites their processor', async () => {
    const capped: Latency[] = [];
    const free: Latency[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const within = await during('cpu', true, round);
      capped.push(within.latency);
      expect(within.result.out + within.result.err).not.toContain('BUILD_');
      if (!LONG) continue;
      const without = await during('cpu', false, round);
      free.push(without.latency);
      expect(without.result.out + without.result.err).toContain('is built without limits');
    }
    report(version, 'cpu, limited', capped);
    if (LONG) report(version, 'cpu, BuildKit', free);
    for (const { failed, requests } of capped) expect([failed, requests > 50]).toEqual([0, true]);
  });

  test('that asks for too much memory ends with the name of the limit', async () => {
    const capped: Latency[] = [];
    const free: Latency[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { latency, result } = await during('memory', true, round);
      capped.push(latency);
      expect(result.code).toBe(1);
      expect(result.out + result.err).toMatch(/limit of 512M of memory/);
      if (LONG) free.push((await during('memory', false, round)).latency);
    }
    report(version, 'memory, limited', capped);
    if (LONG) report(version, 'memory, BuildKit', free);
    expect(capped.map(({ failed }) => failed)).toEqual(capped.map(() => 0));
  });

  test.runIf(suite)('costs nobody else memory on a host that has 1 GiB', async () => {
    const all = `/sys/fs/cgroup/memory/${lab.instance}-${suite}/memory.limit_in_bytes`;
    writeFileSync(all, String(1024 * MIB));
    const [capped, free]: [Latency[], Latency[]] = [[], []];
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        capped.push((await during('crowd', true, round)).latency);
        free.push((await during('crowd', false, round)).latency);
      }
    } finally {
      writeFileSync(all, '-1');
    }
    report(version, 'memory on 1 GiB, limited', capped);
    report(version, 'memory on 1 GiB, BuildKit', free);
    expect(capped.map(({ failed }) => failed)).toEqual(capped.map(() => 0));
  });
});

function report(engine: string, what: string, all: readonly Latency[]): void {
  const middle = (figures: readonly number[]): string =>
    figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]!.toFixed(1);
  const failed = all.reduce((sum, item) => sum + item.failed, 0);
  const requests = all.reduce((sum, item) => sum + item.requests, 0);
  const [p50, p99, max] = (['p50', 'p99', 'max'] as const).map((key) => middle(all.map((item) => item[key])));
  process.stdout.write(
    `memory: engine ${engine}, a build hungry for ${what}: neighbour p50 ${p50}, p99 ${p99}, max ${max} ms, ${failed} of ${requests} failed\n`,
  );
}
