import type { Workload } from '../core/state.ts';
import type { Observed } from '../core/state.ts';
import { LABEL } from '../core/names.ts';
import { listeningEverywhere, type Probe, probeProgram, probesFor, readProbes } from '../core/probes.ts';
import { PROXY_PORT } from '../core/proxy-part.ts';
import type { ProbeResult } from '../core/results.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { edgeName } from './driver.ts';
import { presentOrigin } from './images.ts';
import { toolBase } from './proxy.ts';
import { tail } from './ready.ts';
import { helperSpec, runOnce } from './run-once.ts';

/** Tries from containers with the settings of each app what these must not reach. */
export async function probeApps(names: readonly string[], observed: Observed, ctx: Context): Promise<ProbeResult[]> {
  const image = await presentOrigin(toolBase(ctx), ctx);
  if (!image) {
    throw new HostctlError('NO_BASE', 'there is no base image to try it with', { hints: ['hostctl setup makes them'] });
  }
  const workloads = Object.values(observed.histories)
    .flatMap(({ current }) => current?.desired.workloads ?? [])
    .filter(({ project, replica }) => replica === 1 && (names.length === 0 || names.includes(project)));
  const results: ProbeResult[] = [];
  for (const workload of workloads) {
    const probes = probesFor({
      hostPorts: await hostPorts(ctx),
      neighbours: await neighboursOf(workload, observed, ctx),
    });
    const found = await probeApp(workload, probes, image.ref, ctx);
    results.push(...found.map((item) => ({ project: workload.project, app: workload.app, ...item })));
  }
  return results;
}

async function probeApp(
  { project, app, container }: Workload,
  probes: readonly Probe[],
  image: string,
  ctx: Context,
): Promise<{ attempt: string; held: boolean }[]> {
  const { capabilities, files, limits, networks, newPrivileges, readOnly, tmpfs } = container;
  const name = `${ctx.workspace.instance}-probe-${project}-${app}`;
  const spec = helperSpec(
    {
      name,
      image,
      // Where an app keeps the user of its image, nobody in particular.
      uid: container.uid ?? 65_534,
      entrypoint: ['/bin/bash', '-c', probeProgram(probes)],
      // It must not be found under the app's name.
      networks: networks.map((use) => ({ ...use, aliases: [] })),
      capabilities,
      files,
      limits,
      newPrivileges,
      readOnly,
      tmpfs,
    },
    ctx,
  );
  const lines = await runOnce(spec, ctx, () => tail(name, ctx, { count: probes.length }));
  return readProbes(probes, lines);
}

async function hostPorts(ctx: Context): Promise<number[]> {
  const { http, https } = ctx.workspace.proxy;
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => ctx.machine.read(`/proc/self/net/${name}`)));
  return [...new Set(tables.flatMap((table) => listeningEverywhere(table ?? '')))].filter(
    (port) => port !== http && port !== https,
  );
}

/** Where apps of other projects listen, and the proxy on the network it publishes from. */
async function neighboursOf(
  { project, container }: Workload,
  observed: Observed,
  ctx: Context,
): Promise<{ name: string; address: string; port: number }[]> {
  const own = new Set(container.networks.filter(({ aliases }) => aliases.length > 0).map(({ name }) => name));
  const workloads = Object.values(observed.histories).flatMap(({ current }) => current?.desired.workloads ?? []);
  const others = observed.containers.filter(
    ({ labels, state }) => state === 'running' && labels[LABEL.project] !== project,
  );
  const found = await Promise.all(
    others.map(async ({ name }) => {
      const listen = workloads.find((item) => item.container.name === name)?.listen;
      const port = name === edgeName(ctx) ? PROXY_PORT : listen?.kind === 'port' ? listen.port : undefined;
      const addresses = Object.entries((await ctx.engine.inspect(name))?.addresses ?? {});
      // On the network of its own project the proxy may be asked, as by any visitor.
      const apart = addresses.filter(([network, address]) => address !== '' && !own.has(network));
      return port === undefined ? [] : apart.map(([, address]) => ({ name, address, port }));
    }),
  );
  return found.flat();
}
