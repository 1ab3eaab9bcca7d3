import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { convertCompose } from '../../src/importers/compose/convert.ts';
import { readRule } from '../../src/importers/compose/rule.ts';
import { fillVariables, readDotenv } from '../../src/importers/compose/variables.ts';
import type { Look } from '../../src/importers/look.ts';
import type { Entry, Status } from '../../src/importers/report.ts';
import { printDefinition } from '../../src/importers/yaml.ts';

interface Given {
  readonly files?: Readonly<Record<string, string>>;
  readonly hostname?: string;
  readonly define?: Readonly<Record<string, string>>;
}

function look(files: Readonly<Record<string, string>>): Look {
  const below = (path: string): string[] => Object.keys(files).filter((file) => file.startsWith(`${path}/`));
  return {
    kind: (path) => (Object.hasOwn(files, path) ? 'file' : below(path).length > 0 ? 'folder' : undefined),
    text: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    list: (path) => below(path).map((file) => file.slice(path.length + 1)),
    real: (path) => path,
  };
}

function convert(text: string, { files = {}, hostname, define = {} }: Given = {}): ReturnType<typeof convertCompose> {
  const options = { file: '/srv/shop/compose.yaml', dir: '/srv/projects', profiles: [] };
  const given = { defined: new Map(Object.entries(define)), ...(hostname === undefined ? {} : { hostname }) };
  return convertCompose({ ...options, ...given }, look({ '/srv/shop/compose.yaml': text, ...files }));
}

function made(text: string, given: Given = {}): Extract<ReturnType<typeof convertCompose>, { ok: true }> {
  const result = convert(text, given);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result;
}

/** The one definition of a file, as its text. */
const definition = (text: string, given: Given = {}): string => {
  const { sites } = made(text, given);
  expect(sites).toHaveLength(1);
  return printDefinition(sites[0]!.definition);
};

const entryOf = (text: string, key: string, given: Given = {}): Entry | undefined =>
  made(text, given).report.entries.find((entry) => entry.text.startsWith(key));

/** One service with these lines, and labels of Traefik for a.org. */
const service = (...lines: string[]): string =>
  [
    'services:',
    '  app:',
    '    image: example/app',
    '    expose: [8000]',
    '    labels: ["traefik.http.routers.a.rule=Host(`a.org`)"]',
    ...lines.map((line) => `    ${line}`),
    '',
  ].join('\n');

const labelled = (...labels: string[]): string =>
  [
    'services:',
    '  app:',
    '    image: example/app',
    '    expose: [8000]',
    '    labels:',
    ...labels.map((label) => `      - ${label}`),
    '',
  ].join('\n');

