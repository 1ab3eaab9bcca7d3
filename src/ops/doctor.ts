import { LABEL } from '../core/names.ts';
import { someNames } from '../core/certificate.ts';
import { overcommitted } from '../core/memory.ts';
import type { CheckResult } from '../core/results.ts';
import { engineDefects, fenceFinding, securityFinding } from '../core/safety.ts';
import type { EngineInfo, Observed } from '../core/state.ts';
import { formatSize } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { helperSpec, runOnce } from './run-once.ts';
import { edgeName } from './driver.ts';
import { presentOrigin } from './images.ts';
import { commitmentOf, freeMemory } from './memory.ts';
import { observe } from './observe.ts';
import { certificateStatuses } from './status.ts';
import { proxyAnswers, toolBase } from './proxy.ts';
import { tail } from './ready.ts';

const GIB = 1024 ** 3;
const MAX_SKEW_MS = 30_000;

/** Looks at everything a deploy relies on, and says what to do about what is wrong. */
export async function doctor(ctx: Context): Promise<CheckResult[]> {
  const findings = [nodeFinding(ctx.machine.node), await flockFinding(ctx)];
  let observed: Observed;
  try {
    observed = await observe(ctx);
  } catch (error) {
    if (!(error instanceof HostctlError)) throw error;
    return [...findings, { check: 'engine', state: 'problem', detail: error.message, advice: error.hints.join('; ') }];
  }
  const { engine } = observed;
  findings.push(engineFinding(engine), ...engineDefects(engine), securityFinding(engine), clockFinding(engine, ctx));
  findings.push(fenceFinding(observed.fence));
  findings.push(await limitsFinding(ctx), await memoryFinding(observed, ctx));
  findings.push(await diskFinding(ctx), ...(await baseFindings(ctx)));
  findings.push(await portFinding(observed, ctx), await proxyFinding(observed, ctx));
  findings.push(...certificateFindings(observed, ctx));
  return findings;
}

function nodeFinding(version: string): CheckResult {
  const old = Number(version.split('.')[0]) < 22;
  return {
    check: 'node',
    state: old ? 'warning' : 'ok',
    detail: `Node.js ${version}${old ? ' is past its end of life' : ''}`,
    ...(old ? { advice: 'hostctl works with it; Node.js 24 gets security fixes' } : {}),
  };
}

/** Locks are held by this program; the one of BusyBox cannot wait. */
async function flockFinding(ctx: Context): Promise<CheckResult> {
  const { code, output } = await ctx.machine.run(['flock', '--version']);
  if (code === 0) return { check: 'locks', state: 'ok', detail: output.trim() };
  return {
    check: 'locks',
    state: 'problem',
    detail: 'there is no flock of util-linux, which holds the locks',
    advice: 'install the package util-linux',
  };
}

function engineFinding(engine: EngineInfo): CheckResult {
  return {
    check: 'engine',
    state: 'ok',
    detail: `Docker Engine ${engine.version}, ${engine.cpus} cpus, ${formatSize(engine.memory)}`,
  };
}

function clockFinding(engine: EngineInfo, ctx: Context): CheckResult {
  const skew = Math.abs(Date.parse(engine.time) - ctx.clock.now());
  if (skew < MAX_SKEW_MS) return { check: 'clock', state: 'ok', detail: 'this machine and the engine agree' };
  return {
    check: 'clock',
    state: 'warning',
    detail: `the engine's clock is ${Math.round(skew / 1000)}s off`,
    advice: 'run an NTP client',
  };
}

/** Asks the kernel, from inside a container, which limits it really enforces. */
async function limitsFinding(ctx: Context): Promise<CheckResult> {
  const image = await presentOrigin(toolBase(ctx), ctx);
  if (!image)
    return {
      check: 'limits',
      state: 'warning',
      detail: 'not tried: there is no base image yet',
      advice: 'hostctl setup',
    };
  const limits = { memory: 64 * 1024 ** 2, cpus: 0.25, pids: 32 };
  const name = `${ctx.workspace.instance}-doctor-${ctx.clock.now()}`;
  const script = [
    'cd /sys/fs/cgroup',
    'cat memory.max memory/memory.limit_in_bytes 2>/dev/null | head -1',
    'cat pids.max pids/pids.max 2>/dev/null | head -1',
    '(cat cpu.max || cat cpu/cpu.cfs_quota_us) 2>/dev/null | head -1',
  ].join('; ');
  const entrypoint = ['/bin/sh', '-c', script];
  const spec = helperSpec({ name, image: image.ref, uid: 65_534, entrypoint, limits }, ctx);
  const [memory, pids, cpu] = await runOnce(spec, ctx, () => tail(name, ctx));
  const wrong = [
    ...(memory === String(limits.memory) ? [] : ['memory']),
    ...(pids === String(limits.pids) ? [] : ['pids']),
    ...(cpu?.startsWith('25000') ? [] : ['cpu']),
  ];
  if (wrong.length === 0)
    return { check: 'limits', state: 'ok', detail: 'the kernel enforces memory, cpu and pids limits' };
  return {
    check: 'limits',
    state: 'problem',
    detail: `the kernel does not enforce ${wrong.join(', ')}`,
    advice: 'boot with cgroup support: cgroup_enable=memory swapaccount=1 on the kernel command line',
  };
}

