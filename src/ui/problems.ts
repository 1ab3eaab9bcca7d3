import type { ChalkInstance } from 'chalk';
import type { Problem } from '../core/problems.ts';

/** Problems with their place and a code frame, in the order of the files. */
export function formatProblems(problems: readonly Problem[], paint: ChalkInstance): string {
  return problems.map((problem) => formatProblem(problem, paint)).join('\n');
}

function formatProblem(problem: Problem, paint: ChalkInstance): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : paint.dim(` (${problem.path})`);
  const lines = [`${paint.bold(place)} ${problem.message}${path}`];
  const gutter = String(problem.excerpt.at(-1)?.line ?? 0).length;
  for (const { line, text } of problem.excerpt) {
    const here = line === problem.line;
    lines.push(
      `${here ? paint.red('>') : ' '} ${paint.dim(`${String(line).padStart(gutter)} |`)} ${text.replaceAll('\t', ' ')}`,
    );
    if (here) {
      const marks = '^'.repeat(Math.min(problem.length, Math.max(1, text.length - problem.column + 1)));
      lines.push(`  ${' '.repeat(gutter)} ${paint.dim('|')} ${' '.repeat(problem.column - 1)}${paint.red(marks)}`);
    }
  }
  if (problem.hint !== undefined) lines.push(`  ${paint.cyan('→')} ${problem.hint}`);
  return `${lines.join('\n')}\n`;
}
