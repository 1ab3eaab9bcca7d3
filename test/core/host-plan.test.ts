import { describe, expect, test } from 'vitest';
import type { ContainerSpec } from '../../src/core/container.ts';
import { linksAstray, liveLinks, planHost } from '../../src/core/host-plan.ts';
import type { Workspace } from '../../src/core/model.ts';
import { LABEL } from '../../src/core/names.ts';
import type { ContainerView, Desired, Observed } from '../../src/core/state.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';

const workspace = normaliseWorkspace({}, '/work');
const part = (name: string, spec = 'one', more: Partial<ContainerSpec> = {}): ContainerSpec =>
  ({ name, networks: [], labels: { [LABEL.spec]: spec }, ...more }) as unknown as ContainerSpec;
const view = (name: string, state: ContainerView['state'] = 'running', spec = 'one'): ContainerView =>
  ({ name, state, networks: [], labels: { [LABEL.role]: 'proxy', [LABEL.spec]: spec } }) as unknown as ContainerView;
const INNER = {
  networks: [
    { name: 'hostctl.edge', aliases: [] },
    { name: 'hostctl.inner', aliases: [] },
  ],
};

/** All is there, but for what a test says. */
const observed = (more: Partial<Observed> = {}): Observed =>
  ({
    containers: [view('hostctl-proxy')],
    networks: ['hostctl.egress', 'hostctl.edge', 'hostctl.inner'].map((name) => ({ name, subnets: [] })),
    histories: {},
    links: {},
    mediaLinks: {},
    fence: { state: 'up' },
    proxyCurrent: true,
    ...more,
  }) as unknown as Observed;
const steps = (more: Partial<Observed>, parts = [part('hostctl-proxy')], about: Workspace = workspace) =>
  planHost(observed(more), parts, about);
/** Each step in a line. */
const told = (...args: Parameters<typeof steps>): string[] =>
  steps(...args).map((step) => `${step.do}: ${'why' in step ? step.why : ''}`);

describe('the host', () => {
  test('that has all needs nothing', () => {
    expect(told({})).toEqual([]);
  });

  test('that has nothing gets networks, the fence and the proxy, in this order', () => {
    const found = steps({ containers: [], networks: [], fence: { state: 'down' } });
    expect(found.map((step) => `${step.do}: ${'why' in step ? step.why : ''}`)).toEqual([
      'network: apps reach the outside through it, not each other',
      'network: the proxy publishes its ports from there',
      'fence: apps reach the outside, not the services of this host',
      'proxy: not running yet',
    ]);
    const labels = { [LABEL.instance]: 'hostctl', [LABEL.role]: 'network' };
    expect(found.flatMap((step) => (step.do === 'network' ? [step.network] : []))).toEqual([
      {
        name: 'hostctl.egress',
        subnet: expect.stringMatching(/^10\.213\.\d+\.0\/20$/) as string,
        internal: false,
        between: false,
        labels,
      },
      {
        name: 'hostctl.edge',
        subnet: expect.stringMatching(/^10\.213\.\d+\.\d+\/28$/) as string,
        internal: false,
        between: true,
        labels,
      },
    ]);
  });

  test('networks of ours stay clear of all others, and of each other', () => {
    // One half of the range is taken, and two networks cannot share the rest of it.
    const small = normaliseWorkspace({ network: { pool: '10.0.0.0/18' } }, '/work');
    const networks = [{ name: 'x', subnets: ['10.0.0.0/19', '10.0.32.0/20'] }] as unknown as Observed['networks'];
    expect(() => steps({ networks }, [part('hostctl-proxy')], small)).toThrow(/no free subnet of size \/28/);
  });

  test.each<[what: string, parts: ContainerSpec[], inner: boolean]>([
    ['one part', [part('hostctl-proxy')], false],
    ['parts that meet', [part('hostctl-files', 'one', INNER), part('hostctl-proxy')], true],
    ['parts that meet, the edge first', [part('hostctl-proxy'), part('hostctl-files', 'one', INNER)], true],
  ])('a network inside of the proxy is for several parts: %s', (_, parts, inner) => {
    const network = steps({ networks: [] }, parts).flatMap((step) =>
      step.do === 'network' && step.network.name === 'hostctl.inner' ? [step] : [],
    );
    expect(network.map(({ network: made, why }) => [made.internal, made.between, why])).toEqual(
      inner ? [[true, true, 'the parts of the proxy meet there']] : [],
    );
  });

  test('the fence is down though its network is not new', () => {
    expect(told({ fence: { state: 'down' } })).toEqual(['fence: not in force: apps reach services of this host']);
    const [edge] = observed().networks.slice(1);
    expect(told({ fence: { state: 'down' }, networks: [edge!] })[1]).toBe(
      'fence: apps reach the outside, not the services of this host',
    );
    expect(told({ fence: { state: 'impossible' } })).toEqual([]);
  });
});

