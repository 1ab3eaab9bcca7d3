import fc from 'fast-check';
import { dump } from 'js-yaml';
import { printDefinition } from '../../../src/importers/yaml.ts';

/**
 * Definitions somebody might write: names, paths and hostnames from small sets, so that they meet; most are right, and
 * what refuses the others is what is tested. Sources stand where `fuzz world` has them.
 */
export type Definition = Record<string, unknown>;

const label = fc.oneof(
  fc.constantFrom('www', 'a', 'shop', 'blog', 'x1', 'my-site', 'xn--bcher-kva', '0', 'hostctl'),
  fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/),
);
const ending = fc.constantFrom('example.org', 'example.com', 'a.b.example.net', 'org', 'co.uk');
const hostname = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(label, ending).map(([first, rest]) => `${first}.${rest}`) },
  { weight: 2, arbitrary: ending.map((rest) => `*.${rest}`) },
  { weight: 1, arbitrary: label.map((first) => `${first}.*`) },
  { weight: 2, arbitrary: fc.tuple(label, ending).map(([first, rest]) => `*${first}.${rest}`) },
  { weight: 1, arbitrary: fc.tuple(label, ending).map(([first, rest]) => `${first}?.*${rest}`) },
  { weight: 1, arbitrary: fc.constantFrom('bücher.example', 'WWW.Example.ORG', 'localhost', '日本.example.org') },
);

const segment = fc.constantFrom(
  'a',
  'b',
  'media',
  'static',
  'old',
  'A~b',
  'x.y',
  '@me',
  'a+b',
  '-',
  '_',
  '.well-known',
  '0',
);
const urlPath = fc.oneof(
  { weight: 1, arbitrary: fc.constant('/') },
  { weight: 6, arbitrary: fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`) },
  { weight: 1, arbitrary: segment.map((part) => `/${part}/`) },
);

const size = fc.constantFrom('6M', '64M', '256Mi', '1.5G', '0.5g', '1T');
const time = fc.constantFrom('1s', '1.5m', '500ms', '2h', '1d', '0s', '60s');
const command = fc.constantFrom<string | string[]>('node a.js', ['sh', '-c', 'echo $A; exit "$?"'], `x "a b" 'c;d'`, [
  '{{x}}',
  '`id`',
]);
const free = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a b',
    'x;y',
    '}',
    '"',
    `'`,
    '\\',
    '#',
    '$host',
    '${x}',
    '{{ x }}',
    '`id`',
    'é',
    '日本',
    '\u{1f600}',
    'a: b',
    '- a',
    '*a',
    '&a',
    '!a',
    '%',
    '@',
    'true',
    '1e3',
    '0x1f',
    '~',
    '|',
    '>',
    'a\nb',
    'a\tb',
    '<<',
  ),
  fc.string({ maxLength: 12 }),
);
const header = fc.tuple(
  fc.constantFrom('X-A', 'X-B', 'Cache-Control', 'Referrer-Policy', 'x-a'),
  fc.oneof(fc.constantFrom('', 'a', 'a; b="c"', 'max-age=1', `'self' x:`, '}', '#', 'a\\'), free),
);

