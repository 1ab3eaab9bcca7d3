import { describe, expect, test } from 'vitest';
import { type BuiltImage, type Leftovers, planPrune } from '../../src/core/prune.ts';
import type { ContainerView, Desired, MediaSet, Observed, Release, Workload } from '../../src/core/state.ts';

const HEX = '0123456789abcdef0123';
const ID = 'sha256:live';

const workload = (name: string, link?: string): Workload =>
  ({ app: 'web', container: { name }, ...(link === undefined ? {} : { link }) }) as unknown as Workload;
const container = (name: string, state: ContainerView['state'], more: Partial<ContainerView> = {}): ContainerView => ({
  id: name,
  name,
  image: 'x',
  imageId: 'x',
  state,
  status: '',
  created: 0,
  labels: { 'hostctl.project': 'shop', 'hostctl.role': 'app' },
  networks: [],
  ...more,
});
const media = (root: string): MediaSet => ({
  alias: '/files',
  root: `shop/${root}`,
  link: 'shop/files.live',
  source: { kind: 'folder', path: '/a' },
  maxAge: 1,
});
const LIVE: Desired = {
  project: 'shop',
  workloads: [workload('shop-web-aaaaaaa', 'shop.web.1-live.sock')],
  media: [media('files.aaaaaaaaaa')],
  images: { web: { ref: 'hostctl/shop:live', id: ID } },
};
const EARLIER: Desired = {
  project: 'shop',
  workloads: [workload('shop-web-bbbbbbb', 'shop.web.1-before.sock')],
  media: [media('files.bbbbbbbbbb')],
  images: { web: { ref: 'hostctl/shop:before', id: 'sha256:before' } },
};
const release = (id: number, desired: Desired): Release => ({
  format: 1,
  id,
  project: 'shop',
  at: '2026-01-01T00:00:00Z',
  by: 'a@b',
  desired,
});
const RELEASES = [release(4, LIVE), release(2, EARLIER)];

function pruned(world: Partial<Observed>, left: Partial<Leftovers> = {}) {
  const observed = {
    containers: [],
    networks: [],
    links: {},
    media: {},
    histories: { shop: { current: RELEASES[0]!, releases: RELEASES } },
    ...world,
  } as unknown as Observed;
  return planPrune('shop', observed, { images: [], sockets: [], records: [], instance: 'hostctl', ...left });
}
const namesOf = (items: readonly { name: string }[]): string[] => items.map(({ name }) => name);

test('every kind of leftover is told with its place and why nothing needs it', () => {
  expect(
    pruned(
      {
        containers: [container('shop-web-ccccccc', 'exited')],
        links: { 'shop.old.1-x.sock': '../sockets/x' },
        media: { shop: ['files.cccccccccc'] },
        networks: [
          {
            id: 'n',
            name: 'hostctl_shop',
            labels: { 'hostctl.instance': 'hostctl', 'hostctl.project': 'shop' },
            subnets: [],
          },
        ],
      },
      {
        images: [{ id: 'sha256:c', project: 'shop', tags: ['hostctl/shop:c'], size: 5 }],
        sockets: [`shop-web-ccccccc-${HEX}`],
        records: [3],
      },
    ),
  ).toEqual([
    { kind: 'container', project: 'shop', name: 'shop-web-ccccccc', why: 'stopped, and of no release' },
    { kind: 'image', project: 'shop', name: 'hostctl/shop:c', why: 'no release is made from it', size: 5 },
    {
      kind: 'folder',
      project: 'shop',
      name: `sockets/shop-web-ccccccc-${HEX}`,
      path: `sockets/shop-web-ccccccc-${HEX}`,
      why: 'its container is gone',
    },
    {
      kind: 'folder',
      project: 'shop',
      name: 'links/shop.old.1-x.sock',
      path: 'links/shop.old.1-x.sock',
      why: 'the live release has no such app',
    },
    {
      kind: 'folder',
      project: 'shop',
      name: 'media/shop/files.cccccccccc',
      path: 'media/shop/files.cccccccccc',
      why: 'a copy no release serves',
    },
    {
      kind: 'record',
      project: 'shop',
      name: '3',
      why: 'it was taken back',
      path: 'projects/shop/releases/3.json',
    },
    { kind: 'network', project: 'shop', name: 'hostctl_shop', why: 'nothing is on it' },
  ]);
});

