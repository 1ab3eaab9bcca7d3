import type { ChalkInstance } from 'chalk';
import type { SecretView, SetSecret } from '../core/results.ts';
import { formatTable } from './table.ts';

/** What `secrets set` did, and what makes use of it. */
export function formatSet({ project, name, version, changed, apps }: SetSecret): string {
  const what = changed
    ? `${name} of ${project} is version ${version}`
    : `${name} of ${project} stays version ${version}: it is the same value`;
  const next =
    apps.length === 0
      ? `no app names it yet: add \`secrets: [${name}]\` to one`
      : `hostctl deploy ${project} gives it to ${apps.join(', ')}`;
  return `${what}\n${changed || apps.length === 0 ? `  → ${next}\n` : ''}`;
}

/** A table of secrets; what is missing stands out. */
export function formatSecrets(secrets: readonly SecretView[], paint: ChalkInstance): string {
  if (secrets.length === 0) return 'There are no secrets.\n';
  const rows = secrets.map((item) => [
    item.project,
    item.name,
    item.version === null ? paint.red('missing') : String(item.version),
    item.at === null ? '' : item.at.slice(0, 16).replace('T', ' '),
    item.by ?? '',
    item.apps.join(', ') || paint.yellow('nobody'),
    item.releases.map(({ id, version, live }) => `${id}${live ? ' live' : ''} (version ${version})`).join(', '),
  ]);
  const missing = secrets.filter((item) => item.version === null);
  const hints = missing.map((item) => `  → hostctl secrets set ${item.project} ${item.name}\n`);
  const head = ['PROJECT', 'NAME', 'VERSION', 'AT (UTC)', 'BY', 'USED BY', 'RELEASES'];
  return `${formatTable(head, rows)}${hints.join('')}`;
}