/** An optional key is left out more often than not, so that most definitions are small. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, weight = 2): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: weight });
const plain = (value: Record<string, unknown>): Definition =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));

const source = fc.constantFrom(
  { runtime: 'node', source: '/src/app' },
  { runtime: 'static', source: '/src/app' },
  { runtime: 'django', source: '/src/django' },
  { runtime: 'wsgi', source: '/src/app', wsgi: 'a.b:c' },
  { runtime: 'php', source: '../../src/app', root: 'media' },
  { image: 'busybox:1', port: 8080 },
  { image: 'example.org:5000/a/b@sha256:' + 'a'.repeat(64), port: 65_535 },
  { dockerfile: '/src/docker', port: 3000 },
);
const appName = fc.constantFrom('web', 'api', 'worker', 'a-b', 'job', 'x1', 'toString');
const app = fc
  .tuple(
    source,
    fc.record({
      path: maybe(urlPath, 2),
      command: maybe(command, 1),
      env: maybe(
        fc.dictionary(fc.constantFrom('A', 'B_1', 'PORT', 'PATH', 'toString'), free, {
          maxKeys: 3,
          noNullPrototype: true,
        }),
        1,
      ),
      limits: maybe(fc.record({ memory: size, cpus: fc.constantFrom(0.01, 0.5, 2), pids: fc.constantFrom(1, 100) }), 1),
      health: maybe(
        fc.constantFrom<Definition>({ path: '/up?a=b' }, { command: 'true' }, { expect: [401], within: '5s' }),
        1,
      ),
      release: maybe(command, 1),
      replicas: maybe(fc.constantFrom(1, 2, 2, 2, 3, 3, 3, 3, 32), 2),
      sticky: maybe(fc.boolean(), 1),
      volumes: maybe(
        fc.constantFrom<Definition>({ data: '/data' }, { data: { at: '/data', shared: true }, more: '/more' }),
        1,
      ),
      writable: maybe(fc.constantFrom(['/tmp'], ['/var/cache/x'], ['/data']), 1),
      egress: maybe(fc.boolean(), 1),
      static: maybe(fc.boolean(), 1),
      drain: maybe(time, 1),
      stop: maybe(time, 1),
      relax: maybe(
        fc.constantFrom([{ allow: 'cap:KILL', reason: 'it must' }], [{ allow: 'image-user', reason: 'its own' }]),
        1,
      ),
    }),
  )
  .map(([from, more]) => ({ ...from, ...plain(more) }));

const media = fc.constantFrom<Definition>(
  { from: '/src/app/media' },
  { from: '/src/app/robots.txt', cache: '1d' },
  { from: './uploads', 'writable-by': 'web', mount: '/uploads' },
  { from: './uploads', 'writable-by': 'api' },
  { from: 'image:web:/app/admin', cache: '0s' },
);

const target = fc.oneof(
  { weight: 4, arbitrary: urlPath },
  { weight: 2, arbitrary: urlPath.map((path) => `https://elsewhere.example${path}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/x?a=b#c',
      'http://bücher.example/ü',
      '/a b',
      '//evil.org',
      '/$host',
      'https://example.org:8443/{x}',
      '/é',
      '/\u{1f600}',
      "/'();*",
    ),
  },
);
const redirect = fc.oneof(
  target,
  fc.record({ to: target, status: fc.constantFrom(301, 302, 307, 308) }),
  target.map((to) => ({ to, exact: true })),
  fc.constantFrom<Definition>({ status: 410 }, { status: 410, exact: true }),
);
const access = fc.constantFrom<Definition>(
  { allow: [] },
  { allow: ['10.0.0.0/8', '2001:db8::/32', '203.0.113.7'] },
  { users: '/src/pages/htpasswd' },
  { users: '/src/pages/htpasswd', realm: 'Only (us); here', allow: ['::1'], either: true },
);
const http = fc
  .record({
    body: maybe(size, 1),
    timeout: maybe(fc.constantFrom('1s', '90s', '1.5s', '1d'), 1),
    canonical: maybe(hostname, 1),
    redirects: maybe(fc.dictionary(urlPath, redirect, { maxKeys: 4, noNullPrototype: true }), 3),
    access: maybe(fc.dictionary(urlPath, access, { maxKeys: 3, noNullPrototype: true }), 2),
    headers: maybe(
      fc
        .record({ request: fc.array(header, { maxLength: 2 }), response: fc.array(header, { maxLength: 2 }) })
        .map(({ request, response }) => ({
          request: Object.fromEntries(request),
          response: Object.fromEntries(response),
        })),
      1,
    ),
    hsts: maybe(
      fc.constantFrom<string | Definition>('365d', '0s', { 'max-age': '730d', subdomains: true, preload: true }),
      1,
    ),
    compress: maybe(fc.boolean(), 1),
    rate: maybe(
      fc.constantFrom<Definition>({ requests: 10 }, { requests: 7, per: '1m', burst: 1 }, { requests: 1, per: '1.5s' }),
      1,
    ),
    errors: maybe(
      fc.constantFrom<Definition>(
        { 404: '/src/pages/404.html' },
        { 502: '/src/pages/404.html', 503: '/src/pages/404.html' },
      ),
      1,
    ),
    maintenance: maybe(fc.constantFrom<Definition>({ page: '/src/pages/404.html' }, { bypass: ['10.0.0.1'] }), 1),
  })
  .map(plain);
const tls = fc.constantFrom<Definition>({ acme: 'http' }, { acme: 'http', redirect: false });

/** A definition, most likely a right one. */
export const definition: fc.Arbitrary<Definition> = fc
  .record({
    hostnames: fc.uniqueArray(hostname, { minLength: 1, maxLength: 4 }),
    apps: fc.oneof(
      { weight: 2, arbitrary: app.map((only) => ({ web: only })) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(app, appName, app, urlPath)
          .map(([web, name, other, path]) => ({ web, [name]: { ...other, path } })),
      },
      { weight: 1, arbitrary: fc.dictionary(appName, app, { minKeys: 1, maxKeys: 4, noNullPrototype: true }) },
    ),
    media: maybe(fc.dictionary(urlPath, media, { maxKeys: 3, noNullPrototype: true }), 2),
    http: maybe(http, 3),
    tls: maybe(tls, 1),
  })
  .map(plain);