describe('what closes a site in Traefik', () => {
  const HOST = 'traefik.http.routers.a.rule=Host(`a.org`)';
  const use = (name: string): string => `traefik.http.routers.a.middlewares=${name}`;
  const closed = 'access: { /: { allow: [] } }';

  test.each([
    ['a middleware of a file', [HOST, use('x@file')], 'decide'],
    ['one that is nowhere', [HOST, use('gone')], 'decide'],
    [
      'forward authentication',
      [HOST, use('f'), 'traefik.http.middlewares.f.forwardauth.address=http://x'],
      'unsupported',
    ],
    ['digest authentication', [HOST, use('f'), 'traefik.http.middlewares.f.digestauth.users=a:b:c'], 'unsupported'],
    ['a plugin', [HOST, use('f'), 'traefik.http.middlewares.f.plugin.geo.allow=DE'], 'unsupported'],
    ['passwords in a file', [HOST, use('f'), 'traefik.http.middlewares.f.basicauth.usersfile=/etc/users'], 'decide'],
    ['passwords without any', [HOST, use('f'), 'traefik.http.middlewares.f.basicauth.users='], 'decide'],
    [
      'addresses that are none',
      [HOST, use('f'), 'traefik.http.middlewares.f.ipwhitelist.sourcerange=10.0.0.1/8,x'],
      'decide',
    ],
    ['a chain that ends nowhere', [HOST, use('f'), 'traefik.http.middlewares.f.chain.middlewares=f'], 'decide'],
    [
      'forward authentication of v1',
      ['traefik.frontend.rule=Host:a.org', 'traefik.frontend.auth.forward.address=http://x'],
      'unsupported',
    ],
  ] as const)('%s: nobody may until somebody says who', (_, labels, status: Status) => {
    expect(definition(labelled(...labels))).toContain(closed);
    expect(made(labelled(...labels)).report.entries.map((entry) => entry.status)).toContain(status);
  });

  test.each([
    ['Headers(`X`, `1`)', 'a matcher there is no word for'],
    ['Host(`a.org`) && !ClientIP(`10.0.0.0/8`)', 'a negation'],
    ['Host(', 'a rule that cannot be read'],
  ])('%s: %s opens nothing, also not by --hostname', (rule) => {
    const labels = ['traefik.http.middlewares.f.basicauth.users=', `'traefik.http.routers.a.rule=${rule}'`, use('f')];
    const text = definition(labelled(...labels), { hostname: 'b.org' });
    expect(text).toContain('hostnames: [b.org]');
    expect(text).toContain(closed);
  });

  test('both of two rules hold, and a list of addresses is kept', () => {
    const text = labelled(
      HOST,
      'traefik.http.routers.a.middlewares=who,where',
      'traefik.http.middlewares.who.basicauth.users=anna:$$apr1$$x$$y',
      'traefik.http.middlewares.where.ipallowlist.sourcerange=10.0.0.0/8, ::1',
    );
    expect(definition(text)).toContain('access: { /: { users: ./a.htpasswd, allow: ["10.0.0.0/8", "::1"] } }');
    expect(made(text).beside).toEqual([{ name: 'a.htpasswd', text: 'anna:$apr1$x$y\n' }]);
    expect(
      made(text)
        .report.entries.map((entry) => entry.text)
        .join('\n'),
    ).not.toContain('anna');
  });

  test('a server in front that asks for passwords closes what is behind it', () => {
    const files = { '/srv/shop/nginx.conf': 'location / { auth_basic "x"; proxy_pass http://app:9000; }' };
    const text =
      'services:\n  app: {image: example/app}\n  nginx:\n    image: nginx\n    ports: ["80:80"]\n    volumes: ["./nginx.conf:/etc/nginx/nginx.conf"]\n';
    expect(definition(text, { files, hostname: 'a.org' })).toBe(
      'hostnames: [a.org]\napps:\n  app:\n    image: example/app\n    port: 9000\nhttp:\n  access: { /: { allow: [] } }\n',
    );
  });
});

