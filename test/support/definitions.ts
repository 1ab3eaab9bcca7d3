import type { Project } from '../../src/core/model.ts';
import type { Problem } from '../../src/core/problems.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { World } from './world.ts';

/** What `hostctl validate` finds in one definition. Sources exist at /src/app (Node) and /src/django. */
export async function check(text: string, name = 'site'): Promise<{ project?: Project; problems: readonly Problem[] }> {
  const world = await World.with({ [name]: text });
  world.source('app', { 'package.json': '{}', 'media/a.txt': 'A', 'robots.txt': 'R' });
  world.source('django', {
    'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "projectname.settings")',
    'requirements.txt': 'Django',
  });
  const { projects, problems } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
  return { ...(projects[0] ? { project: projects[0] } : {}), problems };
}

/** `line:column path message` of every problem, shortest form for tests. */
export function brief(problems: readonly Problem[]): string[] {
  return problems.map(
    (problem) =>
      `${problem.line}:${problem.column} ${problem.path}: ${problem.message}${problem.hint ? ` → ${problem.hint}` : ''}`,
  );
}

/** One app on a socket and a folder of files, whose source stands at /src/blog. */
export const BLOG = `
hostnames: [www.blog.org]
apps:
  web: { runtime: node, source: /src/blog }
media:
  /files: { from: /src/blog/files }
`;
