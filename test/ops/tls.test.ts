import { beforeEach, describe, expect, test, vi } from 'vitest';
import { LAYOUT } from '../../src/core/layout.ts';
import { formatPlan } from '../../src/core/steps.ts';
import { HostctlError } from '../../src/errors.ts';
import { deploy, plan } from '../../src/ops/deploy.ts';
import { doctor } from '../../src/ops/doctor.ts';
import { remove } from '../../src/ops/remove.ts';
import { renew } from '../../src/ops/renew.ts';
import { rollback } from '../../src/ops/rollback.ts';
import { setup } from '../../src/ops/setup.ts';
import { status } from '../../src/ops/status.ts';
import { undoSetup } from '../../src/ops/undo.ts';
import { drivers } from '../../src/proxy/index.ts';
import { EXPIRED, OWN, RENEWED, WILD } from '../support/certificates.ts';
import { World } from '../support/world.ts';

const site = (tls: string, hostnames = 'www.example.org, example.org'): string =>
  `hostnames: [${hostnames}]\napps:\n  web: { runtime: node, source: /src/app }\n${tls}`;
const FILES = 'tls: { certificate: /src/tls/cert.pem, key: /src/tls/key.pem }\n';
const HTTP = 'tls: { acme: http }\n';

let world: World;

async function make(definitions: Record<string, string>, settings: Parameters<typeof World.with>[1] = {}) {
  world = await World.with(definitions, { ...settings, proxy: { driver: 'nginx', ...settings.proxy } });
  world.source('app', { 'package.json': '{}', 'server.js': 'one' });
  give(OWN);
}

/** The files a definition names. */
function give(pair: { certificate: string; key: string }): void {
  world.source('tls', { 'cert.pem': pair.certificate, 'key.pem': pair.key });
}

const put = async (...names: string[]) => deploy(names, world, { wait: 0 });
const ok = async (...names: string[]): Promise<void> => {
  for (const { error } of await put(...names)) expect(error).toBeUndefined();
};
/** What the proxy has loaded for a project. */
function config(project = 'site'): string {
  const { driver } = world.workspace.proxy;
  const live = world.host.entries.get(LAYOUT.live[driver])!.target!;
  return world.host.entries.get(`proxy/${live}/sites/${project}.conf`)?.text ?? '';
}
/** The directory of the certificate in force. */
const version = (): string => world.host.entries.get(LAYOUT.liveCertificate('site'))!.target!;
const stored = (name: string): string | undefined =>
  world.host.entries.get(`${LAYOUT.certificate('site', version())}/${name}`)?.text;
const proxy = () => world.engine.boxes.get('hostctl-proxy')!;