describe('what is not the same', () => {
  const router = (name: string, rule: string, ...more: string[]): string[] => [
    `'traefik.http.routers.${name}.rule=${rule}'`,
    ...more.map((text) => `traefik.http.routers.${name}.${text}`),
  ];
  const rule = (name: string): string => `services.app.labels.traefik.http.routers.${name}.rule`;
  const AUTH = 'traefik.http.middlewares.m.basicauth.users=anna:$$apr1$$x$$y';

  test('a path that was open below one that is not', () => {
    const labels = [
      ...router('a', 'Host(`a.org`)', 'middlewares=m'),
      ...router('b', 'Host(`a.org`) && PathPrefix(`/api/`)'),
      AUTH,
    ];
    expect(entryOf(labelled(...labels), rule('a'))?.status).toBe('mapped');
    expect(entryOf(labelled(...labels), rule('b'))).toMatchObject({
      status: 'decide',
      note: expect.stringContaining('which it did not') as string,
    });
  });

  test.each([
    ['/admin', 'decide'],
    ['/admin/', 'mapped'],
  ])('PathPrefix(`%s`) with a password', (path, status) => {
    const labels = [
      ...router('a', 'Host(`a.org`)'),
      ...router('b', `Host(\`a.org\`) && PathPrefix(\`${path}\`)`, 'middlewares=m'),
      AUTH,
    ];
    expect(entryOf(labelled(...labels), rule('b'))?.status).toBe(status);
    expect(definition(labelled(...labels))).toContain('access: { /admin: { users: ./a.htpasswd } }');
  });

  test('an app that answers for more hostnames than it did, and a path two apps have', () => {
    const text = `services:
  one:
    image: x
    expose: [1]
    labels: ["traefik.http.routers.one.rule=Host(\`a.org\`)"]
  two:
    image: x
    expose: [2]
    labels: ["traefik.http.routers.two.rule=Host(\`a.org\`) && PathPrefix(\`/two\`) || Host(\`b.org\`)"]
`;
    expect(entryOf(text, 'services.one.labels')).toMatchObject({
      status: 'decide',
      note: expect.stringContaining('b.org, too') as string,
    });
    expect(entryOf(text, 'services.two.labels')).toMatchObject({
      status: 'decide',
      note: expect.stringContaining('/ leads to one already') as string,
    });
  });

  test('labels two services share the name of a router in stay apart', () => {
    const one = (name: string): string =>
      `  ${name}:\n    image: x\n    expose: [1]\n    labels: ["traefik.http.routers.r.rule=Host(\`${name}.org\`)"]\n`;
    const { sites } = made(`services:\n${one('a')}${one('b')}`);
    expect(sites.map((site) => site.definition.hostnames)).toEqual([['a.org'], ['b.org']]);
  });

  test('a label nobody knows that speaks of who may', () => {
    const text = labelled('traefik.frontend.rule=Host:a.org', 'traefik.frontend.auth.digest.users=x');
    expect(definition(text)).toContain('access: { /: { allow: [] } }');
  });
});

test('what is said twice in a list is answered for twice, and the last counts', () => {
  const text = service('environment: [A=1, A=2]');
  expect(definition(text)).toContain('env: { A: "2" }');
  const own = made(text).report.entries.filter((entry) => entry.text.startsWith('services.app.environment'));
  expect(own.map(({ status, text: key }) => `${status} ${key}`)).toEqual([
    'dropped services.app.environment',
    'mapped services.app.environment.A',
  ]);
});

test('what a terminal would obey is spelt out', () => {
  const text = 'services: {app: {image: x, environment: {A: "\\e[2J\\u202e"}, logging: {driver: "\\e[2J"}, "k\\e": 1}}';
  const { report } = made(text);
  expect(report.entries.map(({ note, text: key }) => note + key).join('')).not.toMatch(/[\u001b\u202e]/);
  expect(definition(text)).toContain('A: "\\u001b[2J\\u202e"');
});

describe('rules', () => {
  const host = { hosts: ['a.org'], paths: [], below: true, clients: [], rest: [] };
  test.each([
    ['Host(`a.org`)', [host]],
    ["Host('a.org','b.org')", [{ ...host, hosts: ['a.org', 'b.org'] }]],
    ['Host(`a.org`) || Host(`b.org`)', [host, { ...host, hosts: ['b.org'] }]],
    ['Host(`a.org`) && PathPrefix(`/x`, `/y`)', [{ ...host, paths: ['/x', '/y'] }]],
    [
      '(Host(`a.org`) || Host(`b.org`)) && Path(`/x`)',
      [
        { ...host, paths: ['/x'], below: false },
        { ...host, hosts: ['b.org'], paths: ['/x'], below: false },
      ],
    ],
    ['Host(`a.org`) || Host(`b.org`) && PathPrefix(`/x`)', [host, { ...host, hosts: ['b.org'], paths: ['/x'] }]],
    ['Host(`a.org`) && ClientIP(`10.0.0.0/8`)', [{ ...host, clients: ['10.0.0.0/8'] }]],
    ['Host(`a.org`) && Method(`GET`)', [{ ...host, rest: ['Method(`GET`)'] }]],
    ['Host(`a.org`) && Host(`b.org`)', [{ ...host, rest: ['two hosts'] }]],
    ['HostRegexp(`^(www\\.)?a\\.org$`)', [{ ...host, hosts: ['a.org', 'www.a.org'] }]],
    ['HostRegexp(`^.+\\.a\\.org$`)', [{ ...host, hosts: ['*.a.org'] }]],
    ['HostRegexp(`{sub:[a-z]+}.a.org`)', [{ ...host, hosts: ['*.a.org'] }]],
    ['HostRegexp(`{any:.*}`)', [{ ...host, hosts: [], rest: ['HostRegexp(`{any:.*}`)'] }]],
    ['HostRegexp(`a.*b`)', [{ ...host, hosts: [], rest: ['HostRegexp(`a.*b`)'] }]],
    ['Host:a.org,b.org;PathPrefix:/x', [{ ...host, hosts: ['a.org', 'b.org'], paths: ['/x'] }]],
    ['Host(`a.org`', undefined],
    ['Host(`a.org`) Host(`b.org`)', undefined],
    ['', undefined],
  ])('%s', (rule, terms) => expect(readRule(rule)).toEqual(terms));
});

