import { contextOf } from './front.ts';
import { itemAt, type Service, textOf } from './services.ts';
import { appOf, type Site } from './site.ts';
import { textAt } from './tree.ts';
import { readWords, writeCommand } from './words.ts';

/** A service that runs to its end before another one starts. */
export interface Job {
  readonly service: Service;
  /** What waits for it. */
  readonly target: Service;
}

export function findJobs(services: readonly Service[]): Job[] {
  return services.flatMap((service) => {
    const target = services.find((other) => {
      const item = itemAt(other, 'depends_on', service.name);
      return item !== undefined && textAt(item.value, 'condition') === 'service_completed_successfully';
    });
    return target ? [{ service, target }] : [];
  });
}

/** A job that runs from the image of what waits for it is its `release`. */
export function mapJob(site: Site, { service, target }: Job): void {
  const { ledger, from } = site;
  const app = site.names.get(target.name)!;
  const command = itemAt(service, 'command');
  const words = command && readWords(command.value);
  const image = (one: Service): string | undefined => contextOf(one, from) ?? textOf(itemAt(one, 'image'));
  const fits = image(service) === image(target) && words !== undefined && appOf(site, target).release === undefined;
  if (fits) {
    appOf(site, target).release = writeCommand(words);
    ledger.settle(command!, 'mapped', `release of ${app}`);
  }
  const env = new Map(
    target.items.filter(({ path }) => path[0] === 'environment').map((item) => [item.path[1], textOf(item)]),
  );
  for (const item of service.items) {
    const [key, name] = item.path;
    if (item === command && fits) continue;
    const other = key === 'environment' && env.get(name) !== textOf(item);
    if (fits && other) ledger.settle(item, 'decide', `release runs with the env of ${app}, which is another one`);
    else if (fits) ledger.settle(item, 'implied', `release runs in a container like that of ${app}`);
    else if (key === 'image' || key === 'build')
      ledger.settle(item, 'decide', `it runs once, before ${app}: a release of ${app} runs from its own image`);
    else ledger.settle(item, 'dropped', 'it is no app: it runs once');
  }
}
