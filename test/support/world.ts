import { Readable } from 'node:stream';
import { load } from 'js-yaml';
import { extract } from 'tar-stream';
import { originsOf } from '../../src/core/base.ts';
import { LAYOUT } from '../../src/core/layout.ts';
import type { Workspace } from '../../src/core/model.ts';
import type { Web, WebAnswer, WebAsk, WebServer } from '../../src/core/reply.ts';
import { hashOf, partName } from '../../src/core/names.ts';
import type { Notice, Notifier } from '../../src/core/journal.ts';
import type { LockView } from '../../src/core/lock.ts';
import type { Authority, CertificateOrder, Dns } from '../../src/core/order.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { HostctlError } from '../../src/errors.ts';
import { loadTemplates } from '../../src/local/templates.ts';
import type {
  Answer,
  Clock,
  Context,
  Event,
  Files,
  Host,
  Machine,
  Owner,
  Prober,
  ProbeRequest,
  ProbeTarget,
  Templates,
  Ui,
  UnpackOptions,
} from '../../src/ports.ts';
import { drivers } from '../../src/proxy/index.ts';
import { FakeEngine } from './engine.ts';

const ROOT = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');

interface Stored {
  readonly text?: string;
  readonly target?: string;
  readonly owner?: Owner;
}

/** A data root in memory. */
class FakeHost implements Host {
  readonly entries = new Map<string, Stored>();
  /** Who does what with each lock. */
  readonly held = new Map<string, string>();
  /** Every change, in order: `write key`. */
  readonly writes: string[] = [];
  /** Asked before every call; `changes` tells those that change something. */
  gate: (changes: boolean) => void = () => undefined;
  /** Asked before anything that needs room on the disk. */
  space: (path: string) => void = () => undefined;

  async read(path: string): Promise<string | undefined> {
    this.gate(false);
    return this.entries.get(path)?.text;
  }

