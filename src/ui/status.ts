import type { ChalkInstance } from 'chalk';
import { overcommitted } from '../core/memory.ts';
import { formatDuration, formatSize } from '../core/units.ts';
import type { AppStatus, CheckResult, Closed, Status } from '../core/results.ts';
import { formatCertificates } from './certificates.ts';
import { formatTable } from './table.ts';

export function formatStatus(status: Status, paint: ChalkInstance): string {
  const proxy =
    status.proxy === 'answers' ? '' : `${paint.red('the proxy does not answer')}: hostctl doctor tells more\n`;
  if (status.apps.length === 0) return `${proxy}Nothing is deployed on this host.\n`;
  const head = ['PROJECT', 'APP', 'STATE', 'RELEASE', 'UP', 'MEMORY', 'CPU', 'RESTARTS', 'HOSTNAMES'];
  const rows = status.apps.map((app) => [
    app.project,
    app.replica > 1 ? `${app.app} ${app.replica}` : app.app,
    stateText(app, paint),
    app.release === null ? '-' : String(app.release),
    app.uptime === null ? '-' : formatDuration(app.uptime * 1000),
    `${app.memory === null ? '-' : formatSize(app.memory)} / ${formatSize(app.limits.memory)}`,
    `${app.cpus === null ? '-' : app.cpus.toFixed(2)} / ${app.limits.cpus}`,
    String(app.restarts),
    app.hostnames.join(' '),
  ]);
  return (
    proxy +
    formatTable(
      head.map((word) => paint.dim(word)),
      rows,
    ) +
    formatOvercommitted(status, paint) +
    status.maintenance.map((item) => `\n${formatClosed(item, paint)}`).join('') +
    (status.certificates.length > 0 ? `\n${formatCertificates(status.certificates, paint)}` : '') +
    status.orphans
      .map(
        (name) => `${paint.yellow(name)} has no definition any more: hostctl remove ${name} takes it off this host\n`,
      )
      .join('')
  );
}

function formatOvercommitted({ memory }: Status, paint: ChalkInstance): string {
  const text = overcommitted(memory);
  return text === undefined ? '' : `\n${paint.yellow('!')} ${text}\n`;
}

/** That a site is closed, and how to see it all the same. */
export function formatClosed(item: Closed, paint: ChalkInstance): string {
  const since = item.since.replace('T', ' ').slice(0, 16);
  const also = item.bypass.length > 0 ? `, and ${item.bypass.join(', ')}` : '';
  return [
    `${paint.yellow(item.project)} is closed for maintenance since ${since} UTC (${item.by}): visitors get 503`,
    `  ${paint.cyan('→')} to see it all the same, open ${item.link}${also}`,
    `  ${paint.cyan('→')} hostctl maintenance off ${item.project} opens it\n`,
  ].join('\n');
}

function stateText(app: AppStatus, paint: ChalkInstance): string {
  const relaxed = app.relaxed.length > 0 ? paint.yellow(` (relaxed: ${app.relaxed.join(', ')})`) : '';
  return `${app.state === 'running' ? paint.green(app.state) : paint.yellow(app.state)}${relaxed}`;
}

export function formatFindings(findings: readonly CheckResult[], paint: ChalkInstance): string {
  const marks = { ok: paint.green('✓'), warning: paint.yellow('!'), problem: paint.red('✗') };
  return findings
    .map((item) => {
      const advice = item.advice === undefined ? '' : `\n  ${paint.cyan('→')} ${item.advice}`;
      return `${marks[item.state]} ${item.check}: ${item.detail}${advice}\n`;
    })
    .join('');
}
