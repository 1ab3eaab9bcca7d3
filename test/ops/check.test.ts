import { describe, expect, test } from 'vitest';
import type { AuditFinding } from '../../src/core/results.ts';
import { HostctlError } from '../../src/errors.ts';
import { check } from '../../src/ops/check.ts';
import { EXPIRED, OWN } from '../support/certificates.ts';
import { World } from '../support/world.ts';

const project = (hostnames: string, more = ''): string =>
  `hostnames: [${hostnames}]\napps:\n  web: { image: web, port: 80 }\n${more}`;

async function checked(
  definitions: Record<string, string>,
  prepare: (world: World) => void = () => undefined,
): Promise<string[]> {
  const world = await World.with(definitions);
  prepare(world);
  const { findings } = await check(world);
  return findings.map(line);
}

const line = ({ level, topic, file, line: at, column, message, hint }: AuditFinding): string =>
  `${level} ${topic} ${file}${at > 0 ? `:${at}:${column}` : ''} ${message}${hint === undefined ? '' : ` → ${hint}`}`;

describe('hostnames of several projects', () => {
  test('that have nothing to do with each other are no finding', async () => {
    expect(await checked({ a: project('www.a.org, "*.a.org"'), b: project('b.org, a.b.org') })).toEqual([]);
  });

  test('what validate finds is told, and what the sound ones show as well', async () => {
    const found = await checked({
      a: project('www.a.org'),
      b: project('www.a.org').replace('port', 'prt'),
      c: project('"*c.org"'),
    });
    expect(found.map((text) => text.slice(0, 60))).toEqual([
      'error definitions projects/a.yaml:1:13 `www.a.org` is also c',
      'error definitions projects/b.yaml:1:13 `www.a.org` is also c',
      'error definitions projects/b.yaml:3:22 unknown key `prt` → d',
      'warning hostnames projects/c.yaml:1:13 `*c.org` also catches',
    ]);
  });

  test('an exact name under the wildcard of another is noted, with who wins and why', async () => {
    expect(await checked({ a: project('"*.a.org"'), b: project('www.a.org, x.a.org') })).toEqual([
      'note hostnames projects/a.yaml:1:13 `*.a.org` does not get what fits `www.a.org` (b), `x.a.org` (b) as well: exact names come before names such as `*.example.org`',
    ]);
    expect(await checked({ a: project('"*.a.org"'), b: project('"*.b.a.org"') })).toEqual([
      'note hostnames projects/a.yaml:1:13 `*.a.org` does not get what fits `*.b.a.org` (b) as well: the longer one wins',
    ]);
    expect(await checked({ a: project('"*.a.org", www.a.org') })).toEqual([]);
  });

  test('a glob that catches the domains of strangers is a warning with what to write', async () => {
    expect(await checked({ a: project('"*projectname.org"'), b: project('"*.b.org", "*shop.b.org"') })).toEqual([
      'warning hostnames projects/a.yaml:1:13 `*projectname.org` also catches `evilprojectname.org`, a domain that anybody can register → write `projectname.org` and `*.projectname.org` instead',
      'note hostnames projects/b.yaml:1:24 `*shop.b.org` adds nothing: `*.b.org` of the same project takes all of its hosts → delete it',
    ]);
    expect(await checked({ a: project('"*b.co.uk"'), b: project('"www.*"'), c: project('c.org') })).toEqual([
      expect.stringContaining('warning hostnames projects/a.yaml:1:13 `*b.co.uk` also catches `evilb.co.uk`'),
      expect.stringContaining('warning hostnames projects/b.yaml:1:13 `www.*` shares hosts with `*b.co.uk` of a'),
      expect.stringContaining('note hostnames projects/b.yaml:1:13 `www.*` answers for domains of strangers'),
    ]);
  });

  test('globs that cross are a warning with a host that shows it', async () => {
    const found = await checked({
      a: project('"www.*"'),
      b: project('"*b.org"'),
      c: project('"q*.net"'),
      d: project('"*q.net"'),
    });
    expect(found.filter((text) => text.includes('shares'))).toEqual([
      'warning hostnames projects/a.yaml:1:13 `www.*` shares hosts with `*b.org` of b, `*q.net` of d, and gets them: `www.b.org` comes here, because names such as `www.*` come before globs → add the exact hostnames to the project that should have them: exact names come first',
      'warning hostnames projects/d.yaml:1:13 `*q.net` shares hosts with `q*.net` of c, and gets them: `q.net` comes here, because among globs of one length more `?` win, then the first by name → add the exact hostnames to the project that should have them: exact names come first',
    ]);
  });

  test('no host that shows it begins with a dot', async () => {
    const found = await checked({ a: project('"*.*a.org"'), b: project('"*ba.org"') });
    expect(found.filter((text) => text.includes('shares'))).toEqual([
      expect.stringContaining('`*.*a.org` shares hosts with `*ba.org` of b, and gets them: `x.ba.org` comes here'),
    ]);
  });

  test('the host that shows it is none that somebody has for himself', async () => {
    const found = await checked({ a: project('"www.*"'), b: project('www.b.org, "*b.org"') });
    expect(found.filter((text) => text.includes('shares'))).toEqual([
      expect.stringContaining('`www.xb.org` comes here'),
    ]);
  });

  test('a hostname all of whose hosts go elsewhere is a warning', async () => {
    expect(await checked({ a: project('"*.org"'), b: project('"*b.org"') })).toEqual([
      expect.stringContaining(
        'warning hostnames projects/b.yaml:1:13 `*b.org` is never reached: `*.org` of a takes all of its hosts, because names such as `*.example.org` come before globs',
      ),
      expect.stringContaining('warning hostnames projects/b.yaml:1:13 `*b.org` also catches'),
    ]);
  });

  test('a thousand projects are looked at in a moment', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 1000 }, (_, number) => [
        `p${number}`,
        project(`www.name${number}.org, "*name${number}.org", "*.name${number}.net"`),
      ]),
    );
    const world = await World.with(many);
    // Of this process: a busy machine is not its fault.
    const since = process.cpuUsage();
    const { findings } = await check(world);
    expect(findings.filter(({ message }) => message.includes('evilname'))).toHaveLength(1000);
    expect(process.cpuUsage(since).user / 1000).toBeLessThan(5000);
  });
});

