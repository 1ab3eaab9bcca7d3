import { resolve } from 'node:path';
import type { Look } from '../look.ts';
import { readCompose } from './document.ts';
import { type Item, type Ledger, makeItem } from './ledger.ts';
import { isRepeated, overlay, readService, type Service, textOf } from './services.ts';
import { fieldOf, type Mapping, textAt, type Tree } from './tree.ts';
import type { Variables } from './variables.ts';

/** The sections of a Compose file. */
export interface ComposeFile {
  readonly name: string | undefined;
  readonly services: readonly Service[];
  readonly networks: ReadonlyMap<string, { readonly internal: boolean }>;
  readonly volumes: ReadonlyMap<string, Item>;
}

const DEEPEST = 10;
const WHOLE = 'docker compose config prints all of it as one file';

/** Takes all of a file into the report, and settles what is no service. Files before `services:` have them at the top. */
export function readFile(
  tree: Tree,
  given: { look: Look; from: string; variables: Variables },
  ledger: Ledger,
): ComposeFile {
  const fields = tree.kind === 'mapping' ? tree.fields : [];
  const plain = fields.some(({ key }) => key === 'services');
  const old = !plain && fields.some(({ value }) => fieldOf(value, 'image') ?? fieldOf(value, 'build'));
  const services: Service[] = [];
  const networks = new Map<string, { internal: boolean }>();
  const volumes = new Map<string, Item>();
  const read = (name: string, value: Tree, place: Item['place'], all: Tree): void => {
    if (value.kind === 'mapping') services.push(readOne(name, value, all, given, ledger));
    else addItem(ledger, makeItem('services', [name], place, value), 'unsupported', 'no service: it is a mapping');
  };
  for (const { key, place, value } of fields) {
    // What an extension or a secret holds belongs into no report.
    const item = makeItem(key, [], place, value, key.startsWith('x-'));
    if (old && value.kind === 'mapping' && !key.startsWith('x-')) read(key, value, place, tree);
    else if (key === 'services' && value.kind === 'mapping')
      for (const field of value.fields) read(field.key, field.value, field.place, value);
    else if (/^(?:networks|volumes|secrets|configs)$/.test(key) && value.kind === 'mapping') {
      for (const field of value.fields) {
        const inner = makeItem(key, [field.key], field.place, field.value, key === 'secrets' || key === 'configs');
        ledger.add(inner);
        if (key === 'networks') networks.set(field.key, { internal: textAt(field.value, 'internal') === 'true' });
        if (key === 'volumes') volumes.set(field.key, inner);
        settleSection(key, field.value, inner, ledger);
      }
    } else settleTop(key, item, ledger);
  }
  return { name: textAt(tree, 'name'), services, networks, volumes };
}

function addItem(
  ledger: Ledger,
  item: Item,
  ...said: [status: 'unsupported' | 'dropped' | 'mapped', note: string]
): void {
  ledger.add(item);
  ledger.settle(item, ...said);
}

function settleTop(key: string, item: Item, ledger: Ledger): void {
  if (key === 'version') addItem(ledger, item, 'dropped', 'Compose does not read it either');
  else if (key === 'name') addItem(ledger, item, 'mapped', 'what the definition is called');
  else if (key.startsWith('x-')) addItem(ledger, item, 'dropped', 'an extension; what refers to it has its values');
  else if (key === 'include') addItem(ledger, item, 'unsupported', `other files are not read: ${WHOLE}`);
  else if (item.value.kind === 'scalar' && /^(?:networks|volumes|secrets|configs)$/.test(key))
    addItem(ledger, item, 'dropped', 'it says nothing');
  else addItem(ledger, item, 'unsupported', 'no section of a Compose file that hostctl knows');
}

