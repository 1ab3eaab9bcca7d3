/** The engine's JSON → our own types. Only the fields we read are declared. */
import type { ContainerView, EngineInfo, NetworkView } from '../core/state.ts';
import type { ContainerState, ImageView } from '../ports.ts';

export interface RawInfo {
  readonly ServerVersion: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly SystemTime: string;
  readonly Warnings: readonly string[] | null;
  readonly SecurityOptions: readonly string[] | null;
}

export interface RawContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly State: ContainerView['state'];
  readonly Status: string;
  readonly Created: number;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null };
}

export interface RawState {
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Running: boolean;
    readonly Restarting: boolean;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
  };
  readonly Config: { readonly Image: string; readonly Labels?: Readonly<Record<string, string>> | null };
  readonly HostConfig: { readonly Memory: number; readonly NanoCpus: number; readonly PidsLimit?: number | null };
  readonly NetworkSettings: { readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string }>> | null };
}

export interface RawNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] | null };
  readonly Containers?: Readonly<Record<string, unknown>> | null;
}

export interface RawImage {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  readonly Size?: number;
  readonly Config?: {
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
  };
}

export interface RawImageSummary {
  readonly Id: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  readonly Size?: number;
}

export function info(raw: RawInfo, api: string): EngineInfo {
  return {
    version: raw.ServerVersion,
    api,
    cpus: raw.NCPU,
    memory: raw.MemTotal,
    time: raw.SystemTime,
    warnings: raw.Warnings ?? [],
    security: (raw.SecurityOptions ?? []).map((option) => option.replace(/^name=/, '').split(',')[0]!),
  };
}

export function container(raw: RawContainer): ContainerView {
  return {
    id: raw.Id,
    name: (raw.Names[0] ?? '').replace(/^\//, ''),
    image: raw.Image,
    imageId: raw.ImageID,
    state: raw.State,
    status: raw.Status,
    created: raw.Created,
    labels: raw.Labels ?? {},
    networks: Object.keys(raw.NetworkSettings?.Networks ?? {}),
  };
}

export function state(raw: RawState): ContainerState {
  return {
    name: raw.Name.replace(/^\//, ''),
    image: raw.Config.Image,
    running: raw.State.Running,
    restarting: raw.State.Restarting,
    exitCode: raw.State.ExitCode,
    oomKilled: raw.State.OOMKilled,
    restarts: raw.RestartCount,
    startedAt: raw.State.StartedAt,
    limits: { memory: raw.HostConfig.Memory, cpus: raw.HostConfig.NanoCpus / 1e9, pids: raw.HostConfig.PidsLimit ?? 0 },
    addresses: Object.fromEntries(
      Object.entries(raw.NetworkSettings.Networks ?? {}).map(([name, use]) => [name, use.IPAddress ?? '']),
    ),
  };
}

export function network(raw: RawNetwork): NetworkView {
  return {
    id: raw.Id,
    name: raw.Name,
    labels: raw.Labels ?? {},
    subnets: (raw.IPAM?.Config ?? []).flatMap((config) => (config.Subnet ? [config.Subnet] : [])),
  };
}

export function image({ Config, ...raw }: RawImage): ImageView {
  const start = { entrypoint: Config?.Entrypoint ?? [], command: Config?.Cmd ?? [] };
  return { ...imageSummary({ ...raw, Labels: Config?.Labels ?? null }), start };
}

/** An image without a name has `<none>` for one in a list of some engines. */
export function imageSummary({ Id, Labels, RepoTags, RepoDigests, Size }: RawImageSummary): ImageView {
  const named = (names: readonly string[] | null | undefined): string[] =>
    (names ?? []).filter((name) => !name.startsWith('<none>'));
  return { id: Id, labels: Labels ?? {}, tags: named(RepoTags), digests: named(RepoDigests), size: Size ?? 0 };
}

/** The older of two API versions such as `1.41`. */
export function older(a: string, b: string): string {
  const minor = (version: string): number => Number(version.split('.')[1] ?? 0);
  return minor(a) <= minor(b) ? a : b;
}
