import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Inspection, ReadBack } from '../core/audit-container.ts';
import type { ContainerSpec, NetworkSpec } from '../core/container.ts';
import type { Limits } from '../core/model.ts';
import { LABEL } from '../core/names.ts';
import type { ContainerView, EngineInfo, NetworkView } from '../core/state.ts';
import { formatDuration } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { ContainerState, Engine, ImageView, LogLine, LogOptions, Usage } from '../ports.ts';
import type { BuildOptions } from '../core/build.ts';
import { type Call, EngineApi, EngineError } from './api.ts';
import { buildImage, importRoot, pullImage } from './images.ts';
import { createBody, limitFields, networkBody } from './options.ts';
import { quirksOf, refuseOld } from './quirks.ts';
import { differences, type Inspected, inspected } from './readback.ts';
import * as refusals from './refusals.ts';
import { isStatus, missing } from './refusals.ts';
import { logLines } from './streams.ts';
import { memoryOf, statsSample, usageBetween, type StatsSample } from './usage.ts';
import * as views from './views.ts';

/** The newest API version this adapter was tried with. */
const NEWEST_API = '1.51';
/** Between the two samples a cpu figure is made of. */
const SAMPLE_MS = 250;
/** What a program run inside a container may take when nothing else was asked for, and a copy may be silent. */
const EXEC_MS = 60_000;

/** Runs `work` when nobody else on this machine does the same. */
export type Serial = <T>(work: () => Promise<T>) => Promise<T>;

/** The Docker Engine, through its HTTP API. */
export class DockerEngine implements Engine {
  readonly #api: EngineApi;
  readonly #serial: Serial;
  readonly #dockerConfig: string;
  #ready: Promise<EngineInfo> | undefined;
  #quirks = quirksOf('');

  /** @param dockerConfig directory with the credentials of `docker login` */
  constructor(api: EngineApi, serial: Serial, dockerConfig: string) {
    this.#api = api;
    this.#serial = serial;
    this.#dockerConfig = dockerConfig;
  }

  info(): Promise<EngineInfo> {
    this.#ready ??= this.#connect().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /** Agrees on a version, and learns what the engine must be spared. */
  async #connect(): Promise<EngineInfo> {
    const spoken = await this.#api.version();
    refuseOld(spoken);
    const version = views.older(spoken, NEWEST_API);
    this.#api.pin(version);
    const raw = await this.#api.json({ method: 'GET', path: '/info', deadline: 20_000 }, views.rawInfo);
    this.#quirks = quirksOf(raw.ServerVersion);
    return views.info(raw, version);
  }

