import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { formatSize } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { BuildOptions } from '../core/build.ts';
import type { EngineApi } from './api.ts';
import { BuildTrace } from './buildkit.ts';
import { ClassicTrace } from './classic.ts';
import { type Progress, progress, uncoloured } from './streams.ts';

/** Builds, pulls and imports answer 200 first and fail in the middle of their stream. */

const LONG = 60 * 60_000;
/** A step that prints nothing may take a while; a builder that hangs never says anything again. */
const SILENCE = 15 * 60_000;

export async function buildImage(
  api: EngineApi,
  context: Readable,
  options: BuildOptions,
  onLine: (line: string) => void,
): Promise<string> {
  const stream = await api.open({
    method: 'POST',
    path: '/build',
    query: {
      t: options.tag,
      dockerfile: options.dockerfile,
      labels: JSON.stringify(options.labels),
      buildargs: JSON.stringify(options.args),
      ...builderOf(options),
    },
    stream: context,
    headers: { 'Content-Type': 'application/x-tar' },
    deadline: LONG,
    silence: SILENCE,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const trace = new BuildTrace();
  const steps = new ClassicTrace();
  const tail: string[] = [];
  let id = '';
  for await (const event of progress(stream)) {
    if (event.error !== undefined) throw buildFailed(options, event.error, tail);
    if (typeof event.aux === 'object') id = event.aux.ID ?? id;
    const found = typeof event.aux === 'string' ? trace.lines(event.aux) : steps.lines(event.stream ?? '');
    for (const line of found.map((item) => uncoloured(item).trimEnd())) {
      tail.push(line);
      onLine(line);
    }
  }
  if (id === '') throw buildFailed(options, 'the engine ended the build without an image', tail);
  return id;
}

/** The period a share of the processor is counted in, in microseconds; the kernel's own. */
const PERIOD = 100_000;
/** The weight of a step against a site's 1024, for when both want the processor. */
const SHARES = 128;

/** Only the classic builder starts the steps of a build as containers with limits; BuildKit reads over them. */
function builderOf({ caps }: BuildOptions): Record<string, string | number | boolean> {
  if (!caps) return { version: 2 };
  return {
    version: 1,
    rm: true,
    forcerm: true,
    memory: caps.memory,
    memswap: caps.memory,
    cpuperiod: PERIOD,
    cpuquota: Math.max(1000, Math.round(caps.cpus * PERIOD)),
    cpushares: SHARES,
  };
}

function buildFailed({ tag, caps }: BuildOptions, reason: string, tail: readonly string[]): HostctlError {
  const lines = tail.slice(-20).map((line) => `  ${line}`);
  const killed = /returned a non-zero code: 137\b/.test(reason) || tail.slice(-20).some((line) => KILLED.test(line));
  if (!caps || !killed) {
    return new HostctlError('BUILD_FAILED', [`building ${tag} failed: ${reason.trim()}`, ...lines].join('\n'));
  }
  const limit = formatSize(caps.memory);
  const what = `building ${tag} failed: a program in it was killed, probably at the limit of ${limit} of memory`;
  return new HostctlError('BUILD_MEMORY', [`${what}: ${reason.trim()}`, ...lines].join('\n'), {
    hints: [`\`builds: { memory: … }\` in hostctl.yaml gives builds more than ${limit}`],
  });
}

/** How programs say that one they started was killed. */
const KILLED = /\bKilled\b|\bSIGKILL\b|signal 9\b/;

/** @param dockerConfig directory of the Docker client's config.json, for the credentials `docker login` left there */
export async function pullImage(
  api: EngineApi,
  ref: string,
  dockerConfig: string,
  onLine: (line: string) => void,
): Promise<void> {
  const auth = await registryAuth(ref, dockerConfig);
  const stream = await api.open({
    method: 'POST',
    path: '/images/create',
    query: { fromImage: ref },
    deadline: LONG,
    silence: SILENCE,
    ...(auth === undefined ? {} : { headers: { 'X-Registry-Auth': auth } }),
  });
  for await (const event of progress(stream)) {
    if (event.error !== undefined)
      throw new HostctlError('PULL_FAILED', `pulling ${ref} failed: ${event.error.trim()}`);
    // Per-layer progress would be a flood; what begins and ends is enough.
    if (event.status !== undefined && !/^(Downloading|Extracting|Waiting)/.test(event.status)) onLine(textOf(event));
  }
}

export async function importRoot(
  api: EngineApi,
  tar: Readable,
  tag: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const [repo, version] = tag.split(/:(?=[^/]*$)/) as [string, string | undefined];
  const stream = await api.open({
    method: 'POST',
    path: '/images/create',
    query: {
      fromSrc: '-',
      repo,
      tag: version ?? 'latest',
      changes: Object.entries(labels)
        .map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`)
        .join('\n'),
    },
    stream: tar,
    headers: { 'Content-Type': 'application/x-tar' },
    deadline: LONG,
    silence: SILENCE,
  });
  for await (const event of progress(stream)) {
    if (event.error !== undefined)
      throw new HostctlError('IMPORT_FAILED', `importing ${tag} failed: ${event.error.trim()}`);
  }
}

function textOf(event: Progress): string {
  if (event.stream !== undefined) return event.stream;
  return [event.id, event.status].filter((part) => part !== undefined).join(': ');
}

/** The credentials for an image's registry, as the header the engine wants. */
async function registryAuth(ref: string, dockerConfig: string): Promise<string | undefined> {
  const first = ref.split('/')[0]!;
  const registry = ref.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'https://index.docker.io/v1/';
  try {
    const config = JSON.parse(await readFile(join(dockerConfig, 'config.json'), 'utf8')) as {
      auths?: Record<string, { auth?: string }>;
    };
    const auth = config.auths?.[registry]?.auth;
    if (auth === undefined) return undefined;
    const [username, ...password] = Buffer.from(auth, 'base64').toString('utf8').split(':');
    const header = { username, password: password.join(':'), serveraddress: registry };
    return Buffer.from(JSON.stringify(header)).toString('base64url');
  } catch {
    return undefined;
  }
}
