import { named, settle, type Site } from './site.ts';

/** Directives of mod_wsgi besides those that make an app. */
export function mapWsgi(site: Site): void {
  for (const spot of named(site, 'wsgiprocessgroup')) {
    const [group = ''] = spot.directive.args;
    const note =
      group === '%{GLOBAL}'
        ? 'embedded; here an app always has processes of its own'
        : 'server: of its WSGIDaemonProcess';
    settle(
      site,
      spot,
      /%\{(?!GLOBAL)/.test(group) ? 'unsupported' : group === '%{GLOBAL}' ? 'implied' : 'mapped',
      note,
    );
  }
  for (const spot of named(site, 'wsgipassauthorization')) {
    const on = spot.directive.args[0]?.toLowerCase() === 'on';
    if (!on) ((site.definition.http.headers ??= {}).request ??= {})['Authorization'] = '';
    settle(
      site,
      spot,
      on ? 'implied' : 'mapped',
      on ? 'apps get the Authorization header' : 'http.headers.request: Authorization is taken away',
    );
  }
  for (const spot of named(site, 'wsgipythonpath'))
    settle(site, spot, 'mapped', 'the source, and PYTHONPATH for what is below it');
  for (const spot of named(site, 'wsgicallableobject')) settle(site, spot, 'mapped', 'wsgi: the object');
  for (const spot of named(site, 'wsgipythonhome'))
    settle(site, spot, 'implied', 'packages come from requirements.txt in the source');
  for (const spot of named(site, 'wsgierroroverride'))
    settle(site, spot, 'implied', 'http.errors is about the answers of apps too');
  mapEnvironment(site);
  for (const spot of named(site, 'wsgiaccessscript', 'wsgiauthuserscript', 'wsgiauthgroupscript')) {
    settle(
      site,
      spot,
      'unsupported',
      'a program decides who may: hostctl has addresses and a users file; let the app do it',
    );
  }
  for (const spot of named(site, 'wsgiscriptaliasmatch')) {
    settle(site, spot, 'unsupported', 'one script for many paths: write an app with `path:` for each');
  }
}

const VARIABLES: Readonly<Record<string, (value: string) => readonly [string, string] | undefined>> = {
  wsgipythonoptimize: (value) => (/^[12]$/.test(value) ? ['PYTHONOPTIMIZE', value] : undefined),
  wsgipythonwarnings: (value) => ['PYTHONWARNINGS', value],
  wsgipythonhashseed: (value) => ['PYTHONHASHSEED', value],
  wsgidontwritebytecode: (value) => (/^on$/i.test(value) ? ['PYTHONDONTWRITEBYTECODE', '1'] : undefined),
};

/** Settings of the interpreter are variables of the environment. */
function mapEnvironment(site: Site): void {
  for (const [name, read] of Object.entries(VARIABLES)) {
    for (const spot of named(site, name)) {
      const variable = read(spot.directive.args[0] ?? '');
      for (const app of variable ? Object.values(site.definition.apps) : []) {
        if (app.runtime === 'django' || app.runtime === 'wsgi') (app.env ??= {})[variable![0]] = variable![1];
      }
      settle(site, spot, variable ? 'mapped' : 'dropped', variable ? `env: ${variable[0]}` : 'as it is by itself');
    }
  }
}