describe('routes and files', () => {
  test('hostnames nobody answers, paths nobody answers, files that are never served', async () => {
    const found = await checked(
      {
        a: 'hostnames: [a.org]\napps:\n  job: { image: job }\n  other: { image: job }\n',
        b: project('b.org').replace('port: 80', 'port: 80, path: /app'),
        c: project(
          'c.org',
          'media:\n  /m: { from: /src/c }\n  /m/in: { from: /src/d }\n  /m/a.txt: { from: /src/c/a.txt }\n',
        ),
      },
      (world) => {
        world.source('c', { 'in/x': 'x', 'a.txt': 'a', 'b.txt': 'b' });
        world.source('d', { y: 'y' });
      },
    );
    expect(found).toEqual([
      'warning routes projects/a.yaml:1:1 nothing answers these hostnames: no app has a `path`, and there is no `media` → add `path: /` to an app',
      'note routes projects/b.yaml:1:1 only `/app` is answered; everything else is 404, also `/`',
      'note routes projects/c.yaml:5:3 what its folder has at `/m/in` is never served: `/m/in` leads elsewhere',
    ]);
  });

  test('files that hostctl.yaml names', async () => {
    const world = await World.with({ a: project('a.org') }, { tls: { dns: { hook: './hook.sh add' } } });
    world.files.texts.set('/work/hostctl.yaml', 'tls:\n  dns:\n    hook: ./hook.sh add\n');
    expect((await check(world)).findings.map(line)).toEqual([
      'error files hostctl.yaml:3:11 /work/hook.sh is not there',
    ]);
  });
});

