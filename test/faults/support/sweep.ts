import { once } from 'node:events';
import type { Result, Lab } from '../../e2e/support/lab.ts';
import { Traffic } from '../../e2e/support/http.ts';
import type { Fault, FaultProxy } from './fault-proxy.ts';
import { leftovers } from './leftovers.ts';

/** A command that is spoiled at one call after the other, and then given again. */
export interface Scenario {
  readonly name: string;
  readonly command: () => string;
  /** Brings about what the n-th case starts from. */
  readonly prepare: (n: number) => Promise<unknown>;
  /** Hostnames that are served all the time. */
  readonly serving: readonly string[];
  /** Exit code of a command that has gone through before; 0. */
  readonly already?: number;
  /** How many requests of a case may fail, where the fault itself takes away what serves; none. */
  readonly tolerated?: number;
  /** What is to be seen when all is well; what is wrong otherwise. */
  readonly whole: () => Promise<readonly string[]>;
}

/** What came of some cases of a scenario. */
export interface Tally {
  readonly scenario: string;
  /** Calls of an undisturbed run. */
  readonly calls: number;
  cases: number;
  converged: number;
  /** Cases whose first run went through in spite of the fault. */
  unhurt: number;
  requests: number;
  failed: number;
  leftovers: number;
  /** Seconds of the longest first run. */
  longest: number;
  seconds: number;
  readonly broken: string[];
}

/** Whether everything is tried, or what fits into `npm test`. */
export const LONG = process.env['HOSTCTL_TESTS'] === 'long';

const PER_SECOND = 100;
const REPORT_EVERY = 25;
const SIGNALLED: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Runs a program to its end, with the fault proxy told which process to strike. */
async function run(lab: Lab, command: string, proxy: FaultProxy): Promise<Result & { signal: string | null }> {
  const child = lab.start(command, { DOCKER_HOST: proxy.endpoint });
  proxy.victim = child.pid;
  const texts = { out: '', err: '' };
  child.stdout!.on('data', (chunk) => (texts.out += String(chunk)));
  child.stderr!.on('data', (chunk) => (texts.err += String(chunk)));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  proxy.victim = undefined;
  return { code: code ?? -1, signal, ...texts };
}

/** One undisturbed run: how many calls it takes. */
async function learn(lab: Lab, scenario: Scenario, proxy: FaultProxy): Promise<string[]> {
  await scenario.prepare(0);
  proxy.arm();
  const { code, out, err } = await run(lab, scenario.command(), proxy);
  const wrong = [...(await scenario.whole()), ...(await leftovers(lab))];
  if (code !== 0 || wrong.length > 0)
    throw new Error(`${scenario.name} fails undisturbed: ${code}\n${out}${err}${wrong.join('\n')}`);
  return [...proxy.calls];
}

/** Every case: the fault, the same command again, and what must hold then. */
export async function sweep(
  lab: Lab,
  scenario: Scenario,
  proxy: FaultProxy,
  cases: (calls: number) => readonly Fault[],
): Promise<Tally> {
  const calls = await learn(lab, scenario, proxy);
  const since = performance.now();
  const tally: Tally = {
    scenario: scenario.name,
    calls: calls.length,
    cases: 0,
    converged: 0,
    unhurt: 0,
    requests: 0,
    failed: 0,
    leftovers: 0,
    longest: 0,
    seconds: 0,
    broken: [],
  };
  let n = 0;
  for (const fault of cases(calls.length)) {
    n += 1;
    await scenario.prepare(n);
    await strike(lab, scenario, proxy, fault, tally);
    tally.seconds = (performance.now() - since) / 1000;
    // A long run may be ended before its end.
    if (LONG && n % REPORT_EVERY === 0) process.stdout.write(`\n${table([tally])}\n${tally.broken.join('\n\n')}\n`);
  }
  if (LONG) process.stdout.write(`\n${table([tally])}\n`);
  return tally;
}

async function strike(lab: Lab, scenario: Scenario, proxy: FaultProxy, fault: Fault, tally: Tally): Promise<void> {
  const visitors = scenario.serving.map((host) => new Traffic(lab, host, '/', PER_SECOND / scenario.serving.length));
  proxy.arm(fault);
  const since = performance.now();
  const first = await run(lab, scenario.command(), proxy);
  tally.longest = Math.max(tally.longest, (performance.now() - since) / 1000);
  const { struck } = proxy;
  await proxy.settled();
  await fault.mend?.();
  proxy.arm();
  const again = await run(lab, scenario.command(), proxy);
  const wrong = await scenario.whole();
  const left = await leftovers(lab);
  const loads = await Promise.all(visitors.map((item) => item.stop()));
  const failed = loads.reduce((sum, load) => sum + load.failed, 0);
  tally.cases += 1;
  tally.requests += loads.reduce((sum, load) => sum + load.requests, 0);
  tally.failed += failed;
  tally.leftovers += left.length;
  if (first.code === 0) tally.unhurt += 1;
  const done = again.code === 0 || (first.code === 0 && again.code === scenario.already);
  if (done && wrong.length === 0) tally.converged += 1;
  // A run may take a call less than the one before it.
  const ended = struck && fault.kind in SIGNALLED ? first.code === SIGNALLED[fault.kind] : !isBug(first.err);
  if (done && wrong.length + left.length === 0 && failed <= (scenario.tolerated ?? 0) && ended) return;
  tally.broken.push(
    [
      `${scenario.name}, ${fault.kind} at ${fault.at} (${struck ?? 'not reached'}): first ${first.signal ?? first.code}, again ${again.code}`,
      ...wrong.map((item) => `  wrong: ${item}`),
      ...left.map((item) => `  left: ${item}`),
      ...loads.flatMap((load, index) => load.errors.map((item) => `  failed: ${scenario.serving[index]} ${item}`)),
      ...[first, ...(done ? [] : [again])].map(
        ({ out, err }) => `  | ${(out + err).trim().replaceAll('\n', '\n  | ')}`,
      ),
    ].join('\n'),
  );
}

/** A stack is for bugs; what the engine does to a call is none. */
function isBug(text: string): boolean {
  return /^ {4}at /m.test(text);
}

/** The figures, one line per scenario. */
export function table(tallies: readonly Tally[]): string {
  const head = ['scenario', 'calls', 'cases', 'converged', 'first run ok', 'requests', 'failed', 'leftovers', 's/case'];
  const rows = tallies.map((item) => [
    item.scenario,
    String(item.calls),
    String(item.cases),
    `${((100 * item.converged) / Math.max(1, item.cases)).toFixed(1)} %`,
    String(item.unhurt),
    String(item.requests),
    String(item.failed),
    String(item.leftovers),
    (item.seconds / Math.max(1, item.cases)).toFixed(1),
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
