import type { ChalkInstance } from 'chalk';
import { visible } from '../core/characters.ts';
import { LEVELS } from '../core/concern.ts';
import type { Problem } from '../core/problems.ts';
import type { Audit } from '../core/results.ts';
import { count } from '../errors.ts';

/** Problems with their place and a code frame, in the order of the files. */
export function formatProblems(problems: readonly Problem[], paint: ChalkInstance): string {
  return problems.map((problem) => formatProblem(problem, paint)).join('\n');
}

/** What `hostctl check` found, by topic. Notes come without the lines they are about. */
export function formatAudit({ findings, projects }: Audit, paint: ChalkInstance): string {
  const colours = { error: paint.red, warning: paint.yellow, note: paint.cyan };
  const groups = [...new Set(findings.map(({ topic }) => topic))].map((topic) => {
    const parts = findings
      .filter((finding) => finding.topic === topic)
      .map((finding) => {
        const frame = finding.level === 'note' ? { ...finding, excerpt: [], path: '' } : finding;
        return `${colours[finding.level](finding.level)} ${formatProblem(frame, paint)}`;
      });
    return `${paint.bold(`── ${topic}`)}\n${parts.join('')}\n`;
  });
  const counts = LEVELS.map((level) => count(findings.filter((finding) => finding.level === level).length, level));
  return `${groups.join('')}${count(projects, 'project')}: ${counts.join(', ')}\n`;
}

function formatProblem(problem: Problem, paint: ChalkInstance): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : paint.dim(` (${visible(problem.path)})`);
  const lines = [`${paint.bold(visible(place))} ${visible(problem.message)}${path}`];
  const gutter = String(problem.excerpt.at(-1)?.line ?? 0).length;
  for (const { line, text } of problem.excerpt) {
    const here = line === problem.line;
    const start = `${here ? paint.red('>') : ' '} ${paint.dim(`${String(line).padStart(gutter)} |`)}`;
    lines.push(`${start} ${visible(text.replace(/\r$/, ''))}`.trimEnd());
    if (here) lines.push(`  ${' '.repeat(gutter)} ${paint.dim('|')} ${marks(problem, text, paint)}`);
  }
  if (problem.hint !== undefined) lines.push(`  ${paint.cyan('→')} ${visible(problem.hint)}`);
  return `${lines.join('\n')}\n`;
}

/** Carets below what is meant: as far to the right, and as many, as its characters take when they are spelt out. */
function marks({ column, length }: Problem, text: string, paint: ChalkInstance): string {
  const before = visible(text.slice(0, column - 1));
  const meant = visible(text.slice(column - 1, column - 1 + length));
  return `${' '.repeat(before.length)}${paint.red('^'.repeat(Math.max(1, meant.length)))}`;
}
