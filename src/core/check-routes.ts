import type { Concern } from './concern.ts';
import type { Project } from './model.ts';
import type { PathKey } from './problems.ts';
import { covers } from './routes.ts';
import { quote } from './units.ts';

/** What stands at a path of this machine. */
export type Exists = (path: string) => 'file' | 'folder' | 'closed' | undefined;

/** Where a definition names a route. */
export function routeAt(project: Project, path: string): PathKey[] {
  const app = project.apps.find((item) => item.path === path);
  return app ? ['apps', app.name] : ['media', path];
}

/** Hostnames without an answer, and files that are never served. */
export function checkRoutes(project: Project, exists: Exists): Concern[] {
  const { name, hostnames, apps, media } = project;
  const paths = [
    ...apps.flatMap((app) => (app.path === undefined ? [] : [app.path])),
    ...media.map((item) => item.alias),
  ];
  const concerns: Concern[] = [];
  const add = (level: Concern['level'], path: readonly PathKey[], message: string, hint?: string): void => {
    concerns.push({
      level,
      topic: 'routes',
      project: name,
      path,
      on: 'key',
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (hostnames.length > 0 && paths.length === 0) {
    add(
      'warning',
      ['hostnames'],
      'nothing answers these hostnames: no app has a `path`, and there is no `media`',
      'add `path: /` to an app',
    );
  } else if (hostnames.length > 0 && !paths.includes('/')) {
    add(
      'note',
      ['hostnames'],
      `only ${paths.toSorted().map(quote).join(', ')} is answered; everything else is 404, also ${quote('/')}`,
    );
  }
  for (const { inside, outside } of hiddenFiles(project, paths, exists)) {
    add(
      'note',
      ['media', outside],
      `what its folder has at ${quote(inside)} is never served: ${quote(inside)} leads elsewhere`,
    );
  }
  return concerns;
}

/** Content of a folder that stands where another route leads. */
export function insideFolders(
  project: Project,
  paths: readonly string[],
): { inside: string; outside: string; file: string }[] {
  return project.media.flatMap(({ alias, source }) => {
    if (source.kind !== 'folder') return [];
    return paths
      .filter((path) => path !== alias && covers(alias, path))
      .map((path) => ({
        inside: path,
        outside: alias,
        file: `${source.path}${path.slice(alias === '/' ? 0 : alias.length)}`,
      }));
  });
}

function hiddenFiles(
  project: Project,
  paths: readonly string[],
  exists: Exists,
): { inside: string; outside: string }[] {
  const own = new Set(project.media.flatMap(({ source }) => ('path' in source ? [source.path] : [])));
  // The very same file under its own alias, for another cache time, hides nothing.
  return insideFolders(project, paths).filter(({ file }) => exists(file) !== undefined && !own.has(file));
}
