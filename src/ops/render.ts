import type { Context } from '../ports.ts';
import type { GeneratedFile } from '../proxy/driver.ts';
import { driverOf } from './driver.ts';
import { loadProjects, selectProjects, selectSound } from './load.ts';
import { desiredForAll, lookAtImages } from './prepare.ts';
import { liveSites, observe } from './observe.ts';

/** The proxy's files as they would be written if the given projects were deployed now; all files without names. */
export async function render(names: readonly string[], ctx: Context): Promise<GeneratedFile[]> {
  const loaded = await loadProjects(ctx.files, ctx.workspace, ctx.templates.runtimes);
  const projects = names.length > 0 ? selectProjects(loaded, names) : selectSound(loaded).projects;
  const images = await lookAtImages(projects, ctx);
  const observed = await observe(ctx);
  const desired = await desiredForAll(projects, images, observed, ctx);
  const changing = new Set(projects.map((project) => project.name));
  const others = liveSites(observed.histories).filter((site) => !changing.has(site.project));
  const driver = driverOf(ctx);
  const generation = driver.generation({
    sites: [...others, ...desired.flatMap((item) => (item.site ? [item.site] : []))],
    settings: ctx.workspace.proxy,
    cpus: observed.engine.cpus,
    // What opens the admin socket is nobody's to see on a screen.
    token: 'not-shown',
    templates: await ctx.templates.proxy('nginx'),
  });
  if (names.length === 0) return [...generation.files];
  return generation.files.filter((file) => names.some((name) => file.path === `sites/${name}.conf`));
}