describe('variables', () => {
  const known = new Map([
    ['A', '1'],
    ['EMPTY', ''],
  ]);
  test.each([
    ['$A ${A} $$A $', '1 1 $A $', []],
    ['${B:-x} ${B-x} ${EMPTY:-x} ${EMPTY-x}', 'x x x ', []],
    ['${A:+y}${B:+y}${B+y}${EMPTY+y}', 'yy', []],
    ['${B:-${C:-${A}}}', '1', []],
    ['$B ${B} ${B:?no}', '$B ${B} ${B}', ['B']],
    ['${', '${', []],
    ['${A b}', '${A b}', []],
  ])('%s', (text, filled, missing) => expect(fillVariables(text, known)).toEqual({ text: filled, missing }));

  test('of .env, as Compose reads it', () => {
    const text = '# no\nexport A=1\nB = "x\\n\\"y\\"" # c\nC=\'$A # kept\'\nD=${A}2 # gone\nnot a line\nE=\nF: yaml\n';
    expect(Object.fromEntries(readDotenv(text, new Map()))).toEqual({
      A: '1',
      B: 'x\n"y"',
      C: '$A # kept',
      D: '12',
      E: '',
      F: 'yaml',
    });
  });

  test('come from --define before .env, and never from anywhere else', () => {
    const text = 'services: {a: {image: "x:${TAG}", environment: [HOME, "T=${TAG}"]}}';
    const files = { '/srv/shop/.env': 'TAG=1\n' };
    expect(definition(text, { files })).toContain('image: "x:1"');
    expect(definition(text, { files, define: { TAG: '2' } })).toContain('image: "x:2"');
    expect(entryOf(text, 'services.a.image', { files })?.status).toBe('mapped');
    expect(entryOf(text, 'services.a.image')).toMatchObject({
      status: 'decide',
      note: 'image; no value for TAG: --define TAG=VALUE',
    });
    expect(entryOf(text, 'services.a.environment.HOME')).toMatchObject({ status: 'decide' });
  });
});

describe('anchors', () => {
  test('merge as in YAML 1.1: own keys count, then the first mapping', () => {
    const text =
      'x-a: &a {restart: always, user: "1"}\nx-b: &b {user: "2", tty: true}\nservices:\n  s:\n    <<: [*a, *b]\n    image: x\n    restart: "no"\n';
    const shown = made(text).report.entries.map(({ place, text: key }) => `${place.line} ${key}`);
    expect(shown).toEqual([
      '1 x-a',
      '2 x-b',
      '6 services.s.image: x',
      '7 services.s.restart: no',
      '1 services.s.user: 1',
      '2 services.s.tty: true',
    ]);
  });

  test.each([
    ['services: &s {a: *s}', '`s` stands inside of what it repeats'],
    ['services: *nothing', 'no anchor is called `nothing`'],
    ['services:\n  a: {image: x}\n  a: {image: y}', '`a` is given twice'],
    ['services: {a: {<<: [1]}}', '`<<` takes a mapping, such as *defaults'],
    ['services: {__proto__: {image: x}}', '`__proto__` cannot be used as a key'],
    ['services: {? [a] : b}', 'a key is text'],
    ['services: [', 'a bracket is never closed'],
    ['a: 1\n---\nb: 2', 'holds several documents'],
    ['a: \u0007', 'holds the invisible character U+0007'],
    [`x: &a [${'1,'.repeat(400)}]\ny: &b [${'*a,'.repeat(60)}]\nz: [${'*b,'.repeat(60)}]`, 'grows too large'],
    ['['.repeat(300), 'is nested more than 40 levels deep'],
  ])('%s is refused with its place', (text, message) => {
    const result = convert(text);
    expect(result).toMatchObject({
      ok: false,
      problems: [{ file: 'compose.yaml', message: expect.stringContaining(message) as string }],
    });
  });
});

