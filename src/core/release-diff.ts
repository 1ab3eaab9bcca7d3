import type { Limits } from './model.ts';
import type { Desired, History, Release, Workload } from './state.ts';
import { formatDuration, formatSize } from './units.ts';

/** One thing in which two releases differ. */
export interface ReleaseChange {
  /** `web`, or the project's own. */
  readonly app?: string;
  /** `image`, `env DEBUG`, `limits`, `hostnames`, … */
  readonly what: string;
  /** Absent where the value is nobody's business, or long, and where there is none. */
  readonly before?: string;
  readonly after?: string;
}

/** What differs from one release to another, app by app, then the site. Values of `env` and settings are not told. */
export function compareReleases(a: Release, b: Release): ReleaseChange[] {
  const apps = [...new Set([...appsOf(a.desired), ...appsOf(b.desired)])].toSorted();
  return [...apps.flatMap((app) => appChanges(app, a.desired, b.desired)), ...siteChanges(a.desired, b.desired)];
}

function appsOf({ workloads }: Desired): string[] {
  return workloads.map((item) => item.app);
}

function appChanges(app: string, a: Desired, b: Desired): ReleaseChange[] {
  const was = a.workloads.filter((item) => item.app === app);
  const is = b.workloads.filter((item) => item.app === app);
  if (was.length === 0) return [{ app, what: 'app', after: 'is new' }];
  if (is.length === 0) return [{ app, what: 'app', before: 'goes' }];
  const [x, y] = [was[0]!, is[0]!];
  const told = (what: string, before: string, after: string): ReleaseChange[] =>
    before === after ? [] : [{ app, what, before, after }];
  const kept = (what: string, before: unknown, after: unknown): ReleaseChange[] =>
    JSON.stringify(before) === JSON.stringify(after) ? [] : [{ app, what }];
  return [
    ...told('image', imageText(app, a), imageText(app, b)),
    ...envChanges(app, x.container.env, y.container.env),
    ...secretChanges(app, x.secrets?.versions ?? {}, y.secrets?.versions ?? {}),
    ...told('limits', limitsText(x.container.limits), limitsText(y.container.limits)),
    ...told('replicas', String(was.length), String(is.length)),
    ...told('command', (x.container.command ?? []).join(' '), plain(y, x)),
    ...told('volumes', x.volumes.join(', '), y.volumes.join(', ')),
    ...told('networks', networksText(x), networksText(y)),
    ...kept('health', x.health, y.health),
    ...told('release', (x.release ?? []).join(' '), (y.release ?? []).join(' ')),
    ...kept('hardening', hardening(x), hardening(y)),
  ];
}

/** A command without the name of its container, which its socket has. */
function plain(item: Workload, like: Workload): string {
  return (item.container.command ?? []).join(' ').replaceAll(item.container.name, like.container.name);
}

function imageText(app: string, { images }: Desired): string {
  const image = images[app];
  const id = image?.id?.replace('sha256:', '').slice(0, 12);
  return `${image?.ref ?? 'none'}${id === undefined ? '' : ` (${id})`}`;
}

function envChanges(
  app: string,
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): ReleaseChange[] {
  const own = new Set(['PORT', 'HOME']);
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted().filter((name) => !own.has(name));
  return names.flatMap((name): ReleaseChange[] => {
    if (a[name] === b[name]) return [];
    const what = `env ${name}`;
    if (a[name] === undefined) return [{ app, what, after: 'is set' }];
    return b[name] === undefined ? [{ app, what, before: 'is no more' }] : [{ app, what }];
  });
}

function secretChanges(
  app: string,
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): ReleaseChange[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted().filter((name) => a[name] !== b[name]);
  const text = (version: number | undefined): string => (version === undefined ? 'none' : `version ${version}`);
  return names.map((name) => ({ app, what: `secret ${name}`, before: text(a[name]), after: text(b[name]) }));
}

function limitsText({ memory, cpus, pids }: Limits): string {
  return `${formatSize(memory)}, ${cpus} cpus, ${pids} pids`;
}

function networksText({ container }: Workload): string {
  return container.networks.map((use) => use.name).join(', ');
}