describe('the proxy', () => {
  const CHANGED = 'its settings or its image changed: sites do not answer for about a second';

  test.each<[what: string, containers: ContainerView[], parts: ContainerSpec[], names: string[], why: string]>([
    ['is not there', [], [part('a')], ['a'], 'not running yet'],
    ['has stopped', [view('a', 'exited')], [part('a')], ['a'], 'is exited'],
    ['is an older one', [view('a')], [part('a', 'two')], ['a'], CHANGED],
    ['is an older one that has stopped', [view('a', 'exited')], [part('a', 'two')], ['a'], CHANGED],
    ['has a part too few', [view('b')], [part('a'), part('b')], ['a'], 'not running yet'],
    ['has two wrong parts', [view('a', 'paused')], [part('a'), part('b')], ['a', 'b'], 'is paused'],
  ])('%s', (_, containers, parts, names, why) => {
    expect(steps({ containers }, parts)).toEqual([{ do: 'proxy', names, replaces: [], secure: false, why }]);
  });

  test('takes the place of another one’s parts', () => {
    const containers = [view('z'), view('y'), view('a')];
    const why = 'takes the place of y and z: sites do not answer for about a second';
    expect(steps({ containers }, [part('a'), part('b')])).toMatchObject([{ names: ['b'], replaces: ['y', 'z'], why }]);
    // The edge is started anew, though nothing is wrong with it.
    expect(steps({ containers }, [part('b'), part('a')])).toMatchObject([{ names: ['b'], replaces: ['y', 'z'], why }]);
    expect(steps({ containers }, [part('z'), part('a')])).toMatchObject([
      { names: ['a'], replaces: ['y'], why: 'takes the place of y: sites do not answer for about a second' },
    ]);
    // What is no proxy is left alone.
    const app = { ...view('x'), labels: { [LABEL.role]: 'app' } };
    expect(steps({ containers: [app, view('a')] }, [part('a')])).toEqual([]);
  });

  test('is secure when a part of it publishes a port for https', () => {
    const secure = part('b', 'one', { labels: { [LABEL.spec]: 'one', [LABEL.https]: '443' } });
    expect(steps({ containers: [] }, [part('a'), secure])).toMatchObject([{ secure: true }]);
  });

  test('that somebody else runs joins the network inside', () => {
    const about = normaliseWorkspace(
      { proxy: { driver: 'traefik', existing: { container: 'traefik', directory: '/dynamic' } } },
      '/work',
    );
    const parts = [part('hostctl-proxy')];
    const connect = [
      {
        do: 'connect',
        network: 'hostctl.inner',
        container: 'traefik',
        why: 'media and redirects are answered there',
      },
    ];
    const their = (...networks: string[]): ContainerView => ({ ...view('traefik'), labels: {}, networks });
    const mine = view('hostctl-proxy');
    expect(steps({ containers: [mine] }, parts, about)).toEqual(connect);
    expect(steps({ containers: [mine, their('hostctl.edge')] }, parts, about)).toEqual(connect);
    expect(steps({ containers: [mine, their('hostctl.edge', 'hostctl.inner')] }, parts, about)).toEqual([]);
  });
});

describe('links', () => {
  const live = (workloads: object[], media: object[]): Observed['histories'] =>
    ({
      a: { releases: [], current: { desired: { workloads, media } as unknown as Desired } },
      b: { releases: [] },
    }) as unknown as Observed['histories'];
  const histories = live(
    [{ link: 'l', socket: 'dir/x.sock' }, {}],
    [{ link: 'm', root: 'a/files.1' }, { root: 'a/up' }],
  );
  const SOUND = { histories, links: { l: '../sockets/dir/x.sock' }, mediaLinks: { m: 'files.1' } };

  test('are those of the live releases', () => {
    expect(liveLinks(histories)).toEqual({ links: SOUND.links, mediaLinks: SOUND.mediaLinks });
  });

  test.each<[what: string, more: Partial<Observed>, astray: boolean]>([
    ['as they should be', {}, false],
    ['and others', { links: { ...SOUND.links, other: 'x' } }, false],
    ['elsewhere', { links: { l: '../sockets/dir/y.sock' } }, true],
    ['nowhere', { links: {} }, true],
    ['of media elsewhere', { mediaLinks: { m: 'files.2' } }, true],
  ])('%s', (_, more, astray) => {
    expect(linksAstray(observed({ ...SOUND, ...more }))).toBe(astray);
    expect(told({ ...SOUND, ...more })).toEqual(astray ? ['restore: a switch was interrupted'] : []);
    // Also when the proxy is started: its routes it loads anyway, its links it does not mend.
    expect(told({ ...SOUND, ...more, containers: [], proxyCurrent: false })).toEqual([
      'proxy: not running yet',
      ...(astray ? ['restore: a switch was interrupted'] : []),
    ]);
  });

  test('routes that the proxy has not loaded', () => {
    expect(told({ proxyCurrent: false })).toEqual(['restore: the proxy has others loaded']);
  });
});
