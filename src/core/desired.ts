import type { ContainerSpec, Mount, NetworkUse, Tmpfs } from './container.ts';
import type { Identity } from './identity.ts';
import { INSIDE, LAYOUT, socketDirectory, socketInside, socketLink, uploadsPath } from './layout.ts';
import type { App, Project, Workspace } from './model.ts';
import { containerName, egressNetwork, groupNames, hashOf, LABEL, networkName } from './names.ts';
import { chooseServer, type Runtime } from './runtime.ts';
import { exportSecrets, secretFiles, versionsFor } from './secrets.ts';
import { mediaSets, siteOf } from './site.ts';
import type { Desired, ImageIdentity, ImageStart, MediaSet, Workload } from './state.ts';
import { fillTemplate } from './template.ts';

/** What the pure core is told about the surroundings of a project. */
export interface DesiredInput {
  readonly project: Project;
  readonly workspace: Workspace;
  readonly identity: Identity;
  readonly images: Readonly<Record<string, ImageIdentity>>;
  readonly runtimes: readonly Runtime[];
  /** Version of each folder or file in `media:`, by alias. */
  readonly mediaVersions: Readonly<Record<string, string>>;
  readonly key: string;
  /** Newest version of each secret the apps name. */
  readonly secrets: Readonly<Record<string, number>>;
}

const TMP_SIZE = 64 * 1024 ** 2;
const OPEN_FILES = 4096;

/** What should exist for a project. Pure: the same input gives the same containers, byte for byte. */
export function desiredState(input: DesiredInput): Desired {
  const { project, workspace } = input;
  const media = mediaSets(project, input.images, input.mediaVersions);
  const workloads = project.apps.flatMap((app) =>
    Array.from({ length: app.replicas }, (_, index) => workload(app, index + 1, media, input)),
  );
  const networked = project.apps.filter((app) => onProjectNetwork(app, project));
  const site = siteOf(project, workloads, media);
  return {
    project: project.name,
    workloads,
    media,
    images: input.images,
    ...(site ? { site } : {}),
    ...(networked.length > 0
      ? { network: { name: networkName(workspace.instance, project.name), proxy: networked.some(askedOverTcp) } }
      : {}),
  };
}

/** The proxy speaks TCP with it, for requests or for the readiness probe. */
function askedOverTcp(app: App): boolean {
  return app.listen.kind === 'port' && (app.path !== undefined || app.health.path !== undefined);
}

function onProjectNetwork(app: App, project: Project): boolean {
  const named = project.apps.some((other) => other.needs.includes(app.name));
  return askedOverTcp(app) || named || app.needs.length > 0;
}

function workload(app: App, replica: number, media: readonly MediaSet[], input: DesiredInput): Workload {
  const { project, workspace, identity, images, key } = input;
  const image = images[app.name]!;
  const versions = versionsFor(app, input.secrets);
  const given = app.secrets.length > 0;
  // The socket is named after the container, which is named after the hash of everything else.
  const { limits: _limits, ...semantic } = containerOf(app, media, input, socketInside(''));
  // Which image a tag means is only known once it is on the engine; until then no name can be promised.
  const spec =
    image.identity === undefined || (wrapsImage(app) && image.start === undefined)
      ? 'pending'
      : hashOf({
          ...semantic,
          image: image.identity,
          listen: app.listen,
          ...(given ? { secrets: versions } : {}),
          // Two apps may have everything else in common, and containers are named after this.
          owner: [workspace.instance, project.name, app.name],
        });
  const name = containerName(project.name, app.name, spec, replica);
  const plain = containerOf(app, media, input, socketInside(name));
  const socketDir = app.listen.kind === 'socket' ? socketDirectory(key, name) : undefined;
  const socketMount: Mount[] = socketDir
    ? [{ source: `${workspace.data}/${LAYOUT.sockets}/${socketDir}`, target: INSIDE.socketDir, readOnly: false }]
    : [];
  const files = LAYOUT.secretFilesOf(project.name, name);
  const secretMount: Mount[] = given
    ? [{ source: `${workspace.data}/${files}`, target: INSIDE.secrets, readOnly: true }]
    : [];
  const groups = app.listen.kind === 'port' ? groupNames(project.name, app.name, spec, replica) : [];
  return {
    project: project.name,
    app: app.name,
    replica,
    spec,
    container: {
      ...plain,
      name,
      image: image.ref,
      labels: {
        [LABEL.instance]: workspace.instance,
        [LABEL.role]: 'app',
        [LABEL.project]: project.name,
        [LABEL.app]: app.name,
        [LABEL.replica]: String(replica),
        [LABEL.spec]: spec,
        [LABEL.uid]: String(identity.uids[app.name]),
        ...(app.relax.length > 0 ? { [LABEL.relax]: app.relax.map((item) => item.allow).join(',') } : {}),
      },
      mounts: [...plain.mounts, ...socketMount, ...secretMount],
      networks: plain.networks.map((use) => ({
        ...use,
        aliases: use.aliases.length > 0 ? [...use.aliases, ...groups] : use.aliases,
      })),
    },
    health: app.health,
    listen: app.listen,
    ...(socketDir === undefined
      ? {}
      : { socketDir, socket: `${socketDir}/${name}.sock`, link: socketLink(key, project.name, app.name, replica) }),
    ...(app.release ? { release: app.release } : {}),
    needs: app.needs,
    ...(app.relax.length > 0 ? { relax: app.relax } : {}),
    overlap: app.replicas > 1 || app.volumes.every((volume) => volume.shared),
    drain: app.drain,
    volumes: app.volumes.map((volume) => LAYOUT.volume(project.name, app.name, volume.name)),
    ...(given ? { secrets: { files, versions } } : {}),
  };
}

