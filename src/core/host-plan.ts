import type { ContainerSpec, NetworkSpec } from './container.ts';
import { chooseSubnet, PROXY_UID } from './identity.ts';
import { INSIDE, LAYOUT, linkTarget } from './layout.ts';
import type { Workspace } from './model.ts';
import { edgeNetwork, egressNetwork, hashOf, LABEL, proxyName } from './names.ts';
import type { Observed } from './state.ts';
import type { Step } from './steps.ts';

const PROXY_MEMORY = 256 * 1024 ** 2;
const PROXY_TMP = 16 * 1024 ** 2;
const PROXY_PIDS = 64;
const PROXY_FILES = 16_384;
const PROXY_PORT = 8080;
const STOP_SECONDS = 30;

/** What every project on this host needs first: two networks and the proxy. */
export function planHost(observed: Observed, proxy: ContainerSpec, workspace: Workspace): Step[] {
  const steps: Step[] = [];
  const taken = observed.networks.flatMap((item) => item.subnets);
  const shared = [
    {
      name: egressNetwork(workspace.instance),
      prefix: 20,
      between: false,
      why: 'apps reach the outside through it, not each other',
    },
    {
      name: edgeNetwork(workspace.instance),
      prefix: 28,
      between: true,
      why: 'the proxy publishes its port from there',
    },
  ];
  for (const { name, prefix, between, why } of shared) {
    if (observed.networks.some((item) => item.name === name)) continue;
    const subnet = chooseSubnet(workspace.pool, prefix, name, taken);
    taken.push(subnet);
    steps.push({ do: 'network', network: sharedNetwork(name, subnet, between, workspace), why });
  }
  const running = observed.containers.find((item) => item.name === proxy.name);
  if (!running) steps.push({ do: 'proxy', name: proxy.name, why: 'not running yet' });
  else if (running.labels[LABEL.spec] !== proxy.labels[LABEL.spec]) {
    steps.push({
      do: 'proxy',
      name: proxy.name,
      why: 'its settings or its image changed: sites do not answer for about a second',
    });
  } else if (running.state !== 'running') steps.push({ do: 'proxy', name: proxy.name, why: `is ${running.state}` });
  const starts = steps.some((step) => step.do === 'proxy');
  // A proxy that is started loads the routes anyway.
  const why = linksAstray(observed) ? 'a switch was interrupted' : 'the proxy has others loaded';
  if (linksAstray(observed) || !(starts || observed.proxyCurrent)) steps.push({ do: 'restore', why });
  return steps;
}

/** Whether a link leads elsewhere than its live release says: a deploy is in the middle of a switch, or was killed there. */
export function linksAstray(observed: Observed): boolean {
  const { links, mediaLinks } = liveLinks(observed.histories);
  const astray = (wanted: Links, found: Links): boolean =>
    Object.entries(wanted).some(([link, target]) => found[link] !== target);
  return astray(links, observed.links) || astray(mediaLinks, observed.mediaLinks);
}

type Links = Readonly<Record<string, string>>;

/** Where the links of the live releases should lead. */
export function liveLinks(histories: Observed['histories']): Pick<Observed, 'links' | 'mediaLinks'> {
  const live = Object.values(histories).flatMap(({ current }) => (current ? [current.desired] : []));
  const workloads = live.flatMap((desired) => desired.workloads);
  const media = live.flatMap((desired) => desired.media);
  return {
    links: Object.fromEntries(
      workloads.flatMap((item) => (item.link === undefined ? [] : [[item.link, linkTarget(item.socket!)]])),
    ),
    mediaLinks: Object.fromEntries(
      media.flatMap((item) => (item.link === undefined ? [] : [[item.link, item.root.split('/')[1]!]])),
    ),
  };
}

function sharedNetwork(name: string, subnet: string, between: boolean, workspace: Workspace): NetworkSpec {
  return {
    name,
    subnet,
    internal: false,
    between,
    labels: { [LABEL.instance]: workspace.instance, [LABEL.role]: 'network' },
  };
}

/** The one container that publishes a port. It reads its configuration, the sockets and the media, and nothing else. */
export function proxyContainer(
  workspace: Workspace,
  image: { readonly ref: string; readonly id: string },
  start: readonly string[],
  cpus: number,
): ContainerSpec {
  const at = (path: string): string => `${workspace.data}/${path}`;
  const plain: Omit<ContainerSpec, 'labels'> = {
    name: proxyName(workspace.instance),
    image: image.ref,
    uid: PROXY_UID,
    entrypoint: start,
    command: [],
    env: {},
    limits: { memory: PROXY_MEMORY, cpus, pids: PROXY_PIDS },
    files: PROXY_FILES,
    readOnly: true,
    tmpfs: [{ path: '/tmp', size: PROXY_TMP, exec: false }],
    capabilities: [],
    newPrivileges: false,
    mounts: [
      { source: at(LAYOUT.proxy), target: INSIDE.config, readOnly: true },
      { source: at(LAYOUT.sockets), target: INSIDE.sockets, readOnly: true },
      { source: at(LAYOUT.links), target: INSIDE.links, readOnly: true },
      { source: at(LAYOUT.media), target: INSIDE.media, readOnly: true },
      { source: at(LAYOUT.admin), target: INSIDE.admin, readOnly: false },
      { source: at(LAYOUT.spool), target: INSIDE.spool, readOnly: false },
    ],
    networks: [{ name: edgeNetwork(workspace.instance), aliases: [] }],
    publish: [{ address: workspace.proxy.address, hostPort: workspace.proxy.http, port: PROXY_PORT }],
    stopTimeout: STOP_SECONDS,
    stopSignal: 'SIGQUIT',
    restart: 'always',
  };
  return {
    ...plain,
    labels: {
      [LABEL.instance]: workspace.instance,
      [LABEL.role]: 'proxy',
      [LABEL.spec]: hashOf({ ...plain, imageId: image.id }),
      [LABEL.uid]: String(PROXY_UID),
      [LABEL.port]: String(workspace.proxy.http),
    },
  };
}
