import { below, named, settle, type Site, type Spot, urlOf } from './site.ts';

/** Variables that only speak to Apache. */
const OWN =
  /^(?:proxy-|force-|downgrade-|nokeepalive|ssl-unclean|no-gzip|gzip-only|dont-vary|dontlog|do_not_log|redirect-carefully|suppress-error-charset|GIT_HTTP_EXPORT_ALL)/i;
const SECRET = /SECRET|PASSW|TOKEN|_KEY$|APIKEY/i;
const NAME = /^[A-Za-z_]\w*$/;

/** `SetEnv`, `PassEnv`, `SetEnvIf` → `env` of the apps they are about. */
export function mapEnv(site: Site): void {
  for (const spot of named(site, 'setenv')) mapSetEnv(site, spot);
  for (const spot of named(site, 'passenv'))
    settle(site, spot, 'decide', 'its value stood in the environment of Apache: write it into `env`');
  for (const spot of named(site, 'unsetenv')) settle(site, spot, 'dropped', 'a container has no variables but its own');
  for (const spot of named(site, 'setenvif', 'setenvifnocase', 'browsermatch', 'browsermatchnocase')) {
    const browser = spot.directive.name.startsWith('browser');
    const names = spot.directive.args.slice(browser ? 1 : 2);
    if (/HTTP_AUTHORIZATION=/.test(names.join(' '))) settle(site, spot, 'implied', 'apps get the Authorization header');
    else if (names.every((name) => OWN.test(name.replace(/^!/, ''))))
      settle(site, spot, 'dropped', 'only Apache itself uses it');
    else if (/^HTTPS=on$/i.test(names.join(' '))) settle(site, spot, 'implied', 'apps get X-Forwarded-Proto');
    else settle(site, spot, 'unsupported', '`env` is the same for every request');
  }
}

function mapSetEnv(site: Site, spot: Spot): void {
  const [name = '', value = ''] = spot.directive.args;
  if (OWN.test(name)) return settle(site, spot, 'dropped', 'only Apache itself uses it');
  if (!NAME.test(name)) return settle(site, spot, 'unsupported', `${name} is no name of an environment variable`);
  const url = urlOf(site, spot);
  const all = Object.values(site.definition.apps);
  const own = all.filter((app) => url !== undefined && below(app.path ?? '/', url));
  const apps = own.length > 0 ? own : all.filter((app) => url !== undefined && below(url, app.path ?? '/'));
  for (const app of apps) (app.env ??= {})[name] ??= value;
  const secret = SECRET.test(name) ? '; everybody who can use the engine can read it' : '';
  if (apps.length === 0) settle(site, spot, 'decide', 'for which app? None of this import is there');
  else settle(site, spot, 'mapped', `env: mod_wsgi put it into each request, here it is in the environment${secret}`);
}
