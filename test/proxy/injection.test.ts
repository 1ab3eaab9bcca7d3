import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Site } from '../../src/core/routes.ts';
import type { RouteSettings } from '../../src/core/settings.ts';
import { quoteExpanded } from '../../src/proxy/quote.ts';
import { check } from '../support/definitions.ts';
import { type Parsed, parseNginx } from '../support/nginx.ts';
import { siteText } from '../support/site.ts';

const SITE: Site = {
  project: 'site',
  hostnames: [{ kind: 'exact', name: 'www.example.org' }],
  routes: [
    {
      path: '/',
      target: { to: 'app', app: 'web', upstreams: [{ kind: 'socket', link: 'a.sock' }], readTimeout: 60_000 },
    },
  ],
  maxBody: 1024,
};

/** All directives of a configuration, blocks first. */
function flat(directives: readonly Parsed[]): Parsed[] {
  return directives.flatMap((item) => [item, ...flat(item.block ?? [])]);
}

/** A definition with one value in a place; nothing when it is refused. */
async function settingsWith(place: (value: string) => string, value: string): Promise<RouteSettings | undefined> {
  const { project } = await check(
    `hostnames: [www.example.org]\napps:\n  web: { runtime: node, source: /src/app }\nhttp:\n  ${place(JSON.stringify(value))}\n`,
  );
  return project?.settings;
}

const NASTY = [
  'x"; include /etc/passwd; #',
  "x'; } server { listen 81; ",
  '$request_uri',
  '${host}',
  '\\',
  'a\\"',
  'a\r\nX-Evil: yes',
  'a\u0000b',
  '{{ env "PATH" }}',
  '/x; return 200 "',
  '//evil.org',
  '/\\evil.org',
  'https://user@evil.org',
  'https://example.org/$host',
  'javascript:alert(1)',
  'é\u202e',
];
const values = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.array(fc.constantFrom(...'"\';{}#$\\ \n/a.:?%@'), { maxLength: 20 }).map((parts) => parts.join('')),
  fc.string({ maxLength: 20 }).map((text) => `/${text}`),
  fc.string({ maxLength: 20 }).map((text) => `https://example.org/${text}`),
);

/** What nginx may be told to put in, and nothing else. */
const VARIABLES =
  /^\$(args|binary_remote_addr|host|hostctl_\w+|is_args|request_method|request_uri|uri|cookie_hostctl_\w+)$/;
const NAMES = new Set(
  `add_header allow auth_basic auth_basic_user_file client_max_body_size default deny if include keepalive listen location
  map proxy_hide_header proxy_pass proxy_read_timeout proxy_send_timeout proxy_set_header return server server_name set
  upstream volatile`.split(/\s+/),
);

function expectHarmless(settings: RouteSettings): Parsed[] {
  const tree = parseNginx(siteText({ ...SITE, settings }));
  const outer = tree.map((item) => item.words[0]).filter((name) => name !== 'map');
  expect(outer).toEqual(['upstream', 'server']);
  for (const { words } of flat(tree)) {
    const [name, ...rest] = words;
    if (!name!.startsWith('~')) expect(NAMES).toContain(name);
    if (name === 'include') expect(rest).toEqual(['proxy.conf']);
    if (name === 'location') expect(rest.join(' ')).toMatch(/^((=|\^~) )?\/[\w.~@+/-]*$/);
    if (name === 'return') expect(rest[0]).toMatch(/^\d{3}$/);
    if (name === 'if' || name!.startsWith('~')) continue;
    for (const variable of rest.flatMap((word) => word.match(/\$\{?\w*/g) ?? [])) expect(variable).toMatch(VARIABLES);
  }
  return flat(tree);
}

/** Where text of a definition comes into the configuration. */
interface Place {
  readonly name: string;
  /** Part of a definition with a value in it. */
  readonly at: (value: string) => string;
  /** The words it must be found in, unchanged. */
  readonly found?: (value: string) => readonly string[];
}

const PLACES: readonly Place[] = [
  {
    name: 'a header to the app',
    at: (value) => `headers: { request: { X-A: ${value} } }`,
    found: (value) => ['proxy_set_header', 'X-A', value],
  },
  {
    name: 'a header to the visitor',
    at: (value) => `headers: { response: { X-A: ${value} } }`,
    found: (value) => (value === '' ? ['proxy_hide_header', 'X-A'] : ['add_header', 'X-A', value, 'always']),
  },
  {
    name: 'a realm',
    at: (value) => `access: { /a: { users: /src/pages/htpasswd, realm: ${value} } }`,
    found: (value) => ['auth_basic', value],
  },
  {
    name: 'the name of a header',
    at: (value) => `headers: { request: { ${value}: x }, response: { ${value}: x } }`,
  },
  { name: 'the target of a path', at: (value) => `redirects: { /old: ${value} }` },
  { name: 'the target of a path alone', at: (value) => `redirects: { /old: { to: ${value}, exact: true } }` },
  {
    name: 'the path of a redirect',
    at: (value) => `redirects: { ${value}: { to: "https://elsewhere.example", exact: true } }`,
  },
  { name: 'the path of a rule', at: (value) => `access: { ${value}: { allow: [] } }` },
  { name: 'an address', at: (value) => `access: { /a: { allow: [${value}] } }` },
  { name: 'a canonical hostname', at: (value) => `canonical: ${value}` },
];

describe('nothing that stands in a definition becomes a directive or a variable:', { timeout: 60_000 }, () => {
  test.each(PLACES)('$name', async ({ at, found }) => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const settings = await settingsWith(at, value);
        if (!settings) return;
        const directives = expectHarmless(settings);
        if (found) expect(directives.map((item) => item.words)).toContainEqual(found(value));
      }),
      { numRuns: 60, examples: NASTY.map((value) => [value] as [string]) },
    );
  });

  test('not to a path of another host either', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const settings = await settingsWith((text) => `redirects: { /old: ${text} }`, value);
        const to = settings?.redirects?.[0]?.to;
        if (to === undefined) return;
        // As a browser on the site would read it.
        const there = new URL(to, 'http://www.example.org/old');
        if (value.startsWith('/')) expect(there.host).toBe('www.example.org');
        else expect(value.toLowerCase()).toMatch(/^https?:/);
        expect(to).toMatch(/^[\w.~:/?#[\]@!&'()*+,;=%-]+$/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('quoting', () => {
  test('is undone by nginx to what it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        let quoted: string;
        try {
          quoted = quoteExpanded(text);
        } catch {
          return;
        }
        expect(parseNginx(`a ${quoted};`)).toEqual([{ words: ['a', text] }]);
      }),
    );
  });
});
