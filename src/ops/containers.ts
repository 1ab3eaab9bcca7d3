import { LABEL } from '../core/names.ts';
import type { ContainerView, Observed } from '../core/state.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';

/** The containers of a project's apps, replicas in order. */
export function containersOf(project: string, observed: Observed): ContainerView[] {
  return observed.containers
    .filter((item) => item.labels[LABEL.project] === project && item.labels[LABEL.role] === 'app')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those of the live release. */
export function liveContainers(project: string, observed: Observed): ContainerView[] {
  const names = new Set(observed.histories[project]?.current?.desired.workloads.map((item) => item.container.name));
  return containersOf(project, observed).filter((item) => names.has(item.name));
}

/** Fails when nothing of the project was ever deployed here. */
export function requireDeployed(project: string, observed: Observed): void {
  if (observed.histories[project]?.current || containersOf(project, observed).length > 0) return;
  const known = Object.keys(observed.histories).filter((name) => observed.histories[name]!.current);
  throw new HostctlError('NOT_DEPLOYED', `${quote(project)} is not deployed on this host`, {
    exit: EXIT.definition,
    hints: [known.length > 0 ? `deployed here: ${known.join(', ')}` : `hostctl deploy ${project}`],
  });
}

/** `projectname` or `projectname/web` → the project and the app that is meant. */
export function readTarget(target: string): { project: string; app?: string } {
  const [project, app] = target.split('/') as [string, string | undefined];
  return app === undefined ? { project } : { project, app };
}

/** The app that is meant when none is named: the one called web, or the only one. */
export function defaultApp(project: string, observed: Observed): string {
  // Containers kept for a rollback may belong to apps the live release no longer has.
  const live = liveContainers(project, observed);
  const all = live.length > 0 ? live : containersOf(project, observed);
  const apps = [...new Set(all.map((item) => item.labels[LABEL.app]!))];
  if (apps.includes('web')) return 'web';
  if (apps.length === 1) return apps[0]!;
  throw new HostctlError('WHICH_APP', `${quote(project)} has several apps`, {
    exit: EXIT.definition,
    hints: [`write one of ${apps.map((app) => `${project}/${app}`).join(', ')}`],
  });
}
