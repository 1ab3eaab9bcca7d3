import type { ChalkInstance } from 'chalk';
import type { CertificateStatus, Renewal } from '../core/results.ts';
import { errorJson } from './failure.ts';
import { formatTable } from './table.ts';

/** One line per certificate; nothing when there is none. */
export function formatCertificates(certificates: readonly CertificateStatus[], paint: ChalkInstance): string {
  if (certificates.length === 0) return '';
  const head = ['PROJECT', 'CERTIFICATE', 'EXPIRES', 'NAMES'];
  const rows = certificates.map((item) => [
    item.project,
    stateText(item.state, paint),
    item.expires === null ? '-' : `${item.expires.slice(0, 10)}, ${daysText(item.days!)}`,
    [item.names.join(' '), plainText(item, paint)].filter((text) => text !== '').join(' '),
  ]);
  return formatTable(
    head.map((word) => paint.dim(word)),
    rows,
  );
}

function stateText(state: CertificateStatus['state'], paint: ChalkInstance): string {
  if (state === 'ok') return paint.green(state);
  return state === 'ending' || state === 'damaged' ? paint.yellow(state) : paint.red(state);
}

function daysText(days: number): string {
  if (days < 0) return 'over';
  return days === 1 ? '1 day' : `${days} days`;
}

function plainText({ plain }: CertificateStatus, paint: ChalkInstance): string {
  return plain.length > 0 ? paint.yellow(`(plain http: ${plain.join(' ')})`) : '';
}

/** What a renewal did, for people and for programs. */
export function reportRenewals(
  renewals: readonly Renewal[],
  paint: ChalkInstance,
): { text: string; document: Record<string, unknown> } {
  return {
    text:
      renewals.length === 0 ? 'No site orders its certificate.\n' : renewals.map((item) => line(item, paint)).join(''),
    document: {
      ok: renewals.every(({ error }) => error === undefined),
      renewals: renewals.map(({ error, ...rest }) => ({
        ...rest,
        ...(error === undefined ? {} : { error: errorJson(error) }),
      })),
    },
  };
}

function line({ project, renewed, expires, error }: Renewal, paint: ChalkInstance): string {
  const name = paint.bold(project);
  const until = expires === null ? 'there is no certificate' : `valid until ${expires.slice(0, 10)}`;
  if (error !== undefined)
    return `${paint.red('failed')}   ${name}, ${expires === null ? until : `the old one is ${until}`}\n`;
  return `${renewed ? paint.green('renewed') : paint.dim('kept')}${renewed ? '  ' : '     '}${name}, ${until}\n`;
}
