import type { Directive } from './ledger.ts';
import { readPattern } from './pattern.ts';
import { around, below, here, named, settle, type Site, type Spot, type Target, trimSlash } from './site.ts';

/** What leads where, by `Alias`, `WSGIScriptAlias`, `ProxyPass` and `DocumentRoot`; what never can is in the report. */
export function findTargets(site: Site): Target[] {
  const aliases = named(site, 'alias', 'aliasmatch').flatMap((spot) => aliasTarget(site, spot));
  const scripts = named(site, 'wsgiscriptalias').flatMap((spot) => scriptTarget(site, spot));
  const proxies = named(site, 'proxypass', 'proxypassmatch');
  const proxied = proxies.filter(({ scopes }) => scopes.length === 0).flatMap(proxyTarget);
  // Of sections the last one counts, not the first.
  const inSections = proxies.filter(({ scopes }) => scopes.length > 0).flatMap(proxyTarget);
  const handled = named(site, 'sethandler').flatMap((spot) => handlerTarget(site, spot));
  const roots = named(site, 'documentroot').flatMap(rootTarget);
  for (const { url, directive } of [...aliases, ...scripts]) askIfProxied(site, url, directive);
  // Aliases win over scripts whatever the order; among their own kind the first that fits does.
  const groups = [aliases, scripts, proxied].map((group) => withoutShadowed(site, group));
  const taken = new Set<string>();
  return [...groups.flat(), ...inSections.toReversed(), ...handled, ...roots]
    .filter((target) => !taken.has(target.url) && taken.add(target.url))
    .toSorted((a, b) => b.url.length - a.url.length);
}

/** `ProxyPass` comes before aliases and redirects, unless a path is taken out of it with `!`. */
export function askIfProxied(site: Site, url: string, directive: Directive): void {
  const proxies = named(site, 'proxypass').filter(({ scopes }) => scopes.length === 0);
  const first = proxies.find(({ directive: { args } }) => below(url, trimSlash(args[0] ?? '')));
  if (!first || first.directive.args[1] === '!') return;
  const { file, line } = first.directive.place;
  const note = `Apache never gets here: ProxyPass in ${file}:${line} comes first; hostctl takes this path out of the app. Is that meant?`;
  site.ledger.settle(directive, 'decide', note);
}

function withoutShadowed(site: Site, targets: readonly Target[]): Target[] {
  return targets.filter((target, index) => {
    const first = targets.slice(0, index).find((earlier) => below(target.url, earlier.url));
    if (!first) return true;
    if (first.url === target.url && first.path === target.path) {
      site.ledger.settle(target.directive, 'implied', 'said before');
      return false;
    }
    const note =
      first.url === target.url
        ? `${target.url} leads to ${first.path} already, which Apache takes; this is left out`
        : `Apache never gets here: ${first.url} stands first and fits too; hostctl takes the longer path. Is that meant?`;
    site.ledger.settle(target.directive, 'decide', note);
    return first.url !== target.url;
  });
}

function aliasTarget(site: Site, spot: Spot): Target[] {
  const { directive } = spot;
  let [url, path] = directive.args;
  const location = around(spot, 'location');
  // Since 2.4.19 the path may be that of the section.
  if (path === undefined && location && !location.regex) [url, path] = [location.pattern, url];
  if (url === undefined || path === undefined) {
    settle(site, spot, 'unsupported', 'Apache would refuse this: an alias needs a path and a folder');
    return [];
  }
  if (directive.name === 'aliasmatch') return matchTarget(site, spot, url, path);
  return [
    { url: trimSlash(url), path: trimSlash(path), kind: isScript(site, url, path) ? 'script' : 'folder', directive },
  ];
}

/** `^/x/(.*)$` to `/folder/$1` is an alias. */
function matchTarget(site: Site, spot: Spot, regex: string, path: string): Target[] {
  const { directive } = spot;
  const pattern = readPattern(regex);
  const folder = /^([^$]*?)\/?\$1$/.exec(path)?.[1];
  const whole = pattern?.tail !== 'none' && folder !== undefined;
  if (pattern && (whole || (pattern.exact && !path.includes('$')))) {
    return [{ url: pattern.path, path: trimSlash(whole ? folder : path), kind: 'folder', directive }];
  }
  // ^/([^/]*\.css) to /folder/$1: one kind of file at the top.
  settle(
    site,
    spot,
    'unsupported',
    'only expressions that are a path, such as ^/x/(.*)$, can become media: name the folders',
  );
  return [];
}

/** Whether an alias leads to a program, by its name or by the handler of its section. */
function isScript(site: Site, url: string, path: string): boolean {
  if (path.endsWith('.wsgi')) return true;
  return named(site, 'sethandler').some(
    (spot) => spot.directive.args[0] === 'wsgi-script' && spot.scopes.at(-1)?.pattern === trimSlash(url),
  );
}

function scriptTarget(site: Site, spot: Spot): Target[] {
  const { directive } = spot;
  const [url, path] = directive.args;
  if (url === undefined || path === undefined) {
    settle(site, spot, 'unsupported', 'Apache would refuse this: a script alias needs a path and a file');
    return [];
  }
  const kind = site.look.kind(here(site, path));
  const folder = kind === undefined ? !/\.\w+$|\/bin\/./.test(path) : kind === 'folder';
  if (folder || path.endsWith('/')) {
    settle(
      site,
      spot,
      'decide',
      `is ${path} a folder of scripts? hostctl starts one script per app: write an app for each`,
    );
    return [];
  }
  return [{ url: trimSlash(url), path: trimSlash(path), kind: 'script', directive }];
}

function proxyTarget(spot: Spot): Target[] {
  const { directive } = spot;
  const [first = '', second] = directive.args;
  const location = around(spot, 'location');
  const url = second === undefined || !first.startsWith('/') ? location?.pattern : first;
  const to = second === undefined || !first.startsWith('/') ? first : second;
  if (directive.name === 'proxypassmatch' || url === undefined || to === '!' || to === '') return [];
  return [{ url: trimSlash(url), path: `proxy:/${to}`, kind: 'proxy', directive }];
}

/** mod_python: a `<Location>` whose handler is Python. */
function handlerTarget(site: Site, spot: Spot): Target[] {
  const location = around(spot, 'location');
  if (!/^(?:mod_python|python-program)$/.test(spot.directive.args[0] ?? '')) return [];
  const url = location && !location.regex ? location.pattern : '/';
  // Rules of directories are about the file the path would be below the DocumentRoot.
  const root = named(site, 'documentroot')[0]?.directive.args[0];
  const path = root === undefined ? `python:/${url}` : trimSlash(`${root}/${url}`);
  return [{ url, path, kind: 'python', directive: spot.directive }];
}

function rootTarget({ directive }: Spot): Target[] {
  const [path] = directive.args;
  return path === undefined ? [] : [{ url: '/', path: trimSlash(path), kind: 'root', directive }];
}