describe('keys', () => {
  test.each([
    ['mem_limit: 1gb', 'limits: { memory: 1G }'],
    ['mem_limit: 536870912', 'limits: { memory: 512M }'],
    ['cpu_quota: 50000', 'limits: { cpus: 0.5 }'],
    ['scale: 3', 'replicas: 3'],
    ['stop_grace_period: 1h', 'stop: 1h'],
    ['network_mode: none', 'egress: false'],
    ['tmpfs: [/run, /tmp]', 'writable: [/run]'],
    ['volumes: [{type: tmpfs, target: /cache}]', 'writable: [/cache]'],
    ['volumes: [/data]', 'volumes: { data: /data }'],
    ['command: ["a b", c]', 'command: ["a b", c]'],
    ['command: a "b c" d', 'command: [a, "b c", d]'],
    ['command: echo *', 'command: [echo, "*"]'],
    ['healthcheck: {test: "curl -fsS http://localhost:8000/up || exit 1"}', 'health: { path: /up }'],
    ['healthcheck: {test: "curl -f http://localhost:9/up"}', 'health: { command: "curl -f http://localhost:9/up" }'],
    ['healthcheck: {test: [CMD-SHELL, "a | b"]}', 'health: { command: [sh, "-c", "a | b"] }'],
    [
      'healthcheck: {test: [CMD, pg_isready, -U, a], start_period: 2m}',
      'health: { command: "pg_isready -U a", within: 2m }',
    ],
  ])('%s → %s', (line, wanted) => expect(definition(service(line))).toContain(wanted));

  test.each([
    ['privileged: true', 'unsupported'],
    ['privileged: false', 'implied'],
    ['cap_add: [NET_ADMIN]', 'unsupported'],
    ['cap_add: [ALL]', 'unsupported'],
    ['cap_add: [CHOWN]', 'decide'],
    ['security_opt: [seccomp=unconfined]', 'unsupported'],
    ['userns_mode: host', 'unsupported'],
    ['ipc: host', 'unsupported'],
    ['pid: service:x', 'unsupported'],
    ['network_mode: host', 'unsupported'],
    ['user: root', 'decide'],
    ['user: 0:0', 'decide'],
    ['user: "33"', 'implied'],
    ['read_only: false', 'decide'],
    ['volumes: ["/var/run/docker.sock:/x"]', 'unsupported'],
    ['volumes: ["/etc:/host:ro"]', 'unsupported'],
    ['volumes: ["/:/host"]', 'unsupported'],
    ['volumes: ["./app.conf:/etc/app.conf:ro"]', 'decide'],
    ['volumes: ["C:\\\\x:/y"]', 'decide'],
    ['ports: ["5432:5432"]', 'decide'],
    ['ports: ["8000-8010:8000-8010"]', 'decide'],
    ['devices: [/dev/x]', 'unsupported'],
    ['secrets: [a]', 'mapped'],
    ['secrets: [a-b]', 'decide'],
    ['secrets: [{ source: a, mode: 0440 }]', 'decide'],
    ['mem_limit: lots', 'decide'],
    ['scale: 0', 'decide'],
    ['networks: {default: {ipv4_address: 10.0.0.2}}', 'implied'],
    ['logging: {driver: gelf}', 'decide'],
    ['depends_on: [nobody]', 'unsupported'],
    ['what_is_this: 1', 'unsupported'],
  ] as const)('%s: %s', (line, status) => {
    const key = `services.app.${line.split(':')[0]!}`;
    expect(entryOf(service(line), key)).toMatchObject({ status, place: { file: 'compose.yaml', line: 6 } });
  });

  test('a circle of needs is asked about, and one by the environment is none', () => {
    const text =
      'services:\n  a: {image: x, environment: {B_HOST: b}}\n  b: {image: x, environment: {URL: "http://a:80"}}\n';
    expect(definition(text)).toContain('needs: [b]');
    expect(definition(text)).not.toContain('needs: [a]');
  });
});

