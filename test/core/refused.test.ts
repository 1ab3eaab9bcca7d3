import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkSchema } from '../../src/core/check.ts';
import { projectSchema } from '../../src/core/schema.ts';
import { workspaceSchema } from '../../src/core/workspace-schema.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { brief, check } from '../support/definitions.ts';
import { World } from '../support/world.ts';

const SITE = `hostnames: [www.example.org]
apps:
  web: { runtime: node, source: /src/app }
`;

/** A definition of one app with the given lines in it, from line 6 on. */
const app = (...lines: string[]): string =>
  `hostnames: [www.example.org]\napps:\n  web:\n    runtime: node\n    source: /src/app\n${lines.map((line) => `    ${line}\n`).join('')}`;

/** Every problem of a definition, and no other. */
type Case = readonly [what: string, text: string, expected: readonly string[]];
const cases = (list: readonly Case[]): void => {
  test.each(list)('%s', async (_, text, expected) => {
    const { project, problems } = await check(text);
    expect(brief(problems)).toEqual(expected);
    expect(project).toBeUndefined();
  });
};

describe('sizes and times', () => {
  test('of parts of a byte are rounded down', async () => {
    const { project } = await check(`${app('limits: { memory: 1.1G }')}http: { body: 1.1M, timeout: 1.5s }\n`);
    expect(project).toMatchObject({
      apps: [{ limits: { memory: 1_181_116_006 } }],
      maxBody: 1_153_433,
      timeout: 1500,
    });
  });

  cases([
    ['no memory', app('limits: { memory: 0.1M }'), ['6:23 apps.web.limits.memory: an app cannot run in less than 6M']],
    ['too much memory', app('limits: { memory: 2T }'), ['6:23 apps.web.limits.memory: write at most 1T']],
    [
      'more bytes than there are numbers',
      app('limits: { memory: 99999999999T }'),
      ['6:23 apps.web.limits.memory: `99999999999T` is too large for a size'],
    ],
    ['a body without limit', `${SITE}http: { body: 0K }\n`, ['4:15 http.body: write at least 1K']],
    ['no time at all', `${SITE}http: { timeout: 500ms }\n`, ['4:18 http.timeout: write at least 1s']],
    [
      'a time nobody lives',
      `${SITE}http: { timeout: 9000000000000d }\n`,
      ['4:18 http.timeout: `9000000000000d` is too long for a duration'],
    ],
    [
      'a cache for ever',
      `${SITE}media:\n  /a: { from: /src/app/media, cache: 366d }\n`,
      ['5:38 media./a.cache: write at most 365d'],
    ],
  ]);

  test('none that fits the schema makes anything throw', async () => {
    const amount = fc.oneof(
      fc.nat().map(String),
      fc.double({ min: 0, noNaN: true }).map(String),
      fc.stringMatching(/^\d{1,30}(\.\d{1,30})?$/),
    );
    const size = fc.tuple(amount, fc.constantFrom('k', 'M', 'Gi', 'T')).map((parts) => parts.join(''));
    const time = fc.tuple(amount, fc.constantFrom('ms', 's', 'm', 'h', 'd')).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(size, time, async (memory, within) => {
        await check(
          `${app(`limits: { memory: "${memory}" }`, `health: { within: "${within}" }`)}http: { body: "${memory}" }\n`,
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('an unquoted glob', () => {
  test('is told how to be written, together with everything else', async () => {
    const { problems } = await check(
      'hostnames: [www.projectname.org, *projectname.org]\napps:\n  web: { runtime: node, source: /src/none }\n',
    );
    expect(brief(problems)).toEqual([
      '1:34 hostnames[1]: `*projectname.org` is a YAML alias: put it in quotes → write "*projectname.org"',
      '3:33 apps.web.source: `/src/none` is not there → looked for /src/none',
    ]);
  });

  cases([
    [
      'in the place of a list and of a mapping',
      'hostnames: *.example.org\napps:\n  web: *nope\n  api: { runtime: node, source: /src/app, path: /api, needs: [web] }\n',
      [
        '1:12 hostnames: `*.example.org` is a YAML alias: put it in quotes → write "*.example.org"',
        '3:8 apps.web: `*nope` is a YAML alias: put it in quotes → write "*nope"',
      ],
    ],
    [
      'that may be a typing error',
      'hostnames: [&main a.org, *man]\napps:\n  web: { runtime: node, source: /src/app }\n',
      ['1:26 hostnames[1]: `*man` is a YAML alias: put it in quotes → or did you mean *main?'],
    ],
    ['of one star', 'hostnames: [a.org, *]\n', ['1:20 : `*` and `&` have a meaning in YAML: put the text in quotes']],
    [
      'that would repeat itself',
      'hostnames: [a.org]\napps: &a { web: *a }\n',
      ['2:17 apps.web: `*a` stands inside of what it repeats → write the value out'],
    ],
  ]);
});

describe('one mistake is one problem', () => {
  const django = (rest: string): string =>
    `hostnames: [a.org]\napps:\n  web: { runtime: django, source: /src/django${rest} }\n`;
  cases([
    [
      'an unknown runtime with keys of its own',
      'hostnames: [a.org]\napps:\n  web: { runtime: statc, source: /src/app, root: a }\n',
      ['3:19 apps.web.runtime: there is no runtime `statc` → did you mean `static`?'],
    ],
    [
      'an unknown server',
      django(', server: { kind: mod_wsgl }'),
      ['3:64 apps.web.server.kind: the django runtime has no server `mod_wsgl` → one of uwsgi, mod_wsgi'],
    ],
    [
      'nothing that says what to run',
      'hostnames: [a.org]\napps:\n  web: { wsgi: a.b }\n',
      ['3:3 apps.web: `web` has neither `runtime`, `dockerfile` nor `image` → write exactly one of them'],
    ],
    [
      'a source that is not there and so names no module',
      'hostnames: [a.org]\napps:\n  web: { runtime: django, source: /src/none }\n',
      ['3:35 apps.web.source: `/src/none` is not there → looked for /src/none'],
    ],
    [
      'mistyped hostnames',
      'hostnamez: [a.org]\napps:\n  web: { runtime: node, source: /src/app }\nmedia:\n  /a: { from: /src/app/media }\n',
      ['1:1 hostnamez: unknown key `hostnamez` → did you mean `hostnames`?'],
    ],
    [
      'a text where a list belongs',
      'hostnames: ""\napps:\n  web: { runtime: node, source: /src/app }\n',
      ['1:12 hostnames: expected a list, not `""`'],
    ],
    [
      'mistyped apps',
      'hostnames: [a.org]\napp:\n  web: { runtime: node, source: /src/app }\nmedia:\n  /u: { from: ./u, writable-by: web }\n',
      ['2:1 app: unknown key `app` → did you mean `apps`?'],
    ],
    [
      'an app that another one needs',
      'hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app, needs: [db] }\n  db: 5\n',
      ['4:7 apps.db: expected a mapping, not `5`'],
    ],
    [
      'an alias nobody may use, with uploads',
      `${SITE}media:\n  /.git: { from: ./u, writable-by: web }\n`,
      ['5:3 media./.git: `/.git` holds the hidden name `.git`, which is never served'],
    ],
  ]);
});

describe('all problems at once', () => {
  cases([
    [
      'beside a key given twice',
      'hostnames: [a.org]\nhostnames: ["a b"]\napps:\n  web: { runtime: node, source: /src/app, port: 0 }\n',
      [
        '2:1 hostnames: `hostnames` is given twice, first on line 1 → keep one of them',
        '2:13 hostnames[0]: `a b` holds a space or a comma: write one hostname per list item',
        '4:49 apps.web.port: a port is 1 to 65535',
      ],
    ],
    [
      'without apps',
      'hostnames: ["a b"]\nmedia:\n  /.git: { from: /src/app/media }\n',
      [
        '1:1 apps: `apps` is missing',
        '1:13 hostnames[0]: `a b` holds a space or a comma: write one hostname per list item',
        '3:3 media./.git: `/.git` holds the hidden name `.git`, which is never served',
      ],
    ],
    [
      'in a list of which some items are cut out',
      'hostnames: [1, "a b", 2, a.org, "c d"]\napps:\n  web: { runtime: node, source: /src/app }\n',
      [
        '1:13 hostnames[0]: expected text, not `1`',
        '1:16 hostnames[1]: `a b` holds a space or a comma: write one hostname per list item',
        '1:23 hostnames[2]: expected text, not `2`',
        '1:33 hostnames[4]: `c d` holds a space or a comma: write one hostname per list item',
      ],
    ],
    [
      'of an app that is wrong as a whole and in a part',
      'hostnames: [a.org]\napps:\n  web: { image: "a:1", runtime: node, source: /src/app, limits: { pids: 0 } }\n',
      [
        '3:3 apps.web: `runtime` and `image` exclude each other → write exactly one of them',
        '3:39 apps.web.source: an image is not built, so it has no source',
        '3:73 apps.web.limits.pids: at least 1 of pids',
      ],
    ],
  ]);

  test('a conflict with collected static files is shown at their app', async () => {
    const { problems } = await check(
      'hostnames: [a.org]\napps:\n  web: { runtime: django, source: /src/django }\n  api: { runtime: node, source: /src/app, path: /static }\n',
    );
    expect(brief(problems)).toEqual([
      '3:3 apps.web: `/static`, where the collected static files go, is already answered by the app `api` → choose another path, or add `static: false`',
    ]);
  });
});

describe('numbers', () => {
  test.each([
    ['limits: { pids: 1e3 }', '6:21 apps.web.limits.pids: `1e3` is not written as a plain number → write 1000'],
    ['limits: { cpus: 1e1 }', '6:21 apps.web.limits.cpus: `1e1` is not written as a plain number → write 10'],
    ['limits: { cpus: .5 }', '6:21 apps.web.limits.cpus: `.5` is not written as a plain number → write 0.5'],
    ['replicas: 0x2', '6:15 apps.web.replicas: `0x2` is not written as a plain number → write 2'],
    ['replicas: 010', '6:15 apps.web.replicas: `010` is not written as a plain number → write 10'],
    ['replicas: 1e0', '6:15 apps.web.replicas: `1e0` is not written as a plain number → write 1'],
  ])('%s', async (line, expected) => {
    const { problems } = await check(app(line));
    expect(brief(problems)).toEqual([expected]);
  });
});

describe('places in a container', () => {
  cases([
    [
      'that are taken or not to be had',
      `${app(
        'volumes: { a: /data, b: /tmp, c: /run/hostctl, d: /app, e: { at: /data } }',
        'writable: [/data, /w, /w, /proc, /tmp, /sys/x]',
      )}media:\n  /m: { from: ./m, writable-by: web, mount: /data }\n  /dev: { from: ./m, writable-by: web }\n`,
      [
        '6:29 apps.web.volumes.b: `/tmp` is emptied at each start',
        '6:38 apps.web.volumes.c: `/run/hostctl` is where hostctl puts the socket',
        '6:55 apps.web.volumes.d: `/app` holds the app itself',
        '6:70 apps.web.volumes.e.at: `/data` is already taken by the volume `a`',
        '7:16 apps.web.writable[0]: `/data` is already taken by the volume `a`',
        '7:27 apps.web.writable[2]: `/w` is already taken by a writable folder',
        "7:31 apps.web.writable[3]: `/proc` is the kernel's",
        "7:44 apps.web.writable[5]: `/sys/x` is the kernel's",
        '9:45 media./m.mount: `/data` is already taken by the volume `a`',
        "10:3 media./dev: `/dev` is the kernel's",
      ],
    ],
  ]);

  test('below others, and /app of an image of its own, are to be had', async () => {
    const { problems } = await check(`hostnames: [a.org]
apps:
  web: { runtime: node, source: /src/app, volumes: { data: /data }, writable: [/data/cache, /app/tmp, /tmp] }
  own: { image: "a:1", volumes: { app: /app } }
media:
  /m: { from: ./m, writable-by: web, mount: /app/media }
`);
    expect(brief(problems)).toEqual([]);
  });
});

describe('commands', () => {
  cases([
    [
      'with control characters',
      app('command: "a\\0b\\e[31m"', 'release: [a, "b\\u202e"]', 'health: { command: "a\\rb" }'),
      [
        '6:14 apps.web.command: holds the control character U+0000',
        '7:18 apps.web.release[1]: holds the control character U+202E',
        '8:24 apps.web.health.command: holds the control character U+000D',
      ],
    ],
    [
      'that start nothing',
      app('command: [""]', 'release: "   "', `health: { command: "'unclosed" }`),
      [
        '6:5 apps.web.command: the command is empty → write the program to start',
        '7:14 apps.web.release: the command is empty → write the program to start',
        '8:24 apps.web.health.command: a quote in the command is never closed',
      ],
    ],
  ]);

  test('may hold scripts and quotes of all kinds', async () => {
    const { project, problems } = await check(
      app('command: [sh, -c, "a\\n\\tb", ""]', `release: |`, `  run "it's" 'a "b"' it\\'s ""`),
    );
    expect(brief(problems)).toEqual([]);
    expect(project?.apps[0]).toMatchObject({
      command: ['sh', '-c', 'a\n\tb', ''],
      release: ['run', "it's", 'a "b"', "it's", ''],
    });
  });
});

describe('sentences are our own', () => {
  cases([
    [
      'for what is empty',
      app('port: "80"', 'limits:', 'command: ""', 'root: ""'),
      [
        '6:11 apps.web.port: write the port as a whole number, not `"80"`',
        '7:5 apps.web.limits: `limits` is empty: write a mapping, or leave the key out',
        '8:14 apps.web.command: write a command as one line or as a list of words',
        '9:11 apps.web.root: a root is a folder inside `source`, of plain characters',
      ],
    ],
    [
      'for an exception without a name',
      app('relax: [{ reason: because }, { allow: {}, reason: because }, { allow: cap:CHWON, reason: because }]'),
      [
        '6:13 apps.web.relax[0].allow: `allow` is missing',
        expect.stringMatching(/^6:36 .* not a mapping$/),
        expect.stringMatching(/, not `cap:CHWON` → did you mean `cap:CHOWN`\?$/),
      ],
    ],
    ['for several documents', 'a: 1\n---\nb: 2\n', ['2:1 : holds several documents: keep one, without `---`']],
    ['for a key that is none', 'apps: {{ x }}\n', ['1:8 : a key is text: put it in quotes']],
    [
      'for a folder above all',
      `${SITE}media:\n  /a: { from: a/.. }\n`,
      ['5:15 media./a.from: `a/..` holds `..` after a name: write where it leads'],
    ],
    [
      'for a folder that leads up',
      `${SITE}media:\n  /a: { from: ../.. }\n`,
      ['5:15 media./a.from: the whole machine cannot be served'],
    ],
  ]);

  const STRANGE = ['', ' ', 'x\u0000', 0, -1, 1.5, 1e300, true, null, [], [null], {}, { a: 1 }, 'a'.repeat(300)];
  const LIBRARY =
    /too (small|big)|invalid|received|expected (a )?(string|number|array|record|object|int|bool)|\[object|undefined|nan\b|string to/i;
  const complete = {
    project: {
      name: 'a',
      hostnames: ['a.org'],
      apps: {
        web: {
          runtime: 'node',
          source: 'a',
          dockerfile: 'a',
          image: 'a',
          port: 1,
          path: '/',
          wsgi: 'a',
          asgi: 'a',
          root: 'a',
          command: ['a'],
          server: { kind: 'a', processes: 1, threads: 1 },
          env: { A: 'a' },
          limits: { memory: '1G', cpus: 1, pids: 1 },
          health: { path: '/', within: '1s', expect: [200], command: 'a' },
          release: 'a',
          replicas: 1,
          volumes: { a: '/a', b: { at: '/b', shared: true } },
          writable: ['/c'],
          needs: ['a'],
          egress: true,
          static: true,
          drain: '1s',
          stop: '1s',
          relax: [{ allow: 'exec-tmp', reason: 'because' }],
        },
      },
      media: { '/a': { from: 'a', 'writable-by': 'web', mount: '/a', cache: '1s' } },
      http: { body: '1M', timeout: '1s' },
    },
    workspace: {
      instance: 'a',
      data: '/a',
      engine: 'unix:///a',
      proxy: { driver: 'nginx', address: '1.1.1.1', http: 1 },
      bases: { from: 'auto', registry: 'aa', mirror: 'http://a', images: { python: 'a' } },
      network: { pool: '10.0.0.0/16' },
      defaults: { limits: { memory: '1G', cpus: 1, pids: 1 }, keep: 1 },
      notify: { on: ['failure'], webhook: 'http://a', command: ['a'] },
    },
  };

  /** The definition with every part of it replaced by something strange in turn. */
  function* mutations(root: object, node = root as Record<string, unknown>): Generator<string> {
    for (const key of Object.keys(node)) {
      const before = node[key];
      for (const strange of STRANGE) {
        node[key] = strange;
        yield JSON.stringify(root);
      }
      node[key] = before;
      if (before !== null && typeof before === 'object') yield* mutations(root, before as Record<string, unknown>);
    }
  }

  test.each([
    ['project', projectSchema],
    ['workspace', workspaceSchema],
  ] as const)('whatever stands at any place of a %s', (which, schema) => {
    const messagesOf = (text: string): readonly string[] => {
      const parsed = parseYaml('a.yaml', text);
      if (!parsed.ok) return parsed.problems.map((problem) => problem.message);
      const checked = checkSchema<unknown>(schema, parsed.file);
      return checked.ok ? [] : checked.findings.map((finding) => finding.message);
    };
    expect(messagesOf(JSON.stringify(complete[which]))).toEqual([]);
    const texts = [...mutations(structuredClone(complete[which]))];
    expect(texts.length).toBeGreaterThan(200);
    for (const text of texts) {
      for (const message of messagesOf(text)) expect(message, text).not.toMatch(LIBRARY);
    }
  });

  test('and nothing at any place makes reading throw', async () => {
    const world = await World.with({});
    world.source('app', { 'package.json': '{}' });
    const root = structuredClone(complete.project);
    root.name = 'site';
    Object.assign(root.apps.web, { dockerfile: undefined, image: undefined, source: '/src/app', wsgi: undefined });
    for (const text of mutations(root)) {
      world.define('site', text);
      const { projects, problems } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
      expect(projects.length > 0, text).toBe(problems.length === 0);
    }
  });

  test.each([
    [
      'a range with numbers no address has',
      'network: { pool: 999.1.1.1/8 }',
      'an IPv4 range of /8 to /18, such as 10.213.0.0/16',
    ],
    ['a port of nothing', 'proxy: { http: 0 }', 'a port is 1 to 65535'],
    ['fewer than no releases', 'defaults: { keep: -1 }', 'write 0 to 50'],
    ['limits no app can have', 'defaults: { limits: { memory: 1M } }', 'an app cannot run in less than 6M'],
    [
      'a notice of nothing there is',
      'notify: { on: [error], webhook: "http://a" }',
      'write one of failure, revert, success, not `error`',
    ],
    ['a notice for nobody', 'notify: { on: [failure] }', 'say who is told: webhook or command'],
    ['a webhook that is no URL', 'notify: { webhook: "ftp://a" }', 'write the webhook as https://…'],
    [
      'a command that a shell would have to read',
      'notify: { command: "tell | ops" }',
      'write the program and its arguments as a list, such as [/usr/local/bin/tell, ops], not `"tell | ops"`',
    ],
    ['a mirror with a line end', 'bases: { mirror: "http://a\\nb" }', 'write the mirror as http://…'],
  ])('%s', (_, text, expected) => {
    const parsed = parseYaml('hostctl.yaml', text);
    const checked = parsed.ok ? checkSchema(workspaceSchema, parsed.file) : undefined;
    expect(checked).toMatchObject({ ok: false, findings: [{ message: expected }] });
  });
});

describe('the text of a file', () => {
  test('may start with a byte order mark, which counts for no column', async () => {
    const { problems } = await check('\ufeffhostnames: [a b]\napps:\n  web: { runtime: node, source: /src/app }\n');
    expect(brief(problems)[0]).toMatch(/^1:13 /);
  });

  test('is as deep as its levels, not as its columns', async () => {
    const wide = await check(app('env:', '  SCRIPT: |', `${' '.repeat(220)}x`));
    expect(brief(wide.problems)).toEqual([]);
    for (const depth of [41, 150, 500]) {
      const deep = await check(Array.from({ length: depth }, (_, index) => `${' '.repeat(index)}a:`).join('\n'));
      expect(brief(deep.problems)[0]).toMatch(/ is nested more than 40 levels deep$/);
    }
  });

  test.each([
    ["a: 'b\n", 'a quote is never closed'],
    ['a: [b\n', 'a bracket is never closed'],
    ['a: {b: c\nd: e\n', 'a bracket is never closed'],
    ['a: [b,,c]\n', 'a comma too many'],
    ['a: "\\q"\n', '`\\q` is no escape: write two backslashes, or single quotes'],
    ['a: @b\n', 'a text cannot start like this: put it in quotes'],
    ['a: b: c\n', 'a second colon on one line: put the value in quotes'],
    ['a\nb: c\n', 'a key stands on one line, with its colon'],
    ['a:\n    b: 1\n  c: 2\n', 'this key is indented differently from its neighbours'],
    ['- a\nb: c\n', '`b` cannot stand here'],
    ["a: 'b'c\n", '`c` cannot stand here'],
  ])('%j', async (text, expected) => {
    const { problems } = await check(text);
    expect(problems.map((problem) => problem.message)).toEqual([expected]);
  });
});
