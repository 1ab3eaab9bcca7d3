import { resolve } from 'node:path';
import type { AppDefinition } from '../definition.ts';
import { contextOf } from './front.ts';
import { hasBuild } from './groups.ts';
import { knownImage } from './images.ts';
import { type Mount, mountsOf } from './mounts.ts';
import { isSystem, pathFrom } from './paths.ts';
import { itemAt, type Service, textOf } from './services.ts';
import { appOf, note, type Site } from './site.ts';

/** The longest name a volume may have. */
const LONGEST = 32;

const COPY =
  'no file of this machine gets into an app: an image of your own has it (COPY), with dockerfile in place of image';

/** `volumes` of a service → `volumes`, `writable`, and what has to be said of paths of the machine. */
export function mapVolumes(site: Site, service: Service): void {
  const app = appOf(site, service);
  for (const mount of mountsOf(service)) {
    if (site.ledger.has(mount.item)) continue;
    if (mount.kind === 'named') mapNamed(site, service, mount, app);
    else if (mount.kind === 'bind') mapBind(site, service, mount, app);
    else if (mount.kind === 'tmpfs') {
      (app.writable ??= []).push(mount.target);
      site.ledger.settle(mount.item, 'mapped', 'writable, with 64M');
    } else if (mount.kind === 'anonymous') {
      add(app, mount.target.split('/').at(-1) ?? '', mount.target);
      site.ledger.settle(mount.item, 'mapped', 'volumes');
    } else site.ledger.settle(mount.item, 'unsupported', 'hostctl knows volumes and folders only');
  }
}

/** @returns whether there was none for the folder yet */
function add(app: AppDefinition, wanted: string, target: string): void {
  const plain = wanted
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, LONGEST)
    .replace(/-+$/, '');
  const volumes = (app.volumes ??= {});
  if (Object.values(volumes).includes(target)) return;
  let name = plain === '' ? 'data' : plain;
  for (let n = 2; volumes[name] !== undefined; n++)
    name = `${(plain === '' ? 'data' : plain).slice(0, LONGEST - 3)}-${n}`;
  volumes[name] = target;
  // What is a volume needs not be emptied at each start.
  if (app.writable) app.writable = app.writable.filter((path) => path !== target);
  if (app.writable?.length === 0) delete app.writable;
}

function mapNamed(site: Site, service: Service, mount: Mount, app: AppDefinition): void {
  add(app, mount.source, mount.target);
  note(
    site,
    'volumes start empty: copy what is in the old ones, with the apps stopped, before the first visitors come',
  );
  const others = (site.volumes.get(mount.source) ?? []).filter((other) => other !== service);
  if (others.length > 0) {
    const names = others.map(({ name }) => name).join(', ');
    site.ledger.settle(
      mount.item,
      'decide',
      `a volume belongs to one app: what ${names} has is another one. Files for visitors go into media with writable-by`,
    );
  } else if (mount.readOnly)
    site.ledger.settle(mount.item, 'decide', 'volumes can be written to; what fills this one?');
  else site.ledger.settle(mount.item, 'mapped', 'volumes');
}

function mapBind(site: Site, service: Service, mount: Mount, app: AppDefinition): void {
  const { ledger } = site;
  const { source, target, item } = mount;
  const path = source.startsWith('~') || /^[A-Za-z]:/.test(source) ? source : resolve(site.from, source);
  if (/docker\.sock$|containerd\.sock$|podman\.sock$/.test(path))
    return ledger.settle(item, 'unsupported', 'no app gets the Docker socket');
  if (/^\/etc\/(?:localtime|timezone)$/.test(path))
    return ledger.settle(item, 'dropped', 'clocks are in UTC; env TZ says otherwise');
  if (isSystem(source)) return ledger.settle(item, 'unsupported', 'an app sees nothing of the machine');
  if (isSource(site, service, path, target)) {
    settleInner(site, service, target);
    return ledger.settle(item, 'dropped', 'the source is in the image, and each deploy builds it anew');
  }
  if (target.startsWith('/docker-entrypoint-initdb.d'))
    return ledger.settle(
      item,
      'decide',
      'it fills an empty database: an image of your own has it (COPY), or load it by hand with hostctl exec',
    );
  const known = knownImage(textOf(itemAt(service, 'image')) ?? '').data ?? [];
  if (known.some((folder) => target === folder || target.startsWith(`${folder}/`)) && !mount.readOnly) {
    add(app, target.split('/').at(-1)!, target);
    return ledger.settle(item, 'mapped', `volumes; copy what is in ${source} there, with the app stopped`);
  }
  if (/(?:^|\/)(?:certs?|ssl|letsencrypt|tls)(?:\/|$)/.test(target))
    return ledger.settle(
      item,
      'decide',
      "hostctl's proxy speaks TLS: tls.acme, or tls.certificate and tls.key for files",
    );
  const file = site.look.kind(path) === 'file' || /\.[a-z]{2,5}$|file$/i.test(target);
  const serves =
    knownImage(textOf(itemAt(service, 'image')) ?? '').kind === 'pages' && !target.startsWith('/etc/') && !file;
  if (serves)
    return ledger.settle(
      item,
      'decide',
      `if these are the pages: runtime: static with source: ${pathFrom(site.dir, path)}`,
    );
  if (mount.readOnly || file) return ledger.settle(item, 'decide', COPY);
  add(app, target.split('/').at(-1)!, target);
  const alias = `/${target.split('/').at(-1)!}`;
  const media = `media { ${alias}: { from: ${pathFrom(site.dir, path)}, writable-by: ${site.names.get(service.name)!} } } if visitors ask for the files`;
  ledger.settle(item, 'decide', `volumes, for data of the app: copy what is there; or ${media}`);
}

/** Whether a mount lays the source over the one that was built into the image. */
function isSource(site: Site, service: Service, path: string, target: string): boolean {
  const context = hasBuild(service) ? contextOf(service, site.from) : undefined;
  if (context === undefined) return false;
  if (path === context) return true;
  const below = path.startsWith(`${context}/`) ? path.slice(context.length + 1) : undefined;
  // A folder of the context at its own place in the image: ./src at /app/src.
  return (
    below !== undefined &&
    target.endsWith(`/${below}`) &&
    /^(?:src|app|lib|public|templates|static|config|tests?)$/.test(below)
  );
}

function settleInner(site: Site, service: Service, target: string): void {
  for (const mount of mountsOf(service)) {
    if (mount.kind === 'anonymous' && mount.target.startsWith(`${target}/`))
      site.ledger.settle(mount.item, 'dropped', 'the image has these files, and nothing hides them');
  }
}
