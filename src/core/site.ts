import { aliasDirectory, mediaLink, UPLOADS } from './layout.ts';
import type { App, Media, Project, Tls } from './model.ts';
import { groupName, hashOf } from './names.ts';
import { bySpecificity, type Route, type Site, type SiteTls, type Upstream } from './routes.ts';
import type { ImageIdentity, MediaSet, Workload } from './state.ts';

/** Where the files of every alias of a project stand. `versions` has one entry per folder or file, by alias. */
export function mediaSets(
  project: Project,
  images: Readonly<Record<string, ImageIdentity>>,
  versions: Readonly<Record<string, string>>,
): MediaSet[] {
  return [...project.media, ...project.pages].map((media) => {
    const directory = aliasDirectory(media.alias);
    const version = versionOf(media, images, versions);
    return {
      alias: media.alias,
      root: `${project.name}/${directory}.${version ?? UPLOADS}`,
      source: media.source,
      ...(version === undefined ? {} : { version, link: mediaLink(project.name, media.alias) }),
      maxAge: media.maxAge,
    };
  });
}

function versionOf(
  media: Media,
  images: Readonly<Record<string, ImageIdentity>>,
  versions: Readonly<Record<string, string>>,
): string | undefined {
  if (media.source.kind === 'uploads') return undefined;
  if (media.source.kind === 'image') {
    const identity = images[media.source.app]?.identity ?? 'not on the engine yet';
    return hashOf([identity, media.source.path, media.alias], 10);
  }
  return hashOf([versions[media.alias] ?? 'missing', media.alias], 10);
}

/** What the proxy should know of a project; nothing when no request can reach it. */
export function siteOf(project: Project, workloads: readonly Workload[], media: readonly MediaSet[]): Site | undefined {
  const toApps: Route[] = project.apps.flatMap((app) =>
    app.path === undefined
      ? []
      : [
          {
            path: app.path,
            target: {
              to: 'app' as const,
              app: app.name,
              upstreams: upstreamsOf(
                app,
                workloads.filter((item) => item.app === app.name),
              ),
              readTimeout: project.timeout,
              ...(isSticky(app) ? { sticky: true as const } : {}),
            },
          },
        ],
  );
  const pages = new Set(project.pages.map((page) => page.alias));
  const shown = media.filter((item) => !pages.has(item.alias));
  const toMedia: Route[] = shown.map((item) => ({
    path: item.alias,
    target: {
      to: 'media',
      root: item.link ?? item.root,
      file: item.source.kind === 'file',
      uploads: item.source.kind === 'uploads',
      maxAge: item.maxAge,
    },
  }));
  const routes = [...toApps, ...toMedia].toSorted(bySpecificity);
  if (routes.length === 0) return undefined;
  const { name, hostnames, maxBody, settings, tls } = project;
  const more = { ...(settings ? { settings } : {}), ...(tls ? { tls: siteTls(tls) } : {}) };
  return { project: name, hostnames, routes, maxBody, ...more };
}

function siteTls({ source, redirect }: Tls): SiteTls {
  return { ...(source.kind === 'acme' ? { acme: source.challenge } : {}), redirect };
}

/** What a definition alone says of where requests go, before anything of it runs: upstreams by the names of the apps. */
export function outlineOf(project: Project): Site {
  const { name, hostnames, maxBody, settings, tls } = project;
  const toApps: Route[] = project.apps.flatMap((app) => {
    if (app.path === undefined) return [];
    const upstream: Upstream =
      app.listen.kind === 'port'
        ? { kind: 'port', host: `${name}-${app.name}`, port: app.listen.port }
        : { kind: 'socket', link: `${name}.${app.name}` };
    const sticky = isSticky(app) ? { sticky: true as const } : {};
    const target = {
      to: 'app' as const,
      app: app.name,
      upstreams: [upstream],
      readTimeout: project.timeout,
      ...sticky,
    };
    return [{ path: app.path, target }];
  });
  const toMedia: Route[] = project.media.map(({ alias, source, maxAge }) => {
    const uploads = source.kind === 'uploads';
    const root = uploads ? `${name}/${aliasDirectory(alias)}.${UPLOADS}` : mediaLink(name, alias);
    return { path: alias, target: { to: 'media', root, file: source.kind === 'file', uploads, maxAge } };
  });
  const more = { ...(settings ? { settings } : {}), ...(tls ? { tls: siteTls(tls) } : {}) };
  return { project: name, hostnames, routes: [...toApps, ...toMedia].toSorted(bySpecificity), maxBody, ...more };
}

/** One replica is the same for everybody. */
function isSticky(app: App): boolean {
  return app.sticky && app.replicas > 1;
}

/** A socket per replica; on TCP one name for all of them, unless each must be reached by itself. */
function upstreamsOf(app: App, replicas: readonly Workload[]): Upstream[] {
  const { listen, project, spec } = replicas[0]!;
  if (listen.kind === 'port') {
    const keepAlive = app.keepAlive === undefined ? {} : { keepAlive: app.keepAlive };
    const hosts = isSticky(app)
      ? replicas.map((item) => item.container.name)
      : [groupName(project, app.name, spec, replicas.length)];
    return hosts.map((host) => ({ kind: 'port', host, port: listen.port, ...keepAlive }));
  }
  return replicas.flatMap((item) => (item.link === undefined ? [] : [{ kind: 'socket' as const, link: item.link }]));
}
