import type { Item } from './ledger.ts';
import { itemsUnder, type Service } from './services.ts';
import { textAt } from './tree.ts';

/** One entry of `ports:` of a service. */
export interface Port {
  readonly item: Item;
  /** Inside the container; undefined where it is no single port. */
  readonly target: number | undefined;
  /** On the machine, as written: a number, a range or a variable. */
  readonly published: string | undefined;
  readonly address: string | undefined;
  readonly udp: boolean;
}

export function portsOf(service: Service): Port[] {
  return itemsUnder(service, 'ports').map((item) => (item.value.kind === 'mapping' ? readLong(item) : readShort(item)));
}

function readLong(item: Item): Port {
  const text = (key: string): string | undefined => textAt(item.value, key);
  return {
    item,
    target: readPort(text('target')),
    published: text('published'),
    address: text('host_ip'),
    udp: text('protocol') === 'udp',
  };
}

function readShort(item: Item): Port {
  const text = item.value.kind === 'scalar' ? (item.value.text ?? '') : '';
  const [plain = '', protocol] = text.split('/');
  const match = /^(?:(?:(\[[^\]]*\]|[\d.]+|\$\{\w+\}):)?([^:]*):)?([^:]*)$/.exec(plain);
  const [, address, published, target] = match ?? [];
  return {
    item,
    target: readPort(target),
    published: published === '' ? undefined : published,
    address,
    udp: protocol === 'udp',
  };
}

/** A port; undefined for a range or no number. */
export function readPort(text: string | undefined): number | undefined {
  const port = text !== undefined && /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined;
  return port !== undefined && port <= 65_535 ? port : undefined;
}
