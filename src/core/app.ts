import { resolve } from 'node:path';
import { didYouMean } from './suggest.ts';
import type { App, Health, Limits, Listen, Source, Volume } from './model.ts';
import { duration, readCommand, type Report, size, type Surroundings } from './report.ts';
import { parseUrlPath } from './routes.ts';
import { chooseServer, type Runtime, templateValues } from './runtime.ts';
import type { AppInput, ProjectInput } from './schema.ts';
import { readSecrets } from './secrets.ts';
import { USUAL_WATCH_MS } from './trial.ts';
import { quote } from './units.ts';

const DEFAULTS = { within: '60s', drain: '10s', stop: '20s', processes: 1, threads: 4 };
const DEFAULT_OBJECT = { wsgi: 'application', asgi: 'app' };

/** One entry of `apps:` → an App; what is wrong goes into the report. */
export function normaliseApp(name: string, project: ProjectInput, around: Surroundings, report: Report): App {
  const input = project.apps[name]!;
  const at = ['apps', name];
  const path = readPath(name, project, at, report);
  const runtime = readRuntime(input, at, around, report);
  const serves = path !== undefined || input.health?.path !== undefined;
  const server = runtime && readServer(runtime, input, at, report);
  const listen = readListen(input, serves, server, around);
  if (server && !runtime.worker && listen.kind === 'none' && input.command === undefined) {
    report.add(at, `${quote(name)} answers no requests, so what should it run?`, {
      hint: 'add a `command`, or the `path` or `port` it answers',
      on: 'key',
    });
  }
  if (input.sticky === true && path === undefined) {
    report.add([...at, 'sticky'], `no visitor reaches ${quote(name)}, so there is nothing to stick to`, {
      hint: 'add the `path` it answers, or leave `sticky` out',
      on: 'key',
    });
  }
  return {
    name,
    source: readSource(input, at, runtime, server, around, report),
    listen,
    ...(server?.spec.keepAlive === undefined ? {} : { keepAlive: server.spec.keepAlive * 1000 }),
    ...(path === undefined ? {} : { path }),
    ...optional('command', readCommand(input.command, [...at, 'command'], report)),
    env: { ...runtime?.env, ...input.env },
    secrets: readSecrets(input, at, report),
    limits: readLimits(input.limits, around.limits),
    health: readHealth(input, path, runtime, at, around, report),
    ...optional('release', readCommand(input.release, [...at, 'release'], report)),
    replicas: input.replicas ?? 1,
    sticky: input.sticky ?? false,
    volumes: readVolumes(input),
    writable: [...(runtime?.writable ?? []), ...(input.writable ?? [])],
    needs: input.needs ?? [],
    egress: input.egress ?? true,
    drain: duration(input.drain ?? DEFAULTS.drain),
    stop: duration(input.stop ?? DEFAULTS.stop),
    relax: input.relax ?? [],
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** `web`, or the only app, answers `/` unless it says otherwise. */
function readPath(name: string, project: ProjectInput, at: string[], report: Report): string | undefined {
  const input = project.apps[name]!;
  const served = (project.hostnames ?? []).length > 0;
  if (input.path !== undefined) {
    const parsed = parseUrlPath(input.path);
    if (!parsed.ok) report.add([...at, 'path'], parsed.message);
    if (!served) {
      report.add([...at, 'path'], 'a path needs a hostname', { hint: 'add `hostnames: [www.example.org]`', on: 'key' });
    }
    return parsed.ok ? parsed.value : undefined;
  }
  if (name === 'web') {
    if (!served && project.hostnames === undefined) {
      report.add(at, '`web` answers requests, but the project has no hostname', {
        hint: 'add `hostnames: [www.example.org]`, or give an app that answers none another name',
        on: 'key',
      });
    }
    return '/';
  }
  const only = Object.keys(project.apps).length === 1;
  const able = input.image === undefined || input.port !== undefined;
  return served && only && able ? '/' : undefined;
}

function readRuntime(input: AppInput, at: string[], around: Surroundings, report: Report): Runtime | undefined {
  if (input.runtime === undefined) return undefined;
  const runtime = around.runtimes.find((candidate) => candidate.name === input.runtime);
  if (runtime) return runtime;
  const names = around.runtimes.map((candidate) => candidate.name);
  const guess = didYouMean(input.runtime, names);
  report.add([...at, 'runtime'], `there is no runtime ${quote(input.runtime)}`, {
    hint: guess ? `did you mean ${quote(guess)}?` : `one of ${names.join(', ')}`,
  });
  return undefined;
}

type Server = NonNullable<ReturnType<typeof chooseServer>>;

function readServer(runtime: Runtime, input: AppInput, at: string[], report: Report): Server | undefined {
  const server = chooseServer(runtime, input.server?.kind);
  if (!server) {
    report.add([...at, 'server', 'kind'], `the ${runtime.name} runtime has no server ${quote(input.server!.kind!)}`, {
      hint: `one of ${Object.keys(runtime.servers).join(', ')}`,
    });
  }
  return server;
}

function readSource(
  input: AppInput,
  at: string[],
  runtime: Runtime | undefined,
  server: Server | undefined,
  around: Surroundings,
  report: Report,
): Source {
  const given = (['runtime', 'dockerfile', 'image'] as const).filter((key) => input[key] !== undefined);
  if (given.length !== 1) {
    const message =
      given.length === 0
        ? `${quote(at[1]!)} has neither \`runtime\`, \`dockerfile\` nor \`image\``
        : `${given.map(quote).join(' and ')} exclude each other`;
    report.add(at, message, { hint: 'write exactly one of them', on: 'key' });
  }
  const known = given.length === 1 && (runtime !== undefined || input.runtime === undefined);
  for (const key of known ? (['wsgi', 'asgi', 'root', 'server', 'static'] as const) : []) {
    if (input[key] === undefined || runtime?.accepts.includes(key)) continue;
    const owner = input.runtime === undefined ? 'an app without a runtime' : `the ${input.runtime} runtime`;
    report.add([...at, key], `${owner} has no use for ${quote(key)}`, { on: 'key' });
  }
  if (input.image !== undefined) {
    if (input.source !== undefined) {
      report.add([...at, 'source'], 'an image is not built, so it has no source', { on: 'key' });
    }
    return { kind: 'image', ref: /[:@]/.test(input.image.split('/').at(-1)!) ? input.image : `${input.image}:latest` };
  }
  if (input.dockerfile !== undefined) return readDockerfile(input, at, around, report);
  return readRuntimeSource(input, at, runtime, server, around, report);
}

function readDockerfile(input: AppInput, at: string[], around: Surroundings, report: Report): Source {
  let file = resolve(around.dir, input.dockerfile!);
  if (around.exists(file) === 'folder') file = `${file}/Dockerfile`;
  if (around.exists(file) !== 'file') {
    const what = around.exists(file) === 'closed' ? 'cannot be read' : 'is not there';
    report.add([...at, 'dockerfile'], `${quote(input.dockerfile!)} ${what}`, { hint: `looked for ${file}` });
  }
  if (input.source === undefined) return { kind: 'dockerfile', dir: resolve(file, '..'), file };
  return { kind: 'dockerfile', dir: readFolder(input.source, at, around, report), file };
}

function readFolder(source: string, at: string[], around: Surroundings, report: Report): string {
  const dir = resolve(around.dir, source);
  const kind = around.exists(dir);
  if (kind !== 'folder') {
    const what = { file: 'is a file, not a folder', closed: 'cannot be read', none: 'is not there' }[kind ?? 'none'];
    report.add([...at, 'source'], `${quote(source)} ${what}`, { hint: `looked for ${dir}` });
  }
  return dir;
}

function readRuntimeSource(
  input: AppInput,
  at: string[],
  runtime: Runtime | undefined,
  server: Server | undefined,
  around: Surroundings,
  report: Report,
): Source {
  if (input.source === undefined && input.runtime !== undefined) {
    report.add([...at, 'source'], 'a runtime needs a `source`', { hint: 'add `source: ../projectname`', on: 'key' });
  }
  const dir = input.source === undefined ? around.dir : readFolder(input.source, at, around, report);
  if (!runtime || !server) return { kind: 'runtime', runtime: '', dir, values: {} };
  const { values, missing } = templateValues(runtime, server, around.facts(dir), givenValues(input));
  // A source that is not there says nothing, and was reported.
  for (const name of around.exists(dir) === 'folder' ? missing : []) {
    // Who starts something else needs none of them.
    values[name] = '';
    if (input.command !== undefined) continue;
    report.add(at, `nothing in the source says which ${quote(name)} to start`, { hint: `add \`${name}:\``, on: 'key' });
  }
  return { kind: 'runtime', runtime: runtime.name, dir, values, server: server.name };
}

function givenValues(input: AppInput): Record<string, string> {
  const values: Record<string, string> = {
    processes: String(input.server?.processes ?? DEFAULTS.processes),
    threads: String(input.server?.threads ?? DEFAULTS.threads),
  };
  if (input.root !== undefined) values['root'] = input.root;
  for (const key of ['wsgi', 'asgi'] as const) {
    const value = input[key];
    if (value !== undefined) values[key] = value.includes(':') ? value : `${value}:${DEFAULT_OBJECT[key]}`;
  }
  return values;
}

function readListen(input: AppInput, serves: boolean, server: Server | undefined, around: Surroundings): Listen {
  if (input.port !== undefined) return { kind: 'port', port: input.port };
  if (!serves || !server) return { kind: 'none' };
  if (server.spec.socket && around.host.sockets) return { kind: 'socket' };
  return { kind: 'port', port: server.spec.defaultPort ?? 8000 };
}

function readLimits(input: AppInput['limits'], defaults: Limits): Limits {
  const memory = input?.memory === undefined ? defaults.memory : size(input.memory);
  return { memory, cpus: input?.cpus ?? defaults.cpus, pids: input?.pids ?? defaults.pids };
}

function readHealth(
  input: AppInput,
  path: string | undefined,
  runtime: Runtime | undefined,
  at: string[],
  around: Surroundings,
  report: Report,
): Health {
  const health = input.health ?? {};
  const command = readCommand(health.command, [...at, 'health', 'command'], report);
  if (command && health.path !== undefined) {
    report.add([...at, 'health'], '`path` and `command` exclude each other', { on: 'key' });
  }
  const usual = path === '/' ? (runtime?.health ?? path) : path;
  const watch = health.watch === undefined ? around.watch : duration(health.watch);
  const asked = command ? undefined : (health.path ?? usual);
  return {
    ...optional('path', asked),
    expect: health.expect ?? [],
    ...optional('command', command),
    within: duration(health.within ?? DEFAULTS.within),
    // Releases from before there was such a thing say the same.
    ...(watch === USUAL_WATCH_MS ? {} : { watch }),
  };
}

function readVolumes(input: AppInput): Volume[] {
  return Object.entries(input.volumes ?? {}).map(([name, volume]) =>
    typeof volume === 'string'
      ? { name, at: volume, shared: false }
      : { name, at: volume.at, shared: volume.shared ?? false },
  );
}
