import { LAYOUT } from '../core/layout.ts';
import { Secret } from '../core/secret.ts';
import type { Workload } from '../core/state.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context, Owner } from '../ports.ts';

const ROOT_ONLY: Owner = { mode: 0o700, uid: 0, gid: 0 };

/** A version of a secret as it lies in the data root. */
interface Stored {
  readonly format: 1;
  /** ISO 8601. */
  readonly at: string;
  /** user@machine */
  readonly by: string;
  /** Base64. */
  readonly value: string;
}

export interface SecretRecord {
  readonly at: string;
  readonly by: string;
  readonly secret: Secret;
}

/** Versions of each secret of a project, the newest last. Looks at names only. */
export async function storedSecrets(project: string, ctx: Context): Promise<Record<string, number[]>> {
  const names = await ctx.host.list(LAYOUT.secrets(project));
  const pairs = await Promise.all(
    names.map(async (name) => [name, numbers(await ctx.host.list(LAYOUT.secret(project, name)), '.json')] as const),
  );
  return Object.fromEntries(pairs.filter(([, versions]) => versions.length > 0));
}

function numbers(files: readonly string[], ending: string): number[] {
  return files
    .filter((file) => file.endsWith(ending))
    .map((file) => Number(file.slice(0, -ending.length)))
    .toSorted((a, b) => a - b);
}

/** One version of a secret; undefined when it is not there. */
export async function readSecret(
  project: string,
  name: string,
  version: number,
  ctx: Context,
): Promise<SecretRecord | undefined> {
  const path = LAYOUT.secretVersion(project, name, version);
  const text = await ctx.host.read(path);
  if (text === undefined) return undefined;
  try {
    const { at, by, value } = JSON.parse(text) as Stored;
    return { at, by, secret: new Secret(Buffer.from(value, 'base64')) };
  } catch {
    // What a parser says quotes what it read.
    throw new HostctlError('RECORD_BROKEN', `${ctx.workspace.data}/${path} cannot be read`, {
      hints: [`set it again: hostctl secrets set ${project} ${name}`],
    });
  }
}

/** Writes the next version of a secret and returns its number. Numbers that were used once never come back. */
export async function writeSecret(project: string, name: string, secret: Secret, ctx: Context): Promise<number> {
  await ctx.host.makeDirectory(LAYOUT.secrets(project), ROOT_ONLY);
  await ctx.host.makeDirectory(LAYOUT.secret(project, name), ROOT_ONLY);
  const files = await ctx.host.list(LAYOUT.secret(project, name));
  const version = Math.max(0, ...numbers(files, '.json'), ...numbers(files, '.removed')) + 1;
  const stored: Stored = {
    format: 1,
    at: new Date(ctx.clock.now()).toISOString(),
    by: ctx.who,
    value: secret.use((value) => Buffer.from(value).toString('base64')),
  };
  await ctx.host.write(LAYOUT.secretVersion(project, name, version), `${JSON.stringify(stored)}\n`);
  return version;
}

/** Removes the value of a secret, all versions of it. Only their number stays. */
export async function eraseSecret(project: string, name: string, ctx: Context): Promise<void> {
  const files = await ctx.host.list(LAYOUT.secret(project, name));
  const versions = numbers(files, '.json');
  const last = Math.max(0, ...versions, ...numbers(files, '.removed'));
  // First: killed in between, it must be known all the same which numbers were used.
  await ctx.host.write(LAYOUT.removedSecret(project, name, last), '');
  for (const version of versions) await ctx.host.remove(LAYOUT.secretVersion(project, name, version));
}

/** Lays out the files of a container's secrets, for its user and nobody else. What is there already is written again. */
export async function makeSecretFiles({ project, secrets, container }: Workload, ctx: Context): Promise<void> {
  const { uid } = container;
  if (!secrets || uid === undefined) return;
  await ctx.host.makeDirectory(LAYOUT.secretFiles(project), ROOT_ONLY);
  await ctx.host.makeDirectory(secrets.files, { mode: 0o500, uid, gid: uid });
  for (const [name, version] of Object.entries(secrets.versions)) {
    const record = await readSecret(project, name, version, ctx);
    if (!record) throw secretGone(project, name, version);
    await record.secret.use((value) =>
      ctx.host.write(`${secrets.files}/${name}`, value, { mode: 0o400, uid, gid: uid }),
    );
  }
}

export function secretMissing(project: string, name: string): HostctlError {
  return new HostctlError('SECRET_MISSING', `the secret ${name} of ${project} is not set`, {
    exit: EXIT.definition,
    hints: [`hostctl secrets set ${project} ${name}`],
  });
}

export function secretGone(project: string, name: string, version: number): HostctlError {
  return new HostctlError('SECRET_GONE', `version ${version} of the secret ${name} of ${project} was removed`, {
    exit: EXIT.definition,
    hints: [`hostctl secrets set ${project} ${name} makes a new version, and hostctl deploy ${project} uses it`],
  });
}

/** What a container is given; for taking it out of words of its own that are shown. */
export async function secretsGiven({ project, secrets }: Workload, ctx: Context): Promise<Secret[]> {
  const records = await Promise.all(
    Object.entries(secrets?.versions ?? {}).map(([name, version]) => readSecret(project, name, version, ctx)),
  );
  return records.flatMap((record) => (record ? [record.secret] : []));
}
