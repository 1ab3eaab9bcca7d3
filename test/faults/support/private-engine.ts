import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, copyImage } from '../../e2e/support/engine.ts';
import type { Lab } from '../../e2e/support/lab.ts';

/** A second engine of this machine's version, in a network of its own: one that tests may kill. */
export class PrivateEngine {
  readonly endpoint: string;
  /** Where its published ports answer. */
  readonly address: string;
  readonly #dir: string;
  readonly #net: string;
  readonly #link: string;
  readonly #flags: readonly string[];
  #daemon: ChildProcess | undefined;

  private constructor(flags: readonly string[]) {
    this.#dir = mkdtempSync(join(tmpdir(), 'hostctl-dockerd-'));
    this.#net = basename(this.#dir);
    this.#flags = flags;
    this.endpoint = `unix://${this.#dir}/docker.sock`;
    const subnet = `10.254.${randomInt(256)}.${randomInt(64) * 4}`;
    const [host, here] = [1, 2].map((last) => subnet.replace(/\d+$/, (first) => String(Number(first) + last)));
    this.address = here!;
    this.#link = `hc${this.#net.slice(-6)}`;
    const ip = (words: string): unknown => execFileSync('ip', words.split(' '), { stdio: 'pipe' });
    ip(`netns add ${this.#net}`);
    ip(`link add ${this.#link} type veth peer name eth0 netns ${this.#net}`);
    ip(`addr add ${host}/30 dev ${this.#link}`);
    ip(`link set ${this.#link} up`);
    ip(`-n ${this.#net} addr add ${here}/30 dev eth0`);
    for (const name of ['eth0', 'lo']) ip(`-n ${this.#net} link set ${name} up`);
    execFileSync('nsenter', [...this.#inside, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  }

  /** @param flags more of dockerd's, such as `--live-restore` */
  static async start(...flags: string[]): Promise<PrivateEngine> {
    const engine = new PrivateEngine(flags);
    await engine.boot();
    return engine;
  }

  get #inside(): string[] {
    return [`--net=/run/netns/${this.#net}`];
  }

  /** Copies images of another engine into this one. */
  async give(from: Lab, refs: readonly string[]): Promise<void> {
    for (const ref of refs) await copyImage(ref, from.api, this.endpoint);
  }

  /** Starts the daemon and waits until it answers. */
  async boot(): Promise<void> {
    const [dir, log] = [this.#dir, openSync(join(this.#dir, 'log'), 'a')];
    const places = ['--data-root', `${dir}/data`, '--exec-root', `${dir}/exec`, '--pidfile', `${dir}/pid`];
    const words = ['dockerd', '--host', this.endpoint, ...places, '--cgroup-parent', `/${this.#net}`, ...this.#flags];
    this.#daemon = spawn('nsenter', [...this.#inside, ...words], { stdio: ['ignore', log, log] });
    await answers(this.endpoint);
  }

  /** Ends the daemon, by SIGTERM or SIGKILL. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    await ended;
    await this.#forgetContainerd();
  }

  /** It dies with the daemon, and where nobody buries it, its number looks alive to the next one. */
  async #forgetContainerd(): Promise<void> {
    const file = join(this.#dir, 'exec/containerd/containerd.pid');
    if (!existsSync(file)) return;
    while (isAlive(Number(readFileSync(file, 'utf8')))) await sleep(20);
    rmSync(file);
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.end(signal);
    await this.boot();
  }

  /** Every process of the engine and of its containers ends at once, and what only lives in memory is gone. */
  async powerCut(): Promise<void> {
    const all = this.#processes();
    for (const pid of all) end(pid);
    await this.end('SIGKILL');
    while (this.#processes().some(isAlive)) await sleep(20);
    this.#unmount();
    rmSync(join(this.#dir, 'exec'), { recursive: true, force: true });
    rmSync(join(this.#dir, 'pid'), { force: true });
  }

  async stop(): Promise<void> {
    await this.powerCut();
    execFileSync('ip', ['netns', 'delete', this.#net]);
    // With the other end of the pair, which the namespace takes along sooner or later.
    await sleep(100);
    execFileSync('sh', ['-c', `ip link delete ${this.#link} 2>/dev/null || true`]);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** The daemon, its containerd and shims, which name its directory, and all that descend from them. */
  #processes(): number[] {
    const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const facts = all.flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]);
        return [{ pid: Number(name), parent, ours: command.includes(`${this.#dir}/`) }];
      } catch {
        // Gone in between.
        return [];
      }
    });
    const found = new Set(facts.filter((item) => item.ours && item.pid !== process.pid).map((item) => item.pid));
    for (let size = -1; size < found.size;) {
      size = found.size;
      for (const { pid, parent } of facts) if (found.has(parent)) found.add(pid);
    }
    return [...found];
  }

  #unmount(): void {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const ours = mounts.map((line) => line.split(' ')[1]!).filter((path) => path?.startsWith(`${this.#dir}/`));
    for (const path of ours.toReversed()) execFileSync('umount', ['--lazy', path]);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Its parent took it along.
  }
}

/** A zombie is none of ours any more. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
