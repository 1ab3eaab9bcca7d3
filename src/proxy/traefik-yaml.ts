import { dump, load } from 'js-yaml';

/**
 * A document for Traefik's file provider, which is stricter than YAML: it runs every file through a template engine, so
 * `{{` would be executed, and it refuses an empty mapping together with the whole file.
 */
export function dumpTraefik(document: object): string {
  const plain = pruned(document) ?? {};
  const text = dump(plain, { lineWidth: -1, noRefs: true, sortKeys: true });
  if (text.includes('{{')) throw new Error('`{{` cannot stand in a Traefik configuration');
  if (JSON.stringify(load(text)) !== JSON.stringify(sorted(plain))) {
    throw new Error('the Traefik configuration does not read back as it was written');
  }
  return `# Written by hostctl. A change here is lost at the next deploy.\n${text}`;
}

/** Reads such a document back. */
export function readTraefik(text: string): unknown {
  return load(text);
}

/** Without empty mappings and lists; middlewares that are switched on by an empty one write `true` instead. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(pruned);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, pruned(item)] as const)
    .filter(([, item]) => item !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
