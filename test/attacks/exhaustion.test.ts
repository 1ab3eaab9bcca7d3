import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../e2e/support/http.ts';
import { Lab } from '../e2e/support/lab.ts';
import { defineServant, inside } from './support/evil.ts';
import { type Latency, LATENCY_HEAD, latencyCells, measure } from './support/meter.ts';
import { LONG, printTable } from './support/report.ts';

const SECONDS = LONG ? 10 : 2;
/** Most that a neighbour's slowest visits may take: so many times what they take when all is quiet, or a second. */
const SLOWER = 20;

interface Bomb {
  readonly name: string;
  /** What shows in the end that it was stopped; a shell script inside the attacking app. */
  readonly script: string;
  /** Of what the script wrote: whether it was stopped where it should be. */
  readonly stopped: (out: string) => boolean;
}

const PYTHON = (text: string): string => `timeout ${SECONDS + 5} python3 -c '${text}' 2>&1 | tail -1`;

const BOMBS: readonly Bomb[] = [
  {
    name: 'processes',
    script: PYTHON(`
import os, time
n, refused, end = 0, 0, time.time() + ${SECONDS}
while time.time() < end:
    try:
        if os.fork() == 0:
            time.sleep(max(0, end - time.time())); os._exit(0)
        n += 1
    except OSError: refused += 1
print("started", n, "refused", refused)`),
    stopped: (out) => Number(/started (\d+)/.exec(out)?.[1] ?? 0) < 60 && !out.includes('refused 0'),
  },
  {
    name: 'threads',
    script: PYTHON(`
import threading, time
n = 0
try:
    for n in range(5000): threading.Thread(target=time.sleep, args=(${SECONDS},), daemon=True).start()
except RuntimeError: pass
print("started", n); time.sleep(${SECONDS})`),
    stopped: (out) => Number(/started (\d+)/.exec(out)?.[1] ?? 5000) < 60,
  },
  {
    name: 'memory of a child',
    script: `for i in $(seq ${LONG ? 6 : 2}); do python3 -c 'a=[bytearray(b"x")*10000000 for _ in range(1000)]'; echo ended $?; done`,
    stopped: (out) => /ended (137|1)/.test(out),
  },
  {
    name: 'cpu on every core',
    script: `for i in 1 2 3 4 5 6; do timeout ${SECONDS} sh -c 'while :; do :; done' & done; wait; echo ended`,
    stopped: (out) => out.includes('ended'),
  },
  {
    name: 'bytes in /tmp',
    script: 'dd if=/dev/zero of=/tmp/fill bs=1M count=500 2>/dev/null; stat -c "size %s" /tmp/fill; rm -f /tmp/fill',
    stopped: (out) => Number(/size (\d+)/.exec(out)?.[1] ?? 0) <= 64 * 1024 ** 2,
  },
  {
    name: 'files in /tmp',
    script: PYTHON(`
import os
n = 0
try:
    for n in range(200000): open("/tmp/f%d" % n, "w").close()
except OSError as e: print("stopped at", n, e.strerror)
for i in range(n): os.unlink("/tmp/f%d" % i)`),
    stopped: (out) => {
      const files = Number(/stopped at (\d+)/.exec(out)?.[1] ?? 1e9);
      return files > 1000 && files <= 16_384;
    },
  },
  {
    name: 'shared memory',
    script:
      'dd if=/dev/zero of=/dev/shm/fill bs=1M count=200 2>/dev/null; stat -c "size %s" /dev/shm/fill; rm -f /dev/shm/fill',
    stopped: (out) => Number(/size (\d+)/.exec(out)?.[1] ?? 0) <= 16 * 1024 ** 2,
  },
  {
    name: 'open files',
    script: PYTHON(`
import os, time
held = []
try:
    while True: held.append(os.open("/dev/null", 0))
except OSError as e: print("stopped at", len(held), e.strerror)
time.sleep(1)`),
    stopped: (out) => Number(/stopped at (\d+)/.exec(out)?.[1] ?? 1e9) <= 4096,
  },
  {
    name: 'pipes full of data',
    script: PYTHON(`
import os, fcntl, time
n = 0
try:
    while n < 20000:
        r, w = os.pipe(); os.set_blocking(w, False); os.write(w, b"x" * 65536); n += 1
except OSError as e: print("stopped at", n, e.strerror)
time.sleep(1)`),
    stopped: (out) => Number(/stopped at (\d+)/.exec(out)?.[1] ?? 0) <= 2048 || out.trim() === '',
  },
  {
    name: 'watches of files',
    script: PYTHON(`
import ctypes, time
libc = ctypes.CDLL(None); n = 0
while n < 5000 and libc.inotify_init() >= 0: n += 1
print("stopped at", n); time.sleep(1)`),
    stopped: (out) => Number(/stopped at (\d+)/.exec(out)?.[1] ?? 1e9) < 5000,
  },
  {
    name: 'its log',
    script: `timeout ${SECONDS} yes "$(head -c 2000 /dev/zero | tr "\\0" x)" > /proc/1/fd/1; echo ended`,
    stopped: (out) => out.includes('ended'),
  },
  {
    name: 'datagrams to everywhere',
    script: PYTHON(`
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); n = 0; end = time.time() + ${SECONDS}
while time.time() < end and n < ${LONG ? 20_000 : 2000}:
    try: s.sendto(b"x", ("198.51.100.%d" % (n % 250 + 1), 1024 + n % 60000)); n += 1
    except OSError: time.sleep(0.01)
print("sent", n)`),
    // Nothing stops them: what they cost the neighbour is the figure.
    stopped: (out) => /sent \d+/.test(out),
  },
  {
    name: 'bytes in its volume',
    script: `dd if=/dev/zero of=/data/fill bs=1M count=${LONG ? 500 : 100} conv=fdatasync 2>/dev/null; stat -c "size %s" /data/fill; rm -f /data/fill`,
    // Nothing stops them short of the disk: what they cost the neighbour is the figure.
    stopped: (out) => /size \d+/.test(out),
  },
  {
    name: 'files in its volume',
    script: PYTHON(`
import os
n = 0
for n in range(${LONG ? 20_000 : 3000}): open("/data/f%d" % n, "w").close()
for i in range(n + 1): os.unlink("/data/f%d" % i)
print("made", n + 1)`),
    stopped: (out) => /made \d+/.test(out),
  },
];

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
  defineServant(lab, 'evil', 'port');
  defineServant(lab, 'good', 'socket');
  await lab.ok('deploy --all');
});
afterAll(() => lab.close());

