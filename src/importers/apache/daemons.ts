import type { AppDefinition } from '../definition.ts';
import type { Status } from '../report.ts';
import type { Directive } from './ledger.ts';

/** `WSGIDaemonProcess name key=value …`. */
export interface Daemon {
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
}

export function readDaemon({ args }: Directive): Daemon {
  const [name = '', ...rest] = args;
  const options = rest.map((word) => {
    const at = word.indexOf('=');
    return at < 0
      ? ([word.toLowerCase(), ''] as const)
      : ([word.slice(0, at).toLowerCase(), unquote(word.slice(at + 1))] as const);
  });
  return { name, options: new Map(options) };
}

function unquote(text: string): string {
  return text.replaceAll(/^["']|["']$/g, '');
}

/** Options without an equal that is worth a line, and why nothing is lost. */
const HARMLESS: Readonly<Record<string, string>> = {
  'display-name': 'containers have names',
  'maximum-requests': 'limits.memory ends what leaks',
  'inactivity-timeout': 'an app that is not asked costs only its memory',
  'graceful-timeout': '`drain` and `stop` of the app',
  'shutdown-timeout': '`stop` of the app',
  'eviction-timeout': '`stop` of the app',
  'deadlock-timeout': 'a container that ends is started again',
  'startup-timeout': '`health.within` of the app',
  'restart-interval': 'limits.memory ends what leaks',
  'interrupt-timeout': '`stop` of the app',
  'cpu-time-limit': 'limits.cpus holds all the time',
  'cpu-priority': 'limits.cpus holds all the time',
  'connect-timeout': 'of the daemon socket',
  'socket-timeout': 'of the daemon socket',
  'queue-timeout': 'of the daemon socket',
  'response-socket-timeout': 'of the daemon socket',
  'listen-backlog': 'of the daemon socket',
  'send-buffer-size': 'of the daemon socket',
  'receive-buffer-size': 'of the daemon socket',
  'header-buffer-size': 'of the daemon socket',
  'response-buffer-size': 'of the daemon socket',
  'response-flush-delay': 'of the daemon socket',
  'socket-user': 'of the daemon socket',
  'socket-rotation': 'of the daemon socket',
  'stack-size': 'of the threads',
  'switch-interval': 'of the interpreter',
  'python-eggs': 'no eggs are unpacked in a container',
  'server-metrics': 'hostctl status has them',
  'virtual-memory-limit': 'counts addresses; limits.memory counts memory',
  'supplementary-groups': 'each app has a user and a group of its own',
  umask: 'each app has a user of its own',
  user: 'each app has a user of its own',
  group: 'each app has a user of its own',
};

/** What a daemon's options become; the last says most. */
export interface DaemonResult {
  readonly app: AppDefinition;
  readonly timeout?: string;
  readonly status: Status;
  readonly note: string;
}

export function mapDaemon(daemon: Daemon): DaemonResult {
  const app: AppDefinition = {};
  const said: string[] = [];
  const open: string[] = [];
  const gone: string[] = [];
  let timeout: string | undefined;
  app.server = { processes: number(daemon, 'processes', 1), threads: number(daemon, 'threads', 15) };
  said.push(`server: ${app.server.processes} × ${app.server.threads}`);
  for (const [key, value] of daemon.options) {
    if (key === 'processes' || key === 'threads') continue;
    if (key === 'lang' || key === 'locale') {
      (app.env ??= {})[key === 'lang' ? 'LANG' : 'LC_ALL'] = value;
      said.push(`${key} → env`);
    } else if (key === 'memory-limit' && /^\d+$/.test(value)) {
      app.limits = { memory: `${Math.max(6, Math.ceil(Number(value) / 1024 ** 2))}M` };
      said.push('limits.memory, now of the whole container');
    } else if (key === 'request-timeout' && /^[1-9]\d*$/.test(value)) {
      timeout = `${value}s`;
      said.push('http.timeout');
    } else if (PATHS.has(key)) said.push(`${key}: see the script`);
    else if (Object.hasOwn(HARMLESS, key)) gone.push(`${key} (${HARMLESS[key]!})`);
    else open.push(key);
  }
  if (daemon.options.has('user')) said.push('a user of its own, as here');
  const rest = gone.filter((text) => !/^(?:user|group) /.test(text));
  const parts = [said.join('; '), ...(rest.length > 0 ? [`not needed: ${rest.join(', ')}`] : [])];
  if (open.length > 0)
    return {
      app,
      status: 'decide',
      note: `${parts.join('; ')}; what of ${open.join(', ')}?`,
      ...(timeout ? { timeout } : {}),
    };
  return { app, status: 'mapped', note: parts.join('; '), ...(timeout ? { timeout } : {}) };
}

const PATHS = new Set(['home', 'python-path', 'python-home']);

function number(daemon: Daemon, key: string, usual: number): number {
  const value = Number(daemon.options.get(key) ?? usual);
  return Number.isSafeInteger(value) && value > 0 ? value : usual;
}
