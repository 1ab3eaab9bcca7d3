import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ImportApacheOptions, importApache } from '../../src/ops/import.ts';
import type { ImportResult } from '../../src/ops/imported.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.with({});
});

async function run(text: string, options: Partial<ImportApacheOptions> = {}): Promise<ImportResult> {
  world.files.texts.set('/conf/site.conf', text);
  return importApache(
    {
      files: ['/conf/site.conf'],
      define: new Map(),
      sources: [],
      out: '/work/projects',
      force: false,
      print: true,
      ...options,
    },
    world.files,
  );
}

/** The definition of one virtual host with these lines. */
async function site(...lines: string[]): Promise<Definition> {
  const { files } = await run(
    ['<VirtualHost *:80>', 'ServerName www.example.org', ...lines, '</VirtualHost>'].join('\n'),
  );
  expect(files).toHaveLength(1);
  const parsed = parseYaml('site.yaml', files[0]!.text);
  if (!parsed.ok) throw new Error(files[0]!.text);
  return parsed.file.value as Definition;
}

interface Definition {
  readonly hostnames: string[];
  readonly apps: Record<string, Record<string, unknown>>;
  readonly media?: Record<string, Record<string, unknown>>;
  readonly http?: Record<string, Record<string, unknown> | undefined>;
  readonly tls?: Record<string, unknown>;
}

const APP = 'WSGIScriptAlias / /srv/site/app.py';

/** What is said of the directive that begins like this. */
async function fate(lines: readonly string[], start: string): Promise<string> {
  const { report } = await run(
    ['<VirtualHost *:80>', 'ServerName www.example.org', ...lines, '</VirtualHost>'].join('\n'),
  );
  const entry = report.entries.find(({ text }) => text.startsWith(start));
  return `${entry?.status}: ${entry?.note}`;
}