describe('an app that takes all it can get', () => {
  test('is stopped at its limits, and its neighbour’s visitors are answered', async () => {
    const quiet = await measure(lab, 'good.org', async () => undefined, { seconds: Math.max(4, SECONDS) });
    const rows: string[][] = [['nothing', '', ...latencyCells(quiet)]];
    const wrong: string[] = [];
    const judge = (name: string, latency: Latency, said: string, stopped: boolean): void => {
      rows.push([name, said.slice(0, 44), ...latencyCells(latency)]);
      if (!stopped) wrong.push(`${name} was not stopped: ${said}`);
      if (latency.failed > 0)
        wrong.push(
          `${name}: ${latency.failed} of ${latency.requests} visits to the neighbour failed, ${latency.firstFailure}`,
        );
      if (latency.p99 > Math.max(SLOWER * quiet.p99, 1000))
        wrong.push(`${name}: p99 of the neighbour ${latency.p99} ms`);
    };
    for (const { name, script, stopped } of BOMBS) {
      let said = '';
      const latency = await measure(
        lab,
        'good.org',
        async () => {
          const { out, err } = await inside(lab, 'evil.org', script);
          said = (out || err).trim().split('\n').at(-1) ?? '';
        },
        { seconds: SECONDS },
      );
      judge(name, latency, said, stopped(said));
      await answersAgain();
    }
    const own = await measure(lab, 'good.org', killItself, { seconds: SECONDS });
    judge('memory of the app itself', own, 'ended and started again', await answersAgain());
    const slow = await measure(lab, 'good.org', () => keepWaiting(200), { seconds: SECONDS });
    judge('200 visitors who wait for it', slow, '', true);
    printTable(
      'a neighbour’s visitors, 50 a second, while an app tries to use up …',
      ['what', 'what came of it', ...LATENCY_HEAD],
      rows,
    );
    expect(wrong).toEqual([]);
  });

  test('leaves no more behind than its log may hold', () => {
    const left = readdirSync(join(lab.data, 'projects/evil/volumes/web/data'));
    expect(left).toEqual([]);
    expect(statfsSync(lab.data).bavail).toBeGreaterThan(0);
  });

  test('its log is three files of 10 MB at most', async () => {
    const [evil] = await lab.running('evil');
    const path = (evil as unknown as { LogPath: string }).LogPath;
    const sizes = ['', '.1', '.2', '.3'].map((suffix) => sizeOf(`${path}${suffix}`));
    printTable(
      'its log afterwards',
      ['file', 'bytes'],
      sizes.map((size, index) => [String(index), String(size)]),
    );
    expect(Math.max(...sizes)).toBeLessThan(10.5e6);
    expect(sizes[3]).toBe(0);
  });
});

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/** Process 1 of the app, which is what the kernel then ends, and the engine starts again. */
async function killItself(): Promise<void> {
  await inside(lab, 'evil.org', `kill -9 $(pgrep -f server.py | head -1) || kill -9 -1`).catch(() => undefined);
}

async function keepWaiting(count: number): Promise<void> {
  const script = `sleep ${SECONDS}`;
  await Promise.all(Array.from({ length: count }, () => inside(lab, 'evil.org', script).catch(() => undefined)));
}

async function answersAgain(): Promise<boolean> {
  const end = performance.now() + 30_000;
  while (performance.now() < end) {
    if ((await ask(lab, 'evil.org', '/')).status === 200) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}
