import { resolve } from 'node:path';
import type { Notify } from './journal.ts';
import type { Workspace } from './model.ts';
import { duration, size } from './report.ts';
import { normaliseWorkspaceTls, type Texts } from './tls.ts';
import { USUAL_WATCH_MS } from './trial.ts';
import type { WorkspaceInput } from './workspace-schema.ts';

/** What an app may use when nothing says otherwise. */
const DEFAULT_LIMITS = { memory: '256M', cpus: 0.5, pids: 100 };

const WORKSPACE_FILES = ['hostctl.yaml', '.hostctl', 'projects/*.yaml', 'projects/*.yml'];

/** Patterns of a workspace's own files, for one that lies at `inside` within a source; empty for its root. */
export function workspaceFiles(inside: string): string[] {
  return WORKSPACE_FILES.map((name) => (inside === '' ? name : `${inside}/${name}`));
}

function existingTraefik(
  input: NonNullable<NonNullable<WorkspaceInput['proxy']>['existing']>,
): NonNullable<Workspace['proxy']['existing']> {
  const { container, directory } = input;
  const names = input['entry-points'];
  return { container, directory, entryPoints: { http: names?.http ?? 'web', https: names?.https ?? 'websecure' } };
}

function notifyOf({ on, webhook, command }: NonNullable<WorkspaceInput['notify']>, dir: string): Notify {
  const [program = '', ...words] = command ?? [];
  return {
    on: on ?? ['failure', 'revert'],
    ...(webhook === undefined ? {} : { webhook }),
    ...(command ? { command: [program.includes('/') ? resolve(dir, program) : program, ...words] } : {}),
  };
}

/** hostctl.yaml with the defaults filled in; an absent file is an empty one. */
export function normaliseWorkspace(input: WorkspaceInput, dir: string, text: Texts = () => undefined): Workspace {
  const limits = input.defaults?.limits ?? {};
  const instance = input.instance ?? 'hostctl';
  return {
    dir,
    instance,
    // Two instances must not share one: each would serve the other's sites.
    data: input.data ?? `/var/lib/${instance}`,
    ...(input.engine === undefined ? {} : { engine: input.engine }),
    proxy: {
      driver: input.proxy?.driver ?? 'traefik',
      address: input.proxy?.address ?? '0.0.0.0',
      http: input.proxy?.http ?? 80,
      https: input.proxy?.https ?? 443,
      httpsWanted: input.proxy?.https !== undefined,
      ...(input.proxy?.existing ? { existing: existingTraefik(input.proxy.existing) } : {}),
    },
    tls: normaliseWorkspaceTls(input.tls, dir, text),
    bases: {
      from: input.bases?.from ?? 'auto',
      images: input.bases?.images ?? {},
      ...(input.bases?.registry === undefined ? {} : { registry: input.bases.registry }),
      ...(input.bases?.mirror === undefined ? {} : { mirror: input.bases.mirror }),
    },
    builds: {
      ...(input.builds?.memory === undefined ? {} : { memory: size(input.builds.memory) }),
      ...(input.builds?.cpus === undefined ? {} : { cpus: input.builds.cpus }),
    },
    whenShort: input.memory?.['when-short'] ?? 'refuse',
    pool: input.network?.pool ?? '10.213.0.0/16',
    limits: {
      memory: size(limits.memory ?? DEFAULT_LIMITS.memory),
      cpus: limits.cpus ?? DEFAULT_LIMITS.cpus,
      pids: limits.pids ?? DEFAULT_LIMITS.pids,
    },
    keep: input.defaults?.keep ?? 3,
    watch: input.defaults?.watch === undefined ? USUAL_WATCH_MS : duration(input.defaults.watch),
    ...(input.notify ? { notify: notifyOf(input.notify, dir) } : {}),
  };
}