  async #json<T>(call: Call, answer?: z.ZodType<T>): Promise<T> {
    await this.info();
    return this.#api.json(call, answer);
  }

  /** Calls that take part in an engine's network locking. */
  async #networked<T>(work: () => Promise<T>): Promise<T> {
    await this.info();
    return this.#quirks.serialNetwork ? this.#serial(work) : work();
  }

  async containers(instance: string): Promise<ContainerView[]> {
    const filters = JSON.stringify({ label: [`${LABEL.instance}=${instance}`] });
    const call = { method: 'GET', path: '/containers/json', query: { all: true, filters } } as const;
    const list = await this.#json(call, views.rawContainers);
    return list.map(views.container);
  }

  async inspect(name: string): Promise<ContainerState | undefined> {
    const call = { method: 'GET', path: `/containers/${name}/json` } as const;
    const raw = await missing(this.#json(call, views.rawState));
    return raw && views.state(raw);
  }

  async readBack(name: string, spec?: ContainerSpec): Promise<ReadBack | undefined> {
    const got = await missing(this.#json<Inspection & Inspected>({ method: 'GET', path: `/containers/${name}/json` }));
    return got && { settings: got, drift: spec ? differences(createBody(spec), got) : [] };
  }

  async networks(): Promise<NetworkView[]> {
    const list = await this.#json({ method: 'GET', path: '/networks' }, views.rawNetworks);
    return list.map(views.network);
  }

  async image(ref: string): Promise<ImageView | undefined> {
    const raw = await missing(this.#json({ method: 'GET', path: `/images/${ref}/json` }, views.rawImage));
    return raw && views.image(raw);
  }

  async images(label: string): Promise<ImageView[]> {
    const filters = JSON.stringify({ label: [label] });
    const list = await this.#json({ method: 'GET', path: '/images/json', query: { filters } }, views.rawImages);
    return list.map(views.imageSummary);
  }

  async create(spec: ContainerSpec): Promise<void> {
    const body = createBody(spec);
    try {
      await this.#json({ method: 'POST', path: '/containers/create', query: { name: spec.name }, body });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      await this.#adopt(spec);
    }
    try {
      const rest = spec.networks.slice(1);
      for (const use of rest) await this.#connectTo(use.name, spec.name, use.aliases);
      const got = await this.#json({ method: 'GET', path: `/containers/${spec.name}/json` }, inspected);
      const wrong = differences(body, got);
      if (wrong.length > 0) {
        throw new HostctlError('ENGINE_IGNORED', `the engine did not take over ${wrong.join(', ')} of ${spec.name}`, {
          hints: ['hostctl doctor tells what this engine lacks'],
        });
      }
    } catch (error) {
      await this.remove(spec.name);
      throw error;
    }
  }

  /** A container of that name exists: ours from an earlier attempt, or somebody else's. */
  async #adopt(spec: ContainerSpec): Promise<void> {
    const got = await this.#json({ method: 'GET', path: `/containers/${spec.name}/json` }, views.rawState);
    const same = [LABEL.instance, LABEL.spec, LABEL.role].every(
      (label) => got.Config.Labels?.[label] === spec.labels[label],
    );
    if (same) return;
    throw new HostctlError('NAME_TAKEN', `there is a container ${spec.name} already, and it is not hostctl's`, {
      hints: [`docker rename ${spec.name} something-else`],
    });
  }

  async start(name: string): Promise<void> {
    await this.#networked(() => this.#api.json({ method: 'POST', path: `/containers/${name}/start` }));
  }

  async stop(name: string, seconds: number): Promise<void> {
    const call = { method: 'POST', path: `/containers/${name}/stop`, query: { t: seconds } } as const;
    const stop = (): Promise<unknown> =>
      missing(this.#networked(() => this.#api.json({ ...call, deadline: (seconds + 60) * 1000 })));
    try {
      await missing(this.#setRestart(name, 'no'));
    } catch (error) {
      // Between two attempts of one that ends at once, the engine takes it for running and the kernel does not.
      if (!(error instanceof EngineError && /cannot update a stopped container/.test(error.message))) throw error;
      await stop();
      await missing(this.#setRestart(name, 'no'));
    }
    await stop();
  }

  async resume(name: string): Promise<void> {
    await this.#setRestart(name, 'always');
    await this.start(name);
  }

  async #setRestart(name: string, policy: ContainerSpec['restart']): Promise<void> {
    const body = { RestartPolicy: { Name: policy, MaximumRetryCount: 0 } };
    await this.#json({ method: 'POST', path: `/containers/${name}/update`, body });
  }

  async remove(name: string): Promise<void> {
    const call = { method: 'DELETE', path: `/containers/${name}`, query: { force: true, v: false } } as const;
    await missing(this.#networked(() => this.#api.json(call))).catch((error: unknown) => {
      // Somebody else is removing it at this moment.
      if (!isStatus(error, 409)) throw error;
    });
  }

  async setLimits(name: string, limits: Limits): Promise<void> {
    const call = { method: 'POST', path: `/containers/${name}/update`, body: limitFields(limits) } as const;
    await this.#json(call).catch((error: unknown) => refusals.limits(error, name, limits));
  }

  async wait(name: string, signal?: AbortSignal): Promise<number> {
    await this.info();
    const deadline = 24 * 3_600_000;
    const call = { method: 'POST', path: `/containers/${name}/wait`, deadline, ...(signal ? { signal } : {}) } as const;
    const result = await this.#api.json(call, views.rawExit);
    return result.StatusCode;
  }

  async exec(name: string, argv: readonly string[], within = EXEC_MS): Promise<{ code: number; output: string }> {
    const body = { AttachStdout: true, AttachStderr: true, Cmd: argv };
    const { Id } = await this.#json({ method: 'POST', path: `/containers/${name}/exec`, body }, views.rawExec);
    const signal = AbortSignal.timeout(within);
    const start = { method: 'POST', path: `/exec/${Id}/start`, body: { Detach: false, Tty: false }, signal } as const;
    const output: string[] = [];
    try {
      for await (const line of logLines(await this.#api.open(start))) output.push(line.text);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    const { ExitCode } = await this.#json({ method: 'GET', path: `/exec/${Id}/json` }, views.rawExecState);
    // A stream that was cut off looks like one that ended.
    if (ExitCode === null) {
      const said = `${argv.join(' ')} in ${name} did not end within ${formatDuration(within)}`;
      throw new HostctlError('EXEC_TIMEOUT', said);
    }
    return { code: ExitCode, output: output.join('\n') };
  }

  async *logs(name: string, options: LogOptions = {}): AsyncIterable<LogLine> {
    await this.info();
    const { tail, follow, since, timestamps, signal } = options;
    const query = { stdout: true, stderr: true, follow, timestamps, since, tail: tail ?? 'all' };
    const call = { method: 'GET', path: `/containers/${name}/logs`, query, ...(signal ? { signal } : {}) } as const;
    yield* logLines(await this.#api.open(call));
  }

  async usage(name: string): Promise<Usage> {
    const first = await this.#sample(name);
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    return usageBetween(first, await this.#sample(name));
  }

  async memory(name: string): Promise<number | undefined> {
    const sample = await missing(this.#sample(name));
    return sample?.memory_stats.usage === undefined ? undefined : memoryOf(sample);
  }

  #sample(name: string): Promise<StatsSample> {
    const query = { stream: false, 'one-shot': true };
    return this.#json({ method: 'GET', path: `/containers/${name}/stats`, query }, statsSample);
  }

  async copyFrom(name: string, path: string): Promise<Readable> {
    await this.info();
    const call = { method: 'GET', path: `/containers/${name}/archive`, query: { path }, silence: EXEC_MS } as const;
    return this.#api.open(call).catch((error: unknown) => refusals.copy(error, name, path));
  }

  async createNetwork(spec: NetworkSpec): Promise<void> {
    try {
      await this.#networked(() =>
        this.#api.json({ method: 'POST', path: '/networks/create', body: networkBody(spec) }),
      );
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      const found = (await this.networks()).find((item) => item.name === spec.name);
      const same = [LABEL.instance, LABEL.project].every((label) => found?.labels[label] === spec.labels[label]);
      if (same) return;
      throw new HostctlError('NAME_TAKEN', `there is a network ${spec.name} already, and it is not hostctl's`, {
        hints: [`docker network rm ${spec.name}, if nothing needs it`],
      });
    }
  }

  async connect(network: string, container: string): Promise<void> {
    await this.#connectTo(network, container, []);
  }

  async #connectTo(network: string, container: string, aliases: readonly string[]): Promise<void> {
    const body = { Container: container, EndpointConfig: { Aliases: aliases } };
    try {
      await this.#networked(() => this.#api.json({ method: 'POST', path: `/networks/${network}/connect`, body }));
    } catch (error) {
      if (!(error instanceof EngineError && /already exists in network|already attached/.test(error.message)))
        throw error;
    }
  }

  async removeNetwork(name: string): Promise<void> {
    const network = (await this.networks()).find((item) => item.name === name);
    // One that somebody else made stays.
    if (network?.labels[LABEL.instance] === undefined) return;
    const raw = await missing(this.#json({ method: 'GET', path: `/networks/${network.id}` }, views.rawMembers));
    for (const container of Object.keys(raw?.Containers ?? {})) {
      const call = {
        method: 'POST',
        path: `/networks/${network.id}/disconnect`,
        body: { Container: container, Force: true },
      } as const;
      await missing(this.#networked(() => this.#api.json(call)));
    }
    await missing(this.#networked(() => this.#api.json({ method: 'DELETE', path: `/networks/${network.id}` })));
  }

  async build(context: Readable, options: BuildOptions, onLine: (line: string) => void): Promise<string> {
    await this.info();
    return buildImage(this.#api, context, options, onLine);
  }

  async pull(ref: string, onLine: (line: string) => void): Promise<void> {
    await this.info();
    await pullImage(this.#api, ref, this.#dockerConfig, onLine);
  }

  async importImage(tar: Readable, tag: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.info();
    await importRoot(this.#api, tar, tag, labels);
  }

  async removeImage(ref: string): Promise<void> {
    await missing(this.#json({ method: 'DELETE', path: `/images/${ref}` })).catch((error: unknown) => {
      // Still used by a container; it goes when that one does.
      if (!isStatus(error, 409)) throw error;
    });
  }
}
