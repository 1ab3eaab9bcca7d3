import type { InitResult } from '../core/starter.ts';

/** What was written, what was assumed, and what to do next. */
export function formatInit(result: InitResult): string {
  const { project, path, missing } = result;
  const made = result.runtime === undefined ? 'its own Dockerfile' : `the ${result.runtime} runtime`;
  const fill =
    missing.length === 0 ? '' : ` fill in ${missing.map((key) => `\`${key}:\``).join(', ')} in ${path}, then:`;
  return [
    ...result.written.map((file) => `wrote ${file}`),
    ...result.notes.map((note) => `· ${note}`),
    `${project} uses ${made}; next:${fill} hostctl deploy ${project}`,
    '',
  ].join('\n');
}
