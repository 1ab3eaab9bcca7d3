import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DockerEngine } from '../../../src/engine/docker.ts';
import { EngineApi } from '../../../src/engine/api.ts';
import type { DriverName } from '../../../src/core/model.ts';
import { fenceTable } from '../../../src/core/fence.ts';
import { LABEL } from '../../../src/core/names.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const SOCKET = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
const BIN = join(ROOT, 'bin/hostctl.js');

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface LabOptions {
  /** Default: nginx. */
  readonly driver?: DriverName;
  /** More of `proxy:` in hostctl.yaml. */
  readonly more?: (instance: string) => string;
  /** Publishes https from the start. */
  readonly https?: boolean;
  /** More of hostctl.yaml. */
  readonly settings?: string;
  /** Another engine than this machine's. */
  readonly endpoint?: string;
  /** Where that one publishes ports; default: 127.0.0.1. */
  readonly address?: string;
  /** Words in front of every hostctl: a program that runs it somewhere else. */
  readonly through?: readonly string[];
}

/** What holds under one proxy holds under the other. */
export const DRIVERS: readonly DriverName[] = ['nginx', 'traefik'];

/** A workspace, a data root and a proxy of its own on the real engine; everything goes with `close`. */
export class Lab {
  readonly dir = mkdtempSync(join(tmpdir(), 'hostctl-ws-'));
  readonly data = mkdtempSync(join(tmpdir(), 'hostctl-data-'));
  readonly instance = `t${randomBytes(3).toString('hex')}`;
  readonly api: EngineApi;
  readonly engine: DockerEngine;
  readonly port: number;
  /** For https, where a test asks for it. */
  readonly https: number;

  readonly #options: Required<LabOptions>;

  private constructor(port: number, https: number, options: Required<LabOptions>) {
    this.port = port;
    this.https = https;
    this.#options = options;
    this.api = new EngineApi(options.endpoint);
    this.engine = new DockerEngine(this.api, (work) => work(), '/nonexistent');
    this.write('hostctl.yaml', this.settings.rest + this.settings.proxy);
    mkdirSync(join(this.dir, 'projects'));
  }

  static async open(options: LabOptions = {}): Promise<Lab> {
    const defaults = {
      driver: 'nginx' as const,
      more: () => '',
      https: false,
      settings: 'bases: { from: debian }\n',
      endpoint: SOCKET,
      address: '127.0.0.1',
      through: [],
    };
    return new Lab(await freePort(), await freePort(), { ...defaults, ...options });
  }

  /** What hostctl.yaml says. */
  get settings(): { readonly rest: string; readonly proxy: string } {
    const { driver, more, settings, https } = this.#options;
    // Most tests deploy what is good, again and again.
    const watch = settings.includes('defaults:') ? '' : 'defaults: { watch: 0s }\n';
    const rest = `instance: ${this.instance}\ndata: ${this.data}\n${watch}${settings}`;
    const extra = more(this.instance);
    const words = [
      `driver: ${driver}`,
      `address: ${this.address}`,
      `http: ${this.port}`,
      ...(https ? [`https: ${this.https}`] : []),
      ...(extra === '' ? [] : [extra]),
    ];
    return { rest, proxy: `proxy: { ${words.join(', ')} }\n` };
  }

  /** Where the proxy answers. */
  get address(): string {
    return this.#options.address;
  }

  /** The container that publishes the ports. */
  get edge(): string {
    return `${this.instance}-${this.driver === 'nginx' ? 'proxy' : 'traefik'}`;
  }

  get driver(): DriverName {
    return this.#options.driver;
  }

