import { describe, expect, test } from 'vitest';
import type { Site, Target, Upstream } from '../../src/core/routes.ts';
import { withoutReplica } from '../../src/core/stand-in.ts';
import type { Workload } from '../../src/core/state.ts';

const socket = (link: string): Upstream => ({ kind: 'socket', link });
const port = (host: string): Upstream => ({ kind: 'port', host, port: 8000, keepAlive: 5000 });
const [one, two, three] = ['one', 'two', 'three'].map(
  (name) => ({ project: 'shop', app: 'web', container: { name } }) as unknown as Workload,
);
const site = (upstreams: Upstream[], more: { sticky?: true } = {}): Site => ({
  project: 'shop',
  hostnames: [],
  maxBody: 1,
  routes: [
    { path: '/media', target: { to: 'media', root: 'shop/a', file: false, uploads: false, maxAge: 1 } },
    { path: '/api', target: { to: 'app', app: 'api', upstreams: [socket('api')], readTimeout: 1 } },
    { path: '/', target: { to: 'app', app: 'web', upstreams, readTimeout: 1, ...more } },
  ],
});
const asked = (whole: Site | undefined): readonly Upstream[] =>
  (whole!.routes[2]!.target as Extract<Target, { to: 'app' }>).upstreams;

describe('while a replica is away', () => {
  test('the other sockets are asked', () => {
    const whole = site([socket('a'), socket('b'), socket('c')]);
    const without = withoutReplica(whole, two!, [one!, two!, three!]);
    expect(asked(without)).toEqual([socket('a'), socket('c')]);
    expect(without!.routes.slice(0, 2)).toEqual(whole.routes.slice(0, 2));
  });

  test('the other containers are asked by their own names, not by the one of all', () => {
    expect(asked(withoutReplica(site([port('group')]), one!, [one!, two!, three!]))).toEqual([
      port('two'),
      port('three'),
    ]);
  });

  test('the numbers in the cookies of the others stay true', () => {
    const sticky = site([port('one'), port('two'), port('three')], { sticky: true });
    expect(asked(withoutReplica(sticky, two!, [one!, two!, three!]))).toEqual([
      port('one'),
      port('three'),
      port('three'),
    ]);
    expect(asked(withoutReplica(sticky, three!, [one!, two!, three!]))).toEqual([
      port('one'),
      port('two'),
      port('one'),
    ]);
  });

  test('nobody can stand in for an app with one container, nor for one that nobody asks', () => {
    expect(withoutReplica(site([socket('a')]), one!, [one!])).toBeUndefined();
    const worker = { ...one!, app: 'worker' };
    expect(withoutReplica(site([socket('a')]), worker, [worker, { ...two!, app: 'worker' }])).toBeUndefined();
  });
});
