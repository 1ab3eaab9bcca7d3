import { INSIDE } from '../core/layout.ts';
import type { Site, Target } from '../core/routes.ts';
import { errorPages } from './nginx-gate.ts';
import { requestHeaders, responseHeaders } from './nginx-headers.ts';
import { addressOf, standIn, stickyCookie, stickyMaps, stickyPass, stickyPorts } from './nginx-sticky.ts';
import { block } from './nginx-text.ts';
import { plainPath } from './quote.ts';

type AppTarget = Extract<Target, { to: 'app' }>;

/**
 * Sockets are balanced by nginx. Names on TCP are resolved per request instead: an `upstream` block would answer 502
 * between a reload and the first DNS answer.
 */
export function upstream(site: Site, target: Target): string[] {
  if (target.to !== 'app') return [];
  const sockets = target.upstreams.flatMap((item) => (item.kind === 'socket' ? [item.link] : []));
  if (sockets.length === 0) return stickyMaps(site, target);
  const route = (index: number): string => (target.sticky ? ` route=${index + 1}` : '');
  return block(`upstream ${upstreamName(site, target.app)}`, [
    ...sockets.map((link, index) => `server unix:${plainPath(`${INSIDE.links}/${link}`)} max_fails=0${route(index)};`),
    ...(target.sticky ? [`sticky cookie ${stickyCookie(target)} path=/ httponly samesite=lax;`] : []),
    // One that refuses while it is started again is passed over, and asked by the next request: max_fails=0.
    // A kept connection would lead to the old copy after a switch.
    'keepalive 0;',
  ]);
}

function upstreamName(site: Site, app: string): string {
  return `${site.project}.${app}`;
}

/** Passes a request to an app, and tells it of the visitor. */
export function appBody(site: Site, target: AppTarget): string[] {
  return [...passLines(site, target), ...tellingLines(site, target)];
}

function passLines(site: Site, target: AppTarget): string[] {
  const port = target.upstreams.find((item) => item.kind === 'port');
  if (port?.kind !== 'port') return [`proxy_pass http://${upstreamName(site, target.app)};`];
  if (!target.sticky) return [`set $hostctl_upstream ${addressOf(port)};`, 'proxy_pass http://$hostctl_upstream;'];
  return [
    // A location with a page or a header of its own has to repeat those of its server.
    ...errorPages(site).filter((line) => !/^error_page 50[24] /.test(line)),
    `error_page 502 504 = ${standIn(site, target)};`,
    ...responseHeaders(site),
    ...stickyPass(site, target, false),
  ];
}

function tellingLines(site: Site, target: AppTarget): string[] {
  const timeout = `${Math.ceil(target.readTimeout / 1000)}s`;
  return [
    `proxy_read_timeout ${timeout};`,
    `proxy_send_timeout ${timeout};`,
    'include proxy.conf;',
    ...requestHeaders(site),
  ];
}

/** Other replicas for visitors whose own one does not answer; groups of sockets know by themselves. */
export function standIns(site: Site): string[] {
  return site.routes.flatMap(({ target }) => {
    if (target.to !== 'app' || stickyPorts(target).length === 0) return [];
    return block(`location ${standIn(site, target)}`, [
      'recursive_error_pages on;',
      // What an app may have begun to work on is not given to another one as well.
      ...[502, 504].flatMap((status) => block(`if ($hostctl_begun = ${status})`, [`return ${status};`])),
      ...responseHeaders(site),
      ...stickyPass(site, target, true),
      ...tellingLines(site, target),
    ]);
  });
}