/** The container without what depends on its own hash. */
function containerOf(
  app: App,
  media: readonly MediaSet[],
  input: DesiredInput,
  socket: string,
): Omit<ContainerSpec, 'name' | 'image' | 'labels'> {
  const { project, workspace, identity } = input;
  const uid = identity.uids[app.name]!;
  const relaxed = new Set(app.relax.map((item) => item.allow));
  return {
    ...(relaxed.has('image-user') ? {} : { uid }),
    ...startOf(app, input.runtimes, socket, input.images[app.name]!.start),
    env: environment(app, socket),
    limits: app.limits,
    files: OPEN_FILES,
    readOnly: !relaxed.has('writable-rootfs'),
    tmpfs: tmpfsOf(app, uid, relaxed.has('exec-tmp')),
    capabilities: [...relaxed].flatMap((item) => (item.startsWith('cap:') ? [item.slice(4)] : [])).toSorted(),
    newPrivileges: relaxed.has('new-privileges'),
    mounts: [...volumeMounts(app, project, workspace), ...uploadMounts(app, media, workspace)],
    networks: networksOf(app, project, workspace.instance),
    publish: [],
    stopTimeout: Math.ceil(app.stop / 1000),
    restart: 'always',
  };
}

/** Whether an image is started through a shell, which needs to know what it would start by itself. */
export function wrapsImage(app: App): boolean {
  return app.source.kind !== 'runtime' && app.secrets.some((secret) => secret.env);
}

/**
 * Runtimes start through a shell that lets the proxy's group use the socket and read uploads, and that clears a socket
 * left behind by a crash. Images keep their own entry point, behind a shell when they want secrets as variables.
 */
function startOf(
  app: App,
  runtimes: readonly Runtime[],
  socket: string,
  own: ImageStart = { entrypoint: [], command: [] },
): Pick<ContainerSpec, 'entrypoint' | 'command'> {
  const source = app.source;
  const variables = exportSecrets(app);
  if (source.kind !== 'runtime') {
    if (variables === '') return app.command ? { command: app.command } : {};
    return {
      entrypoint: ['/bin/sh', '-c', `${variables}exec "$@"`, 'hostctl', ...own.entrypoint],
      command: app.command ?? own.command,
    };
  }
  const runtime = runtimes.find((candidate) => candidate.name === source.runtime)!;
  const server = chooseServer(runtime, source.server)!;
  const template = (app.listen.kind === 'port' ? server.spec.port : server.spec.socket) ?? [];
  const values = { ...source.values, socket, port: portOf(app) };
  const clear = app.listen.kind === 'socket' ? `rm -f ${socket}; ` : '';
  return {
    entrypoint: ['/bin/sh', '-c', `umask 007; ${variables}${clear}exec "$@"`, 'hostctl'],
    command: app.command ?? template.map((word) => fillTemplate(word, values)),
  };
}

function portOf(app: App): string {
  return app.listen.kind === 'port' ? String(app.listen.port) : '';
}

function environment(app: App, socket: string): Record<string, string> {
  const given = { ...secretFiles(app), ...app.env };
  if (app.source.kind === 'image') return given;
  const listen =
    app.listen.kind === 'socket' ? { PORT: socket } : app.listen.kind === 'port' ? { PORT: portOf(app) } : {};
  return { ...(app.source.kind === 'runtime' ? { HOME: '/tmp' } : {}), ...listen, ...given };
}

function tmpfsOf(app: App, uid: number, exec: boolean): Tmpfs[] {
  const own = app.writable.filter((path) => path !== '/tmp').map((path) => ({ path, size: TMP_SIZE, exec, uid }));
  return [{ path: '/tmp', size: TMP_SIZE, exec }, ...own];
}

function volumeMounts(app: App, project: Project, workspace: Workspace): Mount[] {
  return app.volumes.map((volume) => ({
    source: `${workspace.data}/${LAYOUT.volume(project.name, app.name, volume.name)}`,
    target: volume.at,
    readOnly: false,
  }));
}

function uploadMounts(app: App, media: readonly MediaSet[], workspace: Workspace): Mount[] {
  return media.flatMap(({ source, root, alias }) =>
    source.kind === 'uploads' && source.app === app.name
      ? [
          {
            source: `${workspace.data}/${uploadsPath(root, alias)}`,
            target: source.mount,
            readOnly: false,
          },
        ]
      : [],
  );
}

function networksOf(app: App, project: Project, instance: string): NetworkUse[] {
  const own = onProjectNetwork(app, project)
    ? [{ name: networkName(instance, project.name), aliases: [app.name] }]
    : [];
  return app.egress ? [...own, { name: egressNetwork(instance), aliases: [] }] : own;
}
