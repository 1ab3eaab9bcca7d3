import { isIndex, type Item, makeItem } from './ledger.ts';
import { type Field, fieldOf, type List, type Mapping, textsOf, type Tree } from './tree.ts';

/** One entry of `services:`. */
export interface Service {
  /** As Compose calls it. */
  readonly name: string;
  readonly tree: Mapping;
  /** Everything it says, in the order of the file. */
  readonly items: readonly Item[];
}

/** Lists that are one value. */
const WHOLE = new Set(['command', 'entrypoint', 'test']);
/** Keys whose entries are one value each, however much they hold. */
const FLAT = new Set(['depends_on', 'networks', 'ulimits', 'watch', 'extends']);
/** `NAME=value` in lists, or mappings. */
const PAIRS = new Set(['environment', 'labels', 'args', 'sysctls', 'annotations']);
/** Values that belong into no report. */
const SECRET = /^(?:environment|args)$/;
const SECRET_LABEL = /(?:users|\.basic|headers\.customrequestheaders\..*)$/i;

/** A service as its items; `NAME=value` lists have become mappings. */
export function readService(name: string, tree: Mapping): Service {
  const even = evenOut(tree);
  return { name, tree: even, items: itemsOf(`services.${name}`, even, []) };
}

/** The keys of a mapping, each with its value in the end: those of inner mappings by their path. */
function itemsOf(where: string, tree: Mapping, path: readonly string[]): Item[] {
  return tree.fields.flatMap((field) => {
    const here = [...path, field.key];
    const { value } = field;
    const items = value.kind === 'list' ? value.items : [];
    if (path.length > 0 && FLAT.has(path.at(-1)!)) return [makeItem(where, here, field.place, value)];
    if (value.kind === 'mapping' && value.fields.length > 0 && field.key !== 'extends') {
      return itemsOf(where, value, here);
    }
    if (items.length > 0 && !WHOLE.has(field.key)) {
      return items.map((item, index) => makeItem(where, [...here, `#${index}`], item.place, item));
    }
    const secret =
      SECRET.test(path.at(-1) ?? '') ||
      isIndex(field.key) ||
      (path.at(-1) === 'labels' && SECRET_LABEL.test(field.key));
    return [makeItem(where, here, field.place, value, secret)];
  });
}

function evenOut(tree: Mapping): Mapping {
  return {
    ...tree,
    fields: tree.fields.map((field) => {
      const { key, value } = field;
      if (PAIRS.has(key) && value.kind === 'list') return { ...field, value: asMapping(value) };
      const inner = key === 'build' || key === 'deploy';
      return inner && value.kind === 'mapping' ? { ...field, value: evenOut(value) } : field;
    }),
  };
}

/** `[A=1, B]` → `{ A: 1, B: }`. What is given twice counts as it was given last; the first has its number as its key. */
function asMapping(list: List): Mapping {
  const fields = list.items.map((item, index): Field => {
    const text = item.kind === 'scalar' ? item.text : undefined;
    if (item.kind !== 'scalar' || text === undefined) return { key: `#${index}`, place: item.place, value: item };
    const at = text.indexOf('=');
    const value = { ...item, text: at < 0 ? undefined : text.slice(at + 1) };
    return { key: (at < 0 ? text : text.slice(0, at)).trim(), place: item.place, value };
  });
  const last = new Map(fields.map(({ key }, index) => [key, index]));
  const marked = fields.map((field, index) =>
    last.get(field.key) === index ? field : { ...field, key: `#${index}`, value: list.items[index]! },
  );
  return { kind: 'mapping', place: list.place, fields: marked };
}

/** A variable or label of a list that is said again further down. */
export function isRepeated({ path, value }: Item): boolean {
  return path.length > 1 && PAIRS.has(path.at(-2)!) && isIndex(path.at(-1)!) && value.kind === 'scalar';
}

/** The item at a path. */
export function itemAt(service: Service, ...path: readonly string[]): Item | undefined {
  return service.items.find((item) => item.path.length === path.length && path.every((key, n) => item.path[n] === key));
}

/** Everything below a path, the path itself too. */
export function itemsUnder(service: Service, ...path: readonly string[]): readonly Item[] {
  return service.items.filter((item) => path.every((key, n) => item.path[n] === key));
}

/** The text of a value; undefined for none, a list or a mapping. */
export function textOf(item: Item | undefined): string | undefined {
  return item?.value.kind === 'scalar' ? item.value.text : undefined;
}

/** A child's service over the one it extends: its own values count, lists become longer. */
export function overlay(base: Mapping, own: Mapping): Mapping {
  const [low, high] = [evenOut(base), evenOut(own)];
  const kept = low.fields.filter(({ key }) => key !== 'extends' && !fieldOf(high, key));
  const fields = high.fields.map((field) => {
    const below = fieldOf(low, field.key);
    return below ? { ...field, value: overlayValue(field.key, below.value, field.value) } : field;
  });
  return { ...high, fields: [...fields, ...kept] };
}

function overlayValue(key: string, base: Tree, own: Tree): Tree {
  if (base.kind === 'mapping' && own.kind === 'mapping') return overlay(base, own);
  if (base.kind !== 'list' || own.kind !== 'list' || WHOLE.has(key)) return own;
  const said = new Set(textsOf(own));
  const more = base.items.filter((item) => item.kind !== 'scalar' || !said.has(item.text ?? ''));
  return { ...own, items: [...more, ...own.items] };
}
