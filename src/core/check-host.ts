import { type Concern, someOf } from './concern.ts';
import { type Identity, parseCidr } from './identity.ts';
import type { Project } from './model.ts';
import { formatSize, quote } from './units.ts';

/** What this host has, read without the engine; absent where it cannot be read. */
export interface HostFacts {
  /** Bytes. */
  readonly memory?: number;
  /** CIDR → interface, from its routing table. */
  readonly routes: readonly { readonly cidr: string; readonly through: string }[];
  readonly users: readonly { readonly name: string; readonly uid: number }[];
}

/** `MemTotal` of /proc/meminfo in bytes. */
export function readMemory(text: string | undefined): number | undefined {
  const found = /^MemTotal:\s+(\d+) kB$/m.exec(text ?? '');
  return found ? Number(found[1]) * 1024 : undefined;
}

/** Bridges of the engine: it keeps its own networks apart itself. */
const ENGINE_INTERFACE = /^(br-|docker|veth|lo$)/;

/** IPv4 routes of /proc/net/route without the default route and those of the engine's own networks. */
export function readRoutes(text: string | undefined): HostFacts['routes'] {
  const rows = (text ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([through, destination, , , , , , mask]) => {
    if (through === undefined || destination === undefined || mask === undefined) return [];
    const bits = [...fromHex(mask)].flatMap((part) => [...part.toString(2)]).filter((bit) => bit === '1').length;
    if (bits === 0 || ENGINE_INTERFACE.test(through)) return [];
    return [{ cidr: `${fromHex(destination).join('.')}/${bits}`, through }];
  });
}

/** `00D50A` + `0A` little endian → its four bytes as they are written. */
function fromHex(hex: string): number[] {
  return (
    hex
      .match(/../g)
      ?.map((byte) => Number.parseInt(byte, 16))
      .toReversed() ?? []
  );
}

/** Names and uids of /etc/passwd. */
export function readUsers(text: string | undefined): HostFacts['users'] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [name, , uid] = line.split(':');
    return name && uid ? [{ name, uid: Number(uid) }] : [];
  });
}

function memoryOf({ apps }: Project): number {
  return apps.reduce((sum, app) => sum + app.limits.memory * app.replicas, 0);
}

/** Memory limits of everything together. @param proxy bytes the proxy may use */
export function checkMemory(projects: readonly Project[], proxy: number, { memory }: HostFacts): Concern[] {
  if (memory === undefined) return [];
  const at = { topic: 'host', path: [] } as const;
  const single = projects.flatMap((project) =>
    project.apps
      .filter((app) => app.limits.memory > memory)
      .map((app): Concern => ({
        ...at,
        level: 'warning',
        project: project.name,
        path: ['apps', app.name, 'limits', 'memory'],
        message: `${quote(app.name)} may use ${formatSize(app.limits.memory)}, and this host has ${formatSize(memory)}`,
        hint: 'a limit the host cannot keep limits nothing',
      })),
  );
  const total = projects.reduce((sum, project) => sum + memoryOf(project), proxy);
  const largest = projects
    .toSorted((a, b) => memoryOf(b) - memoryOf(a))
    .map((project) => `${project.name} ${formatSize(memoryOf(project))}`);
  const sum = `all apps together may use ${formatSize(total)} (${someOf(largest, 3)}; the proxy ${formatSize(proxy)})`;
  if (total > memory) {
    const message = `${sum}, and this host has ${formatSize(memory)}`;
    return [
      ...single,
      {
        ...at,
        level: 'warning',
        message,
        hint: 'lower limits that are never reached: hostctl status shows what is used',
      },
    ];
  }
  return [...single, { ...at, level: 'note', message: `${sum}; this host has ${formatSize(memory)}` }];
}

/** The range hostctl takes networks from, against where this host sends packets. @param networks how many /28 are needed */
export function checkPool(pool: string, networks: number, { routes }: HostFacts): Concern[] {
  const range = parseCidr(pool);
  const at = { level: 'warning', topic: 'host', path: ['network', 'pool'] } as const;
  const meeting = routes.filter(({ cidr }) => {
    const other = parseCidr(cidr);
    return other.start < range.end && range.start < other.end;
  });
  // The egress network is a /20, and 256 times as large as a project's.
  const room = (range.end - range.start) / 16 - 256 - 2;
  return [
    ...meeting.map(({ cidr, through }): Concern => ({
      ...at,
      message: `networks are taken from ${pool}, and this host reaches ${cidr} through ${through}: one of the two would not be reachable`,
      hint: 'choose another private range under `network.pool`',
    })),
    ...(networks > room
      ? [
          {
            ...at,
            level: 'error' as const,
            message: `${pool} has room for ${Math.max(0, room)} projects with a network, and there are ${networks}`,
            hint: 'choose a larger range under `network.pool`',
          },
        ]
      : []),
  ];
}

