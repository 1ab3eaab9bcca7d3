import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Inspection, ReadBack } from '../../src/core/audit-container.ts';
import type { ContainerSpec, NetworkSpec } from '../../src/core/container.ts';
import type { Limits } from '../../src/core/model.ts';
import { LABEL } from '../../src/core/names.ts';
import type { ContainerView, EngineInfo, NetworkView } from '../../src/core/state.ts';
import { createBody } from '../../src/engine/options.ts';
import { differences, type Inspected } from '../../src/engine/readback.ts';
import { HostctlError } from '../../src/errors.ts';
import type { ContainerState, Engine, ImageView, LogLine, LogOptions, Usage } from '../../src/ports.ts';
import type { BuildOptions } from '../../src/core/build.ts';

/** How the program of an image behaves. */
export interface Behaviour {
  /** Status it answers requests with; undefined while it answers nothing. */
  readonly answers?: number;
  /** Exit code with which it ends right after its start. */
  readonly ends?: number;
  /** Ends with that code, or 1, not at once but so many milliseconds after its start. */
  readonly lasts?: number;
  readonly says?: readonly string[];
  /** Whether it has /bin/sh; default true. */
  readonly shell?: boolean;
  /** Files `copyFrom` finds, by path inside the image. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface FakeContainer {
  readonly spec: ContainerSpec;
  state: ContainerView['state'];
  restart: ContainerSpec['restart'];
  limits: Limits;
  exitCode: number;
  restarts: number;
  /** Milliseconds since 1970; only looked at for one that does not last. */
  started: number;
  readonly log: string[];
  readonly networks: Set<string>;
}

const READS = new Set([
  'info',
  'containers',
  'inspect',
  'settings',
  'drift',
  'networks',
  'image',
  'images',
  'logs',
  'usage',
  'memory',
  'copyFrom',
]);

/** What every image here starts. */
const START = { entrypoint: ['/entrypoint'], command: ['serve'] };

/** An engine in memory: it keeps what it is told and behaves as the contract suite says the real one does. */
export class FakeEngine implements Engine {
  readonly boxes = new Map<string, FakeContainer>();
  readonly nets = new Map<string, NetworkSpec>();
  readonly imageIds = new Map<string, ImageView>();
  /** By image reference, or by a prefix of it that ends in `*`. */
  readonly behaviours = new Map<string, Behaviour>();
  /** Every call, in order: `start web-1`. */
  readonly calls: string[] = [];
  version = '28.5.2';
  /** The time, in milliseconds. */
  now: () => number = () => 0;
  /** What was asked to be built. */
  readonly builds: BuildOptions[] = [];
  /** Ends when a build should. */
  building: (options: BuildOptions) => Promise<void> = async () => undefined;
  /** Bytes every container uses. */
  memoryInUse = 1024 ** 2;
  /** Asked before every call; `changes` tells those that change something. */
  gate: (changes: boolean) => void = () => undefined;
  /** Fails the next call that matches, once. */
  failOn: { call: RegExp; error: Error } | undefined;

  /** Calls that change something. */
  get writes(): string[] {
    return this.calls.filter((call) => !READS.has(call.split(' ')[0]!));
  }

  addImage(ref: string, behaviour: Behaviour = { answers: 200 }): void {
    this.imageIds.set(ref, { id: `sha256:${ref}`, labels: {}, tags: [ref], digests: [], size: 1000, start: START });
    this.behaviours.set(ref, behaviour);
  }

  behaviourOf(image: string): Behaviour {
    const exact = this.behaviours.get(image);
    if (exact) return exact;
    const prefix = [...this.behaviours.keys()].find((key) => key.endsWith('*') && image.startsWith(key.slice(0, -1)));
    return (prefix && this.behaviours.get(prefix)) || { answers: 200 };
  }

  async info(): Promise<EngineInfo> {
    this.#note('info');
    return {
      version: this.version,
      api: '1.51',
      cpus: 2,
      memory: 8 * 1024 ** 3,
      time: new Date(0).toISOString(),
      warnings: [],
      security: ['seccomp'],
    };
  }

  async containers(instance: string): Promise<ContainerView[]> {
    this.#note('containers');
    this.pass();
    return [...this.boxes.values()]
      .filter((box) => box.spec.labels[LABEL.instance] === instance)
      .map((box) => ({
        id: `id-${box.spec.name}`,
        name: box.spec.name,
        image: box.spec.image,
        imageId: this.imageIds.get(box.spec.image)?.id ?? box.spec.image,
        state: box.state,
        status: box.state,
        created: 0,
        labels: box.spec.labels,
        networks: [...box.networks],
      }));
  }

  async inspect(name: string): Promise<ContainerState | undefined> {
    this.#note(`inspect ${name}`);
    this.pass();
    const box = this.boxes.get(name);
    return (
      box && {
        name,
        image: box.spec.image,
        running: box.state === 'running',
        restarting: box.state === 'restarting',
        exitCode: box.exitCode,
        oomKilled: false,
        restarts: box.restarts,
        startedAt: new Date(0).toISOString(),
        limits: box.limits,
        addresses: Object.fromEntries([...box.networks].map((network) => [network, '10.0.0.2'])),
      }
    );
  }

