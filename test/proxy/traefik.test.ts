import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { hostnamePattern, parseHostname } from '../../src/core/hostnames.ts';
import type { Route, Site } from '../../src/core/routes.ts';
import type { RouteSettings } from '../../src/core/settings.ts';
import { labelsOf } from '../../src/proxy/labels.ts';
import { dynamicConfig } from '../../src/proxy/traefik-config.ts';
import { literal, upTo } from '../../src/proxy/traefik-rules.ts';
import type { Router } from '../../src/proxy/traefik-site.ts';
import { dumpTraefik } from '../../src/proxy/traefik-yaml.ts';

const SETTINGS = { driver: 'traefik', address: '0.0.0.0', http: 80, https: 443, httpsWanted: false } as const;
const APP: Route = {
  path: '/',
  target: { to: 'app', app: 'web', upstreams: [{ kind: 'port', host: 'a-web-1', port: 8000 }], readTimeout: 60_000 },
};
const MEDIA: Route = {
  path: '/media',
  target: { to: 'media', root: 'a/media.live', file: false, uploads: false, maxAge: 60 },
};

function site(project: string, hostnames: readonly string[], routes: readonly Route[], settings?: RouteSettings): Site {
  const names = hostnames.map((text) => {
    const parsed = parseHostname(text);
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.value;
  });
  return { project, hostnames: names, routes, maxBody: 16 * 1024 ** 2, ...(settings ? { settings } : {}) };
}

function config(
  sites: readonly Site[],
  existing?: NonNullable<Parameters<typeof dynamicConfig>[0]['settings']['existing']>,
) {
  const settings = { ...SETTINGS, ...(existing ? { existing } : {}) };
  return dynamicConfig(
    { sites, settings, certificates: {}, ordering: [], instance: 'here' },
    { url: 'http://nginx:80', idle: 900 },
  ).http;
}

const routersOf = (sites: readonly Site[]): Record<string, Router> => config(sites).routers;

describe('what is written for Traefik', () => {
  test('has no empty mapping, and reads back as it was meant', () => {
    const text = dumpTraefik({ http: { routers: {}, services: { a: { servers: [{ url: 'http://x' }], more: {} } } } });
    expect(text).not.toMatch(/\{\}|\[\]/);
    expect(load(text)).toEqual({ http: { services: { a: { servers: [{ url: 'http://x' }] } } } });
  });

  test('is never a template: Traefik would run it', () => {
    expect(() => dumpTraefik({ http: { value: 'a {{ env "PATH" }}' } })).toThrow('{{');
    expect(() => literal('{{`x`}}')).toThrow('cannot stand');
    expect(() => literal('a`) || Host(`evil.org')).toThrow('cannot stand');
  });

  test('survives any text in what a definition may hold', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), (value) => {
        const document = { http: { value } };
        if (JSON.stringify(document).includes('{{')) return;
        if (Object.hasOwn(value, '__proto__')) return;
        let text: string;
        try {
          text = dumpTraefik(document);
        } catch (error) {
          // Refused is as good as kept; half kept is not.
          expect(String(error)).toMatch(/read back|cannot/);
          return;
        }
        const kept = Object.keys(value).length === 0 ? null : document;
        expect(load(text) ?? null).toEqual(kept === null ? {} : JSON.parse(JSON.stringify(kept)));
      }),
    );
  });

  test('every router has a priority of its own making, and every name it uses exists', () => {
    const http = config([
      site('a', ['www.a.org', '*.a.org', 'a.*', '*a.org', 'a?.org'], [APP, MEDIA]),
      site('b', ['www.b.org'], [MEDIA]),
    ]);
    for (const [name, router] of Object.entries(http.routers)) {
      expect(router.priority, name).toBeGreaterThan(0);
      expect(Number.isSafeInteger(router.priority)).toBe(true);
      if (!router.service.includes('@')) expect(Object.keys(http.services)).toContain(router.service);
      for (const middleware of router.middlewares ?? []) expect(Object.keys(http.middlewares)).toContain(middleware);
    }
    for (const service of Object.values(http.services) as { loadBalancer: { serversTransport: string } }[])
      expect(Object.keys(http.serversTransports)).toContain(service.loadBalancer.serversTransport);
  });

  test('an exact name beats the longest wildcard, that a shorter one, that a trailing one, that a glob', () => {
    const routers = routersOf([
      site('exact', ['x.org'], [APP]),
      site('long', ['*.long.name.org'], [APP]),
      site('short', ['*.org'], [APP]),
      site('trail', ['a-very-long-name-indeed.*'], [APP]),
      site('globbed', ['*averylongglobindeed.example.org'], [APP]),
    ]);
    const order = ['exact.web', 'long.leading1400.web', 'short.leading400.web'];
    const priorities = Object.entries(routers)
      .filter(([name]) => name.endsWith('.web'))
      .toSorted(([, a], [, b]) => b.priority - a.priority)
      .map(([name]) => name);
    expect(priorities.slice(0, 2)).toEqual(order.slice(0, 2));
    expect(priorities.map((name) => name.split('.')[0])).toEqual(['exact', 'long', 'short', 'trail', 'globbed']);
  });

  test('a longer path beats a shorter one, and what nginx must judge beats both', () => {
    const deep: Route = { ...MEDIA, path: '/media/inner' };
    const routers = routersOf([site('a', ['a.org'], [APP, MEDIA, deep])]);
    const by = (what: string): number => routers[`a.${what}`]!.priority;
    expect(by(',doubt')).toBeGreaterThan(by('media,media,inner'));
    expect(by('media,media,inner')).toBeGreaterThan(by('media,media'));
    expect(by('media,media')).toBeGreaterThan(by('web'));
    expect(routers['a.media,media']!.rule).toBe('Host(`a.org`) && (Path(`/media`) || PathPrefix(`/media/`))');
  });

  test('globs of one length have different priorities', () => {
    const routers = routersOf([site('a', ['*x.org', '*y.org'], [APP]), site('b', ['?xy.org'], [APP])]);
    const globs = Object.entries(routers).filter(([name]) => /\.glob\d+\.web$/.test(name));
    expect(new Set(globs.map(([, router]) => router.priority)).size).toBe(globs.length);
  });

  test('an app on a socket and settings that count or replace answers are left to nginx', () => {
    const socket: Route = {
      ...APP,
      target: { ...APP.target, upstreams: [{ kind: 'socket', link: 'a' }] } as Route['target'],
    };
    expect(routersOf([site('a', ['a.org'], [socket])])['a.web']!.service).toBe('hostctl.nginx');
    const rate = { requests: 1, period: 1000, burst: 1 };
    expect(routersOf([site('a', ['a.org'], [APP], { rate })])['a.web']!.service).toBe('hostctl.nginx');
    expect(routersOf([site('a', ['a.org'], [APP])])['a.web']!.service).toBe('a.web');
  });

  test('for a Traefik that has other routes, names are ours and other hostnames are left alone', () => {
    const existing = { container: 'edge', directory: '/x', entryPoints: { http: 'plain', https: 'secure' } };
    const http = config([site('a', ['a.org'], [APP, MEDIA])], existing);
    for (const part of Object.values(http)) for (const name of Object.keys(part)) expect(name).toMatch(/^here\./);
    for (const router of Object.values(http.routers)) {
      expect(router.rule).toMatch(/^\(?Host\(`(a\.org|hostctl\.invalid)`\)/);
      expect(router.entryPoints).toEqual(['plain']);
    }
  });
});

