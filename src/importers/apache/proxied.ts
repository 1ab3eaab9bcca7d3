import type { AppDefinition } from '../definition.ts';
import { pathFor } from './paths.ts';
import { below, named, runs, settle, type Site, type Target, trimSlash } from './site.ts';

const LOCAL = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]|0\.0\.0\.0)$/;

interface Upstream {
  readonly scheme: string;
  readonly host: string;
  readonly port?: string;
  readonly path: string;
}

function readUpstream(text: string): Upstream | undefined {
  const match = /^([a-z]+):\/\/(\[[^\]]*\]|[^/:]*)(?::(\d+))?(\/.*)?$/i.exec(text.replace(/^unix:[^|]*\|/, ''));
  if (!match) return undefined;
  const [, scheme, host, port, path] = match;
  return { scheme: scheme!.toLowerCase(), host: host!.toLowerCase(), path: path ?? '', ...(port ? { port } : {}) };
}

/** What listens behind a `ProxyPass`; its source is for `--source` to say, because the file does not. */
export function proxiedApp(site: Site, target: Target): AppDefinition | undefined {
  const url = target.path.slice('proxy:/'.length);
  const upstream = readUpstream(url);
  const say = (status: 'mapped' | 'implied' | 'decide' | 'unsupported', note: string): undefined => {
    site.ledger.settle(target.directive, status, note);
  };
  if (!upstream) return say('unsupported', `${url} is nothing hostctl can start`);
  if (/^wss?$/.test(upstream.scheme)) return say('implied', 'websockets reach the app without a rule of their own');
  if (upstream.scheme === 'balancer')
    return say('decide', 'members of a balancer are `replicas:` of one app: where is its source?');
  if (upstream.scheme === 'fcgi')
    return say('decide', 'a FastCGI program: for PHP, an app with runtime: php and its source');
  if (!LOCAL.test(upstream.host) && !url.startsWith('unix:')) {
    return say('unsupported', `${upstream.host} is another machine; hostctl leads to apps it runs itself`);
  }
  const socket = /^unix:([^|]*)/.exec(url)?.[1];
  const base = socket ?? `${upstream.scheme}://${upstream.host}${upstream.port ? `:${upstream.port}` : ''}`;
  const source = site.sources.find(({ from }) => from === base || from === upstream.port)?.to;
  const app: AppDefinition = {};
  if (target.url !== '/') app.path = target.url;
  if (source === undefined) {
    say('decide', `which program listens there? --source ${base}=DIR names its source`);
    return app;
  }
  const { runtime, note } = runtimeOf(site, source);
  app.runtime = runtime;
  app.source = pathFor({ ...site, sources: [{ from: base, to: source }] }, base);
  say(note === undefined ? 'mapped' : 'decide', note ?? `an app at ${target.url}, from its source`);
  const cut = target.url !== '/' && trimSlash(upstream.path || target.url) !== target.url;
  if (cut)
    say(
      'decide',
      `the app was asked for ${upstream.path || '/'} in place of ${target.url}; it sees the whole path now`,
    );
  return app;
}

/** By the files of the source, as `hostctl init` does for the plain cases. */
function runtimeOf(site: Site, source: string): { runtime: string; note?: string } {
  const has = (name: string): boolean => site.look.kind(`${source}/${name}`) === 'file';
  if (has('manage.py')) return { runtime: 'django' };
  if (has('package.json')) return { runtime: 'node' };
  const list = `${site.look.text(`${source}/requirements.txt`) ?? ''}\n${site.look.text(`${source}/pyproject.toml`) ?? ''}`;
  if (/\b(?:fastapi|starlette|quart|litestar|sanic)\b/i.test(list)) return { runtime: 'asgi' };
  if (has('requirements.txt') || has('pyproject.toml')) return { runtime: 'wsgi' };
  return { runtime: 'wsgi', note: `nothing in ${source} says what it is made with: is runtime: wsgi right?` };
}

/** Directives of mod_proxy besides `ProxyPass` that makes an app. */
export function mapProxy(site: Site): void {
  for (const spot of named(site, 'proxypass')) {
    if (spot.directive.args.includes('!')) {
      const [url = ''] = spot.directive.args;
      const covered = site.targets.some((target) => below(trimSlash(url), target.url) && !runs(target));
      const acme = url.startsWith('/.well-known');
      settle(
        site,
        spot,
        covered || acme ? 'implied' : 'decide',
        covered ? 'media wins over apps' : acme ? 'challenges are answered by hostctl' : `what answers ${url}?`,
      );
    }
  }
  for (const spot of named(site, 'proxypassmatch')) {
    const php = /fcgi:/.test(spot.directive.raw);
    settle(
      site,
      spot,
      php ? 'implied' : 'unsupported',
      php ? 'runtime: php' : 'only ProxyPass with a path can become an app',
    );
  }
  for (const spot of named(site, 'proxypassreverse', 'proxypassreversecookiepath', 'proxypassreversecookiedomain')) {
    settle(site, spot, 'implied', 'apps get the hostname that was asked for, so their redirects are right');
  }
  for (const spot of named(site, 'proxypreservehost')) {
    const on = spot.directive.args[0]?.toLowerCase() === 'on';
    settle(
      site,
      spot,
      'implied',
      on ? 'apps get the hostname that was asked for' : 'apps get the hostname that was asked for, always',
    );
  }
  for (const spot of named(site, 'proxyrequests', 'proxyvia')) {
    const open = spot.directive.name === 'proxyrequests' && spot.directive.args[0]?.toLowerCase() === 'on';
    settle(
      site,
      spot,
      open ? 'unsupported' : 'implied',
      open ? 'an open proxy for others' : 'hostctl is no proxy for others',
    );
  }
  for (const spot of named(site, 'proxyerroroverride'))
    settle(site, spot, 'implied', 'http.errors is about the answers of apps too');
  for (const spot of named(site, 'proxytimeout')) {
    const [seconds = ''] = spot.directive.args;
    if (/^[1-9]\d*$/.test(seconds)) site.definition.http.timeout = `${seconds}s`;
    settle(site, spot, /^[1-9]\d*$/.test(seconds) ? 'mapped' : 'dropped', 'http.timeout');
  }
  for (const spot of named(site, 'balancermember', 'proxyset')) settle(site, spot, 'decide', '`replicas:` of the app');
  for (const { directive, scopes } of site.spots) {
    if (directive.name === 'proxy' && scopes.length === 0)
      site.ledger.settle(directive, 'implied', 'hostctl is no proxy for others');
  }
}