  async readBack(name: string, spec?: ContainerSpec): Promise<ReadBack | undefined> {
    this.#note(`readBack ${name}`);
    const box = this.boxes.get(name);
    const settings = box && this.#written(box);
    return settings && { settings, drift: spec ? differences(createBody(spec), settings) : [] };
  }

  #written({ spec, limits, networks }: FakeContainer): Inspection & Inspected {
    const body = createBody({ ...spec, limits });
    return {
      Config: body,
      HostConfig: body.HostConfig,
      State: { Health: { Status: 'starting' } },
      Mounts: spec.mounts.map((mount) => ({ Source: mount.source, RW: !mount.readOnly })),
      NetworkSettings: { Networks: Object.fromEntries([...networks].map((name) => [name, {}])) },
    };
  }

  async networks(): Promise<NetworkView[]> {
    this.#note('networks');
    return [...this.nets.values()].map((spec) => ({
      id: spec.name,
      name: spec.name,
      labels: spec.labels,
      subnets: [spec.subnet],
    }));
  }

  async image(ref: string): Promise<ImageView | undefined> {
    this.#note(`image ${ref}`);
    return this.imageIds.get(ref) ?? [...this.imageIds.values()].find((image) => image.id === ref);
  }

  async images(label: string): Promise<ImageView[]> {
    this.#note(`images ${label}`);
    const [key, value] = label.split('=') as [string, string];
    return [...this.imageIds.values()].filter((image) => image.labels[key] === value);
  }

  async create(spec: ContainerSpec): Promise<void> {
    this.#note(`create ${spec.name}`);
    const there = this.boxes.get(spec.name);
    if (there) {
      const same = [LABEL.instance, LABEL.spec, LABEL.role].every(
        (label) => there.spec.labels[label] === spec.labels[label],
      );
      if (same) return;
      throw new HostctlError('NAME_TAKEN', `there is a container ${spec.name} already, and it is not hostctl's`);
    }
    if (!(await this.image(spec.image))) throw new HostctlError('ENGINE', `No such image: ${spec.image}`);
    for (const use of spec.networks) this.#network(use.name);
    this.boxes.set(spec.name, {
      spec,
      state: 'created',
      restart: spec.restart,
      limits: spec.limits,
      exitCode: 0,
      restarts: 0,
      started: 0,
      log: [],
      networks: new Set(spec.networks.map((use) => use.name)),
    });
  }

  async start(name: string): Promise<void> {
    this.#note(`start ${name}`);
    const box = this.#box(name);
    if (box.state === 'running') return;
    const behaviour = commandBehaviour(box.spec) ?? this.behaviourOf(box.spec.image);
    box.log.push(...(behaviour.says ?? []));
    const lasts = behaviour.lasts !== undefined;
    box.exitCode = lasts ? 0 : (behaviour.ends ?? 0);
    box.state = lasts || behaviour.ends === undefined ? 'running' : 'exited';
    box.started = this.now();
    box.restarts = 0;
  }

  /** What does not last ends when its time has come, and is started again as it asked for. */
  pass(): void {
    for (const box of this.boxes.values()) {
      const { lasts, ends = 1, says = [] } = this.behaviourOf(box.spec.image);
      if (lasts === undefined || box.state !== 'running' || this.now() - box.started < lasts) continue;
      box.log.push(...says);
      box.exitCode = ends;
      if (box.restart === 'no') {
        box.state = 'exited';
        continue;
      }
      box.restarts += 1;
      box.started = this.now();
    }
  }

  async stop(name: string): Promise<void> {
    this.#note(`stop ${name}`);
    const box = this.boxes.get(name);
    if (!box) return;
    box.restart = 'no';
    if (box.state === 'running') box.state = 'exited';
  }

  async resume(name: string): Promise<void> {
    this.#note(`resume ${name}`);
    this.#box(name).restart = 'always';
    await this.start(name);
  }

  async remove(name: string): Promise<void> {
    this.#note(`remove ${name}`);
    this.boxes.delete(name);
  }

  async setLimits(name: string, limits: Limits): Promise<void> {
    this.#note(`setLimits ${name}`);
    this.#box(name).limits = limits;
  }

  async wait(name: string): Promise<number> {
    this.#note(`wait ${name}`);
    return this.#box(name).exitCode;
  }

  async exec(name: string, argv: readonly string[], within = 60_000): Promise<{ code: number; output: string }> {
    this.#note(`exec ${name} ${argv.join(' ')}`);
    // As timers do.
    if (!Number.isInteger(within)) throw new RangeError(`${within} is no whole number of milliseconds`);
    const box = this.#box(name);
    if (box.state !== 'running') throw new HostctlError('ENGINE', `container ${name} is not running`);
    const shell = /^exit (\d+)$/.exec(argv[2] ?? '');
    if (argv[0] === 'echo') return { code: 0, output: argv.slice(1).join(' ') };
    return { code: shell ? Number(shell[1]) : 0, output: '' };
  }

  async *logs(name: string, options: LogOptions = {}): AsyncIterable<LogLine> {
    this.#note(`logs ${name}`);
    const { log } = this.#box(name);
    for (const text of options.tail === undefined ? log : log.slice(-options.tail)) yield { stream: 'stdout', text };
  }

  async usage(name: string): Promise<Usage> {
    this.#note(`usage ${name}`);
    return { memory: 1024 ** 2, cpus: 0.01, pids: 1 };
  }

  async memory(name: string): Promise<number | undefined> {
    this.#note(`memory ${name}`);
    return this.boxes.get(name)?.state === 'running' ? this.memoryInUse : undefined;
  }

  async copyFrom(name: string, path: string): Promise<Readable> {
    this.#note(`copyFrom ${name} ${path}`);
    const { files = {}, shell = true } = this.behaviourOf(this.#box(name).spec.image);
    const all = shell ? { '/bin/sh': '', ...files } : files;
    const inside = Object.entries(all).filter(([file]) => file === path || file.startsWith(`${path}/`));
    if (inside.length === 0) throw new HostctlError('NOT_IN_IMAGE', `${path} is not in the image of ${name}`);
    const tar = pack();
    const top = path.split('/').at(-1)!;
    for (const [file, text] of inside) tar.entry({ name: `${top}${file.slice(path.length)}` }, text);
    tar.finalize();
    return Readable.from(tar, { objectMode: false });
  }

  async createNetwork(spec: NetworkSpec): Promise<void> {
    this.#note(`createNetwork ${spec.name}`);
    if (this.nets.has(spec.name)) return;
    if ([...this.nets.values()].some((other) => other.subnet === spec.subnet)) {
      throw new HostctlError('ENGINE', 'Pool overlaps with other one on this address space');
    }
    this.nets.set(spec.name, spec);
  }

  async connect(network: string, container: string): Promise<void> {
    this.#note(`connect ${network} ${container}`);
    this.#network(network);
    this.#box(container).networks.add(network);
  }

  async removeNetwork(name: string): Promise<void> {
    this.#note(`removeNetwork ${name}`);
    for (const box of this.boxes.values()) box.networks.delete(name);
    this.nets.delete(name);
  }

  async build(context: Readable, options: BuildOptions, onLine: (line: string) => void): Promise<string> {
    this.#note(`build ${options.tag}`);
    this.builds.push(options);
    for await (const _ of context) void _;
    await this.building(options);
    options.signal?.throwIfAborted();
    onLine('COPY source/ /app/');
    const id = `sha256:${options.tag}`;
    this.imageIds.set(options.tag, {
      id,
      labels: options.labels,
      tags: [options.tag],
      digests: [],
      size: 1000,
      start: START,
    });
    return id;
  }

  async pull(ref: string): Promise<void> {
    this.#note(`pull ${ref}`);
    this.imageIds.set(ref, {
      id: `sha256:${ref}`,
      labels: {},
      tags: [ref],
      digests: [`${ref.split(':')[0]}@sha256:${ref}`],
      size: 1000,
      start: START,
    });
  }

  async importImage(tar: Readable, tag: string, labels: Readonly<Record<string, string>>): Promise<void> {
    this.#note(`importImage ${tag}`);
    for await (const _ of tar) void _;
    this.imageIds.set(tag, { id: `sha256:${tag}`, labels, tags: [tag], digests: [], size: 1000 });
  }

  async removeImage(ref: string): Promise<void> {
    this.#note(`removeImage ${ref}`);
    this.imageIds.delete(ref);
  }

  #box(name: string): FakeContainer {
    const box = this.boxes.get(name);
    if (!box) throw new HostctlError('ENGINE', `No such container: ${name}`);
    return box;
  }

  #network(name: string): void {
    if (name !== 'none' && !this.nets.has(name)) throw new HostctlError('ENGINE', `network ${name} not found`);
  }

  #note(call: string): void {
    this.gate(!READS.has(call.split(' ')[0]!));
    this.calls.push(call);
    if (!this.failOn?.call.test(call)) return;
    const { error } = this.failOn;
    this.failOn = undefined;
    throw error;
  }
}

/** Commands the contract suite and release commands are tested with: `sh -c "exit 3"`, `sh -c "echo hello"`. */
function commandBehaviour(spec: ContainerSpec): Behaviour | undefined {
  const words = [...(spec.entrypoint ?? []), ...(spec.command ?? [])].join(' ');
  const exit = /exit (\d+)$/.exec(words);
  const echo = /echo (\w+)/.exec(words);
  if (!exit && !echo) return spec.labels[LABEL.role] === 'task' ? { ends: 0 } : undefined;
  return { ends: exit ? Number(exit[1]) : 0, says: echo ? [echo[1]!] : [] };
}
