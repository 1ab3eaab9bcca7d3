import { SECRET_NAME } from '../../core/secrets.ts';
import type { AppDefinition } from '../definition.ts';
import type { Item } from './ledger.ts';
import { itemsUnder, type Service, textOf } from './services.ts';
import { appOf, type Site } from './site.ts';

/** Capabilities `relax` can give back. */
const CAPS = new Set(['NET_BIND_SERVICE', 'CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE', 'FOWNER', 'KILL']);
const REASON = 'cap_add of the Compose file; say what needs it';

/** Keys that give a container more than hostctl gives any. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  devices: 'an app of hostctl gets no devices',
  device_cgroup_rules: 'an app of hostctl gets no devices',
  gpus: 'an app of hostctl gets no devices',
  runtime: 'containers run with the runtime of the engine',
  cgroup_parent: 'an app has a control group of its own',
  cgroup: 'an app has a control group of its own',
  userns_mode: 'an app has a user of its own',
  sysctls: 'an app cannot change settings of the kernel',
  use_api_socket: 'no app gets the Docker socket',
  credential_spec: 'hostctl runs on Linux',
  oom_kill_disable: 'an app that needs more than its memory ends',
  volumes_from: 'an app has volumes of its own',
  external_links: 'apps reach those of their own project',
  group_add: 'an app has a user and a group of its own',
  configs: 'no file of this machine gets into an app: an image of your own has it (COPY)',
  storage_opt: 'an app writes to its volumes only',
  post_start: 'hostctl runs no hooks inside apps; `release` runs once before the switch',
  pre_stop: 'hostctl runs no hooks inside apps',
  provider: 'an app is a container',
  models: 'an app is a container',
};

/** What concerns users, privileges and namespaces → `relax`, or what it is here. */
export function mapHardening(site: Site, service: Service): void {
  const app = appOf(site, service);
  for (const item of service.items) {
    const [key = ''] = item.path;
    if (UNSUPPORTED[key] !== undefined) site.ledger.settle(item, 'unsupported', UNSUPPORTED[key]);
  }
  const each = (key: string, settle: (item: Item, text: string) => void): void => {
    for (const item of itemsUnder(service, key)) settle(item, textOf(item) ?? '');
  };
  const { ledger } = site;
  each('cap_add', (item, text) => addCapability(site, item, text, app));
  each('cap_drop', (item) => ledger.settle(item, 'implied', 'an app has no capabilities'));
  each('privileged', (item, text) =>
    text === 'true'
      ? ledger.settle(item, 'unsupported', 'there is no way to get a privileged container')
      : ledger.settle(item, 'implied', 'no app is privileged'),
  );
  each('security_opt', (item, text) => secure(site, item, text));
  each('user', (item, text) => runAs(site, item, text));
  each('read_only', (item, text) =>
    ledger.settle(
      item,
      text === 'true' ? 'implied' : 'decide',
      text === 'true'
        ? 'the root file system is read-only'
        : 'the root file system is read-only: `writable` names folders, relax writable-rootfs gives that up',
    ),
  );
  each('secrets', (item, text) => addSecret(site, item, text, app));
  for (const key of ['pid', 'ipc', 'uts', 'network_mode'])
    each(key, (item, text) => shareNamespace(site, item, key, text, app));
  each('tmpfs', (item, text) => addWritable(site, item, text, app));
  each('ulimits', (item) => {
    const files = item.path[1] === 'nofile';
    ledger.settle(
      item,
      files ? 'decide' : 'unsupported',
      files ? 'an app has 4096 open files: is that enough?' : 'limits.memory, cpus and pids are what there is',
    );
  });
  each('shm_size', (item) => ledger.settle(item, 'unsupported', '/dev/shm has the 64M every container has'));
  each('extra_hosts', (item) => ledger.settle(item, 'unsupported', 'apps ask DNS: put the address into env'));
  for (const key of ['dns', 'dns_search', 'dns_opt', 'mac_address'])
    each(key, (item) => ledger.settle(item, 'unsupported', 'an app has the names and networks hostctl gives it'));
}

/** In both the file is /run/secrets and the name; here it has one owner and one mode. */
function addSecret({ ledger }: Site, item: Item, text: string, app: AppDefinition): void {
  const plain = item.value.kind === 'scalar' && SECRET_NAME.test(text);
  if (!plain) {
    ledger.settle(item, 'decide', '`secrets`: its name is letters, digits and _, its file /run/secrets/NAME');
    return;
  }
  if (!app.secrets?.includes(text)) (app.secrets ??= []).push(text);
  ledger.settle(item, 'mapped', 'secrets: the same file');
}

function addCapability({ ledger }: Site, item: Item, text: string, app: AppDefinition): void {
  const cap = text.toUpperCase().replace(/^CAP_/, '');
  if (!CAPS.has(cap)) {
    ledger.settle(item, 'unsupported', `no app gets ${cap === 'ALL' ? 'all capabilities' : cap}`);
    return;
  }
  relax(app, `cap:${cap}`, REASON);
  ledger.settle(item, 'decide', `relax: cap:${cap}, where nothing needs it leave it out, else write the reason`);
}

function relax(app: AppDefinition, allow: string, reason: string): void {
  if (!app.relax?.some((item) => item.allow === allow)) (app.relax ??= []).push({ allow, reason });
}

function secure({ ledger }: Site, item: Item, text: string): void {
  if (/^no-new-privileges(?:[:=]true)?$/.test(text)) ledger.settle(item, 'implied', 'no app gains privileges');
  else if (/^no-new-privileges[:=]false$/.test(text))
    ledger.settle(item, 'decide', 'relax new-privileges, with a reason, where something needs it');
  else ledger.settle(item, 'unsupported', "an app has the engine's own profiles");
}

function runAs({ ledger }: Site, item: Item, text: string): void {
  const root = /^(?:root|0)(?::|$)/.test(text);
  if (root)
    ledger.settle(item, 'decide', 'no app is root: does it need to be? relax image-user leaves the user to the image');
  else ledger.settle(item, 'implied', 'an app has a user of its own, which owns its volumes');
}

function shareNamespace({ ledger }: Site, item: Item, key: string, text: string, app: AppDefinition): void {
  if (key === 'network_mode' && text === 'none') {
    app.egress = false;
    ledger.settle(item, 'mapped', 'egress: false');
  } else if (
    (key === 'network_mode' && /^(?:bridge|default)$/.test(text)) ||
    (key === 'ipc' && /^(?:private|shareable|none)$/.test(text))
  )
    ledger.settle(item, 'implied', 'namespaces of its own');
  else ledger.settle(item, 'unsupported', 'an app shares no namespace with the machine or with others');
}

function addWritable({ ledger }: Site, item: Item, text: string, app: AppDefinition): void {
  const [path = '', options = ''] = text.split(':');
  if (path === '/tmp') ledger.settle(item, 'implied', '/tmp is there, with 64M');
  else {
    if (!app.writable?.includes(path)) (app.writable ??= []).push(path);
    ledger.settle(item, 'mapped', 'writable, with 64M');
  }
  if (/\bexec\b/.test(options.replaceAll('noexec', '')))
    ledger.settle(item, 'decide', 'nothing in it can be executed: relax exec-tmp, with a reason, gives that up');
}
