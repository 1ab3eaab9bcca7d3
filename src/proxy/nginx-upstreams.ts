import { INSIDE } from '../core/layout.ts';
import type { Site, Target, Upstream } from '../core/routes.ts';
import { responseHeaders } from './nginx-headers.ts';
import { block, siteVariable } from './nginx-text.ts';
import { plainPath, quoteNginx } from './quote.ts';

export type AppTarget = Extract<Target, { to: 'app' }>;
type Port = Extract<Upstream, { kind: 'port' }>;

/**
 * Sockets are balanced by nginx. Names on TCP are resolved per request instead: an `upstream` block would answer 502
 * between a reload and the first DNS answer.
 */
export function upstream(site: Site, target: Target): string[] {
  if (target.to !== 'app') return [];
  const sockets = target.upstreams.flatMap((item) => (item.kind === 'socket' ? [item.link] : []));
  if (sockets.length === 0) return target.sticky ? replicaMaps(site, target) : [];
  const route = (index: number): string => (target.sticky ? ` route=${index + 1}` : '');
  return block(`upstream ${upstreamName(site, target.app)}`, [
    ...sockets.map((link, index) => `server unix:${plainPath(`${INSIDE.links}/${link}`)} max_fails=0${route(index)};`),
    ...(target.sticky ? [`sticky cookie ${cookieOf(target)} path=/ httponly samesite=lax;`] : []),
    // One that refuses while it is started again is passed over, and asked by the next request: max_fails=0.
    // A kept connection would lead to the old copy after a switch.
    'keepalive 0;',
  ]);
}

function upstreamName(site: Site, app: string): string {
  return `${site.project}.${app}`;
}

function cookieOf(target: AppTarget): string {
  return `hostctl_${target.app.replaceAll('-', '_')}`;
}

/** The number of a replica is in the visitor's cookie; who has none, or that of a replica that went, gets any. */
function replicaMaps(site: Site, target: AppTarget): string[] {
  const ports = portsOf(target).map(addressOf);
  const name = (what: string): string => `$${siteVariable(site, target.app, what)}`;
  const cookie = cookieOf(target);
  const share = Math.floor(10_000 / ports.length) / 100;
  return [
    ...block(`split_clients $request_id ${name('any')}`, [
      ...ports.slice(1).map((_, index) => `${share}% ${index + 1};`),
      `* ${ports.length};`,
    ]),
    ...block(`map $cookie_${cookie} ${name('kept')}`, [
      'default "";',
      ...ports.map((_, index) => `${index + 1} ${index + 1};`),
    ]),
    ...block(`map "${name('kept')}:${name('any')}" ${name('upstream')}`, [
      ...ports.map((port, index) => `"~^${index + 1}:" ${port};`),
      ...ports.map((port, index) => `":${index + 1}" ${port};`),
    ]),
    ...block(`map "${name('kept')}:${name('any')}" ${name('cookie')}`, [
      'default "";',
      ...ports.map((_, index) => {
        const text = `${cookie}=${index + 1}; Path=/; HttpOnly; SameSite=Lax`;
        return `":${index + 1}" ${quoteNginx(text)};`;
      }),
    ]),
  ];
}

function portsOf(target: AppTarget): Port[] {
  return target.upstreams.flatMap((item) => (item.kind === 'port' ? [item] : []));
}

function addressOf(port: Port): string {
  return quoteNginx(`${port.host}:${port.port}`);
}

/** Passes a request to an app. */
export function passLines(site: Site, target: AppTarget): string[] {
  const [port] = portsOf(target);
  if (!port) return [`proxy_pass http://${upstreamName(site, target.app)};`];
  if (!target.sticky) return [`set $hostctl_upstream ${addressOf(port)};`, 'proxy_pass http://$hostctl_upstream;'];
  const name = (what: string): string => `$${siteVariable(site, target.app, what)}`;
  return [
    `add_header Set-Cookie ${name('cookie')};`,
    ...responseHeaders(site),
    `proxy_pass http://${name('upstream')};`,
  ];
}
