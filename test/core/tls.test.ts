import { describe, expect, test } from 'vitest';
import { covers, readPair } from '../../src/core/certificate.ts';
import { parseHostname } from '../../src/core/hostnames.ts';
import { loadProjects, loadWorkspace, validate } from '../../src/ops/load.ts';
import { EXPIRED, OWN, STRANGER, WILD } from '../support/certificates.ts';
import { brief } from '../support/definitions.ts';
import { World } from '../support/world.ts';

/** Project and problems of one definition whose `tls` may name files in /src/tls. */
async function read(
  text: string,
  settings: Parameters<typeof World.with>[1] = {},
  prepare: (world: World) => void = () => undefined,
) {
  const world = await World.with({ site: text }, settings);
  world.source('app', { 'package.json': '{}' });
  world.source('tls', {
    'own.pem': OWN.certificate,
    'own.key': OWN.key,
    'wild.pem': WILD.certificate,
    'wild.key': WILD.key,
    'stranger.pem': STRANGER.certificate,
    'stranger.key': STRANGER.key,
    'locked.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n',
    'text.pem': 'no certificate',
    'torn.pem': `${OWN.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    'turned.pem': STRANGER.certificate + OWN.certificate,
    'folder/a': '',
  });
  prepare(world);
  const { projects, problems } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
  return { project: projects[0], problems: brief(problems) };
}

const site = (tls: string, hostnames = 'www.example.org, example.org'): string =>
  `hostnames: [${hostnames}]\napps:\n  web: { runtime: node, source: /src/app }\ntls: ${tls}\n`;
const files = (certificate: string, key: string): string =>
  `{ certificate: /src/tls/${certificate}, key: /src/tls/${key} }`;

describe('a certificate of the user', () => {
  test('is read with its key, and http leads to https', async () => {
    const { project, problems } = await read(site(files('own.pem', 'own.key')));
    expect(problems).toEqual([]);
    expect(project?.tls).toEqual({
      source: { kind: 'files', certificate: '/src/tls/own.pem', key: '/src/tls/own.key' },
      redirect: true,
    });
  });

  test.each([
    ['{ certificate: /src/tls/own.pem }', '4:1 tls: `key` is missing → add `key`'],
    ['{ key: /src/tls/own.key }', '4:1 tls: `certificate` is missing → add `certificate`'],
    [
      '{ redirect: false }',
      '4:1 tls: `certificate` and `key` are missing → write `acme: http`, or the paths of `certificate` and `key`',
    ],
    ['{ acme: http, key: /src/tls/own.key }', '4:20 tls.key: stands beside `acme` → keep one of the two'],
    [files('none.pem', 'own.key'), '4:21 tls.certificate: `/src/tls/none.pem` is not there'],
    [files('own.pem', 'folder'), '4:44 tls.key: `/src/tls/folder` is a folder: write the path of the file'],
    [
      files('text.pem', 'own.key'),
      '4:21 tls.certificate: `/src/tls/text.pem` holds no certificate → a PEM file begins with -----BEGIN CERTIFICATE-----',
    ],
    [
      files('torn.pem', 'own.key'),
      '4:21 tls.certificate: `/src/tls/torn.pem` holds a certificate that cannot be read: number 2',
    ],
    [
      files('turned.pem', 'own.key'),
      '4:21 tls.certificate: `/src/tls/turned.pem` holds the certificate of the key, but not as the first → put it in front of its chain',
    ],
    [files('own.pem', 'text.pem'), '4:44 tls.key: `/src/tls/text.pem` holds no private key in PEM form'],
    [
      files('own.pem', 'locked.key'),
      '4:44 tls.key: `/src/tls/locked.key` is protected by a passphrase, which a proxy cannot type',
    ],
    [files('own.pem', 'wild.key'), '4:44 tls.key: `/src/tls/wild.key` does not belong to the certificate'],
    [
      files('stranger.pem', 'stranger.key'),
      "4:21 tls.certificate: is for `www.stranger.org`, and no hostname of the site is among them → the site's hostnames are `www.example.org`, `example.org`",
    ],
  ])('is refused with the place: %s', async (tls, problem) => {
    expect((await read(site(tls))).problems).toEqual([problem]);
  });

  test('may be refused for both files at once, for what is closed, and for what is no text', async () => {
    const prepare = (world: World): void => {
      const kind = world.files.kind.bind(world.files);
      const text = world.files.read.bind(world.files);
      world.files.kind = async (path) => (path.endsWith('own.key') ? ('closed' as unknown as 'file') : kind(path));
      world.files.read = async (path) => (path.endsWith('text.pem') ? undefined : text(path));
    };
    expect((await read(site(files('text.pem', 'own.key')), {}, prepare)).problems).toEqual([
      '4:21 tls.certificate: `/src/tls/text.pem` is no PEM file',
      '4:45 tls.key: `/src/tls/own.key` cannot be read: check its owner and mode',
    ]);
  });

  test('may stand beside nothing else, nor http lead to https when it should not', async () => {
    expect((await read(site('{ acme: http, certificate: /a, key: /b }'))).problems).toEqual([
      '4:20 tls.certificate: stands beside `acme` → keep one of the two',
    ]);
    const { project } = await read(
      site(`{ certificate: ../../src/tls/own.pem, key: /src/tls/own.key, redirect: false }`),
    );
    expect(project?.tls).toEqual({
      source: { kind: 'files', certificate: '/src/tls/own.pem', key: '/src/tls/own.key' },
      redirect: false,
    });
  });

  test('may be for a wildcard, and for some names of a glob', async () => {
    expect((await read(site(files('wild.pem', 'wild.key'), '"*.example.org"'))).problems).toEqual([]);
    expect((await read(site(files('own.pem', 'own.key'), '"*example.org"'))).problems).toEqual([]);
  });

  test('is not called wrong for hostnames under a mistyped key', async () => {
    const text = site(files('own.pem', 'own.key')).replace('hostnames', 'hostname');
    expect((await read(text)).problems).toEqual(['1:1 hostname: unknown key `hostname` → did you mean `hostnames`?']);
  });

  test('that has run out is still one that fits: time is not the definition’s matter', () => {
    expect(readPair(EXPIRED.certificate, EXPIRED.key)).toMatchObject({
      ok: true,
      pair: { names: ['www.example.org'] },
    });
  });

  test('loses what stands around it in its file', () => {
    const read = readPair(`subject=x\r\n${OWN.certificate.replaceAll('\n', '\r\n')}`, `x\n${OWN.key}`);
    expect(read).toMatchObject({ ok: true, pair: { chain: OWN.certificate, key: OWN.key } });
  });
});

describe('a certificate that is ordered', () => {
  const HOOK = { tls: { dns: { hook: './hook.sh' } } };

  test.each([
    ['http', 'www.example.org', {}],
    ['dns', '"*.example.org"', HOOK],
  ])('by %s for %s', async (acme, hostnames, settings) => {
    const { project, problems } = await read(site(`{ acme: ${acme}, redirect: false }`, hostnames), settings);
    expect(problems).toEqual([]);
    expect(project?.tls).toEqual({ source: { kind: 'acme', challenge: acme }, redirect: false });
  });

  test.each([
    [
      'http',
      '"*.example.org"',
      '1:13 hostnames[0]: a certificate for `*.example.org` can only be ordered with the dns challenge → write `acme: dns`, or every name in full',
    ],
    [
      'http',
      '"*projectname.org"',
      '1:13 hostnames[0]: no certificate can be ordered for `*projectname.org` → write `projectname.org` and `*.projectname.org`',
    ],
    ['http', 'www.*', '1:13 hostnames[0]: no certificate can be ordered for `www.*` → write every name in full'],
    [
      'http',
      'localhost',
      '1:13 hostnames[0]: no certificate can be ordered for `localhost` → only names of the public DNS have one',
    ],
    [
      'tls-alpn',
      'a.org',
      '4:14 tls.acme: nginx cannot answer this challenge: it does not choose a certificate by protocol → write `acme: http` or `acme: dns`, or choose the driver traefik in hostctl.yaml',
    ],
    ['dns', 'a.org', '4:14 tls.acme: nothing says how to make a DNS record → add `tls.dns.hook` to hostctl.yaml'],
    ['htp', 'a.org', '4:14 tls.acme: write one of http, tls-alpn, dns, not `htp` → did you mean `http`?'],
  ])('by %s for %s is refused with the reason', async (acme, hostnames, problem) => {
    expect((await read(site(`{ acme: ${acme} }`, hostnames))).problems).toEqual([problem]);
  });

  test('holds at most 100 names', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `n${index}.example.org`);
    const { problems } = await read(site('{ acme: http }', names.join(', ')));
    expect((await read(site('{ acme: http }', names.slice(1).join(', ')))).problems).toEqual([]);
    expect(problems).toEqual([
      '1:1703 hostnames[100]: a certificate holds at most 100 names, and this site has 101 → divide it into several projects',
    ]);
  });

  test('by Traefik may need what nginx does not, and the other way round', async () => {
    const traefik = { proxy: { driver: 'traefik' } } as const;
    expect((await read(site('{ acme: tls-alpn }'), traefik)).problems).toEqual([]);
    expect((await read(site('{ acme: dns }'), traefik)).problems).toEqual([
      '4:14 tls.acme: nothing says how to make a DNS record → add `tls.dns.provider` to hostctl.yaml',
    ]);
    const provider = { tls: { dns: { provider: 'cloudflare' } } };
    expect((await read(site('{ acme: dns }'), { ...traefik, ...provider })).problems).toEqual([]);
    expect((await read(site('{ acme: dns }'), provider)).problems).toEqual([
      '4:14 tls.acme: nothing says how to make a DNS record → add `tls.dns.hook` to hostctl.yaml',
    ]);
    expect((await read(site('{ acme: dns }'), { ...traefik, ...HOOK })).problems).toHaveLength(1);
  });

  test.each([
    ['*.example.*', 'write every name in full'],
    ['a*b.org', 'write every name in full'],
    ['*b.org', 'write `b.org` and `*.b.org`'],
    ['*a?b.org', 'write every name in full'],
    ['*localhost', 'write every name in full'],
  ])('is for no glob such as %s: %s', async (name, hint) => {
    const { problems } = await read(site('{ acme: dns }', `www.example.org, "${name}"`), HOOK);
    expect(problems).toEqual([`1:30 hostnames[1]: no certificate can be ordered for \`${name}\` → ${hint}`]);
  });

  test('needs a hostname', async () => {
    const text = 'apps:\n  job: { runtime: node, source: /src/app }\ntls: { acme: http }\n';
    expect((await read(text)).problems).toEqual(['3:1 tls: there is no hostname to secure → add `hostnames`']);
  });
});

