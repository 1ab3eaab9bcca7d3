import type { Front } from './front.ts';
import { isStore } from './front.ts';
import { knownImage } from './images.ts';
import type { Item, Ledger } from './ledger.ts';
import { portsOf } from './ports.ts';
import type { Route } from './routers.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';

/** Names people give to what visitors see. */
const USUAL = /^(?:web|www|site|app|frontend|front|wordpress|ghost|server|nginx)$/i;

/** The service visitors ask where no label says so, with what tells that; none where nothing answers. */
function chooseService(
  services: readonly Service[],
  fronts: readonly Front[],
): { service: Service; item: Item } | undefined {
  const [front] = fronts;
  const behind = front && portsOf(front.service)[0];
  if (behind) return { service: front.target, item: behind.item };
  const rated = services
    .filter((service) => !isStore(service))
    .map((service) => ({ service, rank: rank(service) }))
    .filter(({ rank: value }) => value > 0)
    .toSorted((a, b) => b.rank - a.rank);
  const [best] = rated;
  const item =
    best && (portsOf(best.service)[0]?.item ?? itemsUnder(best.service, 'expose')[0] ?? best.service.items[0]);
  return best && item ? { service: best.service, item } : undefined;
}

function rank(service: Service): number {
  const ports = portsOf(service);
  if (knownImage(textOf(itemAt(service, 'image')) ?? '').kind === 'tool') return ports.length > 0 ? 1 : 0;
  const usual = USUAL.test(service.name) ? 1 : 0;
  if (ports.some(({ published }) => published === '80' || published === '443')) return 8 + usual;
  if (ports.length > 0) return 4 + usual;
  const answers =
    itemsUnder(service, 'expose').length > 0 || knownImage(textOf(itemAt(service, 'image')) ?? '').port !== undefined;
  return answers ? 2 + usual : usual;
}

/** A route for the one service that visitors ask, by the hostname that was given or one to be replaced. */
export function chooseRoute(
  services: readonly Service[],
  fronts: readonly Front[],
  hostname: string | undefined,
  placeholder: string,
  ledger: Ledger,
): Route[] {
  const chosen = chooseService(services, fronts);
  if (!chosen) return [];
  const { service, item } = chosen;
  if (hostname === undefined) ledger.settle(item, 'decide', `which hostname leads to ${service.name}? --hostname NAME`);
  return [
    {
      service,
      item,
      hosts: [hostname ?? placeholder],
      path: '/',
      secure: false,
      open: true,
      loose: false,
      uses: [],
      clients: [],
    },
  ];
}
