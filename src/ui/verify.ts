import type { ChalkInstance } from 'chalk';
import type { Finding } from '../core/comparison.ts';
import { INTENDED } from '../core/intended.ts';
import type { Comparison, Verification } from '../core/results.ts';
import { count } from '../errors.ts';
import { formatTable } from './table.ts';

const WIDEST = 60;

/** What differs, the unintended first, and how many requests there were. */
export function formatVerification(result: Verification, all: boolean, paint: ChalkInstance): string {
  const order = ['different', 'unknown', 'intended', 'same'];
  const rows = result.comparisons
    .toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
    .flatMap((item) => rowsOf(item, all, paint));
  const head = ['', 'REQUEST', 'WHAT', 'THERE', 'HERE', 'WHY'].map((word) => paint.dim(word));
  const table = rows.length === 0 ? '' : `${formatTable(head, rows)}\n`;
  const unknown = result.unknown === 0 ? '' : `, ${result.unknown} not comparable`;
  const last = `${count(result.requests, 'request')}, ${result.same} the same, ${result.intended} as intended, ${result.different} different${unknown}\n`;
  return `${table}${last}`;
}

function rowsOf(item: Comparison, all: boolean, paint: ChalkInstance): string[][] {
  const marks = {
    different: paint.red('different'),
    unknown: paint.yellow('unclear'),
    intended: paint.green('intended'),
    same: paint.green('same'),
  };
  const shown = item.findings.filter((finding) => all || finding.reason !== 'note' || finding.what !== 'cache');
  if (shown.length === 0) return all ? [[marks[item.verdict], requestOf(item), '', '', '', '']] : [];
  return shown.map((finding, index) => [
    index === 0 ? marks[item.verdict] : '',
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
