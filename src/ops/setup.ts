import type { Base } from '../core/base.ts';
import type { Step, StepOf } from '../core/steps.ts';
import { formatDuration } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { ensureBase } from './bases.ts';
import { makeDataRoot } from './directories.ts';
import { presentOrigin, resolveImages } from './images.ts';
import { recorded } from './journal.ts';
import { loadProjects } from './load.ts';
import { ensureKey, HOST_WAIT_MS, observe } from './observe.ts';
import { planAll } from './prepare.ts';
import { reported } from './progress.ts';
import { proxyAnswers, proxyBases, startProxy } from './proxy.ts';
import { ensureRenewal } from './renewal-timer.ts';
import { bareRun } from './run.ts';
import { carryOut } from './steps.ts';

const ENGINE_WAIT_MS = 60_000;
const ENGINE_LOG = '/var/log/hostctl-dockerd.log';

export interface SetupOptions {
  /** Answers every question with yes. */
  readonly yes: boolean;
}

/** Prepares a machine: engine, base images, data root, networks, proxy. Returns what it changed. */
export async function setup(ctx: Context, options: SetupOptions): Promise<string[]> {
  const changed: string[] = [];
  const did = (what: string): void => {
    changed.push(what);
    ctx.ui.event({ type: 'note', text: what });
  };
  await ensureEngine(ctx, options, did);
  await makeDataRoot(ctx);
  await ensureKey(ctx);
  for (const base of await neededBases(ctx)) await ensureBaseWithTools(base, ctx, options, did);
  changed.push(...(await recorded('host', 'setup', ctx, (begin) => setUpHost(begin, ctx))));
  if (!(await proxyAnswers(await observe(ctx), ctx))) {
    throw new HostctlError('PROXY_SILENT', 'the proxy runs, but does not answer', {
      exit: EXIT.unreachable,
      hints: ['hostctl doctor'],
    });
  }
  const renewal = await ensureRenewal(ctx);
  if (renewal !== undefined) did(renewal);
  return changed;
}

/** Networks and proxy, while nobody else is at them. */
async function setUpHost(begin: () => Promise<void>, ctx: Context): Promise<string[]> {
  const unlock = await ctx.host.lock('the host', 'setup', HOST_WAIT_MS);
  try {
    const plan = await planAll([], await observe(ctx), {}, ctx);
    if (plan.host.length > 0) await begin();
    for (const step of plan.host) {
      await reported('host', step, ctx, async () => {
        if (step.do === 'proxy') return startProxy(step, await observe(ctx), ctx);
        return carryOut(step as StepOf<'network'>, bareRun(ctx));
      });
    }
    return plan.host.map((step) => `${step.do} ${step.do === 'network' ? step.network.name : ''}`.trim());
  } finally {
    await unlock();
  }
}

async function ensureEngine(ctx: Context, options: SetupOptions, did: (what: string) => void): Promise<void> {
  const problem = await engineProblem(ctx);
  if (problem === undefined) return;
  if (!ctx.systemEngine) {
    throw new HostctlError('ENGINE_UNREACHABLE', problem.message, {
      exit: EXIT.unreachable,
      hints: ['start it, or leave out DOCKER_HOST and `engine:` of hostctl.yaml to use the engine of this system'],
      cause: problem,
    });
  }
  if (!(await ctx.machine.has('dockerd'))) {
    await install(['docker.io', 'nftables'], 'Docker Engine', ctx, options);
    did('installed Docker Engine');
  }
  if ((await engineProblem(ctx)) === undefined) return;
  await startEngine(ctx, problem);
  did('started Docker Engine');
}

async function engineProblem(ctx: Context): Promise<HostctlError | undefined> {
  try {
    await ctx.engine.info();
    return undefined;
  } catch (error) {
    if (error instanceof HostctlError && error.code === 'ENGINE_UNREACHABLE') return error;
    throw error;
  }
}