describe('certificates', () => {
  const acme = (hostnames: string): string => project(hostnames, 'tls: { acme: http }\n');

  test('are ordered only so fast for one domain', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 51 }, (_, number) => [`p${number}`, acme(`n${number}.example.co.uk`)]),
    );
    expect(await checked(many)).toEqual([
      "warning certificates hostctl.yaml 51 projects order a certificate for names of `example.co.uk`: Let's Encrypt issues 50 new ones a week for one domain; renewals do not count → deploy the rest a week later, or give them one `*.example.co.uk` of your own with `certificate:` and `key:`",
    ]);
    // Subdomains of a public suffix are domains of their own.
    expect(
      await checked(Object.fromEntries(Object.keys(many).map((name, number) => [name, acme(`n${number}.co.uk`)]))),
    ).toEqual([]);
  });

  test('of the user have their time and their names', async () => {
    const own = (pair: typeof OWN) => (world: World) => {
      world.files.texts.set('/src/c.pem', pair.certificate);
      world.files.texts.set('/src/k.pem', pair.key);
    };
    const tls = 'tls: { certificate: /src/c.pem, key: /src/k.pem }\n';
    expect(await checked({ a: project('www.example.org, example.org', tls) }, own(OWN))).toEqual([]);
    expect(await checked({ a: project('www.example.org, other.example.org', tls) }, own(OWN))).toEqual([
      'warning certificates projects/a.yaml:4:21 is not for `other.example.org`: browsers will warn visitors of this → it is for `www.example.org`, `example.org`',
    ]);
    expect(await checked({ a: project('www.example.org', tls) }, own(EXPIRED))).toEqual([
      expect.stringMatching(/^error certificates projects\/a.yaml:4:21 ended on 20\d\d-\d\d-\d\d → renew it$/),
    ]);
    const late = await checked({ a: project('www.example.org, example.org', tls) }, (world) => {
      own(OWN)(world);
      Object.assign(world.clock, { now: () => Date.parse('2027-09-25T00:00:00Z') });
    });
    expect(late).toEqual(['warning certificates projects/a.yaml:4:21 ends on 2027-10-01, in 6 days → renew it']);
  });

  test('are not for names outside of the public DNS', async () => {
    expect(await checked({ a: acme('a.test, www.a.org') })).toEqual([
      'warning certificates projects/a.yaml:1:13 no public certificate authority issues a certificate for `a.test`: it is in no public domain → leave `tls` out, or name a certificate authority of your own under `tls.ca` in hostctl.yaml',
    ]);
  });
});

describe('this host', () => {
  const meminfo = (world: World): void => {
    world.machine.texts.set('/proc/meminfo', 'MemTotal:        1048576 kB\nMemFree: 1 kB\n');
  };

  test('its memory, against all limits together', async () => {
    expect(await checked({ a: project('a.org') }, meminfo)).toEqual([
      expect.stringMatching(
        /^note host hostctl.yaml all apps together may use \d+M \(a 256M; the proxy \d+M\); this host has 1G$/,
      ),
    ]);
    const big = project('a.org').replace('port: 80', 'port: 80, limits: { memory: 2G }');
    expect(
      await checked({ a: big, b: project('b.org').replace('port: 80', 'port: 80, replicas: 3') }, meminfo),
    ).toEqual([
      expect.stringMatching(
        /^warning host hostctl.yaml all apps together may use [\d.]+G \(a 2G, b 768M; the proxy \d+M\), and this host has 1G → /,
      ),
      'warning host projects/a.yaml:3:50 `web` may use 2G, and this host has 1G → a limit the host cannot keep limits nothing',
    ]);
  });

  test('its routes, against the range of the networks', async () => {
    const table = (rows: string): string => `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n${rows}`;
    const routes = (rows: string) => (world: World) => world.machine.texts.set('/proc/net/route', table(rows));
    const row = (name: string, to: string, mask: string): string =>
      `${name}\t${to}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`;
    // 10.213.4.0/24 through a VPN; the default route; the engine's own; a network beside the pool.
    expect(
      await checked(
        {},
        routes(
          row('tun0', '0004D50A', '00FFFFFF') +
            row('eth0', '00000000', '00000000') +
            row('br-1', '0000D50A', 'F0FFFFFF') +
            row('eth0', '0000D60A', '0000FFFF'),
        ),
      ),
    ).toEqual([
      'warning host hostctl.yaml networks are taken from 10.213.0.0/16, and this host reaches 10.213.4.0/24 through tun0: one of the two would not be reachable → choose another private range under `network.pool`',
    ]);
    expect(await checked({}, routes(row('wg0', '0000000A', '000000FF')))).toEqual([
      expect.stringContaining('reaches 10.0.0.0/8 through wg0'),
    ]);
  });

  test('the uids on record', async () => {
    const definitions = { a: project('a.org'), b: project('b.org') };
    const found = await checked(definitions, (world) => {
      world.machine.texts.set('/etc/passwd', 'root:x:0:0\nbob:x:20001:20001:Bob:/home/bob:/bin/sh\n');
      world.host.entries.set('projects/a/identity.json', { text: '{"uids":{"web":20001}}' });
      world.host.entries.set('projects/b/identity.json', { text: '{"uids":{"web":20002}}' });
      world.host.entries.set('projects/old/identity.json', { text: '{"uids":{"web":20002}}' });
      world.host.entries.set('projects/bad/identity.json', { text: '{' });
    });
    expect(found.map((text) => text.replace(/ → .*/, ''))).toEqual([
      'error host hostctl.yaml /var/lib/hostctl/projects/bad/identity.json cannot be read',
      'error host projects/b.yaml:3:3 has the uid 20002 of old/web as well: each can read what the other wrote',
      'error host projects/old.yaml has the uid 20002 of b/web as well: each can read what the other wrote',
      'warning host projects/a.yaml:3:3 has the uid 20001, which is the user `bob` of this host',
    ]);
  });

  test('data without an owner, and a data root that is another one’s or closed', async () => {
    const kept = await checked(
      { a: project('a.org').replace('port: 80', 'port: 80, volumes: { data: /data }') },
      (world) => {
        for (const path of ['a/volumes/web/data', 'a/volumes/db/data', 'old/volumes/web/data'])
          world.host.entries.set(`projects/${path}`, {});
      },
    );
    expect(kept.map((text) => text.replace(/ → .*/, ''))).toEqual([
      'note host hostctl.yaml data of `old` is kept, and there is no definition of it: web/data',
      'note host projects/a.yaml:2:1 data of volumes that no app has any more is kept: db/data',
    ]);
    expect(await checked({}, (world) => world.host.entries.set('instance', { text: 'other\n' }))).toEqual([
      'error host hostctl.yaml the data root /var/lib/hostctl belongs to the instance other → give this workspace another `data`',
    ]);
    const closed = await checked({}, (world) => {
      world.host.gate = () => {
        throw new HostctlError('DATA_ROOT', 'EACCES');
      };
    });
    expect(closed).toEqual(['note host hostctl.yaml uids and volumes were not looked at: EACCES → run it as root']);
  });

  test('sources that would give away what others keep', async () => {
    const found = await checked(
      { a: project('a.org', 'media:\n  /m: { from: /var/lib/hostctl/projects/b/volumes }\n') },
      (world) => world.files.texts.set('/var/lib/hostctl/projects/b/volumes/web/data/x', ''),
    );
    expect(found).toEqual([
      expect.stringContaining(
        "error host projects/a.yaml:5:15 `/var/lib/hostctl/projects/b/volumes` is in the data root /var/lib/hostctl, or around it: other projects' data would be served",
      ),
    ]);
  });
});

