import { isAbsolute, resolve } from 'node:path';
import type { App, Media } from './model.ts';
import type { PathKey } from './problems.ts';
import { duration, type Report, type Surroundings } from './report.ts';
import { parseUrlPath } from './routes.ts';
import type { MediaInput, ProjectInput } from './schema.ts';
import { quote } from './units.ts';

const DEFAULT_CACHE = '1h';

interface Alias {
  readonly media: Media;
  /** Where the definition says so. */
  readonly at: readonly PathKey[];
  /** Whether it comes from a runtime that collects static files. */
  readonly collected: boolean;
}

/** The `media:` section → aliases, with those of collected static files added. */
export function readAliases(input: ProjectInput, apps: readonly App[], around: Surroundings, report: Report): Media[] {
  const written: Alias[] = Object.entries(input.media ?? {}).flatMap(([alias, entry]) => {
    const media = readAlias(alias, entry, Object.keys(input.apps), around, report);
    return media ? [{ media, at: ['media', alias], collected: false }] : [];
  });
  const all = [...written, ...collectedAliases(written, apps, around, input)];
  checkAliases(all, apps, report);
  if (written.length > 0 && (input.hostnames ?? []).length === 0) {
    report.add(['media'], 'the project has media, but no hostname', {
      hint: 'add `hostnames: [www.example.org]`',
      on: 'key',
    });
  }
  return all.map((item) => item.media);
}

function readAlias(
  text: string,
  input: MediaInput,
  apps: readonly string[],
  around: Surroundings,
  report: Report,
): Media | undefined {
  const alias = parseUrlPath(text);
  if (!alias.ok) report.add(['media', text], alias.message, { on: 'key' });
  const source = readSource(text, input, alias.ok ? alias.value : undefined, apps, around, report);
  if (!alias.ok || !source) return undefined;
  return { alias: alias.value, source, maxAge: Math.round(duration(input.cache ?? DEFAULT_CACHE) / 1000) };
}

function readSource(
  text: string,
  input: MediaInput,
  alias: string | undefined,
  apps: readonly string[],
  around: Surroundings,
  report: Report,
): Media['source'] | undefined {
  const at = ['media', text];
  const known = (app: string, path: readonly PathKey[]): boolean => {
    // Without any app, that there is none is the problem.
    if (apps.includes(app) || apps.length === 0) return true;
    report.add(path, `there is no app ${quote(app)} in this project`, { hint: `apps here: ${apps.join(', ')}` });
    return false;
  };
  const writer = input['writable-by'];
  if (input.mount !== undefined && writer === undefined) {
    report.add([...at, 'mount'], '`mount` is where the app of `writable-by` sees the folder', { on: 'key' });
  }
  const fromImage = /^image:([^:]*):(.*)$/.exec(input.from);
  if (fromImage) {
    const [, app, path] = fromImage as unknown as [string, string, string];
    if (writer !== undefined) report.add([...at, 'writable-by'], 'what comes from an image cannot be written to');
    if (!path.startsWith('/') || path.split('/').includes('..')) {
      report.add([...at, 'from'], `${quote(path)} is no absolute path inside the image`);
      return undefined;
    }
    return known(app, [...at, 'from']) ? { kind: 'image', app, path } : undefined;
  }
  if (input.from.startsWith('image:')) {
    report.add([...at, 'from'], `${quote(input.from)} is not image:APP:/path`);
    return undefined;
  }
  const path = readFolder(input.from, [...at, 'from'], around, report);
  if (path === undefined) return undefined;
  const kind = around.exists(path);
  if (kind === 'closed') {
    report.add([...at, 'from'], `${quote(input.from)} cannot be read`, { hint: `looked for ${path}` });
    return undefined;
  }
  if (writer !== undefined) {
    const mount = input.mount ?? alias ?? '';
    if (mount === '/') report.add(at, 'an app cannot see uploads at `/`', { hint: 'add `mount: /uploads`', on: 'key' });
    if (kind === 'file') report.add([...at, 'from'], 'uploads need a folder, this is a file');
    if (!known(writer, [...at, 'writable-by'])) return undefined;
    return { kind: 'uploads', app: writer, mount, ...(kind === 'folder' ? { seed: path } : {}) };
  }
  if (kind === undefined) {
    report.add([...at, 'from'], `${quote(input.from)} is not there`, { hint: `looked for ${path}` });
    return undefined;
  }
  if (kind === 'file' && alias === '/') {
    report.add(at, 'a single file needs a name', { hint: 'write `/robots.txt`', on: 'key' });
    return undefined;
  }
  return { kind, path };
}

/** `..` may lead out of the workspace's folder only at its start, where a reader sees it. */
function readFolder(from: string, at: readonly PathKey[], around: Surroundings, report: Report): string | undefined {
  const inner = from.replace(/^(\.\.?(\/+|$))+/, '').split('/');
  if (inner.includes('..')) {
    report.add(at, `${quote(from)} holds \`..\` after a name: write where it leads`);
    return undefined;
  }
  const path = isAbsolute(from) ? from : resolve(around.dir, from);
  if (/^\/+$/.test(path)) {
    report.add(at, 'the whole machine cannot be served');
    return undefined;
  }
  return path;
}

/** Static files a runtime collects get their alias by themselves, unless the definition uses it otherwise. */
function collectedAliases(
  written: readonly Alias[],
  apps: readonly App[],
  around: Surroundings,
  input: ProjectInput,
): Alias[] {
  return apps.flatMap((app) => {
    const source = app.source;
    if (source.kind !== 'runtime' || app.path === undefined || input.apps[app.name]?.static === false) return [];
    const files = around.runtimes.find((runtime) => runtime.name === source.runtime)?.static;
    if (!files) return [];
    const alias = app.path === '/' ? files.at : `${app.path}${files.at}`;
    if (written.some((item) => item.media.alias === alias)) return [];
    const media: Media = {
      alias,
      source: { kind: 'image', app: app.name, path: files.from },
      maxAge: duration(DEFAULT_CACHE) / 1000,
    };
    return [{ media, at: ['apps', app.name], collected: true }];
  });
}

function checkAliases(all: readonly Alias[], apps: readonly App[], report: Report): void {
  const owners = new Map<string, string>();
  for (const app of apps) if (app.path !== undefined) owners.set(app.path, `the app ${quote(app.name)}`);
  for (const { media, at, collected } of all) {
    const what = `${quote(media.alias)}${collected ? ', where the collected static files go,' : ''}`;
    const more = { on: 'key', ...(collected ? { hint: 'choose another path, or add `static: false`' } : {}) } as const;
    const owner = owners.get(media.alias);
    if (owner) report.add(at, `${what} is already answered by ${owner}`, more);
    else owners.set(media.alias, `the alias ${quote(media.alias)}`);
    const file = all.find(
      (other) => other.media.source.kind === 'file' && media.alias.startsWith(`${other.media.alias}/`),
    );
    if (file) report.add(at, `${what} lies below ${quote(file.media.alias)}, which is a single file`, more);
  }
}
