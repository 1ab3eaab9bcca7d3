import { basename, dirname } from 'node:path';
import type { Route } from './routers.ts';
import type { Service } from './services.ts';

/** Names apps can have, for those services whose names are none. */
export function appNames(services: readonly Service[]): Map<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  const free = (wanted: string): string => {
    const plain =
      wanted
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^[^a-z]+|-+$/g, '')
        .slice(0, 16)
        .replace(/-+$/, '') || 'app';
    let name = plain;
    for (let n = 2; taken.has(name); n++) name = `${plain.slice(0, 13)}-${n}`;
    taken.add(name);
    return name;
  };
  // Those that keep their names go first, so that nobody takes them away.
  const fits = services.filter(({ name }) => /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,15}$/.test(name));
  for (const { name } of [...fits, ...services.filter((service) => !fits.includes(service))])
    names.set(name, free(name));
  return new Map(services.map(({ name }) => [name, names.get(name)!]));
}

/** What Compose calls a project that has no name: its folder. */
export function folderName(file: string): string {
  return (
    basename(dirname(file))
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .replaceAll(/^[^a-z]+|-+$/g, '') || 'site'
  );
}

/** An app called `web` answers visitors; one that does not is called otherwise. */
export function withoutWeb(
  names: ReadonlyMap<string, string>,
  services: readonly Service[],
  routes: readonly Route[],
): Map<string, string> {
  const quiet = services.find(
    (service) => names.get(service.name) === 'web' && !routes.some((route) => route.service === service),
  );
  return new Map([...names].map(([service, app]) => [service, quiet?.name === service ? 'web-app' : app]));
}
