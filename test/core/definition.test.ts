import { describe, expect, test } from 'vitest';
import { brief, check } from '../support/definitions.ts';

const SITE = `hostnames: [www.example.org]
apps:
  web: { runtime: node, source: /src/app }
`;

/** A definition of one app with the given lines in it. */
const app = (...lines: string[]): string =>
  `hostnames: [www.example.org]\napps:\n  web:\n    runtime: node\n    source: /src/app\n${lines.map((line) => `    ${line}\n`).join('')}`;

describe('a definition that is complete', () => {
  test('needs a hostname and an app with a runtime and a source', async () => {
    const { project, problems } = await check(SITE);
    expect(brief(problems)).toEqual([]);
    expect(project?.apps[0]).toMatchObject({
      name: 'web',
      path: '/',
      listen: { kind: 'socket' },
      limits: { memory: 268_435_456, cpus: 0.5, pids: 100 },
      health: { path: '/', within: 60_000 },
      replicas: 1,
      egress: true,
    });
  });

  test('may leave out the hostname when nothing answers requests', async () => {
    const { project, problems } = await check(
      'apps:\n  worker: { runtime: node, source: /src/app, command: node worker.js }\n',
    );
    expect(brief(problems)).toEqual([]);
    expect(project?.apps[0]).toMatchObject({ listen: { kind: 'none' }, command: ['node', 'worker.js'] });
  });

  test('needs nothing of the source that its own command does without', async () => {
    const { project, problems } = await check(
      'apps:\n  worker: { runtime: wsgi, source: /src/app, command: celery worker }\n',
    );
    expect(brief(problems)).toEqual([]);
    expect(project?.apps[0]).toMatchObject({ listen: { kind: 'none' }, command: ['celery', 'worker'] });
  });

  test('reads what the source says: the WSGI module of a Django project', async () => {
    const { project } = await check('hostnames: [a.org]\napps:\n  web: { runtime: django, source: /src/django }\n');
    expect(project?.apps[0]?.source).toMatchObject({
      values: { wsgi: 'projectname.wsgi:application', threads: '4', processes: '1' },
    });
    expect(project?.media).toMatchObject([
      { alias: '/static', source: { kind: 'image', app: 'web', path: '/srv/static' } },
    ]);
  });

  test('accepts every source of media', async () => {
    const { project, problems } = await check(`${SITE}media:
  /uploads/: { from: ./none-yet, writable-by: web, mount: /app/uploads }
  /media: { from: /src/app/media, cache: 1d }
  /robots.txt: { from: /src/app/robots.txt }
  /admin: { from: "image:web:/app/admin" }
`);
    expect(brief(problems)).toEqual([]);
    expect(project?.media.map((item) => [item.alias, item.source.kind, item.maxAge])).toEqual([
      ['/uploads', 'uploads', 3600],
      ['/media', 'folder', 86_400],
      ['/robots.txt', 'file', 3600],
      ['/admin', 'image', 3600],
    ]);
  });
});

describe('every problem is reported at once, with its place', () => {
  test('of schema and of meaning, in one file', async () => {
    const { problems } = await check(`hostnames: ["bad host", www.example.org]
apps:
  web:
    runtim: node
    source: /src/app
    limits: { memory: 512, cpu: 1 }
  db:
    image: postgres:17
    port: 70000
`);
    expect(brief(problems)).toEqual([
      '1:13 hostnames[0]: `bad host` holds a space or a comma: write one hostname per list item',
      '4:5 apps.web.runtim: unknown key `runtim` → did you mean `runtime`?',
      '6:23 apps.web.limits.memory: write a size with its unit, such as 256M or 1.5G, not `512`',
      '6:28 apps.web.limits.cpu: unknown key `cpu` → did you mean `cpus`?',
      '9:11 apps.db.port: a port is 1 to 65535',
    ]);
  });

  test('with the line and its neighbours', async () => {
    const { problems } = await check(app('limts: {}'));
    expect(problems[0]).toMatchObject({
      file: 'projects/site.yaml',
      line: 6,
      column: 5,
      length: 5,
      excerpt: [{ line: 5 }, { line: 6, text: '    limts: {}' }, { line: 7, text: '' }],
    });
  });
});

