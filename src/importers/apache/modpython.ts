import type { AppDefinition } from '../definition.ts';
import { missingNote, pathFor } from './paths.ts';
import { below, named, settle, type Site, type Spot, type Target } from './site.ts';

const DJANGO = 'django.core.handlers.modpython';

/** An app that ran in mod_python by Django's handler. */
export function pythonApp(site: Site, target: Target): AppDefinition {
  const inside = (name: string): Spot | undefined =>
    named(site, name).findLast(({ scopes }) => {
      const location = scopes.findLast(({ kind }) => kind === 'location');
      return !location || (!location.regex && below(target.url, location.pattern));
    });
  const settings = named(site, 'setenv').find(({ directive }) => directive.args[0] === 'DJANGO_SETTINGS_MODULE')
    ?.directive.args[1];
  const paths = readPythonPath(inside('pythonpath')?.directive.raw ?? '');
  const root = named(site, 'documentroot')[0]?.directive.args[0];
  const app: AppDefinition = { runtime: 'django' };
  const source = paths?.[0] ?? root;
  if (source !== undefined) app.source = pathFor(site, source);
  const module = /^([A-Za-z_]\w*)\.[\w.]+$/.exec(settings ?? '')?.[1];
  if (module !== undefined) app.wsgi = `${module}.wsgi`;
  const others = (paths ?? []).slice(1).filter((path) => source !== undefined && below(path, source));
  if (others.length > 0) {
    app.env = { PYTHONPATH: ['/app', ...others.map((path) => `/app${path.slice(source!.length)}`)].join(':') };
  }
  if (target.url !== '/') app.path = target.url;
  site.ledger.settle(
    target.directive,
    source === undefined ? 'decide' : 'mapped',
    source === undefined ? 'nothing says where the source is' : `an app at ${target.url}${missingNote(site, source)}`,
  );
  return app;
}

/** `"['/a', '/b'] + sys.path"` → the folders. Only a literal list is read; nothing is ever evaluated. */
function readPythonPath(raw: string): string[] | undefined {
  const text = raw.trim().replaceAll(/^"|"$/g, '').trim();
  const list = /^(?:sys\.path\s*\+\s*)?\[([^[\]]*)\](?:\s*\+\s*sys\.path)?$/.exec(text)?.[1];
  if (list === undefined) return undefined;
  const items = list.split(',').map((item) => item.trim());
  if (items.at(-1) === '') items.pop();
  const words = items.map((item) => /^r?(?:'([^'\\]*)'|"([^"\\]*)")$/.exec(item));
  return words.every((match) => match !== null) ? words.map((match) => match[1] ?? match[2]!) : undefined;
}

/** Directives of mod_python. */
export function mapModPython(site: Site): void {
  for (const spot of named(site, 'pythonhandler')) {
    const [handler = ''] = spot.directive.args;
    if (handler !== DJANGO)
      settle(site, spot, 'unsupported', `${handler} speaks to mod_python itself: hostctl starts WSGI apps`);
    else settle(site, spot, 'decide', 'Django dropped this handler in 1.5: the project needs a wsgi.py, and Python 3');
  }
  for (const spot of named(site, 'pythonpath')) {
    const paths = readPythonPath(spot.directive.raw);
    if (paths) settle(site, spot, 'mapped', 'source is the first folder; those below it are in PYTHONPATH');
    else
      settle(site, spot, 'decide', 'more than a list of folders; hostctl does not run it. Which folder is the source?');
    const outside = paths?.slice(1).filter((path) => !below(path, paths[0]!)) ?? [];
    if (outside.length > 0)
      settle(site, spot, 'decide', `${outside.join(', ')} is outside of the source: move it there`);
  }
  for (const spot of named(site, 'pythonoption')) {
    const [name, value] = spot.directive.args;
    if (name === 'django.root')
      settle(site, spot, 'decide', `Django's FORCE_SCRIPT_NAME = "${value ?? ''}" says so now, in its settings`);
    else settle(site, spot, 'decide', 'an option only mod_python passed on');
  }
  const harmless = named(
    site,
    'pythoninterpreter',
    'pythonautoreload',
    'pythonoptimize',
    'pythonimport',
    'pythondebug',
    'pythonenablepdb',
  );
  for (const spot of harmless)
    settle(site, spot, 'dropped', 'of mod_python; an app has its own interpreter, and DEBUG is in its settings');
  const guards = named(site, 'pythonauthenhandler', 'pythonaccesshandler', 'pythonauthzhandler');
  for (const spot of guards)
    settle(site, spot, 'unsupported', 'a program decides who may: hostctl has addresses and a users file');
}
