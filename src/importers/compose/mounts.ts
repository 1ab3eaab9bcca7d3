import type { Item } from './ledger.ts';
import { itemsUnder, type Service } from './services.ts';
import { textAt } from './tree.ts';

/** One entry of `volumes:` of a service. */
export interface Mount {
  readonly item: Item;
  /** `named` a volume with a name · `bind` a path of the machine · `anonymous` a volume without a name. */
  readonly kind: 'named' | 'bind' | 'anonymous' | 'tmpfs' | 'other';
  /** A volume's name or a path as written; empty where there is none. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export function mountsOf(service: Service): Mount[] {
  return itemsUnder(service, 'volumes').flatMap((item) => {
    const mount = item.value.kind === 'mapping' ? readLong(item) : readShort(item);
    return mount ? [mount] : [];
  });
}

function readLong(item: Item): Mount | undefined {
  const text = (key: string): string => textAt(item.value, key) ?? '';
  const target = trim(text('target'));
  const source = text('source') || text('src');
  const readOnly = text('read_only') === 'true';
  const kinds: Readonly<Record<string, Mount['kind']>> = { bind: 'bind', tmpfs: 'tmpfs' };
  const kind = text('type') === 'volume' ? (source === '' ? 'anonymous' : 'named') : (kinds[text('type')] ?? 'other');
  return { item, kind, source, target, readOnly };
}

function readShort(item: Item): Mount | undefined {
  const text = item.value.kind === 'scalar' ? item.value.text : undefined;
  if (text === undefined || text === '') return undefined;
  // The colon behind a drive letter is part of the path.
  const parts = text.split(/(?<!^[A-Za-z]):/);
  const [source = '', target, mode = ''] = parts;
  if (target === undefined) return { item, kind: 'anonymous', source: '', target: trim(source), readOnly: false };
  const bind = /^(?:[./~$]|[A-Za-z]:[\\/])/.test(source);
  const readOnly = mode.split(',').includes('ro');
  return { item, kind: bind ? 'bind' : 'named', source, target: trim(target), readOnly };
}

function trim(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
