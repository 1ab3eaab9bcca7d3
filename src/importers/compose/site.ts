import { visible } from '../../core/characters.ts';
import type { AccessDefinition, AppDefinition, Definition } from '../definition.ts';
import type { Look } from '../look.ts';
import type { Front } from './front.ts';
import type { Wiring } from './labels.ts';
import type { Ledger } from './ledger.ts';
import type { Route } from './routers.ts';
import type { Service } from './services.ts';
import type { Variables } from './variables.ts';

/** One definition while it is made. Each part of the import reads the services and fills it in. */
export interface Site {
  readonly ledger: Ledger;
  readonly look: Look;
  /** What the definition's file is called, without its ending. */
  readonly name: string;
  readonly definition: Definition;
  /** Services that become apps, in the order of the file. */
  readonly services: readonly Service[];
  /** What each service of the file is called as an app; of other definitions too. */
  readonly names: ReadonlyMap<string, string>;
  readonly routes: readonly Route[];
  /** Servers that stood in front of some of the services. */
  readonly fronts: readonly Front[];
  readonly wiring: Wiring;
  /** Directory of the Compose file, and of the definition. */
  readonly from: string;
  readonly dir: string;
  readonly variables: Variables;
  readonly networks: ReadonlyMap<string, { readonly internal: boolean }>;
  /** Services that use a named volume, of the whole file. */
  readonly volumes: ReadonlyMap<string, readonly Service[]>;
  readonly notes: string[];
  /** Files that go beside the definition. */
  readonly beside: { name: string; text: string }[];
}

export function appOf(site: Site, service: Service): AppDefinition {
  return (site.definition.apps[site.names.get(service.name)!] ??= {});
}

export function note(site: Pick<Site, 'notes'>, text: string): void {
  const shown = visible(text);
  if (!site.notes.includes(shown)) site.notes.push(shown);
}

/**
 * Adds to who may ask for a path; what stands there holds as well.
 * @returns what of it could not be added, because something else of the kind is there
 */
export function restrict(site: Site, path: string, rule: AccessDefinition): string | undefined {
  const list = (site.definition.http.access ??= {});
  const before = list[path];
  if (before?.allow?.length === 0) return undefined;
  if (rule.allow && before?.allow && before.allow.join() !== rule.allow.join())
    return rule.allow.length === 0 ? closeAll(list, path) : 'there is another list of addresses for the path';
  if (rule.users !== undefined && before?.users !== undefined && before.users !== rule.users)
    return 'there is another list of users for the path';
  list[path] = { ...before, ...rule };
  return undefined;
}

function closeAll(list: Record<string, AccessDefinition>, path: string): undefined {
  list[path] = { allow: [] };
}

export const CLOSED = 'until then nobody may: http.access with an empty list';