/** Values as people and programs write them, in places where Compose has something else. */
const scalar = fc.oneof(
  fc.constantFrom(
    '',
    '~',
    'true',
    '0',
    '8000',
    '80:80',
    ':',
    '::',
    '/',
    './x:/y:ro',
    'a=b',
    '${A',
    '${A:-b}',
    '$$',
    '*.a.org',
    'Host(`a.org`)',
    '1m',
    '-1',
    '.',
  ),
  fc.string({ maxLength: 8 }),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.constant(null),
    fc.integer(),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(scalar, fc.constantFrom('type', 'source', 'target', 'file', 'service', 'test', 'limits')),
      tie('any'),
      { maxKeys: 3 },
    ),
  ),
})).any;
const KEYS = [
  'image',
  'build',
  'command',
  'entrypoint',
  'environment',
  'env_file',
  'ports',
  'expose',
  'volumes',
  'labels',
  'depends_on',
  'links',
  'deploy',
  'healthcheck',
  'networks',
  'user',
  'cap_add',
  'tmpfs',
  'extends',
  'profiles',
  'ulimits',
  'logging',
  'odd',
];
const LABELS = [
  'traefik.http.routers.a.rule',
  'traefik.http.routers.a.middlewares',
  'traefik.http.middlewares.m.chain.middlewares',
  'traefik.http.middlewares.m.basicauth.users',
  'traefik.http.services.a.loadbalancer.server.port',
  'traefik.frontend.rule',
];
const anyService = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.oneof(value, fc.dictionary(fc.constantFrom(...LABELS), scalar)),
  { maxKeys: 6 },
);
const composeFile = fc.record({
  services: fc.dictionary(fc.constantFrom('web', 'db', 'a_b', 'nginx', 'A'), fc.oneof(anyService, value), {
    maxKeys: 4,
  }),
});

describe('whatever the file', () => {
  test('nothing is thrown, and every key of a service is answered for', () => {
    fc.assert(
      fc.property(composeFile, (file) => {
        const result = convert(JSON.stringify(file));
        if (!result.ok) return;
        const { entries } = result.report;
        for (const [name, keys] of Object.entries(file.services)) {
          if (keys === null || typeof keys !== 'object' || Array.isArray(keys)) continue;
          for (const key of Object.keys(keys)) {
            const where = `services.${name}.${key}`;
            const found = entries.some(({ text }) => text.startsWith(where));
            expect({ where, found }).toEqual({ where, found: true });
          }
        }
        for (const { note } of entries) expect(note.length).toBeGreaterThan(2);
        for (const { definition: one } of result.sites) parse(printDefinition(one));
      }),
      { numRuns: 600 },
    );
  });

  test('text that is no YAML is refused or read, and never thrown at', () => {
    const piece = fc.constantFrom(
      'services:',
      '\n',
      '  ',
      '- ',
      'a: ',
      '&a ',
      '*a',
      '<<: ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|',
      '>',
      '!x ',
      '#',
      '? ',
      ': ',
      '---',
      '${A}',
      '\t',
      '%',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (raw) => void convert(raw)),
      { numRuns: 800 },
    );
  });
});
