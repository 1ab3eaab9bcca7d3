import { projectName } from '../../core/starter.ts';
import type { AppDefinition } from '../definition.ts';
import { mapPhp } from './php.ts';
import { pythonApp } from './modpython.ts';
import { missingNote, pathFor } from './paths.ts';
import { proxiedApp } from './proxied.ts';
import { named, runs, type Site, type Target } from './site.ts';
import { wsgiApp } from './wsgi.ts';

/** The longest name an app may have. */
const LONGEST = 16;

/** What answers requests by running: scripts, mod_python, what is proxied; else PHP or pages of the DocumentRoot. */
export function mapApps(site: Site): void {
  const django = usesDjango(site);
  const scripts = site.targets.filter(runs).toSorted((a, b) => a.url.length - b.url.length);
  for (const target of scripts) {
    const app = makeApp(site, target, django);
    if (app) site.definition.apps[nameOf(site, target)] = app;
  }
  const root = site.targets.find(({ kind }) => kind === 'root');
  const php = mapPhp(site);
  if (root) mapRoot(site, root, php);
  // What an app at `/` answers is not looked for in a folder.
  for (const spot of named(site, 'documentroot')) {
    if (!site.ledger.has(spot.directive))
      site.ledger.settle(spot.directive, 'implied', 'the app at / answers everything');
  }
}

function makeApp(site: Site, target: Target, django: boolean): AppDefinition | undefined {
  if (target.kind === 'proxy') return proxiedApp(site, target);
  if (target.kind === 'python') return pythonApp(site, target);
  return wsgiApp(site, target, django);
}

/** `/` is the app called `web`; `/api/v1` is `api-v1`. */
function nameOf(site: Site, { url }: Target): string {
  if (url === '/') return 'web';
  const plain = projectName(url.replaceAll('/', '-')).slice(0, LONGEST).replace(/-+$/, '') || 'app';
  let name = plain;
  for (let n = 2; site.definition.apps[name] !== undefined; n++) name = `${plain.slice(0, LONGEST - 3)}-${n}`;
  return name;
}

/** The DocumentRoot is the site where no app answers `/`. */
function mapRoot(site: Site, root: Target, php: boolean): void {
  if (site.definition.apps['web']) return;
  site.definition.apps['web'] = { runtime: php ? 'php' : 'static', source: pathFor(site, root.path) };
  const note = php
    ? 'an app with runtime: php. Does it write into its own folder, as WordPress does? That needs a volume'
    : `an app with runtime: static${missingNote(site, root.path)}`;
  site.ledger.settle(root.directive, php ? 'decide' : 'mapped', note);
}

/** What a configuration says of Django without naming it. */
function usesDjango(site: Site): boolean {
  return site.spots.some(
    ({ directive: { name, args, raw } }) =>
      args.includes('DJANGO_SETTINGS_MODULE') ||
      (name === 'files' && args[0] === 'wsgi.py') ||
      ((name === 'alias' || name === 'wsgiscriptalias' || name === 'pythonhandler') && /django/i.test(raw)),
  );
}
