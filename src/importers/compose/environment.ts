import { resolve } from 'node:path';
import { hostPattern } from './groups.ts';
import type { Item } from './ledger.ts';
import { itemsUnder, type Service, textOf } from './services.ts';
import { appOf, note, type Site } from './site.ts';
import { textAt } from './tree.ts';
import { readDotenv } from './variables.ts';
import { spokenToProxy } from './virtual-host.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PRIVATE = /PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE/i;

/** `env_file` and `environment` → `env`. */
export function mapEnvironment(site: Site, service: Service): void {
  const { ledger } = site;
  const env: Record<string, string> = {};
  for (const item of itemsUnder(service, 'env_file')) Object.assign(env, readFile(site, item));
  const spoken = new Set(spokenToProxy(service));
  for (const item of itemsUnder(service, 'environment')) {
    const name = item.path[1];
    if (spoken.has(item) || ledger.has(item)) continue;
    if (name === undefined) ledger.settle(item, 'dropped', 'it says nothing');
    else if (!NAME.test(name) || item.value.kind !== 'scalar')
      ledger.settle(item, 'unsupported', 'no environment variable: letters, digits and _');
    else setOne(site, item, name, textOf(item), env);
  }
  if (Object.keys(env).length > 0) appOf(site, service).env = renamed(site, env);
  if (Object.keys(env).some((name) => PRIVATE.test(name)))
    note(
      site,
      'passwords and keys now stand in the definition, and in `env`, which everyone who may use the engine can read',
    );
}

function setOne(
  { ledger, variables }: Site,
  item: Item,
  name: string,
  text: string | undefined,
  env: Record<string, string>,
): void {
  const value = text ?? variables.get(name);
  if (value !== undefined) env[name] = value;
  if (value !== undefined) ledger.settle(item, 'mapped', 'env');
  else if (env[name] !== undefined) ledger.settle(item, 'mapped', 'env: as the file says');
  else ledger.settle(item, 'decide', `its value comes from outside of the file: --define ${name}=VALUE`);
}

function readFile({ ledger, look, from, variables }: Site, item: Item): Record<string, string> {
  const path = textOf(item) ?? textAt(item.value, 'path');
  const text = path === undefined ? undefined : look.text(resolve(from, path));
  if (text === undefined) {
    const needed = textAt(item.value, 'required') !== 'false';
    ledger.settle(
      item,
      needed ? 'decide' : 'dropped',
      needed ? 'the file is not there: write its variables under env' : 'the file is not there',
    );
    return {};
  }
  const values = [...readDotenv(text, variables)].filter(([name]) => NAME.test(name));
  ledger.settle(item, 'mapped', `env: ${values.length} from the file, which now stand in the definition`);
  return Object.fromEntries(values);
}

/** Hosts that are called otherwise here. */
function renamed({ names }: Site, env: Record<string, string>): Record<string, string> {
  const changed = [...names].filter(([service, app]) => service !== app);
  const write = (value: string): string =>
    changed.reduce(
      (text, [service, app]) => (text === service ? app : text.replaceAll(hostPattern(service), app)),
      value,
    );
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, write(value)]));
}
