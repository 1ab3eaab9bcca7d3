import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { answers, copyImage } from './engine.ts';
import type { Lab } from './lab.ts';

/** A newer Docker Engine, from the packages of a Debian suite, inside a container of this machine's engine. */
export class NestedEngine {
  readonly endpoint: string;
  /** Runs a program where this engine's published ports are. */
  readonly through: readonly string[];
  readonly #lab: Lab;
  readonly #name: string;
  readonly #dir: string;

  private constructor(lab: Lab, name: string, dir: string, pid: number) {
    this.#lab = lab;
    this.#name = name;
    this.#dir = dir;
    this.endpoint = `unix://${dir}/docker.sock`;
    this.through = ['nsenter', `--net=/proc/${pid}/ns/net`];
  }

  static async start(lab: Lab, suite: 'trixie' | 'forky'): Promise<NestedEngine> {
    const image = `hostctl/test-engine:${suite}`;
    if (!(await lab.engine.image(image))) await build(lab, suite, image);
    const name = `${lab.instance}-${suite}`;
    const dir = mkdtempSync(join(tmpdir(), 'hostctl-engine-'));
    const script = `mount -o remount,rw /sys; mount --make-rshared /; exec dockerd --cgroup-parent /${name} -H unix://${dir}/docker.sock`;
    // Everything an engine needs, short of a capability the outer engine may not have itself.
    const body = {
      Image: image,
      Cmd: ['sh', '-c', script],
      Labels: { 'hostctl.instance': lab.instance, 'hostctl.role': 'helper' },
      Volumes: { '/var/lib/docker': {} },
      HostConfig: {
        Binds: [`${tmpdir()}:${tmpdir()}`, '/sys/fs/cgroup:/sys/fs/cgroup:rw'],
        CapAdd: ['ALL'],
        CapDrop: ['SYS_RESOURCE'],
        SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
        MaskedPaths: [],
        ReadonlyPaths: [],
        DeviceCgroupRules: ['a *:* rwm'],
        CgroupnsMode: 'host',
      },
    };
    await lab.api.json({ method: 'POST', path: '/containers/create', query: { name }, body });
    await lab.engine.start(name);
    const { State } = await lab.api.json<{ State: { Pid: number } }>({
      method: 'GET',
      path: `/containers/${name}/json`,
    });
    const engine = new NestedEngine(lab, name, dir, State.Pid);
    await answers(engine.endpoint);
    return engine;
  }

  /** Copies an image of this machine's engine into this one. */
  async give(image: string): Promise<void> {
    await copyImage(image, this.#lab.api, this.endpoint);
  }

  async stop(): Promise<void> {
    await this.#lab.api.json({ method: 'DELETE', path: `/containers/${this.#name}`, query: { force: true, v: true } });
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function build(lab: Lab, suite: string, image: string): Promise<void> {
  const packages = 'docker.io docker-cli iptables iproute2 ca-certificates';
  const dockerfile = `FROM hostctl/debian:${suite}\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages} && apt-get clean && rm -rf /var/lib/apt/lists/*\n`;
  const tar = pack();
  tar.entry({ name: 'Dockerfile' }, dockerfile);
  tar.finalize();
  const options = { tag: image, dockerfile: 'Dockerfile', labels: { 'hostctl.role': 'test-engine' }, args: {} };
  await lab.engine.build(Readable.from(tar, { objectMode: false }), options, () => undefined);
}

/** Fetches a page where a nested engine publishes its ports. */
export function fetchThrough(through: readonly string[], port: number, host: string): string {
  const script = `require('http').get({port:${port},host:'127.0.0.1',headers:{Host:'${host}'},agent:false},r=>{let t='';r.on('data',d=>t+=d);r.on('end',()=>console.log(r.statusCode,t))}).on('error',e=>console.log(e.message))`;
  const [program, ...words] = [...through, process.execPath, '-e', script];
  return execFileSync(program, words, { encoding: 'utf8' }).trim();
}
