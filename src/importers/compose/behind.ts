import { resolve } from 'node:path';
import { parseUrlPath } from '../../core/routes.ts';
import { type Front, isConfig } from './front.ts';
import { type Mount, mountsOf } from './mounts.ts';
import { isSystem, pathFrom } from './paths.ts';
import { itemAt, type Service } from './services.ts';
import { CLOSED, restrict, type Site } from './site.ts';

/** What a server in front of an app did: folders become media, the rest is asked for. */
export function mapFront(site: Site, front: Front): void {
  const { ledger } = site;
  const { service, target, speaks } = front;
  const behind = site.names.get(target.name)!;
  for (const at of front.folders) mapFolder(site, front, at.path, at.folder);
  const config = mountsOf(service).filter(isConfig);
  const image = itemAt(service, 'image');
  const said = `hostctl's own proxy answers in place of it, and asks ${behind}`;
  const rest = `${said}; whatever else it does goes into http and media`;
  const built = service.items.filter(({ path }) => path[0] === 'build');
  for (const { item } of config) ledger.settle(item, 'decide', rest);
  if (config.length === 0) for (const item of built.slice(0, 1)) ledger.settle(item, 'decide', rest);
  if (config.length === 0 && built.length === 0 && image) ledger.settle(image, 'decide', rest);
  const [asked] = [...config.map(({ item }) => item), ...built, ...(image ? [image] : [])];
  if (front.closed && asked) {
    restrict(site, '/', { allow: [] });
    ledger.settle(asked, 'decide', `it asks for passwords or lists addresses: http.access says who may, and ${CLOSED}`);
  }
  if (speaks !== 'http') {
    const source = target.items.find(({ path }) => path[0] === 'image' || path[0] === 'build');
    if (source)
      ledger.settle(
        source,
        'decide',
        `it was asked with ${speaks}, and hostctl asks over http: a runtime (php, wsgi) does that`,
      );
  }
  for (const item of service.items) {
    if (ledger.has(item) || item.path.includes('labels')) continue;
    const [key] = item.path;
    if (key === 'volumes' && !isSpare(item, service))
      ledger.settle(item, 'decide', 'what does it serve from there? media');
    else if (key === 'ports') ledger.settle(item, 'implied', "hostctl's proxy answers there");
    else ledger.settle(item, 'implied', said);
  }
}

/** Certificates and logs, which hostctl has of its own. */
function isSpare(item: Mount['item'], service: Service): boolean {
  const mount = mountsOf(service).find((each) => each.item === item);
  return (
    mount !== undefined &&
    /letsencrypt|certbot|certs?|ssl|acme|log|localtime|cache|^\/(?:data|config)$/.test(mount.target)
  );
}

function mapFolder(site: Site, front: Front, path: string, folder: string): void {
  const parsed = parseUrlPath(path);
  const mount = mountsOf(front.service).find(({ target }) => folder === target || folder.startsWith(`${target}/`));
  if (!parsed.ok || !mount || isSystem(mount.source) || site.definition.media[parsed.value]) return;
  const rest = folder.slice(mount.target.length);
  const own = mountsOf(front.target).find((other) => same(site, other, mount));
  const writer = site.names.get(front.target.name)!;
  const part = rest === '' ? '' : `, of which only ${rest} is shared`;
  const status = part === '' ? 'mapped' : 'decide';
  if (own) {
    const from =
      mount.kind === 'bind' ? pathFrom(site.dir, resolve(site.from, mount.source) + rest) : `./${mount.source}`;
    site.definition.media[parsed.value] = { from, 'writable-by': writer, mount: own.target + rest };
    site.ledger.settle(own.item, status, `media ${parsed.value}: ${writer} writes it${part}`);
    site.ledger.settle(mount.item, status, `media ${parsed.value}${part}`);
  } else if (mount.kind === 'bind') {
    site.definition.media[parsed.value] = { from: pathFrom(site.dir, resolve(site.from, mount.source) + rest) };
    site.ledger.settle(mount.item, 'mapped', `media ${parsed.value}`);
  }
}

function same(site: Site, a: Mount, b: Mount): boolean {
  if (a.kind !== b.kind || a.source === '') return false;
  return a.kind === 'named' ? a.source === b.source : resolve(site.from, a.source) === resolve(site.from, b.source);
}
