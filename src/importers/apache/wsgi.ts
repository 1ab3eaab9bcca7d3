import type { AppDefinition } from '../definition.ts';
import type { Status } from '../report.ts';
import { type Daemon, mapDaemon, readDaemon } from './daemons.ts';
import { missingNote, pathFor } from './paths.ts';
import { findScript, isShared, type Script } from './script.ts';
import { below, here, named, type Site, type Spot, type Target } from './site.ts';

/** An app made of a WSGI script. */
export function wsgiApp(site: Site, target: Target, django: boolean): AppDefinition {
  const daemon = daemonOf(site, target);
  const paths = (daemon?.options.get('python-path') ?? globalPath(site)).split(':').filter((path) => path !== '');
  const home = daemon?.options.get('home');
  const script = findScript(site, target.path, {
    paths,
    django,
    ...(home === undefined ? {} : { home }),
    ...(daemon === undefined ? {} : { group: daemon.name }),
  });
  const callable = callableOf(site, target);
  const app: AppDefinition = { runtime: script.django ? 'django' : 'wsgi' };
  if (!ofSystem(target.path) && script.source !== '/') app.source = pathFor(site, script.source);
  settleScript(site, target, script);
  const server = daemon && mapDaemon(daemon);
  const named = entryHere(site, script);
  if (named !== undefined && target.url === '/') app.wsgi = named;
  else if (script.module === undefined || target.url !== '/') {
    Object.assign(app, command(target.url, script, callable, server?.app.server));
  } else app.wsgi = `${script.module}${callable === 'application' ? '' : `:${callable}`}`;
  if (target.url !== '/') app.path = target.url;
  mapDaemonOf(site, daemon, server, app, script);
  addPaths(site, paths, script, app, daemon);
  noteText(site, target, script);
  return app;
}

