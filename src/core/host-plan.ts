import type { ContainerSpec, NetworkSpec } from './container.ts';
import { planFence } from './fence.ts';
import { chooseSubnet } from './identity.ts';
import { linkTarget } from './layout.ts';
import type { Workspace } from './model.ts';
import { edgeNetwork, egressNetwork, innerNetwork, LABEL } from './names.ts';
import type { ContainerView, Observed } from './state.ts';
import type { Step, StepOf } from './steps.ts';

/** What every project on this host needs first: the shared networks and the proxy. @param parts its containers, the edge last */
export function planHost(observed: Observed, parts: readonly ContainerSpec[], workspace: Workspace): Step[] {
  const proxy = planProxy(observed, parts);
  const networks = planSharedNetworks(observed, parts, workspace);
  const egress = egressNetwork(workspace.instance);
  const egressIsNew = networks.some((step) => step.do === 'network' && step.network.name === egress);
  const steps: Step[] = [...networks, ...planFence(observed.fence, egressIsNew), ...planForeign(observed, workspace)];
  if (proxy) steps.push(proxy);
  // A proxy that is started loads the routes anyway.
  const why = linksAstray(observed) ? 'a switch was interrupted' : 'the proxy has others loaded';
  if (linksAstray(observed) || !(proxy || observed.proxyCurrent)) steps.push({ do: 'restore', why });
  return steps;
}

function planSharedNetworks(observed: Observed, parts: readonly ContainerSpec[], workspace: Workspace): Step[] {
  const { instance, pool } = workspace;
  const inner = innerNetwork(instance);
  const used = parts.some((part) => part.networks.some((use) => use.name === inner));
  const shared = [
    {
      name: egressNetwork(instance),
      prefix: 20,
      internal: false,
      between: false,
      why: 'apps reach the outside through it, not each other',
    },
    {
      name: edgeNetwork(instance),
      prefix: 28,
      internal: false,
      between: true,
      why: 'the proxy publishes its ports from there',
    },
    ...(used
      ? [{ name: inner, prefix: 28, internal: true, between: true, why: 'the parts of the proxy meet there' }]
      : []),
  ];
  const taken = observed.networks.flatMap((item) => item.subnets);
  const labels = { [LABEL.instance]: instance, [LABEL.role]: 'network' };
  return shared
    .filter(({ name }) => !observed.networks.some((item) => item.name === name))
    .map(({ name, prefix, internal, between, why }): Step => {
      const subnet = chooseSubnet(pool, prefix, name, taken);
      taken.push(subnet);
      const network: NetworkSpec = { name, subnet, internal, between, labels };
      return { do: 'network', network, why };
    });
}

/** A Traefik that somebody else runs has to reach the nginx that serves media. */
function planForeign(observed: Observed, { instance, proxy }: Workspace): Step[] {
  if (!proxy.existing) return [];
  const { container } = proxy.existing;
  const network = innerNetwork(instance);
  const joined = observed.containers.find((item) => item.name === container)?.networks.includes(network);
  return joined ? [] : [{ do: 'connect', network, container, why: 'media and redirects are answered there' }];
}

/** One step for all parts: which of them are started or replaced, and which of another driver have to go. */
function planProxy(observed: Observed, parts: readonly ContainerSpec[]): StepOf<'proxy'> | undefined {
  const names = parts.map((part) => part.name);
  const proxies = observed.containers.filter((item) => item.labels[LABEL.role] === 'proxy');
  const replaces = proxies.map((item) => item.name).filter((name) => !names.includes(name));
  replaces.sort();
  const wrong = parts.flatMap((part) => {
    const why = partWhy(
      part,
      proxies.find((item) => item.name === part.name),
    );
    return why === undefined ? [] : [{ name: part.name, why }];
  });
  if (wrong.length + replaces.length === 0) return undefined;
  const reason =
    replaces.length > 0
      ? `takes the place of ${replaces.join(' and ')}: sites do not answer for about a second`
      : wrong.map((item) => item.why).find((why, index, all) => all.indexOf(why) === index)!;
  const started = wrong.length > 0 ? wrong.map((item) => item.name) : names.slice(-1);
  const secure = parts.some((part) => part.labels[LABEL.https] !== undefined);
  return { do: 'proxy', names: started, replaces, secure, why: reason };
}

function partWhy(part: ContainerSpec, found: ContainerView | undefined): string | undefined {
  if (!found) return 'not running yet';
  if (found.labels[LABEL.spec] !== part.labels[LABEL.spec]) {
    return 'its settings or its image changed: sites do not answer for about a second';
  }
  return found.state === 'running' ? undefined : `is ${found.state}`;
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
