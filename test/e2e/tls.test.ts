import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROXY_UID } from '../../src/core/identity.ts';
import { askSecurely, shakeHands } from './support/https.ts';
import { ask } from './support/http.ts';
import { Lab } from './support/lab.ts';
import { ownCertificate, Pebble } from './support/pebble.ts';

const ECHO = `require('http').createServer((request, response) =>
  response.end(JSON.stringify({ url: request.url, ...request.headers }))).listen(process.env.PORT);`;

/** The fingerprint of a certificate file. */
const printOf = (path: string): string => new X509Certificate(readFileSync(path)).fingerprint256;

describe.each(['nginx', 'traefik'] as const)('https with %s', (driver) => {
  let lab: Lab;
  let pebble: Pebble;

  const define = (name: string, hostnames: readonly string[], tls: string): void =>
    lab.define(
      name,
      `hostnames: [${hostnames.map((host) => `"${host}"`).join(', ')}]\napps:\n  web: { runtime: node, source: ../echo }\n${tls}`,
    );
  const live = (project: string): string =>
    join(lab.data, 'tls', project, readlinkSync(join(lab.data, 'tls', project, 'live')));

  beforeAll(async () => {
    lab = await Lab.open({ driver, https: true });
    // So short that Traefik renews it at each of its own starts.
    pebble = await Pebble.start(lab, 20);
    pebble.configure(lab);
    lab.write('echo/server.js', ECHO);
    lab.write('echo/package.json', '{ "scripts": { "start": "node server.js" } }');
    ownCertificate(lab, 'own', ['www.own.org', 'own.org']);
    define('own', [
      'www.own.org',
      'own.org',
      'other.org',
    ], 'tls: { certificate: ../own/cert.pem, key: ../own/key.pem }\n');
    define('plain', ['plain.org'], '');
    await lab.ok('deploy --all');
  });

  afterAll(async () => {
    pebble?.stop();
    await lab?.close();
  });

  describe('with a certificate of the user', () => {
    test('answers with it, and the app knows that it was https', async () => {
      const { status, body, fingerprint } = await askSecurely(lab, 'www.own.org', '/a?b=c');
      expect(status).toBe(200);
      expect(fingerprint).toBe(printOf(join(lab.dir, 'own/cert.pem')));
      expect(JSON.parse(body)).toMatchObject({
        url: '/a?b=c',
        host: 'www.own.org',
        'x-forwarded-proto': 'https',
        'x-forwarded-port': String(lab.https),
        'x-forwarded-host': 'www.own.org',
      });
    });

    test('http leads to it, and keeps path, query and method', async () => {
      const get = await ask(lab, 'own.org', '/a?b=c');
      expect([get.status, get.headers.location]).toEqual([301, `https://own.org:${lab.https}/a?b=c`]);
      const post = await ask(lab, 'own.org', '/form', { method: 'POST', body: 'x' });
      expect([post.status, post.headers.location]).toEqual([308, `https://own.org:${lab.https}/form`]);
    });

    test('a hostname it is not for stays on http', async () => {
      const { status, body } = await ask(lab, 'other.org', '/');
      expect([status, JSON.parse(body)['x-forwarded-proto']]).toEqual([200, 'http']);
      expect(await shakeHands(lab, { name: 'other.org' })).toMatch(/unrecognized name/);
    });

    test('a site without tls has no https, and nobody’s certificate is shown for other names', async () => {
      expect((await ask(lab, 'plain.org', '/')).status).toBe(200);
      expect(await shakeHands(lab, { name: 'plain.org' })).toMatch(/unrecognized name/);
      expect(await shakeHands(lab, { name: 'unknown.org' })).toMatch(/unrecognized name/);
      expect(await shakeHands(lab, {})).toMatch(/unrecognized name/);
    });

    test('old protocols and weak ciphers are refused', async () => {
      const name = 'www.own.org';
      expect(await shakeHands(lab, { name })).toMatchObject({ protocol: 'TLSv1.3', alpn: 'h2' });
      expect(await shakeHands(lab, { name, version: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2', alpn: 'h2' });
      expect(await shakeHands(lab, { name, version: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })).toMatch(
        /protocol|version/,
      );
      const weak = ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-AES128-SHA'];
      for (const ciphers of weak) {
        expect(await shakeHands(lab, { name, version: 'TLSv1.2', ciphers })).toMatch(/handshake failure/);
      }
    });

    test('settings of the route hold there too: canonical host, redirects, HSTS', async () => {
      ownCertificate(lab, 'rich', ['www.rich.org', 'rich.org']);
      define('rich', [
        'www.rich.org',
        'rich.org',
      ], 'tls: { certificate: ../rich/cert.pem, key: ../rich/key.pem }\nhttp: { canonical: www.rich.org, hsts: 1d, redirects: { /old: /new } }\n');
      await lab.ok('deploy rich');
      const plain = await ask(lab, 'rich.org', '/a');
      expect([plain.status, plain.headers.location]).toEqual([301, `https://rich.org:${lab.https}/a`]);
      expect(plain.headers['strict-transport-security']).toBeUndefined();
      // As a visitor asks: with the port.
      const other = await askSecurely(lab, 'rich.org', '/a', { port: true });
      expect([other.status, other.headers['location']]).toEqual([301, `https://www.rich.org:${lab.https}/a`]);
      const moved = await askSecurely(lab, 'www.rich.org', '/old/b?c');
      expect([moved.status, moved.headers['location']]).toEqual([301, '/new/b?c']);
      const app = await askSecurely(lab, 'www.rich.org', '/');
      expect([app.status, app.headers['strict-transport-security']]).toEqual([200, 'max-age=86400']);
    });

    test('the key is for the proxy alone', () => {
      const { mode, uid, gid } = statSync(join(live('own'), 'key.pem'));
      expect([mode & 0o777, uid, gid]).toEqual([0o640, 0, PROXY_UID]);
      const folder = statSync(join(lab.data, 'tls'));
      expect([folder.mode & 0o777, folder.uid, folder.gid]).toEqual([0o750, 0, PROXY_UID]);
    });

    test('a new one is taken over by a deploy, without a new release', async () => {
      ownCertificate(lab, 'own', ['www.own.org', 'own.org'], 90);
      const { out } = await lab.hostctl('plan own');
      expect(out).toContain(`tls     ${lab.dir}/own/cert.pem  (a new certificate)`);
      const before = await lab.ok('releases own');
      await lab.ok('deploy own');
      expect(await lab.ok('releases own')).toBe(before);
      expect((await askSecurely(lab, 'www.own.org', '/')).fingerprint).toBe(printOf(join(lab.dir, 'own/cert.pem')));
      expect(await lab.ok('deploy own')).toContain('up to date');
    });

    test('one that is broken is refused with its place, and stops nobody', async () => {
      const good = readFileSync(join(lab.dir, 'own/key.pem'));
      ownCertificate(lab, 'stranger', ['www.own.org']);
      writeFileSync(join(lab.dir, 'own/key.pem'), readFileSync(join(lab.dir, 'stranger/key.pem')));
      const { code, err } = await lab.hostctl('deploy --all');
      expect(code).toBe(2);
      expect(err).toContain('does not belong to the certificate');
      expect(err).toContain('projects/own.yaml:4:');
      expect((await askSecurely(lab, 'www.own.org', '/')).status).toBe(200);
      writeFileSync(join(lab.dir, 'own/key.pem'), good);
    });

    test('a copy that was damaged on the disk stops nobody: the one before stands in, or plain http', async () => {
      const [first, folder] = [live('own'), join(lab.data, 'tls/own')];
      writeFileSync(join(first, 'chain.pem'), 'damaged');
      define('plain', ['plain.org', 'www.plain.org'], '');
      await lab.ok('deploy plain');
      expect((await ask(lab, 'www.plain.org', '/')).status).toBe(200);
      expect((await askSecurely(lab, 'own.org', '/')).status).toBe(200);
      const doctor = (await lab.hostctl('doctor')).out;
      expect(doctor).toMatch(/certificate of own: its newest copy in the data root is damaged; an earlier one serves/);
      await lab.ok('deploy own');
      expect(live('own')).toBe(first);
      expect(await lab.ok('tls status own')).toMatch(/own +ok/);
      for (const name of ['chain.pem', 'key.pem']) {
        for (const version of readdirSync(folder)) writeFileSync(join(folder, version, name), 'damaged');
      }
      define('plain', ['plain.org'], '');
      await lab.ok('deploy plain');
      expect((await ask(lab, 'own.org', '/')).status).toBe(200);
      expect(await shakeHands(lab, { name: 'own.org' })).toMatch(/unrecognized name/);
      expect(await lab.ok('tls status')).toMatch(/own +missing/);
      await lab.ok('deploy own');
      expect((await askSecurely(lab, 'own.org', '/')).status).toBe(200);
    });
  });

  describe('with a certificate that is ordered', () => {
    test('by http: plain http first, https as soon as it is there', async () => {
      for (const host of ['www.acme.org', 'acme.org']) await pebble.point(host);
      define('acme', ['www.acme.org', 'acme.org'], 'tls: { acme: http }\n');
      expect((await lab.hostctl('plan acme')).out).toContain('order   a certificate for www.acme.org, acme.org');
      await lab.ok('deploy acme');
      const reply = await askSecurely(lab, 'acme.org', '/', { ca: await pebble.root() });
      expect([reply.status, reply.error]).toEqual([200, '']);
      expect((await ask(lab, 'www.acme.org', '/')).status).toBe(301);
      expect(await lab.ok('deploy acme')).toContain('up to date');
      expect(await lab.ok('status acme')).toMatch(/acme +ok +\d{4}-\d\d-\d\d, 19 days +(www\.)?acme\.org/);
      expect((await lab.hostctl('doctor')).out).toMatch(/certificate of acme: valid until/);
    });

    test('a challenge nobody waits for is not answered', async () => {
      const { status } = await ask(lab, 'acme.org', '/.well-known/acme-challenge/token');
      expect(status).toBe(404);
    });

    test('a name that is not in DNS is not ordered; the site is live over http, and gets its certificate later', async () => {
      define('later', ['www.later.org'], 'tls: { acme: http }\n');
      const { code, err } = await lab.hostctl('deploy later');
      expect(code).toBe(1);
      expect(err).toContain('`www.later.org` has no address in DNS');
      expect(err).toContain('the release is live, and speaks plain http until it has a certificate');
      expect((await ask(lab, 'www.later.org', '/')).status).toBe(200);
      expect((await lab.hostctl('doctor')).out).toMatch(/certificate of later: there is none/);
      await pebble.point('www.later.org');
      expect(await lab.ok('tls renew')).toMatch(/kept +acme.*\n.*renewed +later/);
      expect((await askSecurely(lab, 'www.later.org', '/', { ca: await pebble.root() })).status).toBe(200);
    });

    test('a hostname that is added gets a new certificate', async () => {
      await pebble.point('shop.acme.org');
      define('acme', ['www.acme.org', 'acme.org', 'shop.acme.org'], 'tls: { acme: http }\n');
      await lab.ok('deploy acme');
      expect((await askSecurely(lab, 'shop.acme.org', '/', { ca: await pebble.root() })).status).toBe(200);
    });

    test('by a DNS record for a wildcard, which the hook makes and takes away', async () => {
      define('wild', ['wild.org', '*.wild.org'], 'tls: { acme: dns }\n');
      await lab.ok('deploy wild');
      const root = await pebble.root();
      expect((await askSecurely(lab, 'any.wild.org', '/', { ca: root })).status).toBe(200);
      expect((await askSecurely(lab, 'wild.org', '/', { ca: root })).status).toBe(200);
      expect(pebble.calls.toSorted()).toEqual([
        'set _acme-challenge.wild.org',
        'set _acme-challenge.wild.org',
        'unset _acme-challenge.wild.org',
        'unset _acme-challenge.wild.org',
      ]);
    });

    test.runIf(driver === 'nginx')(
      'is kept while it is good, and renewed when asked to, without a failed request',
      async () => {
        const before = await askSecurely(lab, 'acme.org', '/');
        expect(await lab.ok('tls renew acme')).toMatch(/kept +acme, valid until/);
        expect((await askSecurely(lab, 'acme.org', '/')).fingerprint).toBe(before.fingerprint);
        const statuses: number[] = [];
        const done = new AbortController();
        const visitor = (async () => {
          while (!done.signal.aborted) statuses.push((await askSecurely(lab, 'acme.org', '/')).status);
        })();
        expect(await lab.ok('tls renew acme --force')).toMatch(/renewed +acme, valid until/);
        done.abort();
        await visitor;
        expect(statuses.length).toBeGreaterThan(5);
        expect(statuses.filter((status) => status !== 200)).toEqual([]);
        const after = await askSecurely(lab, 'acme.org', '/', { ca: await pebble.root() });
        expect(after.status).toBe(200);
        expect(after.fingerprint).not.toBe(before.fingerprint);
      },
    );

    test.runIf(driver === 'nginx')('whose renewal fails stays as it is, and the others are renewed', async () => {
      const before = await askSecurely(lab, 'acme.org', '/');
      const other = await askSecurely(lab, 'www.later.org', '/');
      // The proxy is not at this address.
      await pebble.point('acme.org', '127.0.0.77');
      const { code, out, err } = await lab.hostctl('tls renew --force');
      expect(code).toBe(1);
      expect(out).toMatch(/failed +acme, the old one is valid until/);
      expect(out).toMatch(/renewed +later/);
      expect(err).toMatch(/the authority could not verify `acme\.org`: .*127\.0\.0\.77/s);
      expect((await askSecurely(lab, 'acme.org', '/', { ca: await pebble.root() })).fingerprint).toBe(
        before.fingerprint,
      );
      expect((await askSecurely(lab, 'www.later.org', '/')).fingerprint).not.toBe(other.fingerprint);
      await pebble.point('acme.org');
    });

    test.runIf(driver === 'traefik')('by a handshake', async () => {
      await pebble.point('alpn.org');
      define('alpn', ['alpn.org'], 'tls: { acme: tls-alpn }\n');
      await lab.ok('deploy alpn');
      expect((await askSecurely(lab, 'alpn.org', '/', { ca: await pebble.root() })).status).toBe(200);
    });

    test.runIf(driver === 'traefik')('is renewed by Traefik itself, and kept when that fails', async () => {
      const restart = async (): Promise<void> => {
        await lab.engine.stop(`${lab.instance}-traefik`, 10);
        await lab.engine.resume(`${lab.instance}-traefik`);
      };
      // For a moment after its start Traefik shows a certificate of its own making.
      const root = await pebble.root();
      const printOfSite = async (host: string): Promise<string> => {
        const reply = await askSecurely(lab, host, '/', { ca: root });
        return reply.status === 200 ? reply.fingerprint : '';
      };
      const renewed = (host: string, old: string): Promise<void> =>
        expect.poll(() => printOfSite(host), { timeout: 60_000 }).not.toMatch(new RegExp(`^(${old})?$`));
      const before = { acme: await printOfSite('acme.org'), later: await printOfSite('www.later.org') };
      // The proxy is not at this address.
      await pebble.point('acme.org', '127.0.0.77');
      await restart();
      await renewed('www.later.org', before.later);
      expect(await lab.ok('tls status')).toMatch(/acme +ok/);
      expect(await printOfSite('acme.org')).toBe(before.acme);
      await pebble.point('acme.org');
      const between = await printOfSite('www.later.org');
      await restart();
      await renewed('acme.org', before.acme);
      await renewed('www.later.org', between);
      expect(await lab.ok('plan --all')).toContain('Up to date.');
      expect(await lab.hostctl('tls renew --force')).toMatchObject({ code: 2 });
    });

    test('survives that the project is removed and deployed again', async () => {
      const before = await askSecurely(lab, 'www.later.org', '/');
      await lab.ok('remove later --yes');
      // Traefik goes on showing what it ordered, but there is no site any more.
      expect((await askSecurely(lab, 'www.later.org', '/')).status).toBe(driver === 'nginx' ? 0 : 404);
      await lab.ok('deploy later');
      expect((await askSecurely(lab, 'www.later.org', '/')).fingerprint).toBe(before.fingerprint);
    });

    test.runIf(driver === 'nginx')('an authority that cannot be asked is told as that', async () => {
      const path = join(lab.dir, 'hostctl.yaml');
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace(/ +ca-certificates: .*\n/, ''));
      const { code, err } = await lab.hostctl('tls renew later --force');
      expect(code).toBe(7);
      expect(err).toMatch(/the certificate authority cannot be asked: .*certificate/);
      writeFileSync(path, text);
      expect((await askSecurely(lab, 'www.later.org', '/')).status).toBe(200);
    });

    test.runIf(driver === 'nginx')('goes along to the other driver, or is ordered anew by it', async () => {
      const path = join(lab.dir, 'hostctl.yaml');
      writeFileSync(path, readFileSync(path, 'utf8').replace('driver: nginx', 'driver: traefik'));
      await lab.ok('deploy --all');
      expect((await askSecurely(lab, 'own.org', '/')).fingerprint).toBe(printOf(join(lab.dir, 'own/cert.pem')));
      const root = await pebble.root();
      for (const host of ['acme.org', 'www.later.org', 'any.wild.org']) {
        expect((await askSecurely(lab, host, '/', { ca: root })).status, host).toBe(200);
        expect((await ask(lab, host, '/')).status, host).toBe(301);
      }
      expect(await lab.ok('plan --all')).toContain('Up to date.');
    });
  });
});