describe('with a Traefik that somebody else runs', () => {
  const settings = {
    proxy: { existing: { container: 'traefik', directory: '/etc/traefik/dynamic' } },
  } as Parameters<typeof World.with>[1];

  test('certificates are its matter, and so is how they are ordered', async () => {
    expect((await read(site('{ acme: dns }', '"*projectname.org"'), settings)).problems).toEqual([]);
    expect((await read(site(files('own.pem', 'own.key')), settings)).problems).toEqual([
      '4:8 tls.certificate: the Traefik that runs already cannot read files of yours → give them to that one and write `tls: { acme: http }`: which challenge it is does not matter then',
    ]);
  });
});

test.each([
  ['www.example.org', ['www.example.org'], true],
  ['www.example.org', ['*.example.org'], true],
  ['a.b.example.org', ['*.example.org'], false],
  ['example.org', ['*.example.org'], false],
  ['*.example.org', ['*.example.org'], true],
  ['*.example.org', ['www.example.org'], false],
  ['*example.org', ['example.org'], true],
  ['*example.org', ['example.com'], false],
  ['a?.example.org', ['*.example.org'], false],
  ['a?.example.org', ['ab.example.org'], true],
])('%s is covered by %j: %s', (text, names, expected) => {
  const hostname = parseHostname(text);
  expect(hostname.ok && covers(names, hostname.value)).toBe(expected);
});

