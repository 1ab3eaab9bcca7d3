import { named, settle, type Site } from './site.ts';

/** Directives that say there is PHP; they are settled. Returns whether there is any. */
export function mapPhp(site: Site): boolean {
  const handlers = named(site, 'addhandler', 'sethandler', 'addtype', 'forcetype').filter(({ directive }) =>
    /php/i.test(directive.raw),
  );
  const fcgi = named(site, 'proxypassmatch').filter(({ directive }) => /fcgi:.*|\.php/.test(directive.raw));
  for (const spot of handlers) settle(site, spot, 'implied', 'runtime: php');
  const settings = named(site, 'php_value', 'php_flag', 'php_admin_value', 'php_admin_flag');
  for (const spot of settings) {
    settle(
      site,
      spot,
      'decide',
      `php.ini: hostctl's PHP has its own; a Dockerfile can set ${spot.directive.args[0] ?? 'it'}`,
    );
  }
  const index = named(site, 'directoryindex').filter(({ directive }) => /\.php/.test(directive.raw));
  return handlers.length + fcgi.length + settings.length + index.length > 0;
}