describe('who may', () => {
  const SECTION = (...lines: string[]): string[] => [APP, '<Location /x>', ...lines, '</Location>'];
  const HTPASSWD = ['AuthType Basic', 'AuthName "The Staff"', 'AuthUserFile /etc/users'];

  test.each<[string, string[], unknown]>([
    ['2.2: all', ['Order allow,deny', 'Allow from all'], undefined],
    ['2.2: all, the other way', ['Order deny,allow', 'Allow from all'], undefined],
    ['2.2: nothing said', ['Order deny,allow'], undefined],
    ['2.2: nobody, by default', ['Order allow,deny'], { allow: [] }],
    ['2.2: nobody', ['Order deny,allow', 'Deny from all'], { allow: [] }],
    ['2.2: nobody wins', ['Order allow,deny', 'Allow from all', 'Deny from all'], { allow: [] }],
    ['2.2: all wins', ['Order deny,allow', 'Deny from all', 'Allow from all'], undefined],
    [
      '2.2: some',
      ['Order deny,allow', 'Deny from all', 'Allow from 10.1 192.0.2.7'],
      { allow: ['10.1.0.0/16', '192.0.2.7'] },
    ],
    ['2.2: some, by default', ['Order allow,deny', 'Allow from 10.0.0.0/255.0.0.0'], { allow: ['10.0.0.0/8'] }],
    ['2.2: IPv6', ['Order allow,deny', 'Allow from 2001:DB8::/32'], { allow: ['2001:db8::/32'] }],
    ['2.2: a name is no address', ['Order allow,deny', 'Allow from example.org'], { allow: [] }],
    ['2.2: a blocklist', ['Order allow,deny', 'Allow from all', 'Deny from 10'], { allow: [] }],
    ['2.2: a variable', ['Order allow,deny', 'Allow from env=let_me_in'], { allow: [] }],
    ['2.2: users', [...HTPASSWD, 'Require valid-user'], { users: '/etc/users', realm: 'The Staff' }],
    ['2.2: Allow alone allows what was never denied', ['Allow from 10.0.0.1'], undefined],
    [
      '2.2: both',
      [...HTPASSWD, 'Require valid-user', 'Order deny,allow', 'Deny from all', 'Allow from 10'],
      { allow: ['10.0.0.0/8'], users: '/etc/users', realm: 'The Staff' },
    ],
    [
      '2.2: either',
      [...HTPASSWD, 'Require valid-user', 'Order deny,allow', 'Deny from all', 'Allow from 10', 'Satisfy Any'],
      { allow: ['10.0.0.0/8'], users: '/etc/users', realm: 'The Staff', either: true },
    ],
    ['2.4: all', ['Require all granted'], undefined],
    ['2.4: nobody', ['Require all denied'], { allow: [] }],
    ['2.4: addresses', ['Require ip 10.0.0.0/8', 'Require ip 2001:db8::1'], { allow: ['10.0.0.0/8', '2001:db8::1'] }],
    ['2.4: this machine', ['Require local'], { allow: ['127.0.0.0/8', '::1'] }],
    [
      '2.4: one of several',
      [...HTPASSWD, 'Require valid-user', 'Require ip 10'],
      { allow: ['10.0.0.0/8'], users: '/etc/users', realm: 'The Staff', either: true },
    ],
    [
      '2.4: all of several',
      [...HTPASSWD, '<RequireAll>', 'Require valid-user', 'Require ip 10', '</RequireAll>'],
      { allow: ['10.0.0.0/8'], users: '/etc/users', realm: 'The Staff' },
    ],
    ['2.4: granted among others', ['<RequireAny>', 'Require all granted', 'Require ip 10', '</RequireAny>'], undefined],
    [
      '2.4: denied among others',
      ['<RequireAll>', 'Require all denied', 'Require ip 10', '</RequireAll>'],
      { allow: [] },
    ],
    ['2.4: not', ['<RequireAll>', 'Require all granted', 'Require not ip 10', '</RequireAll>'], { allow: [] }],
    ['2.4: two lists at once', ['<RequireAll>', 'Require ip 10', 'Require ip 10.1', '</RequireAll>'], { allow: [] }],
    ['2.4: one user', [...HTPASSWD, 'Require user anna'], { allow: [] }],
    ['2.4: an expression', ['Require expr "%{HTTP:X} == \'y\'"'], { allow: [] }],
    ['2.4: a hostname', ['Require host example.org'], { allow: [] }],
    ['digest', ['AuthType Digest', 'AuthUserFile /etc/users', 'Require valid-user'], { allow: [] }],
    ['users of nowhere', ['AuthType Basic', 'Require valid-user'], { allow: [] }],
    [
      'both generations that cannot be joined',
      ['Order deny,allow', 'Deny from all', 'Allow from 10', 'Require ip 192'],
      { allow: [] },
    ],
  ])('%s', async (_, lines, expected) => {
    const { http } = await site(...SECTION(...lines));
    expect(http?.['access']?.['/x']).toEqual(expected);
  });

  test('what cannot be said is unsupported, and closed', async () => {
    for (const line of [
      'Require user anna',
      'Allow from example.org',
      'Require not ip 10',
      'Require ldap-group x',
      'AuthBasicProvider dbm',
    ]) {
      expect(await fate(SECTION('Order deny,allow', 'Deny from all', line), line)).toMatch(
        /^unsupported: .*is closed until you decide$/,
      );
    }
  });

  test.each<[string, string[], Record<string, unknown> | undefined]>([
    [
      'a directory is about the path that leads there',
      ['Alias /files /srv/files', '<Directory /srv/files/inner>', 'Require all denied', '</Directory>'],
      { '/files/inner': { allow: [] } },
    ],
    [
      'a directory above is about all that is in it',
      ['Alias /files /srv/files', '<Directory /srv>', 'Require ip 10', '</Directory>'],
      { '/': { allow: ['10.0.0.0/8'] } },
    ],
    [
      'a directory ends at a segment',
      ['Alias /files /opt/files-more', '<Directory /opt/files>', 'Require all denied', '</Directory>'],
      undefined,
    ],
    [
      'the longest directory wins, wherever it stands',
      [
        '<Directory /srv/site>',
        'Require all granted',
        '</Directory>',
        '<Directory /srv>',
        'Require all denied',
        '</Directory>',
      ],
      undefined,
    ],
    [
      'the last location wins, however short',
      ['<Location /a/b>', 'Require all granted', '</Location>', '<Location /a>', 'Require all denied', '</Location>'],
      { '/a': { allow: [] } },
    ],
    [
      'a location wins over a directory',
      [
        'Alias /files /srv/files',
        '<Directory /srv/files>',
        'Require all denied',
        '</Directory>',
        '<Location /files>',
        'Require all granted',
        '</Location>',
      ],
      undefined,
    ],
    [
      'the file of the script is the app',
      ['<Directory /srv/site>', '<Files app.py>', 'Require ip 10', '</Files>', '</Directory>'],
      { '/': { allow: ['10.0.0.0/8'] } },
    ],
    [
      'what lies below a rule nobody can say keeps its own',
      ['<Location />', 'Require user anna', '</Location>', '<Location /staff>', 'Require all denied', '</Location>'],
      { '/': { allow: [] }, '/staff': { allow: [] } },
    ],
    ['a path that is none', ['<Location "/a b">', 'Require all denied', '</Location>'], undefined],
  ])('%s', async (_, lines, expected) => {
    const { http } = await site(APP, ...lines);
    expect(http?.['access']).toEqual(expected);
  });

  test('a rule without a path of its own is never lost without a word', async () => {
    for (const section of [
      '<Location "/a b">',
      '<LocationMatch "\\.bak$">',
      '<FilesMatch "x$">',
      '<Directory "/srv/*/private">',
      '<If "true">',
      '<LimitExcept GET>',
    ]) {
      const end = `</${/\w+/.exec(section)![0]}>`;
      expect(await fate([APP, section, 'Require all denied', end], 'Require')).toMatch(/^unsupported: /);
    }
  });
});