describe('what must be refused', () => {
  const cases: readonly (readonly [what: string, text: string, expected: string])[] = [
    ['an unknown key', `${SITE}medias: {}\n`, '4:1 medias: unknown key `medias` → did you mean `media`?'],
    [
      'a key given twice',
      `${SITE}hostnames: [b.org]\n`,
      '4:1 hostnames: `hostnames` is given twice, first on line 1 → keep one of them',
    ],
    [
      'a nested key given twice',
      app('env:', '  A: "1"', '  A: "2"'),
      '8:7 apps.web.env.A: `A` is given twice, first on line 7 → keep one of them',
    ],
    ['__proto__', app('env:', '  __proto__: x'), '7:7 apps.web.env.__proto__: `__proto__` cannot be used as a key'],
    ['constructor', 'constructor: 1\n', '1:1 constructor: `constructor` cannot be used as a key'],
    [
      'a control character',
      'hostnames: [a.org]\napps: \u0007{}\n',
      '2:7 : holds the invisible character U+0007 → delete it',
    ],
    [
      'text that turns around',
      'hostnames: [a.org] # \u202egro.elpmaxe\n',
      '1:22 : holds the invisible character U+202E → delete it',
    ],
    ['a tab as indentation', 'apps:\n\tweb: {}\n', '2:1 : indented with a tab: use spaces'],
    [
      'a YAML tag',
      'hostnames: !!js/function "x"\n',
      '1:12 : `!!js/function` is a YAML tag, which definitions do not use: remove it, or put the text in quotes',
    ],
    ['an empty file', '', '0:0 : the file is empty'],
    ['a list as a file', '- a\n', '1:1 : expected a mapping, not a list'],
    [
      'a size without a unit',
      app('limits: { memory: "512" }'),
      '6:23 apps.web.limits.memory: `512` has no unit: write a number and one of K, M, G (powers of 1024), such as 256M or 1.5G',
    ],
    [
      'a size that is a fraction',
      app('limits: { memory: 0.5 }'),
      '6:23 apps.web.limits.memory: write a size with its unit, such as 256M or 1.5G, not `0.5`',
    ],
    [
      'a size in exponent form',
      app('limits: { memory: 1e3 }'),
      '6:23 apps.web.limits.memory: write a size with its unit, such as 256M or 1.5G, not `1e3`',
    ],
    [
      'a size in megabytes',
      app('limits: { memory: 512MB }'),
      '6:23 apps.web.limits.memory: `512MB` is ambiguous: write 512M for powers of 1024',
    ],
    [
      'a size in full-width digits',
      app('limits: { memory: ５１２m }'),
      '6:23 apps.web.limits.memory: `５１２m` is not a size: write a number and one of K, M, G (powers of 1024), such as 256M or 1.5G',
    ],
    [
      'less memory than the engine takes',
      app('limits: { memory: 1M }'),
      '6:23 apps.web.limits.memory: an app cannot run in less than 6M',
    ],
    ['no', app('egress: no'), '6:13 apps.web.egress: write true or false, not `no`'],
    [
      'a variable that is a number',
      app('env: { PORT: 8080 }'),
      '6:18 apps.web.env.PORT: write the value in quotes: a variable is text, not `8080`',
    ],
    [
      'a variable with a hyphen',
      app('env: { MY-VAR: x }'),
      '6:12 apps.web.env.MY-VAR: `MY-VAR` is no environment variable: letters, digits and _',
    ],
    [
      'a media alias with ..',
      `${SITE}media:\n  /a/../b: { from: /src/app/media }\n`,
      '5:3 media./a/../b: `/a/../b` holds `.` or `..`: write where it leads',
    ],
    [
      'a media alias that is hidden',
      `${SITE}media:\n  /.git: { from: /src/app/media }\n`,
      '5:3 media./.git: `/.git` holds the hidden name `.git`, which is never served',
    ],
    [
      'a media alias with a brace',
      `${SITE}media:\n  "/a;}": { from: /src/app/media }\n`,
      '5:3 media./a;}: `/a;}` holds `a;}`: letters, digits and . _ ~ @ + - only',
    ],
    [
      'a media folder with ..',
      `${SITE}media:\n  /a: { from: /src/app/../app/media }\n`,
      '5:15 media./a.from: `/src/app/../app/media` holds `..` after a name: write where it leads',
    ],
    [
      'a media folder in an image with ..',
      `${SITE}media:\n  /a: { from: "image:web:/app/../etc" }\n`,
      '5:15 media./a.from: `/app/../etc` is no absolute path inside the image',
    ],
    [
      'the whole machine as media',
      `${SITE}media:\n  /a: { from: / }\n`,
      '5:15 media./a.from: the whole machine cannot be served',
    ],
    [
      'a media folder that is not there',
      `${SITE}media:\n  /a: { from: /src/none }\n`,
      '5:15 media./a.from: `/src/none` is not there → looked for /src/none',
    ],
    [
      'an alias that shadows another',
      `${SITE}media:\n  /a: { from: /src/app/media }\n  /a/: { from: /src/app/media }\n`,
      '6:3 media./a/: `/a` is already answered by the alias `/a`',
    ],
    [
      'an alias that shadows the app',
      `${SITE}media:\n  /: { from: /src/app/media }\n`,
      '5:3 media./: `/` is already answered by the app `web`',
    ],
    [
      'an alias below a single file',
      `${SITE}media:\n  /robots.txt: { from: /src/app/robots.txt }\n  /robots.txt/a: { from: /src/app/media }\n`,
      '6:3 media./robots.txt/a: `/robots.txt/a` lies below `/robots.txt`, which is a single file',
    ],
    [
      'a source that is not there',
      'hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/none }\n',
      '3:33 apps.web.source: `/src/none` is not there → looked for /src/none',
    ],
    [
      'a source that is a file',
      'hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app/package.json }\n',
      '3:33 apps.web.source: `/src/app/package.json` is a file, not a folder → looked for /src/app/package.json',
    ],
    [
      'no source at all',
      'hostnames: [a.org]\napps:\n  web: { limits: {} }\n',
      '3:3 apps.web: `web` has neither `runtime`, `dockerfile` nor `image` → write exactly one of them',
    ],
    [
      'two sources',
      app('image: a:1'),
      '3:3 apps.web: `runtime` and `image` exclude each other → write exactly one of them',
    ],
    [
      'an unknown runtime',
      'hostnames: [a.org]\napps:\n  web: { runtime: djang, source: /src/app }\n',
      '3:19 apps.web.runtime: there is no runtime `djang` → did you mean `django`?',
    ],
    ['a key the runtime has no use for', app('wsgi: a.b'), '6:5 apps.web.wsgi: the node runtime has no use for `wsgi`'],
    [
      'an image without a port',
      'hostnames: [a.org]\napps:\n  web: { image: "nginx:1" }\n',
      '3:3 apps.web: `web` answers requests, but nothing says on which port → add `port`',
    ],
    [
      'web without a hostname',
      'apps:\n  web: { runtime: node, source: /src/app }\n',
      '2:3 apps.web: `web` answers requests, but the project has no hostname → add `hostnames: [www.example.org]`, or give an app that answers none another name',
    ],
    [
      'nothing to run',
      'apps:\n  job: { runtime: static, source: /src/app }\n',
      '2:3 apps.job: `job` answers no requests, so what should it run? → add a `command`, or the `path` or `port` it answers',
    ],
    [
      'two apps on one path',
      `hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app }\n  api: { runtime: node, source: /src/app, path: / }\n`,
      '4:49 apps.api.path: `/` already leads to the app `web`',
    ],
    [
      'a need that is not there',
      app('needs: [bd]'),
      '6:13 apps.web.needs[0]: there is no app `bd` in this project → apps here: web',
    ],
    [
      'needs in a circle',
      'hostnames: [a.org]\napps:\n  web: { runtime: node, source: /src/app, needs: [api] }\n  api: { runtime: node, source: /src/app, needs: [web] }\n',
      '3:43 apps.web.needs: the apps need each other in a circle: web → api → web',
    ],
    [
      'a command for a shell',
      app('command: "node a.js | cat"'),
      '6:14 apps.web.command: `|` needs a shell, and commands run without one → write [sh, -c, "…"]',
    ],
    [
      'a variable in a command that is never closed',
      app('command: "node ${FILE"'),
      '6:14 apps.web.command: a `${` in the command is never closed → commands run without a shell: write [sh, -c, "…"]',
    ],
    [
      'a variable in a command',
      app('command: "node $FILE"'),
      '6:14 apps.web.command: `$FILE` needs a shell, and commands run without one → write [sh, -c, "…"]',
    ],
    [
      'a volume on a path with ..',
      app('volumes: { data: /a/../b }'),
      '6:22 apps.web.volumes.data: `/a/../b` is no path inside a container: write an absolute one without `..`, such as /data',
    ],
    [
      'a relaxation without a reason',
      app('relax: [{ allow: exec-tmp }]'),
      '6:13 apps.web.relax[0].reason: `reason` is missing',
    ],
    [
      'a relaxation that does not exist',
      app('relax: [{ allow: privileged, reason: because }]'),
      '6:22 apps.web.relax[0].allow: write one of writable-rootfs, exec-tmp, new-privileges, image-user, cap:NET_BIND_SERVICE, cap:CHOWN, cap:SETUID, cap:SETGID, cap:DAC_OVERRIDE, cap:FOWNER, cap:KILL, not `privileged`',
    ],
    [
      'an app name with a dot',
      'hostnames: [a.org]\napps:\n  a.b: { runtime: node, source: /src/app }\n',
      '3:3 apps.a.b: `a.b` is no app name: lower-case letters, digits and single hyphens, a letter first',
    ],
    [
      'another name than the file',
      `name: other\n${SITE}`,
      '1:7 name: the file is called site.yaml → write `site` or rename it',
    ],
    [
      'a merge key',
      app('<<: {}'),
      '6:5 apps.web.<<: unknown key `<<` → merge keys are not part of YAML 1.2: repeat the values',
    ],
  ];

  test.each(cases)('%s', async (_, text, expected) => {
    const { project, problems } = await check(text);
    expect(brief(problems)).toContain(expected);
    expect(project).toBeUndefined();
  });

  test('a file over 128 KiB, an alias bomb, deep nesting and a wall of anchors, each without a long wait', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'
        .split('')
        .map((key, index) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(',')}]`),
    ].join('\n');
    const hostile: readonly (readonly [string, RegExp])[] = [
      [`# ${'x'.repeat(128 * 1024)}`, /larger than 128 KiB/],
      [bomb, /anchors/],
      ['['.repeat(20_000), /nested more than/],
      ['- '.repeat(20_000), /nested more than/],
      ['&a '.repeat(20_000), /anchors and aliases/],
      [Array.from({ length: 13_000 }, (_, index) => `k${index}: 1`).join('\n'), /is missing/],
      [Array.from({ length: 10_000 }, (_, index) => `k${index}: 1e3`).join('\n'), /is missing/],
      ['apps: {}\n'.repeat(10_000), /is given twice/],
      ['@\n'.repeat(50_000), /cannot/],
      [`apps: {web: {env: {${Array.from({ length: 10_000 }, (_, index) => `A${index}: 1`).join(', ')}}}}`, /in quotes/],
      [
        `apps:\n${Array.from({ length: 60 }, (_, index) => `  a${index}: { image: "a:1", needs: [a${index + 1}, a${index + 2}] }\n`).join('')}`,
        /there is no app `a60`/,
      ],
      ['? '.repeat(50_000), /nested more than/],
      ['{a: '.repeat(20_000), /nested more than/],
      [
        `apps: {web: {env: {${Array.from({ length: 3000 }, (_, index) => `A${index}: "1"`).join(', ')}}}}`,
        /no hostname/,
      ],
    ];
    for (const [text, expected] of hostile) {
      const since = process.cpuUsage();
      const { problems } = await check(text);
      expect(problems[0]?.message).toMatch(expected);
      // Of this process: a busy machine is not the input's fault.
      expect(process.cpuUsage(since).user / 1000).toBeLessThan(2000);
    }
  });
});
