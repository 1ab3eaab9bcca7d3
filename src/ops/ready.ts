import { redact } from '../core/secret.ts';
import type { Workload } from '../core/state.ts';
import { formatDuration, formatSize } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Answer, ContainerState, Context, ProbeTarget } from '../ports.ts';
import { secretsGiven } from './secret-store.ts';

/** Often at first, for apps that start at once; then less and less, so that a slow one's log is not made of probes. */
const POLL_MS = 100;
const SLOWEST_POLL_MS = 1000;
const POLL_GROWTH = 1.2;
/** An app without any check counts as ready when it has kept running for this long. */
const SETTLE_MS = 2000;
const LOG_LINES = 20;
/** How long to look for the exit code of one that is started again and again. */
const END_MS = 3000;
/** What a check that begins at the last moment is given. */
const LAST_CHECK_MS = 1000;
const LOG_MS = 10_000;

/** Waits until a new container answers as its definition asks; fails with all there is to know about why not. */
export async function waitReady(workload: Workload, host: string, ctx: Context): Promise<ContainerState> {
  return poll(workload, ctx, async (waited) => {
    if (workload.health.command) return runCheck(workload, workload.health.within - waited, ctx);
    if (workload.health.path === undefined) return settled(waited);
    return judge(await ask(workload, host, ctx), workload);
  });
}

/** Whether an app without any check has kept running for long enough. @param waited since it was first looked at */
function settled(waited: number): Answer | undefined {
  return waited >= SETTLE_MS ? { ok: true, status: 0, ms: 0 } : undefined;
}

/** Waits until a new container answers anything at all: it has booted, whatever its pages say before a migration. */
export async function waitAnswers(workload: Workload, host: string, ctx: Context): Promise<void> {
  await poll(workload, ctx, async (waited) => {
    if (workload.health.path === undefined) return settled(waited);
    return ask(workload, host, ctx);
  });
}

async function poll(
  workload: Workload,
  ctx: Context,
  look: (waited: number) => Promise<Answer | undefined>,
): Promise<ContainerState> {
  const { name } = workload.container;
  const since = ctx.clock.ticks();
  let last: Answer | undefined;
  let restarts: number | undefined;
  for (let pause = POLL_MS; ; pause = Math.min(pause * POLL_GROWTH, SLOWEST_POLL_MS)) {
    const state = await ctx.engine.inspect(name);
    if (!state || (!state.running && !state.restarting)) throw await failure(workload, 'ended', last, ctx);
    restarts ??= state.restarts;
    if (state.restarting || state.restarts > restarts)
      throw await failure(workload, 'ended and was started again', last, ctx);
    last = (await look(ctx.clock.ticks() - since)) ?? last;
    if (last?.ok) return state;
    if (ctx.clock.ticks() - since > workload.health.within) {
      throw await failure(workload, `did not become ready within ${formatDuration(workload.health.within)}`, last, ctx);
    }
    await ctx.clock.sleep(pause);
  }
}

function ask(workload: Workload, host: string, ctx: Context): Promise<Answer> {
  return ctx.prober.candidate(targetOf(workload), { host, path: workload.health.path!, timeout: 5000 });
}

/** Where a container can be asked directly. */
export function targetOf(workload: Workload): ProbeTarget {
  if (workload.listen.kind === 'port') {
    return { kind: 'port', host: workload.container.name, port: workload.listen.port };
  }
  return { kind: 'socket', path: workload.socket! };
}

/** 2xx and 3xx are ready, and what the definition expects besides. */
function judge(answer: Answer, workload: Workload): Answer {
  if (!answer.ok || (answer.status >= 200 && answer.status < 400)) return answer;
  if (workload.health.expect.includes(answer.status)) return answer;
  return { ok: false, ms: answer.ms, reason: `answered ${answer.status}` };
}

async function runCheck(workload: Workload, left: number, ctx: Context): Promise<Answer> {
  const within = Math.max(Math.ceil(left), LAST_CHECK_MS);
  const ended = await ctx.engine.exec(workload.container.name, workload.health.command!, within).catch(overdue);
  if (typeof ended === 'string') return { ok: false, ms: within, reason: ended };
  const { code, output } = ended;
  if (code === 0) return { ok: true, status: 0, ms: 0 };
  const words = redact(output.split('\n').at(-1) ?? '', await secretsGiven(workload, ctx));
  return { ok: false, ms: 0, reason: `the check ended with ${code}: ${words}` };
}

/** A check that hangs has failed; any other error is one of the engine. */
function overdue(error: unknown): string {
  if (error instanceof HostctlError && error.code === 'EXEC_TIMEOUT') return error.message;
  throw error;
}

async function failure(
  workload: Workload,
  what: string,
  last: Answer | undefined,
  ctx: Context,
): Promise<HostctlError> {
  const facts = last && !last.ok ? [`last probe of ${workload.health.path ?? 'it'}: ${last.reason}`] : [];
  const text = await lastWords(workload, what, facts, await lastEnd(workload.container.name, ctx), ctx);
  return new HostctlError('NOT_READY', text, { exit: EXIT.unhealthy, hints: adviceFor(last, workload) });
}

/** What became of a container, how it ended, and what it wrote. */
export async function lastWords(
  workload: Workload,
  what: string,
  more: readonly string[],
  state: ContainerState | undefined,
  ctx: Context,
): Promise<string> {
  const { name, limits } = workload.container;
  const facts = [
    ...(state && (!state.running || state.restarting) ? [`exit code ${state.exitCode}`] : []),
    ...(state?.oomKilled ? [`killed for needing more than its ${formatSize(limits.memory)}`] : []),
    ...more,
  ];
  const log = await tail(name, ctx, { of: workload });
  const lines = [`${name} ${what}${facts.length > 0 ? ` (${facts.join('; ')})` : ''}`];
  if (log.length > 0) lines.push('its last words:', ...log.map((line) => `  ${line}`));
  return lines.join('\n');
}

/** How it ended: one that is started again and again tells only between two attempts. */
export async function lastEnd(name: string, ctx: Context): Promise<ContainerState | undefined> {
  const until = ctx.clock.ticks() + END_MS;
  for (;;) {
    const state = await ctx.engine.inspect(name);
    const between = !state?.running || state.restarting;
    if (between || state.restarts === 0 || ctx.clock.ticks() > until) return state;
    await ctx.clock.sleep(POLL_MS / 5);
  }
}

function adviceFor(last: Answer | undefined, workload: Workload): string[] {
  const log = `hostctl logs ${workload.project} --container ${workload.container.name}`;
  if (!last || last.ok) return [log];
  if (/answered 40[13]/.test(last.reason)) {
    return ['set health.path to a page that needs no login, or health.expect: [401]', log];
  }
  if (/answered 400/.test(last.reason)) return ['does the app accept its own hostname? (Django: ALLOWED_HOSTS)', log];
  return [log];
}

/** The last log lines of a container, without the secrets it was given. @param of whose container it is */
export async function tail(
  name: string,
  ctx: Context,
  { count = LOG_LINES, of }: { count?: number; of?: Workload } = {},
): Promise<string[]> {
  const lines: string[] = [];
  const secrets = of ? await secretsGiven(of, ctx) : [];
  const signal = AbortSignal.timeout(LOG_MS);
  try {
    for await (const line of ctx.engine.logs(name, { tail: count, signal })) lines.push(redact(line.text, secrets));
  } catch (error) {
    if (!signal.aborted) throw error;
    lines.push(`(the engine did not hand out more within ${formatDuration(LOG_MS)})`);
  }
  return lines;
}