describe('values of variables', () => {
  const env = (key: string, value: string): Promise<string[]> =>
    checked({ a: project('www.a.org').replace('port: 80', `port: 80, env: { ${key}: ${JSON.stringify(value)} }`) });

  test.each([
    ['DB_PASSWORD', 'Xq7-pW2m9rTz4L'],
    ['DATABASE_URL', 'postgres://shop:hunter2@db:5432/shop'],
    ['ANYTHING', 'ghp_0123456789abcdefghijABCDEFGHIJ012345'],
    ['PEM', '-----BEGIN EC PRIVATE KEY-----\nMHc'],
  ])('that look like a password or a key are warned of: %s', async (key, value) => {
    const found = await env(key, value);
    expect(found).toHaveLength(1);
    expect(found[0]).toBe(
      `warning definitions projects/a.yaml:3:39 \`${key}\` looks like a password or a key, which everyone who may use the engine can read there → take another one, \`hostctl secrets set a ${key}\`, and write \`secrets: [${key}]\``,
    );
  });

  test.each([
    ['DB_PASSWORD_FILE', '/run/secrets/Xq7-pW2m9rTz4L'],
    ['PASSWORD_HASHERS', 'aaaaaaaaaaaaaaaa'],
    ['TOKEN_LIFETIME', '3600'],
    ['SECRET_NAME', '/etc/app/secret.conf'],
    ['DATABASE_URL', 'postgres://db:5432/shop'],
    ['GREETING', 'Xq7-pW2m9rTz4L'],
  ])('that do not are not: %s', async (key, value) => {
    expect(await env(key, value)).toEqual([]);
  });

  test('are not shown with the warning', async () => {
    const world = await World.with({
      a: project('www.a.org').replace('port: 80', 'port: 80, env: { API_TOKEN: Xq7-pW2m9rTz4L }'),
    });
    const audit = await check(world);
    expect(JSON.stringify(audit)).not.toContain('Xq7');
    expect(audit.findings).toMatchObject([{ excerpt: [] }]);
  });
});