describe('a certificate of the user', () => {
  beforeEach(() => make({ site: site(FILES), plain: site('', 'plain.org') }));

  test('is copied for the proxy alone, and served', async () => {
    await ok('site');
    expect(stored('chain.pem')).toBe(OWN.certificate);
    const key = world.host.entries.get(`${LAYOUT.certificate('site', version())}/key.pem`);
    expect(key).toEqual({ text: OWN.key, owner: { mode: 0o640, uid: 0, gid: expect.any(Number) } });
    expect(config()).toContain(`ssl_certificate /etc/hostctl-tls/site/${version()}/chain.pem;`);
    expect(config()).toContain('return 301 https://$host$request_uri;');
  });

  test('has the proxy replaced by one with a second port, which it keeps', async () => {
    await ok('plain');
    expect(proxy().spec.publish).toHaveLength(1);
    const { host } = await plan(['site'], world);
    expect(host).toMatchObject([
      { do: 'proxy', names: ['hostctl-proxy'], why: expect.stringContaining('about a second') },
    ]);
    await ok('site');
    expect(proxy().spec.publish).toMatchObject([{ hostPort: 80 }, { hostPort: 443 }]);
    world.define('site', site(''));
    expect((await plan(['site'], world)).host).toEqual([]);
    await ok('site');
    expect(config()).not.toContain('ssl');
  });

  test('needs a port that is free before the proxy is given up', async () => {
    await ok('plain');
    world.machine.listens = async (port: number) => port === 443;
    await expect(put('site')).rejects.toMatchObject({ code: 'PORT_TAKEN', message: expect.stringContaining('443') });
    expect(proxy()).toMatchObject({ state: 'running', spec: { publish: [{ hostPort: 80 }] } });
  });

  test('that is new is no new release, and a rollback does not bring the old one back', async () => {
    await ok('site');
    world.source('app', { 'server.js': 'two' });
    await ok('site');
    give(RENEWED);
    expect(formatPlan(await plan(['site'], world))).toBe('site\n  tls     /src/tls/cert.pem  (a new certificate)\n');
    const [outcome] = await put('site');
    expect(outcome).toMatchObject({ release: 2, changed: true });
    expect(stored('chain.pem')).toBe(RENEWED.certificate);
    expect(config()).toContain(version());
    expect(formatPlan(await plan(['site'], world))).toBe('Up to date.\n');
    await rollback('site', undefined, 0, world);
    expect(stored('chain.pem')).toBe(RENEWED.certificate);
  });

  test('that the proxy refuses is not put in force, and its neighbours do not notice', async () => {
    await ok('site', 'plain');
    const before = version();
    give(RENEWED);
    world.source('app', { 'server.js': 'two' });
    const exec = world.engine.exec.bind(world.engine);
    vi.spyOn(world.engine, 'exec').mockImplementation(async (name, argv) => {
      const refuses = argv.includes('-t') && world.host.entries.get(LAYOUT.liveCertificate('site'))?.target !== before;
      return refuses ? { code: 1, output: 'ee key too small' } : exec(name, argv);
    });
    const outcomes = await put('site', 'plain');
    expect(outcomes.map(({ project, error }) => [project, (error as HostctlError | undefined)?.code])).toEqual([
      ['site', 'PROXY_REFUSED'],
      ['plain', undefined],
    ]);
    expect(version()).toBe(before);
    expect(config()).toContain(before);
  });

  test('that ends soon, or is not for all hostnames, is mentioned', async () => {
    world.define('site', site(FILES, 'www.example.org, other.org, "*example.org"'));
    give(EXPIRED);
    await ok('site');
    expect(world.ui.events.filter(({ type }) => type === 'warning')).toMatchObject([
      { text: '/src/tls/cert.pem has expired on 2026-10-01: browsers warn of it' },
      { text: '/src/tls/cert.pem is not for `other.org`, which stays on plain http' },
    ]);
    const secure = config()
      .split('server {')
      .find((text) => text.includes('ssl_certificate '));
    expect(secure).toContain('server_name www.example.org;');
    expect(secure).toContain('example\\\\.org$";');
    expect(secure).not.toContain('server_name other.org;');
    expect((await doctor(world)).find(({ check }) => check === 'certificate of site')).toMatchObject({
      state: 'problem',
      detail: 'expired on 2026-10-01',
    });
  });

  test('whose copies are damaged is replaced by the one before, then by nothing, and mended by a deploy', async () => {
    await ok('site');
    const first = version();
    give(RENEWED);
    await ok('site');
    const second = version();
    const damage = (name: string): unknown =>
      world.host.entries.set(`${LAYOUT.certificate('site', name)}/chain.pem`, { text: 'damaged' });
    damage(second);
    await ok('plain');
    expect(config()).toContain(first);
    expect((await status([], world)).certificates).toMatchObject([{ project: 'site', state: 'damaged', days: 312 }]);
    damage(first);
    world.define('plain', site('', 'plain.org, www.plain.org'));
    await ok('plain');
    expect(config()).not.toContain('ssl');
    expect((await status([], world)).certificates).toMatchObject([{ state: 'missing', days: null }]);
    await ok('site');
    expect(config()).toContain(second);
    expect((await status([], world)).certificates).toMatchObject([{ state: 'ok', ordered: false }]);
  });

  test('stays in the data root when the project is removed, and goes with --purge', async () => {
    await ok('site');
    const path = `${LAYOUT.certificate('site', version())}/chain.pem`;
    await remove('site', false, world);
    expect(world.host.entries.has(path)).toBe(true);
    await ok('site');
    await remove('site', true, world);
    expect(world.host.entries.has(path)).toBe(false);
  });
});

