import { LAYOUT } from '../core/layout.ts';
import type { SecretView, SetSecret } from '../core/results.ts';
import { fromInput, MOST_BYTES, Secret } from '../core/secret.ts';
import { SECRET_NAME } from '../core/secrets.ts';
import type { Observed } from '../core/state.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { makeDataRoot } from './directories.ts';
import { type Change, recordedAlone } from './journal.ts';
import { type Loaded, loadProjects, projectNames } from './load.ts';
import { observe } from './observe.ts';
import { eraseSecret, readSecret, storedSecrets, writeSecret } from './secret-store.ts';

const LOCK_WAIT_MS = 60_000;

/** Checks what can be checked before a value is asked for. */
export async function requireSettable(project: string, name: string, ctx: Context): Promise<void> {
  if (!SECRET_NAME.test(name)) {
    // Without the name itself: somebody may have typed the value there.
    const message = 'a secret has a name of letters, digits and _, at most 64, such as DB_PASSWORD';
    throw new HostctlError('USAGE', message, {
      exit: EXIT.definition,
      hints: ['hostctl secrets set PROJECT NAME asks for the value, or reads it from standard input'],
    });
  }
  await requireProject(project, ctx);
}

async function requireProject(project: string, ctx: Context): Promise<void> {
  const defined = (await projectNames(ctx.files, ctx.workspace)) ?? [];
  const known = [...new Set([...defined, ...(await ctx.host.list(LAYOUT.projects))])];
  if (known.includes(project)) return;
  throw new HostctlError('NO_PROJECT', `there is no project ${quote(project)}`, {
    exit: EXIT.definition,
    hints: [known.length > 0 ? `projects here: ${known.join(', ')}` : 'hostctl init writes a first one'],
  });
}

/** Makes a new version of a secret, which the next deploy uses. @param input with one newline at the end, or without */
export async function setSecret(project: string, name: string, input: Uint8Array, ctx: Context): Promise<SetSecret> {
  await requireSettable(project, name, ctx);
  const secret = new Secret(requireValue(fromInput(input)));
  await makeDataRoot(ctx);
  return recordedAlone(changeOf(project, `secrets set ${name}`), ctx, async () => {
    const newest = (await storedSecrets(project, ctx))[name]?.at(-1);
    const before = newest === undefined ? undefined : await readSecret(project, name, newest, ctx);
    const changed = before === undefined || !before.secret.equals(secret);
    const version = changed ? await writeSecret(project, name, secret, ctx) : newest!;
    const loaded = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
    return { project, name, version, changed, apps: appsWith(project, name, loaded) };
  });
}

function changeOf(project: string, doing: string): Change {
  return { project, doing, lock: 'the secrets', wait: LOCK_WAIT_MS };
}

function requireValue(value: Uint8Array): Uint8Array {
  const refuse = (message: string): HostctlError =>
    new HostctlError('SECRET_VALUE', message, { exit: EXIT.definition });
  if (value.length === 0) throw refuse('the value is empty');
  if (value.length > MOST_BYTES) throw refuse('the value is larger than 64 KiB');
  return value;
}

function appsWith(project: string, name: string, { projects }: Loaded): string[] {
  const apps = projects.find((item) => item.name === project)?.apps ?? [];
  return apps.filter((app) => app.secrets.some((secret) => secret.name === name)).map((app) => app.name);
}

/** Every secret that is stored or that a definition names; never a value. @param only one project */
export async function listSecrets(only: string | undefined, ctx: Context): Promise<SecretView[]> {
  if (only !== undefined) await requireProject(only, ctx);
  const [loaded, observed] = await Promise.all([
    loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes),
    observe(ctx),
  ]);
  const projects = [...new Set([...loaded.names, ...Object.keys(observed.secrets)])].toSorted();
  const wanted = projects.filter((project) => only === undefined || project === only);
  const lists = await Promise.all(wanted.map((project) => listOf(project, loaded, observed, ctx)));
  return lists.flat();
}

async function listOf(project: string, loaded: Loaded, observed: Observed, ctx: Context): Promise<SecretView[]> {
  const stored = observed.secrets[project] ?? {};
  const named = loaded.projects
    .filter((item) => item.name === project)
    .flatMap((item) => item.apps.flatMap((app) => app.secrets.map((secret) => secret.name)));
  const names = [...new Set([...Object.keys(stored), ...named])].toSorted();
  return Promise.all(
    names.map(async (name): Promise<SecretView> => {
      const version = stored[name]?.at(-1);
      const record = version === undefined ? undefined : await readSecret(project, name, version, ctx);
      return {
        project,
        name,
        version: version ?? null,
        at: record?.at ?? null,
        by: record?.by ?? null,
        apps: appsWith(project, name, loaded),
        releases: releasesWith(project, name, observed),
      };
    }),
  );
}

function releasesWith(project: string, name: string, observed: Observed): SecretView['releases'] {
  const { releases = [], current } = observed.histories[project] ?? {};
  return releases.flatMap(({ id, desired }) => {
    const version = desired.workloads.map((item) => item.secrets?.versions[name]).find((item) => item !== undefined);
    return version === undefined ? [] : [{ id, version, live: id === current?.id }];
  });
}

/** Forgets a secret: every version of it, and its files in containers that are only kept. Returns what cannot come back. */
export async function removeSecret(
  project: string,
  name: string,
  options: { readonly force: boolean },
  ctx: Context,
): Promise<{ readonly releases: readonly number[] }> {
  const view = await requireRemovable(project, name, options.force, ctx);
  return recordedAlone(changeOf(project, `secrets remove ${name}`), ctx, async () => {
    const { histories, secretFiles } = await observe(ctx);
    const live = new Set(histories[project]?.current?.desired.workloads.map((item) => item.container.name));
    await eraseSecret(project, name, ctx);
    for (const container of secretFiles[project] ?? []) {
      if (!live.has(container)) await ctx.host.remove(`${LAYOUT.secretFilesOf(project, container)}/${name}`);
    }
    return { releases: view.releases.filter((release) => !release.live).map((release) => release.id) };
  });
}

/** What would be removed; fails while something uses it, unless it is to go all the same. */
export async function requireRemovable(
  project: string,
  name: string,
  force: boolean,
  ctx: Context,
): Promise<SecretView> {
  const views = await listSecrets(project, ctx);
  const view = views.find((item) => item.name === name && item.version !== null);
  if (!view) {
    const known = views.filter((item) => item.version !== null).map((item) => item.name);
    throw new HostctlError('NO_SECRET', `${project} has no secret of that name`, {
      exit: EXIT.definition,
      hints: [known.length > 0 ? `secrets of ${project}: ${known.join(', ')}` : `hostctl secrets set ${project} NAME`],
    });
  }
  const users = [
    ...view.apps.map((app) => `the definition of ${project}/${app}`),
    ...view.releases.flatMap((release) => (release.live ? [`release ${release.id}, which is live`] : [])),
  ];
  if (users.length === 0 || force) return view;
  throw new HostctlError('SECRET_USED', `the secret ${name} is used by ${users.join(' and by ')}`, {
    exit: EXIT.definition,
    hints: ['take it out of the definition and deploy', '--force removes it all the same'],
  });
}
