import { sampleName } from '../../../src/core/hostnames.ts';
import type { WebRequest } from '../../../src/core/meaning.ts';
import type { Site } from '../../../src/core/routes.ts';

const MOST = 16;

/** Requests at every place a site says something of, and just beside each. */
export function probes(site: Site): WebRequest[] {
  const { redirects = [], access = [] } = site.settings ?? {};
  const at = new Set(['/', ...[...site.routes, ...redirects, ...access].map(({ path }) => path)]);
  const paths = new Set(
    [...at].flatMap((path) => [path, `${path === '/' ? '' : path}/x`, `${path}x`, `${path}/`.replace('//', '/')]),
  );
  for (const path of ['/.git/config', '/nothing/here', '/.well-known/x']) paths.add(path);
  const secure = site.tls ? (['http', 'https'] as const) : (['http'] as const);
  const hosts = site.hostnames.slice(0, 3).map(sampleName);
  const all = hosts.flatMap((host) =>
    secure.flatMap((scheme) => [...paths].map((target) => ({ method: 'GET', scheme, host, target }))),
  );
  // Evenly from all of them.
  const step = Math.max(1, Math.ceil(all.length / MOST));
  return all.filter((_, index) => index % step === 0);
}
