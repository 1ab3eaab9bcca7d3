import type { Site } from '../../src/core/routes.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { siteConfig } from '../../src/proxy/nginx-site.ts';

/** The part of an nginx at the edge that is about one site, which has no certificate. */
export function siteText(site: Site): string {
  const { proxy } = normaliseWorkspace({}, '/work');
  const input = { sites: [site], settings: proxy, certificates: {} };
  return siteConfig(site, { outranked: new Map() }, input, { listen: '8080', https: true });
}
