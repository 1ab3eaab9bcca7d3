import type { ChalkInstance } from 'chalk';
import type { Explanation, FileView, LiveView } from '../core/results.ts';

/** An explanation as lines with a word in front of each. */
export function formatExplanation(explanation: Explanation, paint: ChalkInstance): string {
  const { url, method, answer, places, outranked, rules, files, live, offline, causes } = explanation;
  const rows: [string, string][] = [
    ...places.flatMap(({ what, text, file, line, column }): [string, string][] => [
      [what, `${text}  ${paint.dim(`${file}:${line}:${column}`)}`],
      ...(what === 'hostname' ? outranked.map((other): [string, string] => ['', paint.dim(other)]) : []),
    ]),
    ...rules.flatMap(({ proxy, rule, router, priority, middlewares }): [string, string][] => [
      [proxy, router === undefined ? rule : `router ${router}, priority ${priority}`],
      ...(router === undefined ? [] : [['', rule] as [string, string]]),
      ...(middlewares ? [['', `through ${middlewares.join(', ')}`] as [string, string]] : []),
    ]),
    ...files.map((file): [string, string] => ['file', fileText(file, paint)]),
    ...(live ? liveRows(live, paint) : []),
    ...(offline === undefined ? [] : [['live', paint.yellow(`not looked at: ${offline}`)] as [string, string]]),
  ];
  const width = Math.max(...rows.map(([word]) => word.length), 0);
  const body = rows.map(([word, text]) => `  ${paint.dim(word.padEnd(width))}  ${text}\n`).join('');
  const why = causes
    .map(
      ({ text, hint }) => `${paint.yellow('!')} ${text}\n${hint === undefined ? '' : `  ${paint.cyan('→')} ${hint}\n`}`,
    )
    .join('');
  return `${paint.bold(`${method} ${url}`)}\n  ${answer}\n${body === '' ? '' : `\n${body}`}${why === '' ? '' : `\n${why}`}`;
}

function fileText({ path, of, state }: FileView, paint: ChalkInstance): string {
  const words = {
    file: 'is there',
    folder: 'is a folder',
    link: 'is a symbolic link',
    missing: 'is not there',
    closed: 'cannot be read',
  };
  const colour = state === 'file' ? paint.green : paint.red;
  return `${path}  ${paint.dim(of === 'live' ? 'served' : 'source')} ${colour(words[state])}`;
}

function liveRows({ release, proxy, visit, containers }: LiveView, paint: ChalkInstance): [string, string][] {
  const got =
    visit?.status === undefined
      ? visit?.reason
      : `${visit.status}${visit.location === undefined ? '' : ` to ${visit.location}`}`;
  if (release === undefined && proxy === 'answers' && got === undefined) return [];
  const state = `${release === undefined ? 'nothing is deployed' : `release ${release}`}${proxy === 'silent' ? '; the proxy is silent' : ''}`;
  return [
    ['live', `${state}${got === undefined ? '' : `; asked now: ${got}`}`],
    ...containers.flatMap(({ name, state: now, detail, ok, log }): [string, string][] => [
      ['container', `${name}  ${ok ? paint.green(now) : paint.red(now)}: ${detail}`],
      ...log.map((line): [string, string] => ['', paint.dim(line)]),
    ]),
  ];
}
