import { basename, dirname, join, resolve } from 'node:path';
import type { AppDefinition } from '../definition.ts';
import { baseOf, contextOf, dockerfileOf } from './front.ts';
import { hasBuild } from './groups.ts';
import { knownImage } from './images.ts';
import type { Item } from './ledger.ts';
import { type Mount, mountsOf } from './mounts.ts';
import { pathFrom } from './paths.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { appOf, type Site } from './site.ts';

/** `image` and `build` → what an app is made of. */
export function mapSource(site: Site, service: Service): void {
  const image = itemAt(service, 'image');
  const app = appOf(site, service);
  if (hasBuild(service)) {
    mapBuild(site, service, app);
    if (image) site.ledger.settle(image, 'dropped', 'what is built gets a name of its own');
  } else if (image) mapImage(site, service, image, app);
}

function mapImage(site: Site, service: Service, image: Item, app: AppDefinition): void {
  const { ledger } = site;
  const reference = textOf(image) ?? '';
  const known = knownImage(reference);
  if (asRuntime(site, service, image, app)) return;
  app.image = reference;
  ledger.settle(image, known.trouble === undefined ? 'mapped' : 'decide', known.trouble ?? 'image');
  if (known.writable) app.writable = [...known.writable];
}

/** Folder of the image a bare language runtime or file server works in. */
const BARE: readonly (readonly [image: RegExp, runtime: string, folder: RegExp])[] = [
  [
    /^(?:docker\.io\/)?(?:library\/)?(?:nginx|httpd)(?::|$)/,
    'static',
    /^\/(?:usr\/share\/nginx\/html|usr\/local\/apache2\/htdocs|var\/www\/html)$/,
  ],
  [/^(?:docker\.io\/)?(?:library\/)?php:(?!.*fpm)/, 'php', /^\/var\/www(?:\/html)?$|^\/app$/],
  [
    /^(?:docker\.io\/)?(?:library\/)?(?:node|bun)(?::|$)/,
    'node',
    /^\/(?:app|code|src|srv|usr\/src\/app|home\/node(?:\/app)?|workspace)$/,
  ],
  [/^(?:docker\.io\/)?(?:library\/)?python(?::|$)/, 'django', /^\/(?:app|code|src|srv|usr\/src\/app|workspace)$/],
];

/** A bare image with a folder of the machine mounted into it is an app with a runtime. */
function asRuntime(site: Site, service: Service, image: Item, app: AppDefinition): boolean {
  const found = BARE.find(([name]) => name.test(textOf(image) ?? ''));
  const mount = found && mountsOf(service).find(({ kind, target }) => kind === 'bind' && found[2].test(target));
  if (!found || !mount) return false;
  const [, runtime] = found;
  const source = resolve(site.from, mount.source);
  const others = mountsOf(service).filter((other) => other !== mount && other.kind === 'bind');
  if (runtime === 'django' && site.look.kind(join(source, 'manage.py')) !== 'file') return false;
  // A server of files with a configuration of its own may do more than serve them.
  if (runtime === 'static' && others.some(({ target }) => /^\/etc\/nginx|\.conf$/.test(target))) return false;
  app.runtime = runtime;
  app.source = pathFrom(site.dir, source);
  const clear = runtime === 'static';
  const said = clear
    ? 'runtime: static serves the folder'
    : `the source is mounted into a bare image; runtime: ${runtime} builds one with it. Does it start what is meant?`;
  site.ledger.settle(image, clear ? 'mapped' : 'decide', said);
  site.ledger.settle(mount.item, 'mapped', clear ? 'source; a copy is made at each deploy' : 'source');
  settleInner(site, mount, mountsOf(service));
  return true;
}

/** An unnamed volume over a part of the source keeps the image's own files in sight. */
function settleInner(site: Site, outer: Mount, all: readonly Mount[]): void {
  for (const { kind, target, item } of all) {
    if (kind === 'anonymous' && target.startsWith(`${outer.target}/`))
      site.ledger.settle(item, 'dropped', 'the image has these files, and nothing hides them');
  }
}

function mapBuild(site: Site, service: Service, app: AppDefinition): void {
  const { ledger, from, dir } = site;
  const context = contextOf(service, from);
  const file = itemAt(service, 'build', 'dockerfile');
  const said = itemAt(service, 'build') ?? itemAt(service, 'build', 'context');
  if (context === undefined) {
    if (said) ledger.settle(said, 'unsupported', 'hostctl builds what is on this machine: check it out first');
    app.dockerfile = './Dockerfile';
  } else {
    const path = resolve(context, textOf(file) ?? 'Dockerfile');
    app.dockerfile = pathFrom(dir, path);
    if (dirname(path) !== context) app.source = pathFrom(dir, context);
    const there = site.look.kind(path) === 'file' ? '' : `; ${basename(path)} is not there`;
    if (said) ledger.settle(said, 'mapped', `dockerfile${there}`);
    if (file) ledger.settle(file, 'mapped', `dockerfile${there}`);
  }
  const { writable } = baseOf(service, site.look, from);
  if (writable) app.writable = [...writable];
  const stages = [...dockerfileOf(service, site.look, from).matchAll(/^\s*FROM\s.*?(?:\sAS\s+(\S+))?\s*$/gim)];
  for (const item of itemsUnder(service, 'build')) {
    if (!ledger.has(item)) settleBuild(site, item, stages.at(-1)?.[1]);
  }
}

/** @param last name of the Dockerfile's last stage */
function settleBuild({ ledger }: Site, item: Item, last: string | undefined): void {
  const [, key = '', name = ''] = item.path;
  if (key === 'target' && last !== undefined && textOf(item)?.toLowerCase() === last.toLowerCase())
    ledger.settle(item, 'implied', 'the last stage is what is built');
  else if (key === 'target')
    ledger.settle(item, 'decide', 'the last stage is what is built: put this one last, or in a Dockerfile of its own');
  else if (key === 'args')
    ledger.settle(item, 'decide', `a build takes no arguments: write ARG ${name}=VALUE in the Dockerfile`);
  else if (key === 'dockerfile_inline')
    ledger.settle(item, 'unsupported', 'write it into a file, and the file under `dockerfile`');
  else if (/^(?:cache_from|cache_to|no_cache|pull|tags|labels|platforms|shm_size|provenance|sbom|ulimits)$/.test(key))
    ledger.settle(item, 'dropped', 'builds use the cache of this engine');
  else ledger.settle(item, 'unsupported', 'a build of hostctl sees its context and nothing else');
}
