import { visible } from '../../core/characters.ts';
import type { Entry, Place, Status } from '../report.ts';
import { missingIn, showTree, type Tree } from './tree.ts';

/** A key of the file that is answered for: one value, one item of a list, one entry of a mapping. */
export interface Item {
  /** From the service, the network or the volume down; items of lists have their number, as `#0`. */
  readonly path: readonly string[];
  readonly value: Tree;
  readonly place: Place;
  /** As the report says it. */
  readonly text: string;
}

/** The more open one counts where several parts of the import say something. */
const WEIGHT: Readonly<Record<Status, number>> = { dropped: 0, implied: 1, mapped: 2, decide: 3, unsupported: 4 };
const LONGEST = 100;

/** What became of each key. One that nobody settles is unsupported: nothing gets lost. */
export class Ledger {
  readonly #order: Item[] = [];
  readonly #settled = new Map<Item, { readonly status: Status; readonly note: string }>();
  readonly #made = new Map<Item, Entry>();

  /** Takes a key into the report, in the order of the file. */
  add(item: Item): void {
    this.#order.push(item);
  }

  /** A second word on the same key counts when it leaves more open; of two that are as open, both are told. */
  settle(item: Item, status: Status, note: string): void {
    const missing = status === 'mapped' ? missingIn(item.value) : [];
    const said = visible(missing.length === 0 ? note : `${note}; ${nameMissing(missing)}`);
    const now = missing.length === 0 ? status : 'decide';
    const before = this.#settled.get(item);
    if (before && WEIGHT[before.status] > WEIGHT[now]) return;
    const both = before?.status === now && WEIGHT[now] > 1 && !before.note.includes(said);
    this.#settled.set(item, { status: now, note: both ? `${before.note}; ${said}` : said });
  }

  has(item: Item): boolean {
    return this.#settled.has(item);
  }

  /** The report, or the part of it that is about some keys. */
  entries(only?: ReadonlySet<Item>): Entry[] {
    return this.#order.filter((item) => only?.has(item) ?? true).map((item) => this.#entry(item));
  }

  #entry(item: Item): Entry {
    const made = this.#made.get(item);
    if (made) return made;
    const { status, note } = this.#settled.get(item) ?? {
      status: 'unsupported',
      note: 'hostctl does not know this key here',
    };
    const entry: Entry = { status, place: item.place, text: item.text, note };
    this.#made.set(item, entry);
    return entry;
  }
}

/** Whether a part of a path is the number of an item of a list. */
export function isIndex(part: string): boolean {
  return /^#\d+$/.test(part);
}

/** What to say of variables nobody gave a value. */
function nameMissing(names: readonly string[]): string {
  return `no value for ${names.join(', ')}: ${names.map((name) => `--define ${name}=VALUE`).join(' ')}`;
}

/**
 * @param where such as `services.web`
 * @param secret leaves the value out, which does not belong into a report
 */
export function makeItem(where: string, path: readonly string[], place: Place, value: Tree, secret = false): Item {
  const name = [where, ...path.filter((part) => !isIndex(part))].join('.');
  const shown = secret ? '' : showTree(value);
  const short = shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
  return { path, value, place, text: visible(short === '' ? name : `${name}: ${short}`) };
}