function settleSection(section: string, value: Tree, item: Item, ledger: Ledger): void {
  const external = fieldOf(value, 'external') !== undefined && textAt(value, 'external') !== 'false';
  const driver = textAt(value, 'driver');
  if (section === 'networks') {
    const odd = driver !== undefined && !/^(?:bridge|overlay|default)$/.test(driver);
    if (odd) ledger.settle(item, 'unsupported', `hostctl has no networks with the driver ${driver}`);
    else
      ledger.settle(
        item,
        'implied',
        external ? 'hostctl joins its proxy to the networks of projects' : 'a project has a network of its own',
      );
  } else if (section === 'volumes') {
    const local = driver === undefined || driver === 'local';
    if (!local || fieldOf(value, 'driver_opts'))
      ledger.settle(item, 'decide', 'volumes lie in the data root of hostctl: copy what is in it there');
    else
      ledger.settle(
        item,
        'implied',
        external ? 'volumes belong to one app: copy what is in it' : 'volumes belong to apps',
      );
  } else if (section === 'secrets')
    ledger.settle(item, 'implied', 'its value is set with `hostctl secrets set PROJECT NAME`, from standard input');
  else
    ledger.settle(item, 'unsupported', 'no file of this machine gets into an app: an image of your own has it (COPY)');
}

/** A service with what it extends. */
function readOne(
  name: string,
  own: Mapping,
  all: Tree,
  given: { look: Look; from: string; variables: Variables },
  ledger: Ledger,
): Service {
  const { tree, flaw } = extended(own, all, given, 0);
  const service = readService(name, tree);
  for (const item of service.items) {
    ledger.add(item);
    if (isRepeated(item)) ledger.settle(item, 'dropped', 'it is said again further down, and that counts');
  }
  if (service.items.length === 0) ledger.add(makeItem('services', [name], own.place, own));
  const item = service.items.find(({ path }) => path[0] === 'extends');
  if (item)
    ledger.settle(item, flaw === undefined ? 'mapped' : 'unsupported', flaw ?? 'what it says is part of this one');
  return service;
}

function extended(
  own: Mapping,
  all: Tree,
  given: { look: Look; from: string; variables: Variables },
  depth: number,
): { tree: Mapping; flaw?: string } {
  const field = fieldOf(own, 'extends');
  if (!field) return { tree: own };
  if (depth > DEEPEST) return { tree: own, flaw: 'it extends itself' };
  const name = field.value.kind === 'scalar' ? field.value.text : textAt(field.value, 'service');
  const file = textAt(field.value, 'file');
  const other = file === undefined ? all : readOther(file, given);
  const base = fieldOf(other, name ?? '')?.value;
  if (base?.kind !== 'mapping') return { tree: own, flaw: `there is no such service: ${WHOLE}` };
  const below = extended(base, other!, given, depth + 1);
  // What Compose does not take over, either.
  const shared = below.tree.fields.filter(
    ({ key }) => !/^(?:depends_on|volumes_from|links|network_mode|extends)$/.test(key),
  );
  const tree = overlay({ ...below.tree, fields: shared }, own);
  return below.flaw === undefined ? { tree } : { tree, flaw: below.flaw };
}

function readOther(
  file: string,
  { look, from, variables }: { look: Look; from: string; variables: Variables },
): Tree | undefined {
  const text = look.text(resolve(from, file));
  const read = text === undefined ? undefined : readCompose(file, text, variables);
  return read?.ok ? fieldOf(read.tree, 'services')?.value : undefined;
}

/** Whether a service starts: those of profiles nobody asked for do not. Settles what they say. */
export function isAwake(service: Service, profiles: ReadonlySet<string>, ledger: Ledger): boolean {
  const items = service.items.filter(({ path }) => path[0] === 'profiles');
  const own = items.map((item) => textOf(item) ?? '');
  const awake = own.length === 0 || own.some((name) => profiles.has(name) || profiles.has('*'));
  const note = awake ? 'it is asked for' : `only with --profile ${own.join(', --profile ')}, as with Compose`;
  for (const item of awake ? items : service.items) ledger.settle(item, awake ? 'implied' : 'dropped', note);
  return awake;
}
