import { INSIDE } from './layout.ts';
import type { ImageIdentity, Workload } from './state.ts';

/** Why a container has to be replaced, in the words of the definition: `env DEBUG, image`. */
export function explainChange(
  before: Workload,
  after: Workload,
  imageBefore: ImageIdentity | undefined,
  imageAfter: ImageIdentity | undefined,
): string {
  const was = withoutName(before.container);
  const is = withoutName(after.container);
  const changes = secretChanges(before, after);
  const [old, now] = [imageBefore?.identity, imageAfter?.identity];
  if (was.image !== is.image) changes.push(/:[0-9a-f]{12}$/.test(is.image) ? 'source' : 'image');
  else if (old !== undefined && now !== undefined && old !== now) changes.push('image');
  const files = new Set(namesOf(before, after).map((name) => `${name}_FILE`));
  const variables = changedKeys(was.env, is.env).filter((key) => !files.has(key));
  changes.push(...variables.map((key) => `env ${key}`));
  const fields: readonly (readonly [string, keyof typeof is])[] = [
    ['command', 'command'],
    ['command', 'entrypoint'],
    ['uid', 'uid'],
    ['stop', 'stopTimeout'],
    ['writable', 'tmpfs'],
    ['relax', 'readOnly'],
    ['relax', 'capabilities'],
    ['relax', 'newPrivileges'],
  ];
  for (const [word, field] of fields) {
    if (JSON.stringify(was[field]) !== JSON.stringify(is[field])) changes.push(word);
  }
  const networks = (item: Workload): string => item.container.networks.map((use) => use.name).join();
  if (networks(before) !== networks(after)) changes.push('networks');
  const mounts = (item: Workload): string =>
    JSON.stringify(
      item.container.mounts.filter(({ target }) => target !== INSIDE.socketDir && target !== INSIDE.secrets),
    );
  if (mounts(before) !== mounts(after)) changes.push('volumes or uploads');
  if (JSON.stringify(before.listen) !== JSON.stringify(after.listen)) changes.push('port');
  // An image that is not here yet cannot be compared; the rest was.
  const what = [...new Set(changes)].join(', ') || (now === undefined ? 'image' : 'definition');
  return `${what} changed (was ${before.spec.slice(0, 7)})`;
}

function namesOf(...workloads: readonly Workload[]): string[] {
  return [...new Set(workloads.flatMap(({ secrets }) => Object.keys(secrets?.versions ?? {})))];
}

function secretChanges(before: Workload, after: Workload): string[] {
  return namesOf(before, after).flatMap((name) => {
    const was = before.secrets?.versions[name];
    const is = after.secrets?.versions[name];
    if (was === is) return [];
    return [is === undefined ? `secret ${name} (no more)` : `secret ${name} (now version ${is})`];
  });
}

/** A socket has the name of its container, which is no change of its own. */
function withoutName(container: Workload['container']): Workload['container'] {
  return JSON.parse(JSON.stringify(container).replaceAll(container.name, '')) as Workload['container'];
}

function changedKeys(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]).toSorted();
}
