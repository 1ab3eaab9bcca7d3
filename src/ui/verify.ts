import type { ChalkInstance } from 'chalk';
import type { Finding } from '../core/comparison.ts';
import { INTENDED } from '../core/intended.ts';
import type { Comparison, Verification } from '../core/results.ts';
import { count } from '../errors.ts';
import { formatTable } from './table.ts';

const WIDEST = 60;

/** What differs, the unintended first, then how often what is intended does; all of it where that is wanted. */
export function formatVerification(result: Verification, all: boolean, paint: ChalkInstance): string {
  const order = ['different', 'unknown', 'intended', 'same'];
  const shown = all ? order : ['different', 'unknown'];
  const rows = result.comparisons
    .filter(({ verdict }) => shown.includes(verdict))
    .toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
    .flatMap((item) => rowsOf(item, all, paint));
  const head = ['', 'REQUEST', 'WHAT', 'THERE', 'HERE', 'WHY'].map((word) => paint.dim(word));
  const table = rows.length === 0 ? '' : `${formatTable(head, rows)}\n`;
  const unknown = result.unknown === 0 ? '' : `, ${result.unknown} not comparable`;
  const { same, intended, different } = result;
  const counts = `${same} the same, ${intended} as intended, ${different} different${unknown}`;
  return `${table}${all ? '' : intentions(result, paint)}${count(result.requests, 'request')}, ${counts}\n`;
}

/** Every reason once, with how many requests have it and one of them. */
function intentions({ comparisons }: Verification, paint: ChalkInstance): string {
  const lines = Object.entries(INTENDED).flatMap(([reason, words]) => {
    const found = comparisons.filter(({ findings }) => findings.some((finding) => finding.reason === reason));
    return found.length === 0 ? [] : [`  ${found.length} × ${words}, such as ${requestOf(found[0]!)}\n`];
  });
  return lines.length === 0 ? '' : `${paint.green('intended')}, listed with --all:\n${lines.join('')}\n`;
}

function rowsOf(item: Comparison, all: boolean, paint: ChalkInstance): string[][] {
  const mark = {
    different: paint.red('different'),
    unknown: paint.yellow('unclear'),
    intended: paint.green('intended'),
    same: paint.green('same'),
  }[item.verdict];
  const weight = ({ reason }: Finding): number => (reason === undefined ? 0 : 1);
  const shown = item.findings.filter((finding) => all || weight(finding) === 0 || item.verdict === 'unknown');
  if (shown.length === 0) return [[mark, requestOf(item), '', '', '', '']];
  return shown
    .toSorted((a, b) => weight(a) - weight(b))
    .map((finding, index) => [
      index === 0 ? mark : '',
      index === 0 ? requestOf(item) : '',
      finding.what,
      short(finding.there),
      short(finding.here),
      whyOf(finding),
    ]);
}

function requestOf({ method, host, path, headers }: Comparison): string {
  const more = Object.entries(headers).map(([name, value]) => ` ${name}: ${value}`);
  return short(`${method === 'GET' ? '' : `${method} `}${host}${path}${more.join('')}`);
}

function whyOf({ reason, remark }: Finding): string {
  if (reason === undefined) return remark ?? '';
  return reason === 'note' ? (remark ?? 'for your information') : INTENDED[reason];
}

/** What another server says never moves the cursor. */
function short(text: string): string {
  const plain = text.replaceAll(/\p{Cc}/gu, '?');
  return plain.length > WIDEST ? `${plain.slice(0, WIDEST - 1)}…` : plain;
}
