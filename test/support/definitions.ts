import type { Project } from '../../src/core/model.ts';
import type { Problem } from '../../src/core/problems.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { World } from './world.ts';

/** What `hostctl validate` finds in one definition. Sources exist at /src/app (Node), /src/django and /src/pages. */
export async function check(text: string, name = 'site'): Promise<{ project?: Project; problems: readonly Problem[] }> {
  const world = await World.with({ [name]: text });
  world.source('app', { 'package.json': '{}', 'media/a.txt': 'A', 'robots.txt': 'R' });
  world.source('django', {
    'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "projectname.settings")',
    'requirements.txt': 'Django',
  });
  world.source('pages', { htpasswd: USERS, '404.html': 'none', 'bad-users': BAD_USERS, nobody: '# nobody\n' });
  const { projects, problems } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
  return { ...(projects[0] ? { project: projects[0] } : {}), problems };
}

const USERS = 'ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n';
const BCRYPT = 'CCCCCCCCCCCCCCCCCCCCC.pIKrLVkBX9/OvQMSygY1pWEVn72t6na';
const BAD_USERS = [
  `good:$2y$05$${BCRYPT}`,
  '',
  'no colon',
  'plain:secret',
  'sha512:$6$E9qRWRKcdmR4rfgR$Z4UV6S/Kj7P51.qj9WWkvFWdbgJJHqLqF7agBIJY/BpMbw/XjnnE3/M.FmToyuDAsbCyC1F/jeFlspk0C9d87.',
  `slow:$2b$12$${BCRYPT}`,
  'good:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=',
  'tail:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=:comment',
  'odd\u001b[2J:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=',
].join('\r\n');

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
