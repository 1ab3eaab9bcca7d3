import type { Site } from '../core/routes.ts';
import { siteVariable } from './nginx-text.ts';

/** Who asked how often, for the http block. nginx counts whole requests per second or per minute. */
export function rateZone(site: Site): string[] {
  const rate = site.settings?.rate;
  if (!rate) return [];
  const perSecond = (rate.requests * 1000) / rate.period;
  const speed = Number.isInteger(perSecond) ? `${perSecond}r/s` : `${Math.floor(perSecond * 60)}r/m`;
  return [`limit_req_zone $binary_remote_addr zone=${siteVariable(site, 'rate')}:4m rate=${speed};`];
}

/** For the server block. Who is refused is in the access log already. */
export function rateLines(site: Site): string[] {
  return site.settings?.rate ? ['limit_req_status 429;', 'limit_req_log_level info;'] : [];
}

/** For what an app answers. */
export function limitLines(site: Site): string[] {
  const rate = site.settings?.rate;
  if (!rate) return [];
  // The first request is not part of nginx's burst.
  const burst = rate.burst > 1 ? ` burst=${rate.burst - 1} nodelay` : '';
  return [`limit_req zone=${siteVariable(site, 'rate')}${burst};`];
}
