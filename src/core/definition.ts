import { normaliseApp } from './app.ts';
import { didYouMean } from './suggest.ts';
import { type Hostname, parseHostname } from './hostnames.ts';
import { readSettings } from './http.ts';
import { readAliases } from './media.ts';
import { checkMounts } from './mounts.ts';
import type { App, Project } from './model.ts';
import type { Finding } from './problems.ts';
import { duration, type Report, size, type Surroundings } from './report.ts';
import type { ProjectInput } from './schema.ts';
import { readTls } from './tls.ts';
import { quote } from './units.ts';

const DEFAULT_BODY = '16M';
const DEFAULT_TIMEOUT = '60s';

/** A definition that fits its schema → a Project, or everything that is wrong with it. */
export function normalise(
  input: ProjectInput,
  around: Surroundings,
): { readonly project?: Project; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const report: Report = { add: (path, message, more = {}) => findings.push({ path, message, ...more }) };
  if (input.name !== undefined && input.name !== around.name) {
    report.add(['name'], `the file is called ${around.name}.yaml`, {
      hint: `write ${quote(around.name)} or rename it`,
    });
  }
  const hostnames = readHostnames(input.hostnames ?? [], report);
  const names = Object.keys(input.apps);
  if (names.length === 0) report.add(['apps'], 'a project needs at least one app', { on: 'key' });
  const apps = names.map((name) => normaliseApp(name, input, around, report));
  checkNeeds(apps, report);
  checkPaths(apps, report);
  const media = readAliases(input, apps, around, report);
  checkMounts(input, apps, report);
  const { settings, pages } = readSettings(input.http ?? {}, { hostnames, apps, media }, around, report);
  const tls = input.tls && readTls(input.tls, hostnames, around, report);
  if (findings.length > 0) return { findings };
  const project: Project = {
    name: around.name,
    file: around.file,
    hostnames,
    apps,
    media,
    maxBody: size(input.http?.body ?? DEFAULT_BODY),
    timeout: duration(input.http?.timeout ?? DEFAULT_TIMEOUT),
    ...(settings ? { settings } : {}),
    pages,
    ...(tls ? { tls } : {}),
  };
  return { findings, project };
}

function readHostnames(texts: readonly string[], report: Report): Hostname[] {
  const seen = new Map<string, string>();
  return texts.flatMap((text, index) => {
    const parsed = parseHostname(text);
    if (!parsed.ok) {
      report.add(['hostnames', index], parsed.message);
      return [];
    }
    const before = seen.get(parsed.value.name);
    if (before !== undefined) report.add(['hostnames', index], `${quote(text)} is the same name as ${quote(before)}`);
    seen.set(parsed.value.name, text);
    return [parsed.value];
  });
}

function checkNeeds(apps: readonly App[], report: Report): void {
  const byName = new Map(apps.map((app) => [app.name, app]));
  for (const app of apps) {
    for (const [index, need] of app.needs.entries()) {
      const at = ['apps', app.name, 'needs', index];
      if (need === app.name) report.add(at, 'an app cannot need itself');
      else if (!byName.has(need)) {
        const guess = didYouMean(need, [...byName.keys()]);
        const hint = guess ? `did you mean ${quote(guess)}?` : `apps here: ${[...byName.keys()].join(', ')}`;
        report.add(at, `there is no app ${quote(need)} in this project`, { hint });
      }
    }
  }
  const circle = findCircle(byName);
  if (circle) report.add(['apps', circle[0]!, 'needs'], `the apps need each other in a circle: ${circle.join(' → ')}`);
}

function findCircle(apps: ReadonlyMap<string, App>): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of apps.get(name)?.needs ?? []) {
      const circle = need === name ? undefined : walk(need, [...trail, name]);
      if (circle) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of apps.keys()) {
    const circle = walk(name, []);
    if (circle) return circle;
  }
  return undefined;
}

function checkPaths(apps: readonly App[], report: Report): void {
  const owners = new Map<string, string>();
  for (const app of apps) {
    if (app.path === undefined) continue;
    const at = ['apps', app.name];
    const owner = owners.get(app.path);
    if (owner) report.add([...at, 'path'], `${quote(app.path)} already leads to the app ${quote(owner)}`);
    owners.set(app.path, app.name);
    // Whether an app of a runtime needs a port is for its server to say; one that is not there was reported.
    if (app.listen.kind === 'none' && app.source.kind !== 'runtime') {
      report.add(at, `${quote(app.name)} answers requests, but nothing says on which port`, {
        hint: 'add `port`',
        on: 'key',
      });
    }
  }
}