test('a project of which nothing is known leaves nothing to remove', () => {
  expect(pruned({ histories: {} })).toEqual([]);
});

describe('a container', () => {
  test.each<[ContainerView['state'], boolean]>([
    ['exited', true],
    ['created', true],
    ['dead', true],
    ['running', false],
    ['paused', false],
    ['restarting', false],
    ['removing', false],
  ])('that is of no release goes when it is %s: %j', (state, goes) => {
    expect(namesOf(pruned({ containers: [container('shop-web-ccccccc', state)] }))).toEqual(
      goes ? ['shop-web-ccccccc'] : [],
    );
  });

  test('of a release stays, live or not, and so do those of others and of the proxy', () => {
    const proxy = { 'hostctl.project': 'shop', 'hostctl.role': 'proxy' };
    expect(
      pruned({
        containers: [
          container('shop-web-aaaaaaa', 'exited'),
          container('shop-web-bbbbbbb', 'exited'),
          container('blog-web-ccccccc', 'exited', { labels: { 'hostctl.project': 'blog', 'hostctl.role': 'app' } }),
          container('hostctl-proxy', 'exited', { labels: proxy }),
        ],
      }),
    ).toEqual([]);
  });
});

describe('an image', () => {
  const image = (more: Partial<BuiltImage>): BuiltImage => ({
    id: 'sha256:c',
    project: 'shop',
    tags: ['hostctl/shop:c'],
    size: 7,
    ...more,
  });
  test.each<[string, BuiltImage, { name: string; size: number }[]]>([
    ['without a tag goes by its id', image({ tags: [] }), [{ name: 'sha256:c', size: 7 }]],
    ['without a tag that a release is made from stays', image({ tags: [], id: ID }), []],
    ['with a tag of a release stays', image({ tags: ['hostctl/shop:live'] }), []],
    ['of a release stays whatever its tags', image({ id: 'sha256:before' }), []],
    ['of another project stays', image({ project: 'blog' }), []],
    ['with a tag of another project loses none', image({ tags: ['hostctl/blog:c'] }), []],
    ['with a tag of somebody else loses none', image({ tags: ['mine:1'] }), []],
    [
      'with several tags is counted once',
      image({ tags: ['hostctl/shop:c', 'hostctl/shop:d'] }),
      [
        { name: 'hostctl/shop:c', size: 7 },
        { name: 'hostctl/shop:d', size: 0 },
      ],
    ],
    [
      'that keeps a tag frees nothing',
      image({ tags: ['hostctl/shop:c', 'mine:1'] }),
      [{ name: 'hostctl/shop:c', size: 0 }],
    ],
    [
      'of a release that keeps its own tag loses the others',
      image({ id: ID, tags: ['hostctl/shop:live', 'hostctl/shop:c'] }),
      [{ name: 'hostctl/shop:c', size: 0 }],
    ],
  ])('%s', (_, item, gone) => {
    expect(pruned({}, { images: [item] })).toEqual(
      gone.map((one) => ({ kind: 'image', project: 'shop', why: 'no release is made from it', ...one })),
    );
  });
});