/** With systemd, with its predecessor, or, where there is neither, by itself. */
async function startEngine(ctx: Context, problem: HostctlError): Promise<void> {
  if (!ctx.machine.root) throw problem;
  const systemd = await ctx.machine.systemd();
  const started = systemd
    ? await ctx.machine.run(['systemctl', 'enable', '--now', 'docker'])
    : await ctx.machine.run(['service', 'docker', 'start']);
  if (started.code !== 0 || !(await answers(ctx, 15_000))) ctx.machine.detach(['dockerd'], ENGINE_LOG);
  if (await answers(ctx, ENGINE_WAIT_MS)) return;
  throw new HostctlError('ENGINE_UNREACHABLE', `Docker Engine did not start within ${formatDuration(ENGINE_WAIT_MS)}`, {
    exit: EXIT.unreachable,
    hints: [systemd ? 'journalctl -u docker' : `tail ${ENGINE_LOG}`],
  });
}

async function answers(ctx: Context, within: number): Promise<boolean> {
  const until = ctx.clock.ticks() + within;
  while (ctx.clock.ticks() < until) {
    if ((await engineProblem(ctx)) === undefined) return true;
    await ctx.clock.sleep(300);
  }
  return false;
}

async function install(packages: readonly string[], what: string, ctx: Context, options: SetupOptions): Promise<void> {
  const release = (await ctx.machine.read('/etc/os-release')) ?? '';
  if (!/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release)) {
    throw new HostctlError('NOT_DEBIAN', `${what} is missing, and hostctl can only install it on Debian and Ubuntu`, {
      hints: [`install ${packages.join(' and ')} with your system's tools, then run hostctl setup again`],
    });
  }
  if (!ctx.machine.root)
    throw new HostctlError('NOT_ROOT', `installing ${what} needs root`, { hints: ['sudo hostctl setup'] });
  const agreed =
    options.yes || (await ctx.ui.confirm(`Install ${what} (apt-get install ${packages.join(' ')})?`, '--yes'));
  if (!agreed) throw new HostctlError('CANCELLED', `${what} was not installed`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const onLine = (line: string): void => ctx.ui.event({ type: 'output', project: 'host', line });
  ctx.ui.event({ type: 'note', text: `installing ${packages.join(', ')}` });
  for (const argv of [
    ['apt-get', 'update'],
    ['apt-get', 'install', '--yes', ...packages],
  ]) {
    const { code, output } = await ctx.machine.run(argv, { env, onLine });
    if (code === 0) continue;
    throw new HostctlError(
      'INSTALL_FAILED',
      `${argv.join(' ')} ended with ${code}:\n${output.split('\n').slice(-10).join('\n')}`,
    );
  }
}

/** The proxy's bases, and those the definitions of this workspace are built on. Broken definitions need none. */
async function neededBases(ctx: Context): Promise<Base[]> {
  const found = new Map<string, Base>();
  for (const base of proxyBases(ctx)) if (!(await presentOrigin(base, ctx))) found.set(base.name, base);
  const loaded = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  for (const project of loaded.projects) {
    for (const base of (await resolveImages(project, ctx)).bases) found.set(base.name, base);
  }
  return [...found.values()];
}

async function ensureBaseWithTools(
  base: Base,
  ctx: Context,
  options: SetupOptions,
  did: (what: string) => void,
): Promise<void> {
  const step: Step = { do: 'base', base: base.name, why: 'not on the engine' };
  const make = (): Promise<void> =>
    reported('host', step, ctx, () =>
      ensureBase(base, ctx, (line) => ctx.ui.event({ type: 'output', project: 'host', line })),
    );
  try {
    await make();
  } catch (error) {
    if (!(error instanceof HostctlError && error.code === 'NO_MMDEBSTRAP')) throw error;
    await install(['mmdebstrap', 'debian-archive-keyring'], 'mmdebstrap', ctx, options);
    did('installed mmdebstrap');
    await make();
  }
  did(`made the base image ${base.name}`);
}