function hardening({ container }: Workload): unknown {
  const { uid, readOnly, capabilities, newPrivileges, tmpfs } = container;
  return [uid, readOnly, capabilities, newPrivileges, tmpfs];
}

function siteChanges(a: Desired, b: Desired): ReleaseChange[] {
  const names = ({ site }: Desired): string => site?.hostnames.map((host) => host.name).join(', ') ?? '';
  const media = ({ media: sets }: Desired): Map<string, string> =>
    new Map(sets.map((set) => [set.alias, JSON.stringify([set.root, set.source, set.maxAge])]));
  const routes = ({ site, workloads }: Desired): string => {
    // Which containers answer is no change of a route.
    const all = workloads.flatMap((item) => [item.container.name, item.link ?? item.container.name]);
    const text = JSON.stringify([site?.routes.filter((route) => route.target.to === 'app'), site?.maxBody]);
    return all.reduce((rest, name) => rest.replaceAll(name, ''), text);
  };
  const settings = (desired: Desired): Readonly<Record<string, unknown>> => ({ ...desired.site?.settings });
  const keys = [...new Set([...Object.keys(settings(a)), ...Object.keys(settings(b))])].toSorted();
  const aliases = [...new Set([...media(a).keys(), ...media(b).keys()])].toSorted();
  return [
    ...(names(a) === names(b) ? [] : [{ what: 'hostnames', before: names(a), after: names(b) }]),
    ...(routes(a) === routes(b) ? [] : [{ what: 'routes' }]),
    ...aliases.flatMap((alias) => fromTo(`media ${alias}`, media(a).get(alias), media(b).get(alias))),
    ...keys.flatMap((key) => fromTo(`http.${key}`, json(settings(a)[key]), json(settings(b)[key]))),
    ...fromTo('tls', json(a.site?.tls), json(b.site?.tls)),
  ];
}

function json(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function fromTo(what: string, before: string | undefined, after: string | undefined): ReleaseChange[] {
  if (before === after) return [];
  if (before === undefined) return [{ what, after: 'is new' }];
  return after === undefined ? [{ what, before: 'goes' }] : [{ what }];
}

/** What stays as it is, or stays gone, when the project goes from one release back to an earlier one; in sentences. */
export function whatStays(from: Release, to: Release, history: History): string[] {
  const between = history.releases.filter((release) => release.id > to.id && release.id <= from.id).toReversed();
  const ran = between.flatMap((release) => hooksOf(release));
  const volumes = [...new Set([...from.desired.workloads, ...to.desired.workloads].flatMap((item) => item.volumes))];
  const uploads = [...from.desired.media, ...to.desired.media].filter((set) => set.source.kind === 'uploads');
  const aliases = [...new Set(uploads.map((set) => set.alias))];
  const known = new Set(between.map((release) => release.id));
  const gone = Array.from({ length: from.id - to.id }, (_, index) => to.id + 1 + index).filter((id) => !known.has(id));
  return [
    ...ran,
    ...(gone.length > 0 ? [`nothing is on record any more of what release ${gone.join(', ')} ran`] : []),
    ...(volumes.length > 0 ? [`volumes are not part of a release: ${volumes.join(', ')} stay as they are now`] : []),
    ...(aliases.length > 0 ? [`uploads stay as they are now, deleted ones stay deleted: ${aliases.join(', ')}`] : []),
    ...(to.desired.site?.tls ? ['the newest certificate stays in force'] : []),
  ];
}

function hooksOf({ id, hooks, desired, rollbackOf }: Release): string[] {
  const what = 'what it did to a database stays';
  if (hooks)
    return hooks.map(
      (hook) => `release ${id} ran ${hook.app}: ${hook.command.join(' ')} (${formatDuration(hook.ms)}); ${what}`,
    );
  if (rollbackOf !== undefined) return [];
  const apps = new Map(desired.workloads.flatMap((item) => (item.release ? [[item.app, item.release] as const] : [])));
  return [...apps].map(([app, command]) => `release ${id} may have run ${app}: ${command.join(' ')}; ${what}`);
}
