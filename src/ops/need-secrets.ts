import type { Project } from '../core/model.ts';
import type { Finding, Problem } from '../core/problems.ts';
import { quote } from '../core/units.ts';
import type { Context } from '../ports.ts';
import type { Loaded } from './load.ts';
import { readSecret, storedSecrets } from './secret-store.ts';

/**
 * What the secrets that some projects name are lacking. Only the data root knows, so this is no problem of a definition
 * as such; a plan or a deploy cannot go on without them.
 */
export async function missingSecrets(
  loaded: Loaded,
  names: readonly string[] | 'all',
  ctx: Context,
): Promise<Problem[]> {
  const wanted = loaded.projects.filter(({ name }) => names === 'all' || names.includes(name));
  const problems = await Promise.all(
    wanted.map(async (project) => loaded.files.get(project.name)!.problems(await lacking(project, ctx))),
  );
  return problems.flat();
}

async function lacking(project: Project, ctx: Context): Promise<Finding[]> {
  const named = project.apps.flatMap(({ name, secrets }) =>
    secrets.map((secret, index) => ({ ...secret, path: ['apps', name, 'secrets', index] })),
  );
  if (named.length === 0) return [];
  const stored = await storedSecrets(project.name, ctx);
  const found = await Promise.all(
    named.map(async ({ name, env, path }): Promise<Finding[]> => {
      const hint = `hostctl secrets set ${project.name} ${name}`;
      const version = stored[name]?.at(-1);
      if (version === undefined) return [{ path, message: `the secret ${quote(name)} is not set`, hint }];
      if (!env || !(await holdsNul(project.name, name, version, ctx))) return [];
      return [
        {
          path,
          message: `the secret ${quote(name)} holds a NUL byte, which no variable can`,
          hint: 'leave out `env: true` and read the file',
        },
      ];
    }),
  );
  return found.flat();
}

async function holdsNul(project: string, name: string, version: number, ctx: Context): Promise<boolean> {
  const record = await readSecret(project, name, version, ctx);
  return record?.secret.use((value) => value.includes(0)) ?? false;
}