  async list(path: string): Promise<string[]> {
    this.gate(false);
    const prefix = path === '' ? '' : `${path}/`;
    const names = [...this.entries.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length).split('/')[0]!);
    return [...new Set(names)].filter((name) => name !== '').toSorted();
  }

  async write(path: string, content: string | Uint8Array, owner?: Owner): Promise<void> {
    this.gate(true);
    this.space(path);
    this.writes.push(`write ${path}`);
    const text = typeof content === 'string' ? content : Buffer.from(content).toString();
    this.entries.set(path, { text, ...(owner ? { owner } : {}) });
  }

  async makeDirectory(path: string, owner: Owner): Promise<void> {
    this.gate(true);
    if (!this.entries.has(path)) this.space(path);
    if (JSON.stringify(this.entries.get(path)?.owner) !== JSON.stringify(owner))
      this.writes.push(`makeDirectory ${path}`);
    this.entries.set(path, { owner });
  }

  /** The path with the first link in it replaced by what it leads to. */
  #followed(path: string): string {
    const link = [...this.entries].find(
      ([key, { target }]) => target !== undefined && `${path}/`.startsWith(`${key}/`),
    );
    return link ? `${link[0].replace(/[^/]*$/, '')}${link[1].target}${path.slice(link[0].length)}` : path;
  }

  async files(path: string, most: number): Promise<string[]> {
    this.gate(false);
    const at = this.#followed(path);
    const below = [...this.entries].filter(([key, { text }]) => text !== undefined && key.startsWith(`${at}/`));
    return below
      .map(([key]) => key.slice(at.length + 1))
      .toSorted()
      .slice(0, most);
  }

  async owner(path: string): Promise<number | undefined> {
    this.gate(false);
    return this.entries.get(path)?.owner?.uid;
  }

  async link(path: string, target: string): Promise<void> {
    this.gate(true);
    this.space(path);
    this.writes.push(`link ${path} ${target}`);
    this.entries.set(path, { target });
  }

  async readLink(path: string): Promise<string | undefined> {
    this.gate(false);
    return this.entries.get(path)?.target;
  }

  async unpack(path: string, tar: Readable, options: UnpackOptions): Promise<void> {
    this.gate(true);
    this.space(path);
    this.writes.push(`unpack ${path}`);
    const files = extract();
    tar.pipe(files);
    for await (const entry of files) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const name = options.name ?? entry.header.name.split('/').slice(options.strip).join('/');
      const at = [path, options.prefix, name].filter((part) => part !== '').join('/');
      if (entry.header.type === 'file') this.entries.set(at, { text: Buffer.concat(chunks).toString() });
    }
    this.entries.set(path, { owner: options });
  }

  async remove(path: string): Promise<void> {
    this.gate(true);
    for (const key of this.entries.keys()) {
      if (key !== path && !key.startsWith(`${path}/`)) continue;
      this.writes.push(`remove ${key}`);
      this.entries.delete(key);
    }
  }

  async sweep(): Promise<void> {
    // Nothing is ever half written in memory.
  }

  async free(): Promise<number> {
    return 100 * 1024 ** 3;
  }

  /** Turns of the deploys that wait, and of the newest that had the lock, by name. */
  readonly waiting = new Map<string, number[]>();
  readonly #newest = new Map<string, number>();

  async lock(name: string, doing: string, wait = 0, turn?: number): Promise<() => Promise<void>> {
    const others = this.waiting.get(name) ?? [];
    if (wait > 0 && turn !== undefined) this.waiting.set(name, [...others, turn]);
    try {
      // Whoever holds it goes on in between.
      for (let turns = wait > 0 ? 100_000 : 0; turns > 0 && this.held.has(name); turns -= 1) {
        this.#refuseOlder(name, turn);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const holder = this.held.get(name);
      if (holder !== undefined) throw new HostctlError('LOCKED', `${name} is locked: ${holder}`, { exit: 4 });
      this.#refuseOlder(name, turn);
    } finally {
      this.waiting.set(
        name,
        (this.waiting.get(name) ?? []).filter((item) => item !== turn),
      );
    }
    if (turn !== undefined) this.#newest.set(name, turn);
    this.held.set(name, doing);
    return async () => {
      this.held.delete(name);
    };
  }

  #refuseOlder(name: string, turn = Infinity): void {
    if ([...(this.waiting.get(name) ?? []), this.#newest.get(name) ?? 0].every((other) => other <= turn)) return;
    throw new HostctlError('SUPERSEDED', `a newer deploy of ${name} takes the place of this one`, { exit: 4 });
  }

  /** Lines of the audit log. */
  readonly log: string[] = [];
  async append(line: string): Promise<void> {
    this.gate(true);
    this.log.push(line);
  }
  async journal(): Promise<string[]> {
    return this.log;
  }

  async locks(): Promise<LockView[]> {
    const rest = { who: 'tester@here', since: null, pid: 1 };
    return [...this.held].map(([name, doing]) => ({ name, state: 'held', doing, ...rest }));
  }
}

/** A proxy that serves what the data root's links and configuration say. */
class FakeProber implements Prober {
  readonly visits: string[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async candidate(target: ProbeTarget): Promise<Answer> {
    const name = target.kind === 'port' ? target.host : target.path.replace(/-[0-9a-f]{20}\/.*$/, '');
    return this.#answer(name);
  }

  async visit(request: ProbeRequest): Promise<Answer> {
    this.visits.push(`${request.host}${request.path}`);
    const served = this.#world.servedBy(request.host);
    return served === undefined
      ? { ok: false, reason: 'the connection was closed without an answer', ms: 1 }
      : this.#answer(served);
  }

  async generation(): Promise<string | undefined> {
    const { workspace } = this.#world;
    const { instance, proxy } = workspace;
    const parts = drivers[proxy.driver].parts(workspace, false).map((part) => partName(instance, part.name));
    if (parts.some((name) => this.#world.engine.boxes.get(name)?.state !== 'running')) return undefined;
    return (await this.#world.host.readLink(LAYOUT.live[proxy.driver]))?.replace('generations/', '');
  }

  async faults(): Promise<string[]> {
    return [];
  }

  #answer(name: string): Answer {
    const box = this.#world.engine.boxes.get(name);
    const answers = box?.state === 'running' ? this.#world.engine.behaviourOf(box.spec.image).answers : undefined;
    return answers === undefined
      ? { ok: false, reason: 'nothing listens yet', ms: 1 }
      : { ok: true, status: answers, ms: 1 };
  }
}

/** Issues what a test has laid out, once every name is proven. */
class FakeAuthority {
  /** What the next orders are answered with: a certificate and its key, or a refusal. */
  next: { certificate: string; key: string } | Error = new Error('no certificate was laid out');
  readonly orders: CertificateOrder[] = [];
  /** Called while an order is under way. */
  meanwhile: () => void = () => undefined;

  readonly order: Authority = async (order) => {
    this.orders.push(order);
    this.meanwhile();
    for (const name of order.names) {
      const undo = await order.prove({ name: name.replace('*.', ''), token: 'token', value: `value of ${name}` });
      await undo();
    }
    if (this.next instanceof Error) throw this.next;
    return { chain: this.next.certificate, key: this.next.key };
  };
}

class FakeDns implements Dns {
  readonly records = new Map<string, string[]>();

  async addresses(name: string): Promise<string[]> {
    return this.records.get(name) ?? [];
  }
  async texts(name: string): Promise<string[]> {
    return this.records.get(name) ?? [];
  }
}

/** Servers that answer as a test says. */
class FakeWeb implements Web {
  /** Every request, as `address GET host/path`. */
  readonly asked: string[] = [];
  /** Told every server that is asked. */
  servers: (server: WebServer) => void = () => undefined;
  /** @param place `there` for the other server, `here` for the proxy */
  answer: (place: 'there' | 'here', ask: WebAsk, times: number) => WebAnswer = () => ({
    failed: 'nothing listens there',
  });

  async ask(server: WebServer, ask: WebAsk): Promise<WebAnswer> {
    this.servers(server);
    const place = server.address === '127.0.0.1' ? 'here' : 'there';
    const line = `${place} ${ask.method} ${ask.host}${ask.path}`;
    this.asked.push(line);
    return this.answer(place, ask, this.asked.filter((item) => item === line).length);
  }
}

/** The definitions and sources of this machine, in memory. Paths are absolute. */
class FakeFiles implements Files {
  readonly texts = new Map<string, string>();

  async read(path: string): Promise<string | undefined> {
    return this.texts.get(path);
  }

  async kind(path: string): Promise<'file' | 'folder' | undefined> {
    if (this.texts.has(path)) return 'file';
    return [...this.texts.keys()].some((key) => key.startsWith(`${path}/`)) ? 'folder' : undefined;
  }

  async list(path: string): Promise<string[]> {
    const names = this.#below(path).map((key) => key.slice(path.length + 1).split('/')[0]!);
    return [...new Set(names)].toSorted();
  }

  async real(path: string): Promise<string | undefined> {
    return (await this.kind(path)) === undefined ? undefined : path;
  }

  async write(path: string, text: string): Promise<void> {
    this.texts.set(path, text);
  }

  async context(dir: string, extra: ReadonlyMap<string, string>): Promise<Awaited<ReturnType<Files['context']>>> {
    const files = this.#below(dir).map((path) => [path, this.texts.get(path)]);
    return { hash: hashOf([files, [...extra]]), files: files.length, size: 0, tar: () => Readable.from(['']) };
  }

  async fingerprint(path: string): Promise<string> {
    return hashOf([this.texts.get(path), this.#below(path).map((key) => this.texts.get(key))]);
  }

  async tar(path: string): Promise<Readable> {
    const { pack } = await import('tar-stream');
    const tar = pack();
    if (this.texts.has(path)) tar.entry({ name: path.split('/').at(-1)! }, this.texts.get(path)!);
    for (const key of this.#below(path)) tar.entry({ name: key.slice(path.length + 1) }, this.texts.get(key)!);
    tar.finalize();
    return Readable.from(tar, { objectMode: false });
  }

  #below(path: string): string[] {
    return [...this.texts.keys()].filter((key) => key.startsWith(`${path}/`)).toSorted();
  }
}

class FakeMachine implements Machine {
  readonly root = true;
  readonly self = ['/usr/bin/node', '/opt/hostctl/bin/hostctl.js'];
  runsSystemd = false;
  async systemd(): Promise<boolean> {
    return this.runsSystemd;
  }
  readonly pid = 1;
  readonly node = '24.0.0';
  readonly programs = new Set(['mmdebstrap', 'dockerd']);

  /** The packet filter's one table, as it was loaded. */
  table = '';

  async run(argv: readonly string[]): Promise<{ code: number; output: string }> {
    const [program, verb] = argv;
    if (program !== 'nft') return { code: 0, output: '' };
    if (verb === 'list') {
      return this.table === ''
        ? { code: 1, output: 'Error: No such file or directory' }
        : { code: 0, output: this.table };
    }
    this.table = verb === 'delete' ? '' : verb!;
    return { code: 0, output: '' };
  }
  detach(): void {
    // Nothing to start in memory.
  }
  stream(): Readable {
    return Readable.from(['']);
  }
  async has(program: string): Promise<boolean> {
    return this.programs.has(program);
  }
  async temporary(): Promise<string> {
    return '/tmp/hostctl';
  }
  async discard(): Promise<void> {
    // Nothing was made.
  }
  /** Files of the machine itself, such as /proc/meminfo. */
  readonly texts = new Map<string, string>();

  async read(path: string): Promise<string | undefined> {
    return this.texts.get(path);
  }
  async listens(_port: number): Promise<boolean> {
    return false;
  }
}

class FakeNotifier implements Notifier {
  /** What was sent where. */
  readonly sent: { readonly to: string; readonly notice: Notice }[] = [];
  broken = false;

  async post(url: string, notice: string): Promise<void> {
    if (this.broken) throw new Error('nobody listens');
    this.sent.push({ to: url, notice: JSON.parse(notice) as Notice });
  }
  run(argv: readonly string[], notice: string): Promise<void> {
    return this.post(argv.join(' '), notice);
  }
}

class FakeUi implements Ui {
  readonly events: Event[] = [];
  answer = '';

  event(event: Event): void {
    this.events.push(event);
  }
  async confirm(): Promise<boolean> {
    return this.answer === 'yes';
  }
  async ask(): Promise<string> {
    return this.answer;
  }
  async askHidden(): Promise<string> {
    return this.answer;
  }
  close(): void {
    // Nothing is live.
  }
}

/** Time passes only when somebody sleeps. */
class FakeClock implements Clock {
  #now = Date.parse('2026-11-22T12:00:00Z');
  /** Milliseconds by which somebody has set it. */
  jump = 0;

  now(): number {
    return this.#now + this.jump;
  }
  #looks = 0;
  /** No two looks see the same. */
  ticks(): number {
    this.#looks += 1;
    return this.#now + this.#looks / 1000;
  }
  async sleep(ms: number): Promise<void> {
    this.#now += Math.max(1, ms);
    // Lets the others run, as real time would.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Everything hostctl can touch, in memory. Tests act through the operations and look at what the world became. */
export class World implements Context {
  readonly engine = new FakeEngine();
  systemEngine = true;
  readonly host = new FakeHost();
  readonly files = new FakeFiles();
  readonly machine = new FakeMachine();
  readonly ui = new FakeUi();
  readonly notifier = new FakeNotifier();
  readonly clock = new FakeClock();
  readonly prober = new FakeProber(this);
  readonly issuer = new FakeAuthority();
  readonly authority = this.issuer.order;
  readonly dns = new FakeDns();
  readonly web = new FakeWeb();
  readonly who = 'tester@here';
  readonly workspace: Workspace;
  readonly templates: Templates;

  private constructor(templates: Templates, workspace: Workspace) {
    this.templates = templates;
    this.workspace = workspace;
    this.engine.now = () => this.clock.now();
  }

  /** @param definitions project name → YAML, with sources at /src/<project> */
  static async with(
    definitions: Readonly<Record<string, string>>,
    settings: Parameters<typeof normaliseWorkspace>[0] = {},
  ): Promise<World> {
    const templates = await loadTemplates(`${ROOT}/templates`);
    const world = new World(
      templates,
      normaliseWorkspace({ ...settings, proxy: { driver: 'nginx', ...settings.proxy } }, '/work'),
    );
    world.files.texts.set('/work/hostctl.yaml', '');
    for (const [name, text] of Object.entries(definitions)) world.define(name, text);
    for (const base of templates.bases) world.engine.addImage(originsOf(base, world.workspace.bases)[0]!.ref);
    return world;
  }

  define(name: string, text: string): void {
    this.files.texts.set(`/work/projects/${name}.yaml`, text);
  }

  /** A source directory below /src. */
  source(name: string, files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) this.files.texts.set(`/src/${name}/${path}`, text);
  }

  /**
   * Ends whatever runs at the k-th change from now on, as kill -9 does: that change and every later call fail. Returns
   * what brings the world back and tells whether it came so far.
   */
  killAt(k: number): () => boolean {
    let left = k;
    const gate = (changes: boolean): void => {
      if (changes) left -= 1;
      if (left <= 0) throw new Error('killed');
    };
    this.engine.gate = gate;
    this.host.gate = gate;
    return () => {
      this.engine.gate = () => undefined;
      this.host.gate = () => undefined;
      this.host.held.clear();
      this.host.waiting.clear();
      return left <= 0;
    };
  }

  /**
   * Fills the disk at the k-th thing that needs room on it, for that one or for `all` that follow. Returns what makes
   * room again and tells whether it came so far.
   */
  fullAt(k: number, all: boolean): () => boolean {
    let left = k;
    this.host.space = (path) => {
      left -= 1;
      if (left === 0 || (all && left < 0)) throw new HostctlError('DISK_FULL', `no space left for ${path}`);
    };
    return () => {
      this.host.space = () => undefined;
      return left <= 0;
    };
  }

  /** Names of the containers of a project that run. */
  running(project: string): string[] {
    return [...this.engine.boxes.values()]
      .filter((box) => box.spec.labels['hostctl.project'] === project && box.state === 'running')
      .map((box) => box.spec.name)
      .toSorted();
  }

  /** The container behind the service of the router for the whole of a hostname. */
  #routedBy(host: string): string | undefined {
    const text = this.host.entries.get(LAYOUT.dynamicFile)?.text;
    const { http } = (load(text ?? '') ?? {}) as { http?: { routers: object; services: object } };
    const routers = Object.values(http?.routers ?? {}) as { rule: string; service: string }[];
    // Those for the whole of some hostnames; what leads to https leads to the same in the end.
    const whole = routers.filter(({ rule }) => rule.split(' || ').includes(`Host(\`${host}\`)`));
    const services = http?.services as Record<string, { loadBalancer: { servers: { url: string }[] } }>;
    const urls = whole.map(({ service }) => services[service]!.loadBalancer.servers[0]!.url);
    return urls.map((url) => /^http:\/\/(.*)-of\d+:\d+$/.exec(url)?.[1]).find((name) => name !== undefined);
  }

  /** Which container a visitor of a hostname reaches. */
  servedBy(host: string): string | undefined {
    if (this.workspace.proxy.driver === 'traefik') return this.#routedBy(host);
    const live = this.host.entries.get(LAYOUT.live[this.workspace.proxy.driver])?.target;
    const files = [...this.host.entries].filter(([path]) => path.startsWith(`proxy/${live}/sites/`));
    const site = files.find(([, { text }]) => text?.includes(`server_name ${host};`))?.[1].text;
    if (site === undefined) return undefined;
    const link = /server unix:\/run\/hostctl\/links\/(\S+) max_fails=0[ ;]/.exec(site)?.[1];
    if (link !== undefined)
      return this.host.entries
        .get(`links/${link}`)
        ?.target?.replace(/^\.\.\/sockets\/(.*)-[0-9a-f]{20}\/.*\.sock$/, '$1');
    return /set \$hostctl_upstream "(.*)-of\d+:\d+"/.exec(site)?.[1];
  }
}