/** The ways a definition is written down. */
export const spelling = fc.constantFrom<(value: Definition) => string>(
  (value) => printDefinition(value),
  (value) => dump(value, { lineWidth: 100, noRefs: true }),
  (value) => dump(value, { flowLevel: 2, noRefs: true, forceQuotes: true }),
  (value) => `${JSON.stringify(value, null, 1)}\n`,
);

/** Values that have no business where they are put. */
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  free,
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1e21,
    2 ** 53,
    0.1,
    [],
    {},
    [[]],
    [null],
    '__proto__',
    'constructor',
    'x'.repeat(5000),
    '0'.repeat(400) + 's',
    '9'.repeat(400) + 'M',
    '-'.repeat(300),
    '*'.repeat(60),
    '1.'.repeat(200),
    '/'.repeat(300),
    'a.'.repeat(150),
    '١٢',
    '５１２m',
    '8080',
    '1:1',
    '2001-01-01',
    '\u200b',
    '\u202e',
    '\u0000',
    '\u001b[2J',
    '\ud800',
    '\u2028',
    '..',
    '../..',
    '/..',
    '~',
    '/proc/self/root',
    'image:web:/../x',
    '/a/%2e%2e/b',
    '/a;b',
    '/a\\b',
    'http://',
    'a`) || Host(`b',
    '127.1',
    '::1',
    '*.*',
    'www.*.org',
    '\uff41.com',
    'a%2eb.com',
  ),
  fc.object({
    maxDepth: 2,
    maxKeys: 3,
    values: [fc.string({ maxLength: 4 }), fc.integer(), fc.boolean(), fc.constant(null)],
  }),
);
const KEYS = [
  'hostnames',
  'apps',
  'media',
  'http',
  'tls',
  'name',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  'env',
  'path',
  'port',
  'source',
  '<<',
  '',
  '0',
  'limts',
  'redirects',
  'raw',
  'a\nb',
  '\u001b',
];

interface Slip {
  readonly where: number;
  readonly what: 'value' | 'key' | 'gone' | 'more' | 'twice';
  readonly value: unknown;
  readonly key: string;
}
const slip: fc.Arbitrary<Slip> = fc.record({
  where: fc.nat(),
  what: fc.constantFrom('value', 'value', 'key', 'gone', 'more', 'twice'),
  value: wrong,
  key: fc.oneof(fc.constantFrom(...KEYS), free),
});

/** A definition with one to three things in it that are not as they should be. */
export const nearly: fc.Arbitrary<Definition> = fc
  .tuple(definition, fc.array(slip, { minLength: 1, maxLength: 3 }))
  .map(([value, slips]) => slips.reduce(slipped, value));

/** Every mapping and list of a value. */
function places(value: unknown): Record<string, unknown>[] {
  if (value === null || typeof value !== 'object') return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(places)];
}

function slipped(value: Definition, { where, what, value: other, key }: Slip): Definition {
  const copy = structuredClone(value);
  const all = places(copy);
  const place = all[where % all.length]!;
  const keys = Object.keys(place);
  const chosen = keys[Math.floor(where / all.length) % Math.max(1, keys.length)];
  const put = (name: string, item: unknown): void => {
    Object.defineProperty(place, name, { value: item, enumerable: true, writable: true, configurable: true });
  };
  if (what === 'more' && !Array.isArray(place)) put(key, other);
  else if (what === 'more') (place as unknown as unknown[]).push(other);
  else if (chosen === undefined) return copy;
  else if (what === 'value') put(chosen, other);
  else if (what === 'twice' && Array.isArray(place)) place.push(place[Number(chosen)]);
  else if (Array.isArray(place)) place.splice(Number(chosen), 1);
  else {
    if (what === 'key') put(key, place[chosen]);
    delete place[chosen];
  }
  return copy;
}
