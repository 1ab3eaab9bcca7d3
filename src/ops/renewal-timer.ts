import { cronLine, serviceUnit, timerUnit, unitPaths } from '../core/renewal-unit.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { driverOf } from './driver.ts';
import { loadProjects } from './load.ts';
import { liveSites, observe } from './observe.ts';

/** Has `hostctl tls renew` called regularly when a site orders its certificate. Returns what was changed, if anything. */
export async function ensureRenewal(ctx: Context): Promise<string | undefined> {
  if (driverOf(ctx).storage || !(await ordersAny(ctx))) return undefined;
  const argv = command(ctx);
  if (!(await ctx.machine.systemd())) {
    const text = `certificates are renewed by hostctl tls renew; systemd does not run here, so let cron call it twice a day, by this line in /etc/cron.d/hostctl: ${cronLine(argv)}`;
    ctx.ui.event({ type: 'note', text });
    return undefined;
  }
  const paths = unitPaths(ctx.workspace.instance);
  const wanted = { [paths.service]: serviceUnit(argv), [paths.timer]: timerUnit() };
  const found = await Promise.all(Object.keys(wanted).map((path) => ctx.machine.read(path)));
  if (Object.values(wanted).every((text, index) => text === found[index])) return undefined;
  if (!ctx.machine.root) {
    throw new HostctlError('NOT_ROOT', 'installing a systemd timer needs root', { hints: ['sudo hostctl setup'] });
  }
  for (const [path, text] of Object.entries(wanted)) await ctx.files.write(path, text);
  await systemctl(['daemon-reload'], ctx);
  await systemctl(['enable', '--now', paths.timer.split('/').at(-1)!], ctx);
  return 'installed a systemd timer that renews certificates';
}

/** Takes the timer away again. Returns its name if there was one. */
export async function removeRenewal(ctx: Context): Promise<string | undefined> {
  const paths = unitPaths(ctx.workspace.instance);
  if ((await ctx.machine.read(paths.timer)) === undefined) return undefined;
  const name = paths.timer.split('/').at(-1)!;
  await systemctl(['disable', '--now', name], ctx);
  for (const path of Object.values(paths)) await ctx.machine.run(['rm', '-f', path]);
  await systemctl(['daemon-reload'], ctx);
  return name;
}

/** After a first order: says so when nobody would order the next. */
export async function noteRenewal(ctx: Context): Promise<void> {
  if (!(await ctx.machine.systemd())) return;
  if ((await ctx.machine.read(unitPaths(ctx.workspace.instance).timer)) !== undefined) return;
  ctx.ui.event({ type: 'note', text: 'hostctl setup installs the timer that renews certificates: run it once more' });
}

async function ordersAny(ctx: Context): Promise<boolean> {
  const { histories } = await observe(ctx);
  if (liveSites(histories).some((site) => site.tls?.acme !== undefined)) return true;
  const { projects } = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  return projects.some((project) => project.tls?.source.kind === 'acme');
}

function command(ctx: Context): string[] {
  return [...ctx.machine.self, '--workspace', ctx.workspace.dir];
}

async function systemctl(words: readonly string[], ctx: Context): Promise<void> {
  const { code, output } = await ctx.machine.run(['systemctl', ...words]);
  if (code === 0) return;
  throw new HostctlError('INSTALL_FAILED', `systemctl ${words.join(' ')} ended with ${code}: ${output.trim()}`);
}
