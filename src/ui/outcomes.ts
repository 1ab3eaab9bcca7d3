import type { ChalkInstance } from 'chalk';
import type { Outcome, Visits } from '../core/results.ts';
import { errorJson } from './failure.ts';

/** What became of each project, for people and for programs. */
export function report(
  outcomes: readonly Outcome[],
  paint: ChalkInstance,
): { lines: string; document: Record<string, unknown> } {
  return {
    lines: outcomes.map((outcome) => `${line(outcome, paint)}\n`).join(''),
    document: {
      ok: outcomes.every((outcome) => outcome.error === undefined),
      projects: outcomes.map(({ error, ...outcome }) => ({
        ...outcome,
        ...(error === undefined ? {} : { error: errorJson(error) }),
      })),
    },
  };
}

function line(outcome: Outcome, paint: ChalkInstance): string {
  const name = paint.bold(outcome.project);
  if (outcome.error !== undefined) {
    const visits = outcome.visits ? `; during it ${formatVisits(outcome.visits)}` : '';
    return `${paint.red('failed')}      ${name}${visits}`;
  }
  if (!outcome.changed)
    return `${paint.dim('up to date')}  ${name}${outcome.release === undefined ? '' : `, release ${outcome.release}`}`;
  const visits = outcome.visits ? `, ${formatVisits(outcome.visits)}` : '';
  return `${paint.green('live')}        ${name}, release ${outcome.release}${visits}`;
}

/** The proof: `412 requests, 0 failed, max 31 ms`. */
function formatVisits(visits: Visits): string {
  const why = visits.firstFailure === undefined ? '' : ` (${visits.firstFailure})`;
  return `${visits.requests} requests, ${visits.failed} failed${why}, max ${visits.max} ms`;
}
