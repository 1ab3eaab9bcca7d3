import fc from 'fast-check';
import { HostctlError } from '../../../src/errors.ts';

/** Whether everything is tried that can be, or what fits into `npm test`. */
export const LONG = process.env['HOSTCTL_TESTS'] === 'long';
/** The same inputs each time in `npm test`; others each time in the long run, which says which. */
const SEED = Number(process.env['HOSTCTL_SEED'] ?? (LONG ? Date.now() % 2 ** 31 : 20_261_122));
/** No input may take longer, in milliseconds of this process: a busy machine is not the input's fault. */
export const HANG_MS = 2000;

/** What was found out about one kind of input. */
export interface Figures {
  readonly what: string;
  inputs: number;
  /** Accepted: a configuration was made of it. */
  good: number;
  crashes: number;
  hangs: number;
  /** Results that are not what they should be. */
  mismatches: number;
  /** Milliseconds of the slowest input, of this process. */
  slowest: number;
  seconds: number;
}

const table: Figures[] = [];

export function figures(what: string): Figures {
  const row = { what, inputs: 0, good: 0, crashes: 0, hangs: 0, mismatches: 0, slowest: 0, seconds: 0 };
  table.push(row);
  return row;
}

/** The table of a file of tests, for its end. */
export function printFigures(): void {
  const head = ['input', 'number', 'accepted', 'crashes', 'hangs', 'mismatches', 'slowest', 'seconds'];
  const rows = table.map((row) => [
    row.what,
    ...[row.inputs, row.good, row.crashes, row.hangs, row.mismatches].map(String),
    `${Math.ceil(row.slowest)} ms`,
    row.seconds.toFixed(1),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  process.stdout.write(`\nseed ${SEED}, at most ${HANG_MS} ms each\n${[head, ...rows].map(line).join('\n')}\n`);
}

class Mismatch extends Error {}

/** Says that a result is not what it should be. */
export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Mismatch(what);
}

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Tries one input. A `HostctlError` is an answer; any other error is a crash, and so is one that never ends. Throws, so
 * that fast-check looks for the smallest input like it. @param work tells whether the input was accepted
 */
async function attempt(row: Figures, work: () => Promise<boolean> | boolean): Promise<void> {
  const since = cpu();
  row.inputs += 1;
  try {
    if (await work()) row.good += 1;
  } catch (error) {
    if (error instanceof Mismatch) row.mismatches += 1;
    else if (!(error instanceof HostctlError)) row.crashes += 1;
    if (!(error instanceof HostctlError)) throw error;
  }
  const took = cpu() - since;
  row.slowest = Math.max(row.slowest, took);
  if (took > HANG_MS) {
    row.hangs += 1;
    throw new Error(`took ${Math.round(took)} ms`);
  }
  const polluted = Object.keys(Object.prototype);
  claim(polluted.length === 0, `Object.prototype has ${polluted.join(', ')}`);
}

/** Tries many, in batches with seeds of their own, so that one failure does not end the rest. Returns the smallest of each. */
export async function tryMany<T>(
  row: Figures,
  runs: number,
  inputs: fc.Arbitrary<T>,
  work: (input: T) => Promise<boolean> | boolean,
): Promise<string[]> {
  const since = performance.now();
  const failures: string[] = [];
  const batch = 500;
  for (let done = 0; done < runs; done += batch) {
    const found = await fc.check(
      fc.asyncProperty(inputs, (input) => attempt(row, () => work(input))),
      { numRuns: Math.min(batch, runs - done), seed: SEED + done },
    );
    if (found.failed) {
      const [input] = found.counterexample ?? [];
      const error = found.errorInstance as Error | undefined;
      const message = error instanceof Mismatch ? error.message : (error?.stack ?? String(error));
      failures.push(`seed ${SEED + done}: ${message.slice(0, 900)}\n${fc.stringify(input).slice(0, 3000)}`);
    }
    if (failures.length >= 10) break;
  }
  row.seconds += (performance.now() - since) / 1000;
  return failures;
}