async function memoryFinding(observed: Observed, ctx: Context): Promise<CheckResult> {
  const commitment = commitmentOf(observed, [], ctx);
  const free = await freeMemory(ctx);
  const rest = free === undefined ? '' : `; ${formatSize(free)} free`;
  const text = overcommitted(commitment);
  if (text !== undefined) {
    const advice = 'lower limits that are never reached: hostctl status shows what is used';
    return { check: 'memory', state: 'warning', detail: `${text}${rest}`, advice };
  }
  const { limits, total } = commitment;
  const detail = `all apps and the proxy together may use ${formatSize(limits)} of ${formatSize(total)}${rest}`;
  return { check: 'memory', state: 'ok', detail };
}

async function diskFinding(ctx: Context): Promise<CheckResult> {
  const free = await ctx.host.free();
  const detail = `${formatSize(free)} free for ${ctx.workspace.data}`;
  if (free > 2 * GIB) return { check: 'disk', state: 'ok', detail };
  return {
    check: 'disk',
    state: free < GIB / 4 ? 'problem' : 'warning',
    detail,
    advice: 'docker system df shows what images take',
  };
}

async function baseFindings(ctx: Context): Promise<CheckResult[]> {
  const present = await Promise.all(
    ctx.templates.bases.map(async (base) => [base, await presentOrigin(base, ctx)] as const),
  );
  const here = present.flatMap(([base, origin]) => (origin ? [`${base.name} (${origin.ref})`] : []));
  const mmdebstrap = ctx.workspace.bases.from !== 'registry' && !(await ctx.machine.has('mmdebstrap'));
  return [
    {
      check: 'bases',
      state: 'ok',
      detail: here.length > 0 ? here.join(', ') : 'none yet; each is made when it is first needed',
    },
    ...(mmdebstrap
      ? [
          {
            check: 'bases',
            state: 'warning' as const,
            detail: 'mmdebstrap is missing: bases can only come from a registry',
            advice: 'hostctl setup',
          },
        ]
      : []),
  ];
}

async function portFinding(observed: Observed, ctx: Context): Promise<CheckResult> {
  const { http } = ctx.workspace.proxy;
  const ours = observed.containers.some(
    ({ name, state, labels }) => name === edgeName(ctx) && state === 'running' && labels[LABEL.port] === String(http),
  );
  const taken = await ctx.machine.listens(http);
  if (ours || !taken)
    return { check: 'port', state: 'ok', detail: ours ? `the proxy publishes port ${http}` : `port ${http} is free` };
  return {
    check: 'port',
    state: 'problem',
    detail: `something else listens on port ${http}`,
    advice: `find it with "ss -ltnp sport = :${http}", or choose another port under proxy.http in hostctl.yaml`,
  };
}

async function proxyFinding(observed: Observed, ctx: Context): Promise<CheckResult> {
  if (!observed.containers.some((item) => item.name === edgeName(ctx))) {
    return { check: 'proxy', state: 'warning', detail: 'not set up yet', advice: 'hostctl setup' };
  }
  if (!(await proxyAnswers(observed, ctx))) {
    return {
      check: 'proxy',
      state: 'problem',
      detail: 'the proxy does not answer',
      advice: `docker logs ${edgeName(ctx)}, then hostctl setup`,
    };
  }
  if (!observed.proxyCurrent) {
    return {
      check: 'proxy',
      state: 'warning',
      detail: 'its configuration is not that of the live releases',
      advice: 'hostctl deploy --all',
    };
  }
  return { check: 'proxy', state: 'ok', detail: 'answers, with the configuration of the live releases' };
}

function certificateFindings(observed: Observed, ctx: Context): CheckResult[] {
  return certificateStatuses(observed, ctx).map(({ project, state, ordered, expires, plain }) => {
    const check = `certificate of ${project}`;
    const until = expires?.slice(0, 10);
    const renew = ordered
      ? `hostctl tls renew ${project} says what is wrong; is it called regularly? hostctl setup sees to that`
      : `put a newer one in its place and run hostctl deploy ${project}`;
    if (state === 'missing') {
      const advice = ordered ? `hostctl tls renew ${project}` : `hostctl deploy ${project}`;
      return { check, state: 'problem', detail: 'there is none: the site speaks plain http', advice };
    }
    if (state === 'expired') return { check, state: 'problem', detail: `expired on ${until}`, advice: renew };
    if (state === 'damaged') {
      const detail = `its newest copy in the data root is damaged; an earlier one serves, until ${until}`;
      const advice = ordered ? `hostctl tls renew ${project} --force` : `hostctl deploy ${project}`;
      return { check, state: 'warning', detail, advice };
    }
    if (state === 'ending') return { check, state: 'warning', detail: `expires on ${until}`, advice: renew };
    const rest = plain.length > 0 ? `; ${someNames(plain)} stays on plain http` : '';
    return { check, state: 'ok', detail: `valid until ${until}${rest}` };
  });
}