/** Uids on record: each must belong to one app alone. */
export function checkUids(identities: Readonly<Record<string, Identity>>, { users }: HostFacts): Concern[] {
  const owners = new Map<number, { project: string; app: string }[]>();
  for (const [project, { uids }] of Object.entries(identities))
    for (const [app, uid] of Object.entries(uids)) owners.set(uid, [...(owners.get(uid) ?? []), { project, app }]);
  return [...owners].flatMap(([uid, apps]) =>
    apps.flatMap(({ project, app }): Concern[] => {
      const at = { topic: 'host', project, path: ['apps', app], on: 'key' } as const;
      const others = apps.filter((other) => other.project !== project || other.app !== app);
      const user = users.find((item) => item.uid === uid);
      return [
        ...(others.length > 0
          ? [
              {
                ...at,
                level: 'error' as const,
                message: `has the uid ${uid} of ${someOf(others.map((other) => `${other.project}/${other.app}`))} as well: each can read what the other wrote`,
                hint: `remove one of them (\`hostctl remove\`), move its identity.json away, deploy it and give its data to the new uid`,
              },
            ]
          : []),
        ...(user
          ? [
              {
                ...at,
                level: 'warning' as const,
                message: `has the uid ${uid}, which is the user ${quote(user.name)} of this host`,
                hint: 'give that user another uid',
              },
            ]
          : []),
      ];
    }),
  );
}

/** What the data root holds of a project: `app/volume` names. */
export type KeptVolumes = Readonly<Record<string, readonly string[]>>;

/** Data of apps and volumes that no definition has any more. @param defined every definition's name, broken or not */
export function checkVolumes(projects: readonly Project[], defined: readonly string[], kept: KeptVolumes): Concern[] {
  return Object.entries(kept).flatMap(([name, volumes]): Concern[] => {
    const project = projects.find((item) => item.name === name);
    if (!project) {
      // A broken definition says nothing about what it will need.
      if (defined.includes(name) || volumes.length === 0) return [];
      return [
        {
          level: 'note',
          topic: 'host',
          path: [],
          message: `data of ${quote(name)} is kept, and there is no definition of it: ${someOf(volumes)}`,
          hint: `hostctl remove ${name} --purge deletes it`,
        },
      ];
    }
    const used = new Set(project.apps.flatMap((app) => app.volumes.map((volume) => `${app.name}/${volume.name}`)));
    const left = volumes.filter((volume) => !used.has(volume));
    if (left.length === 0) return [];
    return [
      {
        level: 'note',
        topic: 'host',
        project: name,
        path: ['apps'],
        on: 'key',
        message: `data of volumes that no app has any more is kept: ${someOf(left)}`,
        hint: 'see "Renaming an app" in the docs of operations',
      },
    ];
  });
}

/** Sources and media that would show what hostctl keeps for others. @param data the data root */
export function checkSources(project: Project, data: string): Concern[] {
  const inside = (path: string): boolean => path === data || path.startsWith(`${data}/`) || data.startsWith(`${path}/`);
  const at = {
    level: 'error',
    topic: 'host',
    project: project.name,
    hint: 'copy what it needs to a folder of its own',
  } as const;
  return [
    ...project.media.flatMap(({ alias, source }): Concern[] => {
      const path =
        'path' in source && source.kind !== 'image' ? source.path : source.kind === 'uploads' ? source.seed : undefined;
      if (path === undefined || !inside(path)) return [];
      return [
        {
          ...at,
          path: ['media', alias, 'from'],
          message: `${quote(path)} is in the data root ${data}, or around it: other projects' data would be served`,
        },
      ];
    }),
    ...project.apps.flatMap(({ name, source }): Concern[] =>
      source.kind === 'image' || !inside(source.dir)
        ? []
        : [
            {
              ...at,
              path: ['apps', name, 'source'],
              message: `${quote(source.dir)} is in the data root ${data}, or around it: other projects' data would get into the image`,
            },
          ],
    ),
  ];
}
