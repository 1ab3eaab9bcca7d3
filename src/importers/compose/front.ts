import { join, resolve } from 'node:path';
import type { Look } from '../look.ts';
import { isEdge } from './edge.ts';
import { type KnownImage, knownImage } from './images.ts';
import { type Mount, mountsOf } from './mounts.ts';
import { readPort } from './ports.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { fieldOf } from './tree.ts';

/** A server of the file that stands in front of one of its services: nginx, Caddy or Apache with a file of its own. */
export interface Front {
  readonly service: Service;
  /** What answers behind it. */
  readonly target: Service;
  readonly port: number | undefined;
  /** How it asks: `http`, or what hostctl does not speak, such as `fastcgi_pass`. */
  readonly speaks: string;
  /** URL path → folder in its container. */
  readonly folders: readonly { readonly path: string; readonly folder: string }[];
  /** Whether its configuration was there to be read. */
  readonly read: boolean;
  /** Whether it asks for passwords or lists addresses. */
  readonly closed: boolean;
}

const UPSTREAM =
  /\b(proxy_pass|fastcgi_pass|uwsgi_pass|grpc_pass|server|reverse_proxy|php_fastcgi|ProxyPass\s+\S+)\s+(?:(?:https?|fcgi|uwsgi|grpc):\/\/)?([A-Za-z0-9._-]+)(?::(\d+))?/g;
const LOCATION = /\blocation\s+(?:\^~\s+)?(\/[^\s{]*)\s*\{([^{}]*)\}/g;

/** The front of a file, if one of its services is one. */
export function findFronts(services: readonly Service[], look: Look, from: string): Front[] {
  return services.flatMap((service) => {
    if (!isServer(service, look, from)) return [];
    const config = configOf(service, look, from)
      .join('\n')
      .replaceAll(/^\s*#.*$/gm, '');
    if (servesItself(config)) return [];
    const others = services.filter((other) => other !== service && !isEdge(other) && !isStore(other));
    const named = [...config.matchAll(UPSTREAM)].flatMap(([, verb = '', name, port]) => {
      const target = others.find((other) => other.name === name);
      return target ? [{ target, verb, port: readPort(port) }] : [];
    });
    const needed = others.find((other) => dependsOn(service, other.name));
    const first = named[0] ?? (needed ? { target: needed, verb: 'server', port: undefined } : undefined);
    if (!first) return [];
    const odd = named.find(({ verb }) => /fastcgi|uwsgi|grpc/.test(verb));
    const folders = [...config.matchAll(LOCATION)].flatMap(([, path = '/', body = '']) => folderOf(path, body));
    return [
      {
        service,
        target: first.target,
        port: odd ? undefined : first.port,
        speaks: odd?.verb ?? 'http',
        folders,
        read: config !== '',
        closed: /\b(?:auth_basic|auth_request|deny|allow|basic_?auth|Require)\s+(?!off|all)/.test(config),
      },
    ];
  });
}

/** Whether `/` is answered from files: then other services have only parts of it. */
function servesItself(config: string): boolean {
  const whole = /\blocation\s+\/\s*\{([^{}]*)\}/.exec(config)?.[1];
  return whole !== undefined && !/_pass\b|@\w/.test(whole);
}

/** What is known of the image a Dockerfile ends with. */
export function baseOf(service: Service, look: Look, from: string): KnownImage {
  const stages = [...dockerfileOf(service, look, from).matchAll(/^\s*FROM\s+(?:--\S+\s+)?(\S+)/gim)];
  return knownImage(stages.at(-1)?.[1] ?? '');
}

/** Databases and queues are nobody's target. */
export function isStore(service: Service): boolean {
  return knownImage(textOf(itemAt(service, 'image')) ?? '').kind === 'store';
}

export function dependsOn(service: Service, name: string): boolean {
  return ['depends_on', 'links'].some((key) =>
    itemsUnder(service, key).some((item) => item.path[1] === name || (textOf(item) ?? '').split(':')[0] === name),
  );
}

/** Whether a service runs a server of files: by its image, or the one its Dockerfile begins with. */
function isServer(service: Service, look: Look, from: string): boolean {
  const image =
    itemAt(service, 'build') || fieldOf(service.tree, 'build') ? undefined : textOf(itemAt(service, 'image'));
  if (image !== undefined) return knownImage(image).kind === 'pages';
  return baseOf(service, look, from).kind === 'pages';
}

/** Directory a service is built in, absolute; undefined for one that is not built here. */
export function contextOf(service: Service, from: string): string | undefined {
  const context = textOf(itemAt(service, 'build')) ?? textOf(itemAt(service, 'build', 'context'));
  if (context === undefined) return fieldOf(service.tree, 'build') ? from : undefined;
  return /^(?:[a-z+]+:\/\/|git@|github\.com\/)/.test(context) ? undefined : resolve(from, context);
}

/** The text of a service's Dockerfile; empty where there is none. */
export function dockerfileOf(service: Service, look: Look, from: string): string {
  const context = contextOf(service, from);
  if (context === undefined) return '';
  const name = textOf(itemAt(service, 'build', 'dockerfile')) ?? 'Dockerfile';
  return look.text(resolve(context, name)) ?? '';
}

/** Files of its configuration that are on this machine: those mounted into it and those its Dockerfile copies. */
function configOf(service: Service, look: Look, from: string): string[] {
  const context = contextOf(service, from);
  const copied = [...dockerfileOf(service, look, from).matchAll(/^\s*COPY\s+(?:--\S+\s+)*(\S+)\s/gim)].flatMap(
    ([, path = '']) => (context === undefined ? [] : [resolve(context, path)]),
  );
  const mounted = mountsOf(service)
    .filter(isConfig)
    .map(({ source }) => resolve(from, source));
  return [...mounted, ...copied].flatMap((path) => {
    const kind = look.kind(path);
    if (kind === 'file') return look.text(path) ?? [];
    const names = kind === 'folder' ? look.list(path).filter((name) => /\.(?:conf|template)$/.test(name)) : [];
    return names.flatMap((name) => look.text(join(path, name)) ?? []);
  });
}

/** Whether a mount brings a server its configuration. */
export function isConfig({ kind, target }: Mount): boolean {
  return (
    kind === 'bind' &&
    /^\/etc\/(?:nginx|caddy|apache2)|^\/usr\/local\/(?:apache2\/conf|etc\/haproxy)|Caddyfile$/.test(target)
  );
}

function folderOf(path: string, body: string): { path: string; folder: string }[] {
  const alias = /\balias\s+([^\s;]+)/.exec(body)?.[1];
  const root = /\broot\s+([^\s;]+)/.exec(body)?.[1];
  const folder = alias ?? (root === undefined ? undefined : `${root.replace(/\/$/, '')}${path}`);
  const trimmed = path.length > 1 ? path.replace(/\/$/, '') : path;
  return folder === undefined || trimmed === '/' ? [] : [{ path: trimmed, folder: folder.replace(/\/$/, '') }];
}
