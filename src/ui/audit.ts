import type { ChalkInstance } from 'chalk';
import type { Audited, Exposure, ProbeResult } from '../core/results.ts';
import { count } from '../errors.ts';
import { formatFindings } from './status.ts';
import { formatTable } from './table.ts';

/** Whether something is not as it should be. @param most exposure that is allowed */
export function auditFails({ containers, probes = [] }: Exposure, most: number): boolean {
  return probes.some(({ held }) => !held) || containers.some((item) => isWrong(item) || item.exposure > most);
}

function isWrong({ findings, drift }: Audited): boolean {
  return drift.length > 0 || findings.some(({ state }) => state === 'failed');
}

export function formatExposure({ containers, host, probes }: Exposure, most: number, paint: ChalkInstance): string {
  const head = ['CONTAINER', 'EXPOSURE', 'PASSED', 'BECAUSE OF'].map((word) => paint.dim(word));
  const rows = containers.map((item) => [
    item.container,
    item.exposure > most ? paint.red(`${item.exposure.toFixed(1)} > ${most}`) : item.exposure.toFixed(1),
    `${item.passed} of ${item.passed + item.findings.length}`,
    item.because.map(({ what, points }) => `${what} ${points}`).join(', '),
  ]);
  const table = rows.length === 0 ? 'Nothing of hostctl runs on this host.\n' : formatTable(head, rows);
  const details = containers.map((item) => formatDetails(item, paint)).join('');
  const tried = probes === undefined ? '' : `\n${formatProbes(probes, paint)}`;
  return `${table}${details === '' ? '' : `\n${details}`}${tried}\n${formatFindings(host, paint)}`;
}

function formatDetails({ container, findings, drift }: Audited, paint: ChalkInstance): string {
  const lines = findings.map(({ id, check, state, detail }) => {
    const mark = state === 'failed' ? paint.red('✗') : paint.yellow('·');
    return `${mark} ${container}: ${id} ${check}: ${detail}\n`;
  });
  const differs =
    drift.length === 0
      ? []
      : [
          `${paint.red('✗')} ${container}: ${drift.join(', ')} not as hostctl asks for it: changed since, or made by an earlier hostctl\n`,
          `  ${paint.cyan('→')} docker inspect ${container} shows it; a new container is made when the app changes\n`,
        ];
  return [...lines, ...differs].join('');
}

function formatProbes(probes: readonly ProbeResult[], paint: ChalkInstance): string {
  const open = probes.filter(({ held }) => !held);
  const lines = open.map(
    ({ project, app, attempt }) => `${paint.red('✗')} ${project}/${app} gets through to ${attempt}\n`,
  );
  const held = `${probes.length - open.length} of ${count(probes.length, 'attempt')} from inside were held\n`;
  return `${lines.join('')}${open.length === 0 ? paint.green('✓') : ' '} ${held}`;
}
