import { expect, test } from 'vitest';
import { HostctlCommand } from '../../src/command.ts';
import type { Outcome } from '../../src/core/results.ts';
import { HostctlError } from '../../src/errors.ts';
import { report } from '../../src/ui/outcomes.ts';
import { runCommand } from '../support/command.ts';

const OUTCOMES: readonly Outcome[] = [
  { project: 'one', changed: true, release: 2 },
  { project: 'two', changed: false, error: new TypeError('boom') },
  { project: 'three', changed: false, error: new HostctlError('NOT_READY', 'three did not answer', { exit: 5 }) },
];

class Deploys extends HostctlCommand<typeof Deploys> {
  protected work(): Promise<void> {
    return this.outcomes(OUTCOMES, report);
  }
}

test('a bug in one project takes the results of the others from nobody', async () => {
  const { code, out, err } = await runCommand(Deploys, '');
  expect(out).toBe('live        one, release 2\nfailed      two\nfailed      three\n');
  expect(err).toMatch(/^TypeError: boom\n +at [\s\S]*This is a bug in hostctl.*\nerror three did not answer\n$/);
  expect(code).toBe(1);
});

test('with --json it is the error of that project, and the stack is on stderr', async () => {
  const { out, err } = await runCommand(Deploys, '--json');
  expect(JSON.parse(out)).toEqual({
    version: 1,
    type: 'result',
    ok: false,
    projects: [
      { project: 'one', changed: true, release: 2 },
      { project: 'two', changed: false, error: { code: 'BUG', message: 'TypeError: boom', hints: [], exit: 1 } },
      {
        project: 'three',
        changed: false,
        error: { code: 'NOT_READY', message: 'three did not answer', hints: [], exit: 5 },
      },
    ],
  });
  expect(err).toMatch(/^TypeError: boom\n/);
  expect(err).not.toContain('three');
});