describe('a certificate that is ordered', () => {
  beforeEach(async () => {
    await make({ site: site(HTTP) }, { tls: { email: 'me@example.org', ca: 'staging' } });
    for (const name of ['www.example.org', 'example.org']) world.dns.records.set(name, ['192.0.2.1']);
    world.issuer.next = OWN;
  });

  test('comes after the switch, which was over plain http', async () => {
    const text = formatPlan(await plan(['site'], world));
    expect(text).toMatch(
      /route .*\n {2}watch .*\n {2}order {3}a certificate for www\.example\.org, example\.org {2}\(there is no certificate yet; until there is, the site speaks plain http\)\n$/,
    );
    let during = '';
    world.issuer.meanwhile = () => {
      during = config();
    };
    await ok('site');
    expect(during).not.toContain('ssl');
    expect(during).toContain('location ^~ /.well-known/acme-challenge/');
    expect(config()).toContain(`ssl_certificate /etc/hostctl-tls/site/${version()}/chain.pem;`);
    expect(world.issuer.orders).toMatchObject([
      {
        directory: 'https://acme-staging-v02.api.letsencrypt.org/directory',
        email: 'me@example.org',
        names: ['www.example.org', 'example.org'],
        challenge: 'http-01',
      },
    ]);
    expect(formatPlan(await plan(['site'], world))).toBe('Up to date.\n');
  });

  test('leaves no answer behind, and asks with the same account the next time', async () => {
    await ok('site');
    await renew([], { force: true }, world);
    expect(await world.host.list(LAYOUT.challenges)).toEqual([]);
    const [first, second] = world.issuer.orders;
    expect(first?.account).toContain('PRIVATE KEY');
    expect(second?.account).toBe(first?.account);
  });

  test.each([
    ['a name is not in DNS', () => world.dns.records.delete('example.org'), 'NOT_IN_DNS', 0],
    [
      'the proxy does not answer the challenge',
      () =>
        vi
          .spyOn(world.prober, 'visit')
          .mockImplementation(async ({ path }) => ({ ok: true, status: path === '/' ? 200 : 404, ms: 1 })),
      'CHALLENGE',
      1,
    ],
    [
      'the authority refuses',
      () => {
        world.issuer.next = new HostctlError('ORDER_FAILED', 'too many');
      },
      'ORDER_FAILED',
      1,
    ],
  ])('when %s, the release is live over http and the next deploy tries again', async (_, change, code, orders) => {
    change();
    const [outcome] = await put('site');
    expect(outcome).toMatchObject({ release: 1, error: { code, exit: 1 } });
    expect((outcome!.error as HostctlError).hints[0]).toBe(
      'the release is live, and speaks plain http until it has a certificate',
    );
    expect(world.issuer.orders).toHaveLength(orders);
    expect(await world.host.list(LAYOUT.challenges)).toEqual([]);
    expect(world.host.held.size).toBe(0);
    expect((await status([], world)).certificates).toMatchObject([
      { state: 'missing', plain: ['www.example.org', 'example.org'] },
    ]);
    vi.restoreAllMocks();
    world.dns.records.set('example.org', ['192.0.2.1']);
    world.issuer.next = OWN;
    expect(formatPlan(await plan(['site'], world))).toMatch(/^site\n {2}order [^\n]*\n$/);
    await ok('site');
    expect(config()).toContain('ssl_certificate');
  });

  test('is ordered anew for another name, another authority, or instead of one of the user', async () => {
    await ok('site');
    const why = async (): Promise<string> => {
      const [project] = (await plan(['site'], world)).projects;
      return project?.after.find((step) => step.do === 'order')?.why ?? '';
    };
    expect(await why()).toBe('');
    world.define('site', site(HTTP, 'www.example.org, example.org, shop.example.org'));
    expect(await why()).toBe('it is not for `shop.example.org`');
    world.define('site', site(HTTP));
    Object.assign(world.workspace.tls, { directory: 'https://ca.example.org/dir' });
    expect(await why()).toBe('it is from another certificate authority');
    world.define('site', site(FILES));
    give(RENEWED);
    await ok('site');
    world.define('site', site(HTTP));
    expect(await why()).toBe('so far it is one of your own');
  });

  test('for a wildcard has the hook make records and take them away', async () => {
    await make(
      { site: site('tls: { acme: dns }\n', 'a.example.org, "*.example.org"') },
      { tls: { dns: { hook: './hook.sh fast' } } },
    );
    world.issuer.next = WILD;
    const calls: string[] = [];
    const made: { name: string; value: string; from: number }[] = [];
    vi.spyOn(world.dns, 'texts').mockImplementation(async (asked?: string) =>
      made.filter(({ name, from }) => name === asked && from <= world.clock.now()).map(({ value }) => value),
    );
    vi.spyOn(world.machine, 'run').mockImplementation(async (argv: readonly string[] = []) => {
      calls.push(argv.join(' '));
      const [, , command, name, value] = argv;
      // DNS takes its time.
      if (command === 'set') made.push({ name: name!, value: value!, from: world.clock.now() + 5000 });
      return { code: 0, output: '' };
    });
    await ok('site');
    expect(calls).toEqual([
      '/work/hook.sh fast set _acme-challenge.a.example.org value of a.example.org',
      '/work/hook.sh fast unset _acme-challenge.a.example.org value of a.example.org',
      '/work/hook.sh fast set _acme-challenge.example.org value of *.example.org',
      '/work/hook.sh fast unset _acme-challenge.example.org value of *.example.org',
    ]);
    expect(world.issuer.orders).toMatchObject([{ names: ['a.example.org', '*.example.org'], challenge: 'dns-01' }]);
  });

  test.each([
    ['fails', { code: 3, output: 'no token\n' }, 'DNS_HOOK', /ended with 3:\n {2}no token/],
    [
      'makes no record',
      { code: 0, output: '' },
      'CHALLENGE',
      /do not tell the TXT record of `_acme-challenge\.a\.example\.org`, 30s/,
    ],
  ])('for a wildcard is not ordered when the hook %s', async (_, answer, code, message) => {
    const settings = { tls: { dns: { hook: './hook.sh', wait: '30s' } } };
    await make({ site: site('tls: { acme: dns }\n', 'a.example.org, "*.example.org"') }, settings);
    vi.spyOn(world.machine, 'run').mockResolvedValue(answer);
    const [outcome] = await put('site');
    expect(outcome?.error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a renewal', () => {
  beforeEach(async () => {
    await make({
      site: site(HTTP),
      other: site(HTTP, 'www.other.org'),
      own: site(FILES, 'www.example.com, example.org'),
    });
    for (const name of ['www.example.org', 'example.org', 'www.other.org']) world.dns.records.set(name, ['192.0.2.1']);
    world.issuer.next = OWN;
    world.define('site', site(HTTP, 'www.example.org'));
    await ok('site', 'own');
  });

  const DAY = 24 * 3600 * 1000;

  test('is for what ends within 30 days, and for nothing else', async () => {
    const until = OWN_END - world.clock.now();
    expect(await renew([], { force: false }, world)).toMatchObject([{ project: 'site', renewed: false }]);
    await world.clock.sleep(until - 31 * DAY);
    expect(await renew([], { force: false }, world)).toMatchObject([{ renewed: false }]);
    await world.clock.sleep(2 * DAY);
    world.issuer.next = RENEWED;
    expect(await renew([], { force: false }, world)).toEqual([
      { project: 'site', renewed: true, expires: '2027-11-01T00:00:00.000Z' },
    ]);
    expect(config()).toContain(version());
    expect(stored('chain.pem')).toBe(RENEWED.certificate);
  });

  test('that fails keeps the certificate, does not stop the others, and is told when it is overdue', async () => {
    await put('other');
    await world.clock.sleep(OWN_END - world.clock.now() - 29 * DAY);
    const before = version();
    world.issuer.next = new HostctlError('ORDER_FAILED', 'not today');
    const renewals = await renew([], { force: false }, world);
    expect(renewals).toMatchObject([
      { project: 'other', renewed: false, expires: null, error: { code: 'ORDER_FAILED' } },
      { project: 'site', renewed: false, expires: '2027-10-01T00:00:00.000Z', error: { code: 'ORDER_FAILED' } },
    ]);
    expect(version()).toBe(before);
    expect(world.issuer.orders.map(({ names }) => names[0])).toContain('www.other.org');
    const state = async (): Promise<string | undefined> =>
      (await status(['site'], world)).certificates.find(({ project }) => project === 'site')?.state;
    expect(await state()).toBe('ok');
    await world.clock.sleep(10 * DAY);
    expect(await state()).toBe('ending');
    expect((await doctor(world)).find(({ check }) => check === 'certificate of site')).toMatchObject({
      state: 'warning',
      advice: expect.stringContaining('hostctl tls renew site'),
    });
    await world.clock.sleep(20 * DAY);
    expect(await state()).toBe('expired');
    world.issuer.next = RENEWED;
    expect(await renew(['site'], { force: false }, world)).toMatchObject([{ renewed: true }]);
    expect(await state()).toBe('ok');
  });

  test('of a project nobody deployed is a mistake', async () => {
    await expect(renew(['none'], { force: false }, world)).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
  });
});

const OWN_END = Date.parse('2027-10-01T00:00:00Z');

describe('the timer', () => {
  const UNITS = '/etc/systemd/system/hostctl-hostctl-renew';

  beforeEach(async () => {
    await make({ site: site(HTTP) });
    vi.spyOn(world.machine, 'read').mockImplementation(async (path?: string) => world.files.texts.get(path ?? ''));
  });

  test('is installed once, where systemd runs, and goes with --undo', async () => {
    world.machine.runsSystemd = true;
    const run = vi.spyOn(world.machine, 'run');
    expect(await setup(world, { yes: true })).toContain('installed a systemd timer that renews certificates');
    expect(world.files.texts.get(`${UNITS}.service`)).toContain(
      'ExecStart="/usr/bin/node" "/opt/hostctl/bin/hostctl.js" "--workspace" "/work" "tls" "renew"',
    );
    expect(world.files.texts.get(`${UNITS}.timer`)).toContain('Persistent=true');
    expect((run.mock.calls as unknown as string[][][]).map(([argv]) => argv!.join(' '))).toEqual([
      'systemctl daemon-reload',
      'systemctl enable --now hostctl-hostctl-renew.timer',
    ]);
    expect(await setup(world, { yes: true })).toEqual([]);
    expect(await undoSetup(world)).toContain('hostctl-hostctl-renew.timer');
  });

  test('is a line for cron where it does not', async () => {
    await setup(world, { yes: true });
    expect(world.ui.events.findLast(({ type }) => type === 'note')).toMatchObject({
      text: expect.stringContaining(
        '17 3,15 * * * root /usr/bin/node /opt/hostctl/bin/hostctl.js --workspace /work tls renew',
      ),
    });
    expect(world.files.texts.has(`${UNITS}.timer`)).toBe(false);
  });

  test('is not needed where no certificate is ordered', async () => {
    world.machine.runsSystemd = true;
    world.define('site', site(FILES));
    await setup(world, { yes: true });
    expect(world.files.texts.has(`${UNITS}.timer`)).toBe(false);
  });

  test('is asked for after a first order', async () => {
    world.machine.runsSystemd = true;
    world.define('site', site(HTTP, 'www.example.org'));
    world.dns.records.set('www.example.org', ['192.0.2.1']);
    world.issuer.next = OWN;
    await ok('site');
    expect(world.ui.events).toContainEqual({
      type: 'note',
      text: 'hostctl setup installs the timer that renews certificates: run it once more',
    });
  });
});

describe('under Traefik', () => {
  const STORAGE = 'acme/acme-';
  const storage = (): string => [...world.host.entries.keys()].find((path) => path.startsWith(STORAGE))!;
  const dynamic = (): string => world.host.entries.get(LAYOUT.dynamicFile)!.text!;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  /** Traefik has got a certificate. */
  const keep = (pair: { certificate: string; key: string }): void => {
    const Certificates = [
      { domain: { main: 'www.example.org' }, certificate: base64(pair.certificate), key: base64(pair.key) },
    ];
    world.host.entries.set(drivers.traefik.storage!(world.workspace.tls.directory), {
      text: JSON.stringify({ http: { Account: {}, Certificates } }),
    });
  };

  beforeEach(async () => {
    await make({ site: site(HTTP), plain: site('', 'plain.org') }, { proxy: { driver: 'traefik' } });
    for (const name of ['www.example.org', 'example.org']) world.dns.records.set(name, ['192.0.2.1']);
  });

  test('Traefik is asked to order only after the preflight, and http leads to https once there is a certificate', async () => {
    world.dns.records.delete('example.org');
    const [outcome] = await put('site');
    expect(outcome?.error).toMatchObject({ code: 'NOT_IN_DNS' });
    expect(dynamic()).not.toContain('certResolver');
    world.dns.records.set('example.org', ['192.0.2.1']);
    const sleep = world.clock.sleep.bind(world.clock);
    let asked = '';
    vi.spyOn(world.clock, 'sleep').mockImplementation(async (ms) => {
      if (dynamic().includes('certResolver') && asked === '') {
        asked = dynamic();
        keep(OWN);
      }
      await sleep(ms);
    });
    expect(await renew([], { force: false }, world)).toMatchObject([
      { renewed: true, expires: '2027-10-01T00:00:00.000Z' },
    ]);
    expect(asked).toMatch(/certResolver: http\n\s+domains:\n\s+- main: www\.example\.org\n\s+sans:\n\s+- example\.org/);
    expect(asked).not.toContain('site.moved');
    expect(dynamic()).toContain('site.moved');
    expect(dynamic()).toContain('sniStrict: true');
    expect(config()).toContain('return 301 https://$host$request_uri;');
    expect(formatPlan(await plan(['site'], world))).toBe('Up to date.\n');
    expect((await status([], world)).certificates).toMatchObject([{ state: 'ok', ordered: true }]);
  });

  test('a refusal is told in Traefik’s words, and not asked for again', async () => {
    const create = world.engine.create.bind(world.engine);
    vi.spyOn(world.engine, 'create').mockImplementation(async (spec) => {
      await create(spec);
      if (spec.name !== 'hostctl-traefik') return;
      world.engine.boxes
        .get(spec.name)!
        .log.push(
          'ERR Unable to obtain ACME certificate for domains error="x:\\nacme: 403 :: \\"no\\"" domains=["www.example.org"]',
        );
    });
    const [outcome] = await put('site');
    expect(outcome).toMatchObject({
      release: 1,
      error: { code: 'ORDER_FAILED', message: expect.stringContaining('x: acme: 403 :: "no"') },
    });
    expect(dynamic()).not.toContain('certResolver');
    expect(world.host.entries.has(LAYOUT.ordering('site'))).toBe(false);
  });

  test('--force is refused, since nobody but Traefik can renew', async () => {
    await put('plain');
    await expect(renew([], { force: true }, world)).rejects.toMatchObject({ code: 'RENEWS_ITSELF', exit: 2 });
  });

  test('its file may be half written when it is read, and must not be broken', async () => {
    keep(OWN);
    await ok('site');
    const whole = world.host.entries.get(storage())!.text!;
    world.host.entries.set(storage(), { text: whole.slice(0, 100) });
    vi.spyOn(world.clock, 'sleep').mockImplementationOnce(async () => {
      world.host.entries.set(storage(), { text: whole });
    });
    expect((await status([], world)).certificates).toMatchObject([{ state: 'ok' }]);
    world.host.entries.set(storage(), { text: whole.slice(0, 100) });
    await expect(status([], world)).rejects.toMatchObject({ code: 'RECORD_BROKEN' });
  });
});

describe.each(['nginx', 'traefik'] as const)('with %s, a wildcard that has https', (driver) => {
  test('does not answer there for a name of another project that has none', async () => {
    const definitions = { site: site(FILES, 'www.example.org, "*.example.org"'), plain: site('', 'plain.example.org') };
    await make(definitions, { proxy: { driver } });
    give(WILD);
    await ok('site', 'plain');
    if (driver === 'nginx') {
      expect(config('plain')).toMatch(
        /listen 8443 ssl;\s+server_name plain\.example\.org;\s+ssl_reject_handshake on;\s+return 404;/,
      );
    } else {
      const text = world.host.entries.get(LAYOUT.dynamicFile)!.text!;
      expect(text).toMatch(
        /plain\.refused\.,redirect:\n\s+entryPoints:\n\s+- websecure\n\s+middlewares:\n\s+- hostctl\.nobody/,
      );
    }
  });
});
