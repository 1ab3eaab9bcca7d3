/** The engine's JSON → our own types. Only the fields we read are declared. */
import { z } from 'zod';
import type { ContainerView, EngineInfo, NetworkView } from '../core/state.ts';
import type { ContainerState, ImageView } from '../ports.ts';

const labels = z.record(z.string(), z.string()).nullish();
const texts = z.array(z.string()).nullish();

export const rawInfo = z.object({
  ServerVersion: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  SystemTime: z.string(),
  Warnings: texts,
  SecurityOptions: texts,
});

export const rawContainers = z.array(
  z.object({
    Id: z.string(),
    /** None while it is being removed. */
    Names: texts,
    Image: z.string(),
    ImageID: z.string(),
    State: z.string() as z.ZodType<ContainerView['state']>,
    Status: z.string(),
    Created: z.number(),
    Labels: labels,
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  }),
);

export const rawState = z.object({
  Name: z.string(),
  RestartCount: z.number(),
  State: z.object({
    Running: z.boolean(),
    Restarting: z.boolean(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
  }),
  Config: z.object({ Image: z.string(), Labels: labels }),
  HostConfig: z.object({ Memory: z.number(), NanoCpus: z.number(), PidsLimit: z.number().nullish() }),
  NetworkSettings: z.object({
    Networks: z.record(z.string(), z.object({ IPAddress: z.string().optional() })).nullish(),
  }),
});

const rawNetwork = z.object({
  Id: z.string(),
  Name: z.string(),
  Labels: labels,
  IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().optional() })).nullish() }).nullish(),
});
export const rawNetworks = z.array(rawNetwork);

/** Who is on a network, by the ids of the containers. */
export const rawMembers = z.object({ Containers: z.record(z.string(), z.unknown()).nullish() });

export const rawImage = z.object({
  Id: z.string(),
  RepoTags: texts,
  RepoDigests: texts,
  Size: z.number().nullish(),
  Config: z.object({ Labels: labels, Entrypoint: texts, Cmd: texts }).nullish(),
});

const rawImageSummary = z.object({
  Id: z.string(),
  Labels: labels,
  RepoTags: texts,
  RepoDigests: texts,
  Size: z.number().nullish(),
});
export const rawImages = z.array(rawImageSummary);

export const rawExit = z.object({ StatusCode: z.number() });
export const rawExec = z.object({ Id: z.string() });
/** Null while it runs. */
export const rawExecState = z.object({ ExitCode: z.number().nullable() });

type RawInfo = z.infer<typeof rawInfo>;
type RawContainer = z.infer<typeof rawContainers>[number];
type RawState = z.infer<typeof rawState>;
type RawNetwork = z.infer<typeof rawNetwork>;
type RawImage = z.infer<typeof rawImage>;
type RawImageSummary = z.infer<typeof rawImageSummary>;

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
    name: (raw.Names?.[0] ?? '').replace(/^\//, ''),
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
  const minor = (version: string): number => Number(/^1\.(\d+)$/.exec(version)?.[1]);
  return minor(a) <= minor(b) ? a : b;
}
