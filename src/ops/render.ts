import type { DriverName, Rendered } from '../core/model.ts';
import { networkName } from '../core/names.ts';
import type { Site } from '../core/routes.ts';
import type { Desired, Observed } from '../core/state.ts';
import type { Context } from '../ports.ts';
import type { GeneratedFile } from '../proxy/driver.ts';
import { labelsOf } from '../proxy/labels.ts';
import { readCertificates, readOrdering } from './certificates.ts';
import { driverOf } from './driver.ts';
import { loadProjects, selectProjects, selectSound } from './load.ts';
import { liveSites, observe, siteNow } from './observe.ts';
import { desiredForAll, lookAtImages } from './prepare.ts';

/**
 * The proxy's files as they would be written if the given projects were deployed now; all files without names. Labels
 * are for containers the user starts, one file per app.
 */
export async function render(form: Rendered, names: readonly string[], ctx: Context): Promise<GeneratedFile[]> {
  if (form === 'nginx' || form === 'traefik') return renderDriver(form, names, ctx);
  const provider = form === 'labels' ? 'docker' : 'swarm';
  const { desired, observed } = await wanted(names, withDriver('traefik', ctx));
  return desired.flatMap((item) => renderLabels(item, provider, observed, ctx));
}

async function renderDriver(form: DriverName, names: readonly string[], given: Context): Promise<GeneratedFile[]> {
  const ctx = withDriver(form, given);
  const { desired, observed } = await wanted(names, ctx);
  const changing = new Set(desired.map((item) => item.project));
  const others = liveSites(observed.histories).filter((site) => !changing.has(site.project));
  const sites = desired.flatMap((item) => siteNow(item, observed.histories[item.project]));
  const driver = driverOf(ctx);
  const generation = driver.generation({
    sites: (names.length > 0 && driver.publish ? sites : [...others, ...sites]).map(masked),
    settings: ctx.workspace.proxy,
    instance: ctx.workspace.instance,
    certificates: await readCertificates([...others, ...sites], ctx),
    ordering: await readOrdering([...others, ...sites], ctx),
    cpus: observed.engine.cpus,
    // What opens the admin socket is nobody's to see on a screen.
    token: 'not-shown',
    templates: await ctx.templates.proxy('nginx'),
  });
  if (names.length === 0) return generation.files.filter((file) => !file.path.endsWith('.users'));
  const own = new Set([driver.publish?.file, ...names.map((name) => `sites/${name}.conf`)]);
  return generation.files.filter((file) => own.has(file.path));
}

/** What opens a closed site is nobody's to see either, nor are the users of one: their files are left out above. */
function masked(site: Site): Site {
  return site.closed ? { ...site, closed: { ...site.closed, token: 'not-shown', probe: 'not-shown-either' } } : site;
}

/** What the definitions ask for under another driver than the workspace's. */
function withDriver(driver: DriverName, ctx: Context): Context {
  return { ...ctx, workspace: { ...ctx.workspace, proxy: { ...ctx.workspace.proxy, driver } } };
}

async function wanted(names: readonly string[], ctx: Context): Promise<{ desired: Desired[]; observed: Observed }> {
  const loaded = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  const projects = names.length > 0 ? selectProjects(loaded, names) : selectSound(loaded).projects;
  const images = await lookAtImages(projects, ctx);
  const observed = await observe(ctx);
  return { desired: await desiredForAll(projects, images, observed, ctx), observed };
}

function renderLabels(
  desired: Desired,
  provider: 'docker' | 'swarm',
  observed: Observed,
  ctx: Context,
): GeneratedFile[] {
  const { site, project, workloads } = desired;
  if (!site) return [];
  const { apps, missing } = labelsOf({
    site,
    provider,
    network: networkName(ctx.workspace.instance, project),
    version: (app) => workloads.find((item) => item.app === app)!.spec.slice(0, 7),
    release: (observed.histories[project]?.current?.id ?? 0) + 1,
  });
  const notes = missing.map((line) => `# Not here: ${line}.\n`).join('');
  return apps.map(({ app, labels }) => {
    const lines = Object.entries(labels).map(([key, value]) => `${key}=${value}\n`);
    return { path: `${provider}-labels/${project}/${app}`, text: `${notes}${lines.join('')}` };
  });
}
