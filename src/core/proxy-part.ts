import type { ContainerSpec } from './container.ts';
import { PROXY_UID } from './identity.ts';
import type { ProxySettings, Workspace } from './model.ts';
import { edgeNetwork, hashOf, innerNetwork, LABEL, partName } from './names.ts';

/** One container of a proxy driver, as data: what it may see and how it starts. All of them run as the proxy's user. */
export interface ProxyPart {
  /** Ends the container's name. */
  readonly name: string;
  /** Base it is made from. */
  readonly base: string;
  /** The one part of a driver that publishes the ports. */
  readonly edge: boolean;
  /** Its name on the network between the parts; absent for a driver of one part. */
  readonly alias?: string;
  readonly start: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts: readonly PartMount[];
  /** What it needs beside that once the host has https. Before, a proxy is as it was without. */
  readonly secureMounts?: readonly PartMount[];
  /** Bytes. */
  readonly memory: number;
  readonly pids: number;
  readonly stopSignal?: string;
}

interface PartMount {
  /** Below the data root. */
  readonly from: string;
  readonly at: string;
  readonly write: boolean;
}

/** Where the part that publishes listens inside its container, whatever the host's port is. */
export const PROXY_PORT = 8080;
/** And for https. */
export const PROXY_HTTPS_PORT = 8443;

const TMP_SIZE = 16 * 1024 ** 2;
const OPEN_FILES = 16_384;
const STOP_SECONDS = 30;

/** The container of a part. It reads its configuration and what it serves, and nothing else. */
export function partContainer(
  part: ProxyPart,
  workspace: Workspace,
  image: { readonly ref: string; readonly id: string },
  cpus: number,
  secure: boolean,
): ContainerSpec {
  const { instance, proxy } = workspace;
  const plain: Omit<ContainerSpec, 'labels'> = {
    name: partName(instance, part.name),
    image: image.ref,
    uid: PROXY_UID,
    entrypoint: part.start,
    command: [],
    env: part.env ?? {},
    limits: { memory: part.memory, cpus, pids: part.pids },
    files: OPEN_FILES,
    readOnly: true,
    tmpfs: [{ path: '/tmp', size: TMP_SIZE, exec: false }],
    capabilities: [],
    newPrivileges: false,
    mounts: [...part.mounts, ...(secure ? (part.secureMounts ?? []) : [])].map(({ from, at, write }) => ({
      source: `${workspace.data}/${from}`,
      target: at,
      readOnly: !write,
    })),
    networks: [
      // The network that is joined first is the one a port is published from.
      ...(part.edge ? [{ name: edgeNetwork(instance), aliases: [] }] : []),
      ...(part.alias === undefined ? [] : [{ name: innerNetwork(instance), aliases: [part.alias] }]),
    ],
    publish: part.edge ? published(proxy, secure) : [],
    stopTimeout: STOP_SECONDS,
    ...(part.stopSignal === undefined ? {} : { stopSignal: part.stopSignal }),
    restart: 'always',
  };
  return {
    ...plain,
    labels: {
      [LABEL.instance]: instance,
      [LABEL.role]: 'proxy',
      [LABEL.spec]: hashOf({ ...plain, imageId: image.id }),
      [LABEL.uid]: String(PROXY_UID),
      ...(part.edge ? { [LABEL.port]: String(proxy.http) } : {}),
      ...(part.edge && secure ? { [LABEL.https]: String(proxy.https) } : {}),
    },
  };
}

function published({ address, http, https }: ProxySettings, secure: boolean): ContainerSpec['publish'] {
  return [
    { address, hostPort: http, port: PROXY_PORT },
    ...(secure ? [{ address, hostPort: https, port: PROXY_HTTPS_PORT }] : []),
  ];
}
