import type { ExistingTraefik } from '../core/model.ts';
import { type Router, type SiteConfig, WEB } from './traefik-site.ts';

/** The same configuration for a Traefik that has others: names of our own, its names of the entry points. */
export function adapted(config: SiteConfig, prefix: string, entryPoints: ExistingTraefik['entryPoints']): SiteConfig {
  const own = (name: string): string => (name.includes('@') ? name : `${prefix}${name}`);
  const router = (item: Router): Router => ({
    ...item,
    entryPoints: item.entryPoints.map((name) => (name === WEB ? entryPoints.http : entryPoints.https)),
    service: own(item.service),
    ...(item.middlewares ? { middlewares: item.middlewares.map(own) } : {}),
  });
  return {
    routers: mapped(config.routers, own, router),
    services: mapped(config.services, own, (item) => service(item, own)),
    middlewares: mapped(config.middlewares, own, (item) => item),
    serversTransports: mapped(config.serversTransports, own, (item) => item),
  };
}

function service(item: object, own: (name: string) => string): object {
  const { loadBalancer } = item as { loadBalancer: { serversTransport: string } };
  return { loadBalancer: { ...loadBalancer, serversTransport: own(loadBalancer.serversTransport) } };
}

function mapped<T>(
  record: Readonly<Record<string, T>>,
  key: (name: string) => string,
  value: (item: T) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, item]) => [key(name), value(item)]));
}