  /** A file of the workspace; directories are made. */
  write(path: string, text: string | Buffer): string {
    const at = join(this.dir, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    return at;
  }

  /** One of the directories in docs/examples, copied so that it can be changed. */
  example(name: string): string {
    const at = join(this.dir, name);
    cpSync(join(ROOT, 'docs/examples', name), at, { recursive: true });
    return at;
  }

  define(name: string, text: string): void {
    this.write(`projects/${name}.yaml`, text);
  }

  /** Runs the built program as a user does. @param input what stands on its standard input */
  hostctl(args: string, env: NodeJS.ProcessEnv = {}, input?: string | Buffer): Promise<Result> {
    return new Promise((resolve) => {
      const [program, ...words] = this.#argv(args);
      const options = { cwd: this.dir, env: this.#env(env), maxBuffer: 64 * 1024 ** 2 };
      const child = execFile(program!, words, options, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      );
      if (input === undefined) return;
      // It may end without reading.
      child.stdin!.on('error', () => undefined).end(input);
    });
  }

  /** The same, and fails when it does. */
  async ok(args: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { code, out, err } = await this.hostctl(args, env);
    if (code !== 0) throw new Error(`hostctl ${args} ended with ${code}\n${out}\n${err}`);
    return out;
  }

  /** A running command whose end is not waited for. */
  start(args: string, env: NodeJS.ProcessEnv = {}): ReturnType<typeof spawn> {
    const [program, ...words] = this.#argv(args);
    return spawn(program!, words, { cwd: this.dir, env: this.#env(env), stdio: 'pipe' });
  }

  #argv(args: string): string[] {
    return [...this.#options.through, process.execPath, BIN, ...args.split(' ').filter((word) => word !== '')];
  }

  #env(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: this.#options.endpoint, NO_COLOR: '1', ...env };
  }

  /** What the engine itself says of every container of this lab, by name. */
  async inspectAll(): Promise<Map<string, Inspect>> {
    const views = await this.engine.containers(this.instance);
    const pairs = await Promise.all(
      views.map(
        async (view) =>
          [view.name, await this.api.json<Inspect>({ method: 'GET', path: `/containers/${view.id}/json` })] as const,
      ),
    );
    return new Map(pairs);
  }

  /** The running containers of an app. */
  async running(project: string, app = 'web'): Promise<Inspect[]> {
    const all = [...(await this.inspectAll()).values()];
    return all.filter(
      (item) =>
        item.State.Running &&
        item.Config.Labels[LABEL.project] === project &&
        item.Config.Labels[LABEL.app] === app &&
        item.Config.Labels[LABEL.role] === 'app',
    );
  }

  #dropFence(): void {
    const [program, ...words] = [...this.#options.through, 'nft', 'delete', 'table', 'inet', fenceTable(this.instance)];
    try {
      execFileSync(program, words, { stdio: 'ignore' });
    } catch {
      // It had none.
    }
  }

  async close(): Promise<void> {
    for (const view of await this.engine.containers(this.instance)) await this.engine.remove(view.name);
    const networks = await this.engine.networks();
    for (const network of networks)
      if (network.labels[LABEL.instance] === this.instance) await this.engine.removeNetwork(network.name);
    for (const image of await this.engine.images(`${LABEL.instance}=${this.instance}`)) {
      for (const tag of image.tags) await this.engine.removeImage(tag);
    }
    this.#dropFence();
    for (const path of [this.dir, this.data]) rmSync(path, { recursive: true, force: true });
  }
}

/** The parts of the engine's own description that tests look at. */
export interface Inspect {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Running: boolean;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
  };
  readonly Config: {
    readonly User: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env: readonly string[];
  };
  readonly HostConfig: Readonly<Record<string, unknown>> & {
    readonly RestartPolicy: { readonly Name: string };
    readonly Memory: number;
  };
  readonly Mounts: readonly { readonly Source: string; readonly Destination: string; readonly RW: boolean }[];
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly Gateway: string }>>;
    readonly Ports: Readonly<Record<string, unknown>>;
  };
}

const taken = new Set<number>();

/** A port nobody listens on, below those the kernel gives to outgoing connections: it stays free until it is used. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}
