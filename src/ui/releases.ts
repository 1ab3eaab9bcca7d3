import type { ChalkInstance } from 'chalk';
import type { ReleaseDiff, ReleaseView } from '../core/results.ts';
import type { Release, Workload } from '../core/state.ts';
import { formatDuration, formatSize } from '../core/units.ts';
import { formatTable } from './table.ts';

export function formatReleases(releases: readonly ReleaseView[]): string {
  const rows = releases.map((release) => [
    release.live ? `${release.id} live` : String(release.id),
    release.at.replace('T', ' ').slice(0, 16),
    release.by,
    release.rollbackOf === undefined ? '' : `rollback to ${release.rollbackOf}`,
    Object.entries(release.images)
      .map(([app, image]) => `${app}=${image}`)
      .join(' '),
  ]);
  return formatTable(['RELEASE', 'AT (UTC)', 'BY', 'NOTE', 'IMAGES'], rows);
}

/** One release, for people: what ran, where it answered, what its release commands did. */
export function formatRelease(release: Release): string {
  const { id, project, at, by, rollbackOf, desired, hooks = [] } = release;
  const back = rollbackOf === undefined ? '' : `, a rollback to ${rollbackOf}`;
  const rows = desired.workloads.map((item) => workloadRow(item, release));
  const lines = [
    `release ${id} of ${project}, ${at.replace('T', ' ').slice(0, 16)} UTC by ${by}${back}`,
    ...(desired.site ? [`answers ${desired.site.hostnames.map((host) => host.name).join(', ')}`] : []),
    ...desired.media.map((set) => `media ${set.alias} (${set.root})`),
    '',
    formatTable(['CONTAINER', 'IMAGE', 'LIMITS', 'ENV'], rows).trimEnd(),
    ...hooks.flatMap((hook) => [
      '',
      `${hook.app}: ${hook.command.join(' ')} ended with ${hook.code} after ${formatDuration(hook.ms)}`,
      ...hook.log.map((line) => `  ${line}`),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function workloadRow({ app, container }: Workload, { desired, digests }: Release): string[] {
  const { memory, cpus, pids } = container.limits;
  const image = digests?.[app] ?? desired.images[app]?.ref ?? container.image;
  return [
    container.name,
    image,
    `${formatSize(memory)}, ${cpus} cpus, ${pids} pids`,
    Object.keys(container.env).toSorted().join(' '),
  ];
}

export function formatDiff({ from, to, changes, stays }: ReleaseDiff, paint: ChalkInstance): string {
  const rows = changes.map(({ app, what, before, after }) => {
    const values = [before, after].filter((value) => value !== undefined);
    return [app ?? '', what, values.length > 0 ? values.map((value) => value || 'none').join(' → ') : 'differs'];
  });
  const table =
    rows.length > 0
      ? formatTable(['APP', 'WHAT', `RELEASE ${from} → ${to}`], rows)
      : `release ${from} and ${to} say the same\n`;
  const title = 'What a rollback between them does not bring back:';
  return `${table}${stays.length > 0 ? `\n${title}\n${stays.map((line) => `  ${paint.yellow('!')} ${line}\n`).join('')}` : ''}`;
}