describe('numbers as an expression', () => {
  test('takes exactly the numbers up to the limit', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (most, number) => {
        expect(new RegExp(upTo(most)).test(String(number))).toBe(number <= most);
      }),
    );
    for (const most of [0, 9, 10, 99, 100, 16_777_216])
      for (const number of [0, 1, most - 1, most, most + 1, most * 10])
        if (number >= 0) expect(new RegExp(upTo(most)).test(String(number)), `${number}/${most}`).toBe(number <= most);
    expect(new RegExp(upTo(5)).test('-1')).toBe(false);
    expect(new RegExp(upTo(5)).test('0x1')).toBe(false);
  });
});

describe('labels', () => {
  const labels = (sites: Site) =>
    labelsOf({ site: sites, network: 'n', provider: 'docker', version: () => 'abc1234', release: 7 });

  test('an access rule never vanishes', () => {
    const access = [{ path: '/admin', allow: ['10.0.0.0/8'], users: ['me:x'], realm: 'R', either: false }];
    const [web] = labels(site('a', ['a.org'], [APP], { access })).apps;
    const guarded = Object.entries(web!.labels).filter(
      ([key, value]) => key.endsWith('.rule') && value.includes('/admin'),
    );
    expect(guarded).toHaveLength(1);
    expect(web!.labels[guarded[0]![0].replace(/rule$/, 'middlewares')]).toBe(
      'a--web--abc1234--0-allow,a--web--abc1234--0-users',
    );
    const either = labels(site('a', ['a.org'], [APP], { access: [{ ...access[0]!, either: true }] }));
    expect(either.apps).toEqual([]);
    expect(either.missing.join()).toContain('either');
  });

  test('nobody is let in by an empty list', () => {
    const access = [{ path: '/', allow: [], realm: 'R', either: false }];
    const [web] = labels(site('a', ['a.org'], [APP], { access })).apps;
    expect(Object.values(web!.labels)).toContain('255.255.255.255');
  });

  test('carry the version in every name, and the newer release wins', () => {
    const older = labels(site('a', ['a.org'], [APP])).apps[0]!.labels;
    const newer = labelsOf({
      site: site('a', ['a.org'], [APP]),
      network: 'n',
      provider: 'swarm',
      version: () => 'b',
      release: 8,
    });
    const priority = (of: Readonly<Record<string, string>>): number =>
      Number(Object.entries(of).find(([key]) => key.endsWith('.priority'))![1]);
    expect(priority(newer.apps[0]!.labels)).toBeGreaterThan(priority(older));
    expect(newer.apps[0]!.labels['traefik.swarm.network']).toBe('n');
    for (const key of Object.keys(older).filter((name) => /routers|services/.test(name)))
      expect(key).toContain('abc1234');
  });
});

test('a hostname means the same to Traefik, but for the dot at the end', () => {
  const name = parseHostname('*.example.org');
  if (!name.ok) throw new Error(name.message);
  const [rule] = Object.values(routersOf([site('a', ['*.example.org'], [APP])]))
    .filter((router) => router.service === 'a.web')
    .map((router) => router.rule);
  expect(rule).toBe(`HostRegexp(\`${hostnamePattern(name.value).slice(0, -1)}\\.?$\`)`);
});
