import { load } from 'js-yaml';
import { normalise } from '../../src/core/definition.ts';
import type { Project } from '../../src/core/model.ts';
import { formatPath } from '../../src/core/problems.ts';
import type { Surroundings } from '../../src/core/report.ts';
import { projectSchema } from '../../src/core/schema.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';

export const TEMPLATES = new URL('../../templates', import.meta.url).pathname;
const { limits, tls } = normaliseWorkspace({}, '/work');
export const HOST: Surroundings['host'] = { driver: 'nginx', sockets: true, orders: true, existing: false, tls };

/** What there is to be read; nothing says anything. */
const THERE: Readonly<Record<string, 'file' | 'folder' | 'closed'>> = {
  '/src/app': 'folder',
  '/src/file': 'file',
  '/src/closed': 'closed',
  '/src/own': 'folder',
  '/src/own/Dockerfile': 'file',
  '/src/own/other.dockerfile': 'file',
  '/src/twice': 'folder',
  '/src/twice/Dockerfile': 'closed',
};

/** A definition that fits the schema, read without a world; what is wrong with it as `path: message → hint`. */
export function readProject(
  text: string,
  about: Partial<Surroundings>,
): { project?: Project; found: readonly string[] } {
  const { project, findings } = normalise(projectSchema.parse(load(text)), {
    name: 'site',
    file: 'projects/site.yaml',
    dir: '/work/projects',
    limits,
    watch: 3000,
    host: HOST,
    runtimes: [],
    exists: (path) => THERE[path],
    facts: () => ({ names: [], texts: {} }),
    text: () => undefined,
    ...about,
  });
  const found = findings.map(
    ({ path, message, hint, on }) =>
      `${formatPath(path)}${on === 'key' ? ' (key)' : ''}: ${message}${hint === undefined ? '' : ` → ${hint}`}`,
  );
  return { ...(project ? { project } : {}), found };
}
