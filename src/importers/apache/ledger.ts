import type { Entry, Place, Status } from '../report.ts';

/** A directive as it is in force: variables filled in, what was included in its place. */
export interface Directive {
  /** Lower case: names have no case. */
  readonly name: string;
  readonly args: readonly string[];
  readonly raw: string;
  readonly place: Place;
  /** As written, on one line. */
  readonly text: string;
  readonly body?: readonly Directive[];
}

/** The more open one counts where a directive means different things to several sites. */
const WEIGHT: Readonly<Record<Status, number>> = { dropped: 0, implied: 1, mapped: 2, decide: 3, unsupported: 4 };

/** What became of each directive. One that nobody settles is unsupported: nothing gets lost. */
export class Ledger {
  readonly #order: Directive[] = [];
  readonly #made = new Map<Directive, Entry>();
  readonly #settled = new Map<Directive, { readonly status: Status; readonly note: string }>();

  /** Takes a directive into the report, in the order of the files. */
  add(directive: Directive): void {
    this.#order.push(directive);
  }

  /** What stands at a place. */
  at({ file, line }: Place): Directive | undefined {
    return this.#order.find(({ place }) => place.file === file && place.line === line);
  }

  settle(directive: Directive, status: Status, note: string): void {
    const before = this.#settled.get(directive);
    if (before && WEIGHT[before.status] >= WEIGHT[status]) return;
    const open = placeholders(directive.text);
    if (status !== 'mapped' || open.length === 0) this.#settled.set(directive, { status, note });
    else {
      const names = open.map((name) => `--define ${name}=VALUE`).join(' ');
      this.#settled.set(directive, { status: 'decide', note: `${note}; it holds a placeholder: add ${names}` });
    }
  }

  /** The directive and all inside it that nobody settled. */
  settleAll(directive: Directive, status: Status, note: string): void {
    if (!this.has(directive)) this.settle(directive, status, note);
    for (const inner of directive.body ?? []) this.settleAll(inner, status, note);
  }

  /** What was said of it so far. */
  noteOf(directive: Directive): string | undefined {
    return this.#settled.get(directive)?.note;
  }

  has(directive: Directive): boolean {
    return this.#settled.has(directive);
  }

  /** The report, or the part of it that is about some directives. */
  entries(about?: ReadonlySet<Directive>): Entry[] {
    const chosen = about ? this.#order.filter((directive) => about.has(directive)) : this.#order;
    return chosen.map((directive) => this.#entry(directive));
  }

  /** Always the same object for the same directive. */
  #entry(directive: Directive): Entry {
    const made = this.#made.get(directive);
    if (made) return made;
    const { status, note } = this.#settled.get(directive) ?? {
      status: 'unsupported',
      note: 'hostctl does not know this directive here',
    };
    const entry: Entry = { status, place: directive.place, text: directive.text, note };
    this.#made.set(directive, entry);
    return entry;
  }
}

/** Variables nobody filled in: Apache's own, and those of the programs configurations are made with. */
const PLACEHOLDER =
  /\$\{(\w+)\}|%\((\w+)\)s|\{\{-?\s*([\w.]+)\s*-?\}\}|(?<![\w.-])@([A-Za-z_]\w*)@|__([A-Z][A-Z_]*)__/g;

/** Names of the placeholders in a text. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map((match) => match.slice(1).find((name) => name)!))];
}

/** Puts values in; a placeholder without one stays, without the spaces that would make several words of it. */
export function fillPlaceholders(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(PLACEHOLDER, (whole, ...groups) => {
    const name = (groups.slice(0, 5) as (string | undefined)[]).find((group) => group)!;
    return values.get(name) ?? whole.replaceAll(/\s/g, '');
  });
}
