import { describe, expect, test } from 'vitest';
import { parseHostname } from '../../src/core/hostnames.ts';
import type { Site, SiteTls } from '../../src/core/routes.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { drivers } from '../../src/proxy/index.ts';
import { dynamicConfig } from '../../src/proxy/traefik-config.ts';

const SETTINGS = {
  tls: { email: 'me@example.org', resolvers: ['127.0.0.1:5353', '9.9.9.9', '2620:fe::fe', '[::1]:54', '[::2]'] },
};
const NGINX = { url: 'http://nginx:80', idle: 900 };

function site(project: string, hostnames: readonly string[], tls?: SiteTls): Site {
  const names = hostnames.map((text) => {
    const parsed = parseHostname(text);
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.value;
  });
  const upstreams = [{ kind: 'port' as const, host: 'app', port: 8000 }];
  const routes = [{ path: '/', target: { to: 'app' as const, app: 'web', upstreams, readTimeout: 60_000 } }];
  return { project, hostnames: names, routes, maxBody: 1024, ...(tls ? { tls } : {}) };
}

function config(sites: readonly Site[], names: readonly string[], existing = false) {
  const { proxy } = normaliseWorkspace({}, '/work');
  const entryPoints = { http: 'plain', https: 'secure' };
  const foreign = { existing: { container: 'traefik', directory: '/etc/traefik', entryPoints } };
  return dynamicConfig(
    {
      sites,
      settings: { ...proxy, ...(existing ? foreign : {}) },
      instance: 'here',
      certificates: names.length > 0 ? { a: { version: '0123456789ab', names } } : {},
      ordering: [],
    },
    NGINX,
  );
}

const routed = ({ http }: ReturnType<typeof config>): string[] =>
  Object.entries(http.routers)
    .filter(([name]) => name.startsWith('a.'))
    .map(([name, { entryPoints, tls }]) => `${name} ${entryPoints.join()}${tls ? ' tls' : ''}`);

describe('what Traefik is told of a site', () => {
  test('without a certificate, it is on http alone', () => {
    expect(routed(config([site('a', ['a.org'], { acme: 'http', redirect: true })], []))).toEqual([
      'a.web web',
      'a.,doubt web',
    ]);
  });

  test('with one, https serves it and http leads there', () => {
    const { tls, ...rest } = config([site('a', ['a.org'], { redirect: true })], ['a.org']);
    expect(routed(rest)).toEqual([
      'a.moved.,redirect web',
      'a.secure.web websecure tls',
      'a.secure.,doubt websecure tls',
    ]);
    expect(tls).toMatchObject({
      certificates: [
        {
          certFile: '/etc/hostctl-tls/a/0123456789ab/chain.pem',
          keyFile: '/etc/hostctl-tls/a/0123456789ab/key.pem',
        },
      ],
      options: { default: { minVersion: 'VersionTLS12', sniStrict: true } },
    });
    expect(rest.http.middlewares).toMatchObject({
      'hostctl.clean.secure': { headers: { customRequestHeaders: { 'X-Forwarded-Port': '443' } } },
    });
  });

  test('without a redirect, both serve it', () => {
    expect(routed(config([site('a', ['a.org'], { redirect: false })], ['a.org']))).toEqual([
      'a.web web',
      'a.,doubt web',
      'a.secure.web websecure tls',
      'a.secure.,doubt websecure tls',
    ]);
  });

  test('a Traefik of somebody else’s has it on its https entry point, and is told nothing of certificates', () => {
    const { tls, http } = config([site('a', ['*a.org'], { acme: 'http', redirect: true })], [], true);
    expect(tls).toBeUndefined();
    const entries = Object.entries(http.routers).map(([name, router]) => `${name} ${router.entryPoints.join()}`);
    expect(entries).toContain('here.a.glob500.secure.web secure');
    expect(entries).toContain('here.a.glob500.moved.,redirect plain');
  });
});

test('Traefik’s resolvers are there once https is, and not before', () => {
  const workspace = normaliseWorkspace({ ...SETTINGS }, '/work');
  const dns = { ...workspace.tls.dns, provider: 'httpreq', env: { TOKEN: 'secret' } };
  const words = (secure: boolean): readonly string[] => edge(secure).start;
  const edge = (secure: boolean) =>
    drivers.traefik.parts({ ...workspace, tls: { ...workspace.tls, dns } }, secure).at(-1)!;
  expect(words(false).join(' ')).not.toMatch(/certificatesResolvers|websecure/);
  expect(edge(false).env).toBeUndefined();
  expect(edge(true).env).toEqual({ TOKEN: 'secret' });
  expect(words(true)).toEqual(
    expect.arrayContaining([
      '--certificatesResolvers.http.acme.httpChallenge.entryPoint=web',
      '--certificatesResolvers.tls-alpn.acme.tlsChallenge=true',
      '--certificatesResolvers.dns.acme.dnsChallenge.provider=httpreq',
      '--certificatesResolvers.dns.acme.dnsChallenge.resolvers=127.0.0.1:5353,9.9.9.9:53,[2620:fe::fe]:53,[::1]:54,[::2]:53',
      '--certificatesResolvers.http.acme.email=me@example.org',
      '--certificatesResolvers.http.acme.caServer=https://acme-v02.api.letsencrypt.org/directory',
    ]),
  );
});