/** The module manage.py names, where the source is here and the script of the virtual host is not in it. */
function entryHere(site: Site, script: Script): string | undefined {
  const source = here(site, script.source);
  if (site.look.kind(source) !== 'folder' || site.look.kind(`${source}/${script.file}`) !== undefined) return undefined;
  const manage = site.look.text(`${source}/manage.py`) ?? '';
  const module = /DJANGO_SETTINGS_MODULE['"]\s*(?:,|\]\s*=)\s*['"](\w+)\./.exec(manage)?.[1];
  return module === undefined ? undefined : `${module}.wsgi`;
}

/** TCP, so that one line serves every proxy. */
const PORT = 8000;

/** uwsgi by hand: it takes files no name can import, and tells an app below a path which part is its own. */
function command(
  url: string,
  script: Script,
  callable: string,
  server: AppDefinition['server'],
): Pick<AppDefinition, 'command' | 'port'> {
  const file = script.module === undefined;
  const entry = file ? `/app/${script.file}` : `${script.module}:${callable}`;
  const words = ['uwsgi', '--ini', '/hostctl/uwsgi.ini', '--http-socket', `:${PORT}`];
  if (url === '/') words.push('--wsgi-file', entry);
  else words.push('--mount', `${url}=${entry}`, '--manage-script-name');
  if (file && callable !== 'application') words.push('--callable', callable);
  words.push('--processes', String(server?.processes ?? 1), '--threads', String(server?.threads ?? 4));
  const plain = words.every((word) => /^[\w./:=@%+,-]+$/.test(word));
  return { port: PORT, command: plain ? words.join(' ') : words };
}

/** Files a package of the system brought are no source. */
function ofSystem(path: string): boolean {
  return /^\/usr\/(?:bin|sbin|lib|share)\//.test(path);
}

function settleScript(site: Site, target: Target, script: Script): void {
  const { directive } = target;
  if (ofSystem(target.path)) {
    site.ledger.settle(
      directive,
      'decide',
      `${target.path} belongs to a package of the system: give the app a source of its own`,
    );
    return;
  }
  if (isShared(script.source)) {
    const note = `${script.source} holds more than this app: give it a folder of its own, or it is all in the image`;
    site.ledger.settle(directive, 'decide', note);
    return;
  }
  const how = script.module === undefined || target.url !== '/' ? 'command' : 'wsgi';
  site.ledger.settle(
    directive,
    'mapped',
    `an app at ${target.url}: runtime ${script.django ? 'django' : 'wsgi'}, source, ${how}${missingNote(site, script.source)}`,
  );
}

/** The group a script runs in: its own option, then the innermost section, then the site. */
function daemonOf(site: Site, target: Target): Daemon | undefined {
  const option = target.directive.args.find((word) => word.startsWith('process-group='))?.slice(14);
  const spots = named(site, 'wsgiprocessgroup').filter((spot) => appliesTo(spot, target));
  const spot = spots.toSorted((a, b) => a.scopes.length - b.scopes.length).at(-1);
  const group = option ?? spot?.directive.args[0];
  if (group === undefined || group === '%{GLOBAL}') return undefined;
  const directive = site.daemons.get(group);
  if (directive) return readDaemon(directive);
  const said = option === undefined ? spot!.directive : target.directive;
  site.ledger.settle(
    said,
    'decide',
    `there is no WSGIDaemonProcess ${group} in these files: give the one it stands in as well`,
  );
  return undefined;
}

function appliesTo({ scopes }: Spot, target: Target): boolean {
  return scopes.every(({ kind, pattern, regex }) => {
    if (regex) return false;
    if (kind === 'location') return below(target.url, pattern);
    return kind === 'directory' ? below(target.path, pattern) : kind === 'files' && target.path.endsWith(`/${pattern}`);
  });
}

function globalPath(site: Site): string {
  return named(site, 'wsgipythonpath')[0]?.directive.args[0] ?? '';
}

function callableOf(site: Site, target: Target): string {
  const option = target.directive.args.find((word) => word.startsWith('callable-object='))?.slice(16);
  const spot = named(site, 'wsgicallableobject').findLast((item) => appliesTo(item, target));
  const name = option ?? spot?.directive.args[0] ?? 'application';
  return /^[A-Za-z_]\w*$/.test(name) ? name : 'application';
}

function mapDaemonOf(
  site: Site,
  daemon: Daemon | undefined,
  result: ReturnType<typeof mapDaemon> | undefined,
  app: AppDefinition,
  script: Script,
): void {
  if (!daemon || !result) return;
  const { app: more, timeout } = result;
  Object.assign(app, app.command ? { ...more, server: undefined } : more);
  if (timeout !== undefined) site.definition.http.timeout = timeout;
  const home = daemon.options.get('home');
  const elsewhere = home !== undefined && !below(script.source, home) && !below(home, script.source);
  const inner = home !== undefined && home !== script.source && below(home, script.source);
  const status: Status = elsewhere || inner ? 'decide' : result.status;
  const note = elsewhere || inner ? `${result.note}; it started in ${home}, here it starts in /app` : result.note;
  site.ledger.settle(site.daemons.get(daemon.name)!, status, note);
}

/** Folders Python looked into. The source is /app; what lies outside of it is not in the image. */
function addPaths(site: Site, paths: readonly string[], script: Script, app: AppDefinition, daemon?: Daemon): void {
  const packages = /\/(?:site|dist)-packages(?:\/|$)/;
  const inside = paths.filter((path) => path !== script.source && below(path, script.source) && !packages.test(path));
  const outside = paths.filter(
    (path) => !below(path, script.source) && !packages.test(path) && !below(script.source, path),
  );
  if (inside.length > 0) {
    app.env = {
      ...app.env,
      PYTHONPATH: ['/app', ...inside.map((path) => `/app${path.slice(script.source.length)}`)].join(':'),
    };
  }
  const directive = daemon ? site.daemons.get(daemon.name)! : named(site, 'wsgipythonpath')[0]?.directive;
  if (!directive) return;
  if (outside.length > 0) {
    const note = `Python also looked into ${outside.join(', ')}, which is outside of the source: move it there, or name it in requirements.txt`;
    site.ledger.settle(directive, 'decide', note);
  }
  const venv = daemon?.options.get('python-home') ?? paths.find((path) => packages.test(path));
  if (venv !== undefined) noteRequirements(site, script, venv);
}

/** A virtual environment stays behind; what was in it is installed anew. */
function noteRequirements(site: Site, script: Script, venv: string): void {
  const source = here(site, script.source);
  const lists = ['requirements.txt', 'pyproject.toml'].some((name) => site.look.kind(`${source}/${name}`) === 'file');
  if (lists) return;
  const environment = venv.replace(/\/lib\/python.*$/, '');
  site.notes.push(
    `the packages of ${environment} are installed from requirements.txt in the source; \`${environment}/bin/pip freeze\` writes one`,
  );
}

/** A script that is here is read, never run: what in it will not work in a container is told. */
function noteText(site: Site, target: Target, script: Script): void {
  const text = site.look.text(here(site, target.path));
  if (text === undefined || target.url === 'none') return;
  if (/activate_this|os\.chdir\(/.test(text)) {
    site.ledger.settle(
      target.directive,
      'decide',
      `${script.file} changes to a folder or a virtual environment of the old machine: take those lines out`,
    );
  }
}