describe('the directory of a socket', () => {
  test.each<[string, string, boolean]>([
    ['whose container is gone goes', `shop-web-ccccccc-${HEX}`, true],
    ['of a second replica that is gone goes', `shop-web-ccccccc-12-${HEX}`, true],
    ['whose container is there stays', `shop-web-aaaaaaa-${HEX}`, false],
    ['of a container with another name of ours stays', `shop-odd-${HEX}`, false],
    ['of another project stays', `blog-web-ccccccc-${HEX}`, false],
    ['of a project whose name begins the same stays', `shop-api-web-ccccccc-${HEX}`, false],
    ['of a project whose name ends the same stays', `my-shop-web-ccccccc-${HEX}`, false],
    ['with more behind the name stays', `shop-web-ccccccc-x-${HEX}`, false],
    ['that is no such directory stays', 'shop-web-ccccccc', false],
    ['with a shorter ending stays', 'shop-web-ccccccc-0123', false],
  ])('%s', (_, socket, goes) => {
    const containers = [container('shop-web-aaaaaaa', 'running'), container('shop-odd', 'running')];
    expect(namesOf(pruned({ containers }, { sockets: [socket] }))).toEqual(goes ? [`sockets/${socket}`] : []);
  });

  test('goes with its container', () => {
    const containers = [container('shop-odd', 'exited')];
    expect(namesOf(pruned({ containers }, { sockets: [`shop-odd-${HEX}`] }))).toEqual([
      'shop-odd',
      `sockets/shop-odd-${HEX}`,
    ]);
  });
});

describe('links and copies', () => {
  test('links stay that the live release follows; those of the releases before go', () => {
    const links = {
      'shop.web.1-live.sock': 'a',
      'shop.web.1-before.sock': 'b',
      'blog.web.1-x.sock': 'c',
      'shopping.web.1-x.sock': 'd',
    };
    expect(namesOf(pruned({ links }))).toEqual(['links/shop.web.1-before.sock']);
    expect(namesOf(pruned({ links, histories: {} }))).toEqual([
      'links/shop.web.1-live.sock',
      'links/shop.web.1-before.sock',
    ]);
  });

  test('copies stay that any release serves, and uploads always', () => {
    const names = [
      'files.aaaaaaaaaa',
      'files.bbbbbbbbbb',
      'files.live',
      'old.live',
      'up.uploads',
      'a.0123456789.x',
      'b.0123456789a',
      'c.012345678',
      'd0123456789',
    ];
    expect(namesOf(pruned({ media: { shop: names, blog: ['files.cccccccccc'] } }))).toEqual(['media/shop/old.live']);
  });

  test('records go that are of no release, while one is live', () => {
    expect(namesOf(pruned({}, { records: [1, 2, 4, 5] }))).toEqual(['1', '5']);
    expect(pruned({ histories: { shop: { releases: [] } } }, { records: [1, 2] })).toEqual([]);
  });
});

describe('the network of a project', () => {
  const network = (labels: Record<string, string>, name = 'hostctl_shop') => [{ id: 'n', name, labels, subnets: [] }];
  const ours = { 'hostctl.instance': 'hostctl', 'hostctl.project': 'shop' };
  const on = { networks: ['hostctl_shop'] };
  const withNetwork: Desired = { ...LIVE, network: { name: 'hostctl_shop', proxy: true } };
  test.each<[string, Partial<Observed>, boolean]>([
    ['goes when nothing is on it', { networks: network(ours) }, true],
    ['of another instance stays', { networks: network({ ...ours, 'hostctl.instance': 'other' }) }, false],
    ['that is labelled for another project stays', { networks: network({ ...ours, 'hostctl.project': 'x' }) }, false],
    ['of another name stays', { networks: network(ours, 'hostctl_blog') }, false],
    [
      'stays while something runs on it',
      { networks: network(ours), containers: [container('shop-web-ccccccc', 'running', on)] },
      false,
    ],
    [
      'goes although something runs elsewhere',
      { networks: network(ours), containers: [container('shop-web-ccccccc', 'running', { networks: ['other'] })] },
      true,
    ],
    [
      'stays while a release that is kept wants it',
      {
        networks: network(ours),
        histories: { shop: { current: RELEASES[0]!, releases: [RELEASES[0]!, release(1, withNetwork)] } },
      },
      false,
    ],
  ])('%s', (_, world, goes) => {
    expect(namesOf(pruned(world))).toEqual(goes ? ['hostctl_shop'] : []);
  });

  test('goes together with the last container on it', () => {
    const containers = [container('shop-web-ccccccc', 'exited', on)];
    expect(namesOf(pruned({ networks: network(ours), containers }))).toEqual(['shop-web-ccccccc', 'hostctl_shop']);
  });
});
