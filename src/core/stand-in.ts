import type { Site, Target } from './routes.ts';
import type { Workload } from './state.ts';

type AppTarget = Extract<Target, { to: 'app' }>;

/**
 * A site in which the other replicas of an app answer for one of them, which is about to be stopped.
 * @param replicas all of that app, in order
 * @returns undefined when no other can
 */
export function withoutReplica(site: Site, out: Workload, replicas: readonly Workload[]): Site | undefined {
  const index = replicas.findIndex((item) => item.container.name === out.container.name);
  const isAsked = site.routes.some(({ target }) => target.to === 'app' && target.app === out.app);
  if (!isAsked || index === -1 || replicas.length < 2) return undefined;
  const routes = site.routes.map((route) =>
    route.target.to === 'app' && route.target.app === out.app
      ? { ...route, target: { ...route.target, upstreams: othersOf(route.target, index, replicas) } }
      : route,
  );
  return { ...site, routes };
}

function othersOf(target: AppTarget, index: number, replicas: readonly Workload[]): AppTarget['upstreams'] {
  const each = target.upstreams.flatMap((item) =>
    // One name for all of them.
    item.kind === 'port' && target.upstreams.length < replicas.length
      ? replicas.map(({ container }) => ({ ...item, host: container.name }))
      : [item],
  );
  // A visitor's cookie holds the number of a replica: the numbers of the others have to stay.
  return target.sticky
    ? each.map((item, place) => (place === index ? each[(index + 1) % each.length]! : item))
    : each.filter((_, place) => place !== index);
}