describe('hostctl.yaml', () => {
  const load = async (text: string) => {
    const world = await World.with({});
    world.files.texts.set('/work/hostctl.yaml', text);
    world.files.texts.set('/work/ca.pem', OWN.certificate);
    world.files.texts.set(
      '/work/dns.env',
      '# for the provider\n\n  # and more\n \nTOKEN=a "b" #c\r\n  EMPTY=\n_b2==x\n',
    );
    world.files.texts.set('/work/wrong.env', 'TOKEN=a\nexport OTHER=b\n');
    return loadWorkspace(world.files, '/work', world.templates.bases);
  };

  test('says where certificates are ordered', async () => {
    expect((await load('')).tls).toEqual({
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      resolvers: [],
      dns: { wait: 120_000 },
    });
    const text = `tls:
  email: me@example.org
  ca: staging
  ca-certificates: ./ca.pem
  resolvers: ["127.0.0.1:8053"]
  dns: { hook: ./dns-hook.sh --fast, wait: 10s }
`;
    expect((await load(text)).tls).toEqual({
      directory: 'https://acme-staging-v02.api.letsencrypt.org/directory',
      email: 'me@example.org',
      trust: OWN.certificate,
      resolvers: ['127.0.0.1:8053'],
      dns: { hook: ['/work/dns-hook.sh', '--fast'], wait: 10_000 },
    });
    expect((await load('tls: { dns: { provider: cloudflare, env: ./dns.env } }')).tls.dns).toEqual({
      provider: 'cloudflare',
      env: { TOKEN: 'a "b" #c', EMPTY: '', _b2: '=x' },
      wait: 120_000,
    });
    expect((await load('tls: { dns: { hook: certbot-hook --fast } }')).tls.dns.hook).toEqual([
      'certbot-hook',
      '--fast',
    ]);
    expect((await load('tls: { dns: { hook: [/bin/hook, "a b"] } }')).tls.dns.hook).toEqual(['/bin/hook', 'a b']);
    expect((await load('tls: { ca: "https://ca.example.org/dir" }')).tls.directory).toBe('https://ca.example.org/dir');
  });

  test('says https only where it is meant to be open always', async () => {
    expect((await load('')).proxy).toMatchObject({ https: 443, httpsWanted: false });
    expect((await load('proxy: { https: 8443 }')).proxy).toMatchObject({ https: 8443, httpsWanted: true });
  });

  test.each([
    [
      'tls: { ca: letsencypt }',
      '1:12 tls.ca: `letsencypt` is no certificate authority: write letsencrypt, staging or the https:// URL of its directory',
    ],
    ['tls: { ca-certificates: ./none.pem }', '1:25 tls.ca-certificates: `/work/none.pem` cannot be read'],
    ['tls: { ca-certificates: ./wrong.env }', '1:25 tls.ca-certificates: `/work/wrong.env` holds no certificate'],
    [
      'tls: { dns: { env: ./wrong.env } }',
      '1:20 tls.dns.env: line 2 of `/work/wrong.env` is no variable → write NAME=value on every line; a # begins a comment',
    ],
    ['tls: { dns: { env: ./none.env } }', '1:20 tls.dns.env: `/work/none.env` cannot be read'],
    [
      'tls: { resolvers: [9.9.9.9, "[2620:fe::fe]:53", "2620:fe::fe", "127.0.0.1:53", 9.9.9.999] }',
      '1:80 tls.resolvers[4]: `9.9.9.999` is no DNS server: write an address such as 9.9.9.9 or 127.0.0.1:5353',
    ],
    ['tls: { email: me }', '1:15 tls.email: write an e-mail address'],
    [
      'tls: { resolvers: [dns.example.org] }',
      '1:20 tls.resolvers[0]: `dns.example.org` is no DNS server: write an address such as 9.9.9.9 or 127.0.0.1:5353',
    ],
    [
      'tls: { dns: { hook: "a | b" } }',
      '1:21 tls.dns.hook: `|` needs a shell, and commands run without one → write [sh, -c, "…"]',
    ],
  ])('%s is refused', async (text, problem) => {
    const world = await World.with({});
    world.files.texts.set('/work/hostctl.yaml', text);
    world.files.texts.set('/work/wrong.env', 'TOKEN=a\r\nexport OTHER=b\nnot this either\n');
    const failed = (await validate(world.files, '/work', world.templates).catch((error: unknown) => error)) as {
      problems: Parameters<typeof brief>[0];
    };
    expect(brief(failed.problems)).toEqual([problem]);
  });
});
