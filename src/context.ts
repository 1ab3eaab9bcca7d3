/** The one place where real adapters are made. What takes long to load is loaded here, when a command needs it. */
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Workspace } from './core/model.ts';
import { normaliseWorkspace } from './core/workspace.ts';
import { EngineApi, SYSTEM_ENGINES } from './engine/api.ts';
import { DockerEngine, type Serial } from './engine/docker.ts';
import { inTurn } from './engine/serial.ts';
import { EngineTerminal, type Seat } from './engine/terminal.ts';
import { EXIT, HostctlError } from './errors.ts';
import { LocalHost } from './host/local.ts';
import { ProxyProber } from './host/prober.ts';
import { SystemDns } from './local/dns.ts';
import { NetworkWeb } from './host/web.ts';
import { systemClock } from './local/clock.ts';
import { LocalFiles } from './local/files.ts';
import { LocalMachine } from './local/machine.ts';
import { LocalNotifier } from './local/notifier.ts';
import { loadTemplates } from './local/templates.ts';
import { loadWorkspace } from './ops/load.ts';
import { readKey } from './ops/observe.ts';
import { chooseWorkspace } from './ops/workspace.ts';
import type { Context, Templates, Terminal, Ui } from './ports.ts';

export interface Settings {
  /** Directory of the package. */
  readonly root: string;
  /** `--workspace`, or HOSTCTL_WORKSPACE. */
  readonly workspace?: string;
  readonly ui: Ui;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Whether defaults will do where there is no hostctl.yaml: for `setup` and `doctor`. */
  readonly optional: boolean;
}

const DEFAULT_ENGINE = 'unix:///var/run/docker.sock';
/** Calls of an old engine may queue behind a whole deploy. */
const SERIAL_WAIT_MS = 10 * 60_000;

export async function makeContext(settings: Settings): Promise<Context> {
  // Files for the proxy must not depend on the umask of whoever deploys.
  process.umask(0o022);
  const files = new LocalFiles();
  const templates = await loadTemplates(join(settings.root, 'templates'));
  const workspace = await findSettings(files, templates, settings);
  const who = `${user()}@${hostname()}`;
  const endpoint = engineEndpoint(workspace, settings.env);
  const host = new LocalHost(workspace.data, who, stopAtOnce);
  // Other instances on this machine, and other containers that work on this data root: neither sees the other's lock.
  const serial: Serial = async (work) => {
    const unlock = await host.lock('the engine', 'network call', SERIAL_WAIT_MS);
    try {
      return await inTurn(endpoint, work);
    } finally {
      await unlock();
    }
  };
  const dockerConfig = settings.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker');
  const context: Context = {
    workspace,
    templates,
    engine: new DockerEngine(new EngineApi(endpoint), serial, dockerConfig),
    systemEngine: SYSTEM_ENGINES.has(endpoint),
    host,
    prober: new ProxyProber(workspace.data, workspace.proxy, () => readKey(context)),
    // The library is large, and few commands need it.
    authority: async (order) => (await import('./acme/authority.ts')).orderByAcme(order),
    dns: new SystemDns(),
    web: new NetworkWeb(),
    files,
    machine: new LocalMachine(settings.env, [process.execPath, join(settings.root, 'bin/hostctl.js')]),
    notifier: new LocalNotifier(),
    ui: settings.ui,
    clock: systemClock,
    who,
  };
  return context;
}

/** @param outputs where what the program writes goes instead of this process's own */
export function makeTerminal(
  context: Context,
  env: NodeJS.ProcessEnv,
  outputs: Pick<Seat, 'output' | 'error'> = { output: process.stdout, error: process.stderr },
): Terminal {
  const seat = { input: process.stdin, ...outputs };
  return new EngineTerminal(new EngineApi(engineEndpoint(context.workspace, env)), seat);
}

async function findSettings(files: LocalFiles, { bases }: Templates, settings: Settings): Promise<Workspace> {
  const named = settings.workspace;
  try {
    const dir = await chooseWorkspace(files, named, settings.cwd);
    return await loadWorkspace(files, dir, bases);
  } catch (error) {
    if (settings.optional && named === undefined && error instanceof HostctlError && error.code === 'NO_WORKSPACE') {
      const workspace = normaliseWorkspace({}, settings.cwd);
      const { instance, proxy, data } = workspace;
      const defaults = `instance ${instance}, port ${proxy.http}, data in ${data}`;
      settings.ui.event({ type: 'note', text: `no hostctl.yaml here or above, so with the defaults: ${defaults}` });
      return workspace;
    }
    throw error;
  }
}

function engineEndpoint(workspace: Workspace, env: NodeJS.ProcessEnv): string {
  const endpoint = workspace.engine ?? env['DOCKER_HOST'] ?? DEFAULT_ENGINE;
  if (endpoint.startsWith('unix://')) return endpoint;
  throw new HostctlError('REMOTE_ENGINE', `${endpoint} is no engine on this machine`, {
    exit: EXIT.definition,
    hints: ['run hostctl on the host itself, or set DOCKER_HOST to unix:///path/of/docker.sock'],
  });
}

/** As a kill would: that is what everything is made for. */
function stopAtOnce(error: HostctlError): never {
  throw error;
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    // A uid without a name, as in a container.
    return String(process.getuid?.() ?? 'unknown');
  }
}
