import type { Site, Target, Upstream } from '../core/routes.ts';
import { block, siteVariable } from './nginx-text.ts';
import { quoteNginx } from './quote.ts';

type AppTarget = Extract<Target, { to: 'app' }>;
type Port = Extract<Upstream, { kind: 'port' }>;

/** Cookie with the number of a visitor's replica. */
export function stickyCookie(target: AppTarget): string {
  return `hostctl_${target.app.replaceAll('-', '_')}`;
}

/** Replicas on TCP that visitors stay with: nginx has no group for them, so maps choose. */
export function stickyPorts(target: AppTarget): Port[] {
  return target.sticky ? target.upstreams.flatMap((item) => (item.kind === 'port' ? [item] : [])) : [];
}

export function addressOf(port: Port): string {
  return quoteNginx(`${port.host}:${port.port}`);
}

/**
 * The number in the visitor's cookie, or any for who has none, or that of a replica that went; for each number the
 * replica, the cookie, and the replica that stands in while it does not answer.
 */
export function stickyMaps(site: Site, target: AppTarget): string[] {
  const ports = stickyPorts(target);
  if (ports.length === 0) return [];
  const name = (what: string): string => `$${siteVariable(site, target.app, what)}`;
  const numbers = ports.map((_, index) => index + 1);
  const share = Math.floor(10_000 / ports.length) / 100;
  const next = (number: number): number => (number % ports.length) + 1;
  const cookie = (number: number): string =>
    quoteNginx(`${stickyCookie(target)}=${number}; Path=/; HttpOnly; SameSite=Lax`);
  const address = (number: number): string => addressOf(ports[number - 1]!);
  const table = (from: string, to: string, line: (number: number) => string): string[] =>
    block(`map ${name(from)} ${name(to)}`, ['default "";', ...numbers.map((number) => `${number} ${line(number)};`)]);
  return [
    ...block(`split_clients $request_id ${name('any')}`, [
      ...numbers.slice(1).map((number) => `${share}% ${number - 1};`),
      `* ${ports.length};`,
    ]),
    ...block(`map $cookie_${stickyCookie(target)} ${name('number')}`, [
      `default ${name('any')};`,
      ...numbers.map((number) => `${number} ${number};`),
    ]),
    ...block(`map $cookie_${stickyCookie(target)} ${name('fresh')}`, [
      `default ${name('number')};`,
      ...numbers.map((number) => `${number} "";`),
    ]),
    ...table('number', 'replica', address),
    ...table('fresh', 'cookie', cookie),
    ...table('number', 'other', (number) => address(next(number))),
    ...table('number', 'moved', (number) => cookie(next(number))),
  ];
}

/** Where a request goes that its replica did not take. */
export function standIn(site: Site, target: AppTarget): string {
  return `@${siteVariable(site, target.app)}`;
}

/** Passes a request to the visitor's replica, or to the one that stands in for it. */
export function stickyPass(site: Site, target: AppTarget, other: boolean): string[] {
  const name = (what: string): string => `$${siteVariable(site, target.app, what)}`;
  return [
    `add_header Set-Cookie ${name(other ? 'moved' : 'cookie')};`,
    `proxy_pass http://${name(other ? 'other' : 'replica')};`,
  ];
}
