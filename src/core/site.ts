import { aliasDirectory, UPLOADS } from './layout.ts';
import type { Media, Project } from './model.ts';
import { groupName, hashOf } from './names.ts';
import type { Routed } from './match.ts';
import { bySpecificity, type Route, type Site, type Upstream } from './routes.ts';
import type { ImageIdentity, MediaSet, Workload } from './state.ts';

/** Where the files of every alias of a project stand. `versions` has one entry per folder or file, by alias. */
export function mediaSets(
  project: Project,
  images: Readonly<Record<string, ImageIdentity>>,
  versions: Readonly<Record<string, string>>,
): MediaSet[] {
  return project.media.map((media) => {
    const directory = aliasDirectory(media.alias);
    const version = versionOf(media, images, versions);
    return {
      alias: media.alias,
      root: `${project.name}/${directory}.${version ?? UPLOADS}`,
      source: media.source,
      ...(version === undefined ? {} : { version, link: `${project.name}/${directory}.live` }),
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
              upstreams: upstreamsOf(workloads.filter((item) => item.app === app.name)),
              readTimeout: project.timeout,
            },
          },
        ],
  );
  const toMedia: Route[] = media.map((item) => ({
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
  return { project: project.name, hostnames: project.hostnames, routes, maxBody: project.maxBody };
}

/** What a definition alone says of where requests go, before anything of it runs. */
export function outlineOf(project: Project): Routed {
  const toApps = project.apps.flatMap(({ name, path }) =>
    path === undefined ? [] : [{ path, target: { to: 'app' as const, app: name } }],
  );
  const toMedia = project.media.map(({ alias, source }) => ({
    path: alias,
    target: { to: 'media' as const, file: source.kind === 'file' },
  }));
  return {
    project: project.name,
    hostnames: project.hostnames,
    routes: [...toApps, ...toMedia].toSorted(bySpecificity),
  };
}

/** A socket per replica; on TCP one name for all of them. */
function upstreamsOf(replicas: readonly Workload[]): Upstream[] {
  const first = replicas[0]!;
  if (first.listen.kind === 'port') {
    return [
      { kind: 'port', host: groupName(first.project, first.app, first.spec, replicas.length), port: first.listen.port },
    ];
  }
  return replicas.flatMap((item) => (item.link === undefined ? [] : [{ kind: 'socket' as const, link: item.link }]));
}