describe('names', () => {
  const hosts = (...all: [string, ...string[]][]): string =>
    all
      .map(
        ([line, ...rest]) =>
          `<VirtualHost *:80>\n${[`ServerName ${line}`, ...rest, 'DocumentRoot /srv/x'].join('\n')}\n</VirtualHost>`,
      )
      .join('\n');

  test('the first virtual host that fits wins, and that is told', async () => {
    const { report } = await run(hosts(['a.example.org', 'ServerAlias *.example.org'], ['b.example.org']));
    expect(report.entries.find(({ text }) => text === 'ServerName b.example.org')).toMatchObject({
      status: 'decide',
      note: expect.stringContaining('site.conf:1, whose stars fit it and which stands first') as string,
    });
    const other = await run(hosts(['b.example.org'], ['a.example.org', 'ServerAlias *.example.org']));
    expect(other.report.entries.find(({ text }) => text === 'ServerName b.example.org')?.status).toBe('mapped');
  });

  test('two definitions never get the same name', async () => {
    const { files } = await run(hosts(['www.example.org'], ['example.org'], ['www.example.net']));
    expect(files.map(({ path }) => path)).toEqual([
      '/work/projects/example.yaml',
      '/work/projects/example-2.yaml',
      '/work/projects/example-3.yaml',
    ]);
  });

  test('a definition is named by its hostname', async () => {
    for (const [hostname, name] of [
      ['www.projectname.org', 'projectname'],
      ['blog.example.co.uk', 'blog-example'],
      ['example.co.uk', 'example'],
      ['123.example.org', 'example'],
      ['localhost', 'localhost'],
    ]) {
      expect((await run(hosts([hostname!]))).files[0]!.path).toBe(`/work/projects/${name}.yaml`);
    }
  });
});

describe('code', () => {
  test('of PythonPath is not run, nor guessed', async () => {
    for (const [text, source] of [
      [`"['/srv/a'] + sys.path"`, '/srv/a'],
      [`"sys.path + ['/srv/a']"`, '/srv/a'],
      [`"['/srv/a',]"`, '/srv/a'],
      [`"['/srv/a'] + __import__('os').listdir('/')"`, undefined],
      [`"[os.environ['HOME']] + sys.path"`, undefined],
      [`"['/srv/' + x]"`, undefined],
    ] as const) {
      const { apps } = await site(
        '<Location />',
        'SetHandler mod_python',
        'PythonHandler django.core.handlers.modpython',
        `PythonPath ${text}`,
        '</Location>',
      );
      expect(apps['web']?.['source']).toBe(source);
    }
  });
});

describe('anything at all', () => {
  test('ends in a report and definitions, or in an error of ours', async () => {
    const lines = fc.constantFrom(
      '<VirtualHost *:80>',
      '</VirtualHost>',
      'ServerName a.org',
      'ServerAlias *a.org __proto__',
      'Alias /x',
      'Alias /constructor /y',
      'Alias / /',
      'WSGIScriptAlias / /a.py',
      'WSGIScriptAlias /../x /b.wsgi',
      '<Location>',
      '<Location /__proto__>',
      '</Location>',
      'Require',
      'Require ip',
      'Require all denied',
      'Redirect',
      'Redirect /a',
      'RedirectMatch (',
      'RewriteRule ^( [',
      'RewriteRule ^/a(.*)$ /b$1 [R]',
      'RewriteCond',
      'SetEnv __proto__ x',
      'SetEnv',
      'Header set',
      'Header set toString x',
      'ErrorDocument 404',
      'ErrorDocument constructor /x',
      'Include *',
      'Include /',
      'Define',
      'Define X ${X}',
      'Alias /${X} /${X}',
      'Use',
      '<Macro m $a>',
      '</Macro>',
      'Use m 1',
      'Use m m',
      'ProxyPass / http://127.0.0.1:1/',
      'ProxyPass',
      'DocumentRoot',
      'DocumentRoot /',
      'SetHandler',
      'Order',
      'Allow',
      'Deny from',
      'LimitRequestBody x',
      'constructor x',
      'WSGIDaemonProcess',
      'WSGIDaemonProcess __proto__ toString=1',
      'WSGIProcessGroup __proto__',
      'SSLEngine on',
      'SSLCertificateFile',
      'ExpiresDefault',
      '<IfVersion >= x>',
      '<IfModule>',
      '</IfModule>',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 6, arbitrary: lines }, fc.string({ unit: 'binary', maxLength: 20 })), {
          maxLength: 25,
        }),
        async (parts) => {
          try {
            const { report } = await run(parts.join('\n'));
            expect(report.entries.every(({ note, text }) => note !== '' || text !== '')).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'IMPORT' });
          }
        },
      ),
      { numRuns: 600 },
    );
  }, 60_000);

  test('grows no larger than it may', async () => {
    const doubling = Array.from({ length: 30 }, (_, n) => `<Macro m${n + 1}>\nUse m${n}\nUse m${n}\n</Macro>`);
    const { report } = await run(['<Macro m0>', 'Alias /a /b', '</Macro>', ...doubling, 'Use m30'].join('\n'));
    expect(report.entries.length).toBeLessThan(200_000);
    expect(
      report.entries.some(
        ({ note }) => note === 'too many macros inside each other' || note === 'too many directives to read',
      ),
    ).toBe(true);
  }, 30_000);
});
