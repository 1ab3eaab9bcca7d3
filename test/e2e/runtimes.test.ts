import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from './support/http.ts';
import { Lab } from './support/lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

/** The layers of the image a project runs. */
async function layers(project: string): Promise<readonly string[]> {
  const [container] = await lab.running(project);
  const image = await lab.api.json<{ RootFS: { Layers: string[] } }>({
    method: 'GET',
    path: `/images/${container!.Image}/json`,
  });
  return image.RootFS.Layers;
}

/** Deploys, changes one file of the source, deploys again: how many layers stayed. */
async function keptLayers(
  project: string,
  file: string,
  change: (text: string) => string,
): Promise<{ before: number; kept: number }> {
  const before = await layers(project);
  lab.write(file, change(readFileSync(join(lab.dir, file), 'utf8')));
  await lab.ok(`deploy ${project}`);
  const after = await layers(project);
  return { before: before.length, kept: before.findIndex((layer, index) => layer !== after[index]) };
}

describe('django', () => {
  test('under uwsgi on a socket: dependencies are installed once, bytecode is in the image, static files are collected', async () => {
    lab.example('projectname');
    lab.define(
      'django',
      'hostnames: [www.projectname.org]\napps:\n  web: { runtime: django, source: ../projectname, release: python manage.py migrate --noinput, env: { DATABASE: /tmp/db.sqlite3 }, health: { path: /admin/login/ } }\n',
    );
    await lab.ok('deploy django');
    expect((await ask(lab, 'www.projectname.org', '/static/admin/css/base.css')).status).toBe(200);
    const [container] = await lab.running('django');
    const { output } = await lab.engine.exec(container!.Name.slice(1), [
      'sh',
      '-c',
      'ls /app/projectname/__pycache__; cat /proc/*/cmdline | tr "\\0" " "; ls -la /venv/site-packages/django | head -2',
    ]);
    expect(output).toMatch(/settings\.cpython-3\d+\.pyc/);
    expect(output).toMatch(
      /uwsgi --ini \/hostctl\/uwsgi\.ini --http-socket \/run\/hostctl\/django-web-\w{7}\.sock --module projectname\.wsgi:application --processes 1 --threads 4/,
    );
    // What stands on top of the dependencies: hostctl's files, the source, the compiled source.
    const { before, kept } = await keptLayers('django', 'projectname/notes/views.py', (text) => `${text}\n# changed\n`);
    expect(before - kept).toBeLessThanOrEqual(3);
  });

  test('under mod_wsgi, as the seed ran it', async () => {
    lab.example('projectname');
    lab.define(
      'apache',
      'hostnames: [www.projectname.org]\napps:\n  web: { runtime: django, source: ../projectname, server: { kind: mod_wsgi, processes: 1, threads: 10 }, env: { DATABASE: /tmp/db.sqlite3 }, health: { path: /admin/login/ } }\n',
    );
    await lab.ok('remove django --yes');
    lab.write('projects/django.yaml', 'apps:\n  job: { image: "none:1" }\n');
    await lab.ok('deploy apache');
    const reply = await ask(lab, 'www.projectname.org', '/admin/login/');
    expect(reply.status).toBe(200);
    const [container] = await lab.running('apache');
    const { output } = await lab.engine.exec(container!.Name.slice(1), [
      'sh',
      '-c',
      'cat /proc/*/cmdline | tr "\\0" "\\n" | sort -u; grep Threads /proc/*/status; id -u',
    ]);
    expect(output).toContain('/hostctl/apache.conf');
    expect(output).toMatch(/Threads:\s1[1-9]/);
    expect(output).toContain(container!.Config.Labels['hostctl.uid']);
  });
});

describe('wsgi', () => {
  test('a Flask app is recognised, installed from requirements.txt and started', async () => {
    lab.write('flask/requirements.txt', 'flask==3.1.*\n');
    lab.write(
      'flask/app.py',
      'from flask import Flask, request\napp = Flask(__name__)\n@app.route("/")\ndef index():\n    return f"flask for {request.host} {request.scheme}"\n',
    );
    await lab.ok('init flask --name flask --hostname flask.org');
    expect(readFileSync(join(lab.dir, 'projects/flask.yaml'), 'utf8')).toContain('runtime: wsgi');
    await lab.ok('deploy flask');
    expect((await ask(lab, 'flask.org', '/')).body).toBe('flask for flask.org http');
    const { before, kept } = await keptLayers('flask', 'flask/app.py', (text) =>
      text.replace('flask for', 'changed for'),
    );
    expect(before - kept).toBeLessThanOrEqual(3);
    expect((await ask(lab, 'flask.org', '/')).body).toContain('changed for');
  });

  test.each([
    ['uwsgi', ''],
    ['mod_wsgi', ', server: { kind: mod_wsgi }'],
  ])(
    'under %s, the last words of an app that fails are its own, not those of its server about probes',
    async (_, more) => {
      lab.write('fails/pages.py', 'def application(environ, start_response):\n    raise ValueError("the reason")\n');
      lab.define(
        'fails',
        `hostnames: [fails.org]\napps:\n  web: { runtime: wsgi, source: ../fails, wsgi: pages, health: { within: 4s }${more} }\n`,
      );
      const { code, err } = await lab.hostctl('deploy fails');
      expect(code).toBe(1);
      expect(err).toContain('ValueError: the reason');
      expect(err).not.toContain('GET /');
      lab.write('projects/fails.yaml', 'apps:\n  job: { image: "none:1" }\n');
    },
  );

  test('dependencies from pyproject.toml, nested requirements, several processes, a port instead of a socket', async () => {
    lab.write('pep/pyproject.toml', '[project]\nname = "pep"\nversion = "1"\ndependencies = ["bottle==0.13.*"]\n');
    lab.write(
      'pep/site.py',
      'import bottle, os\n@bottle.route("/")\ndef index():\n    return f"bottle {os.getpid()}"\napplication = bottle.default_app()\n',
    );
    lab.define(
      'pep',
      'hostnames: [pep.org]\napps:\n  web: { runtime: wsgi, source: ../pep, wsgi: site, server: { processes: 2, threads: 1 }, port: 9000 }\n',
    );
    // `site` is a module of Python's own: the message must say what went wrong.
    const failed = await lab.hostctl('deploy pep');
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('callable not found or import error');
    lab.write('pep/pages.py', readFileSync(join(lab.dir, 'pep/site.py')));
    lab.define(
      'pep',
      'hostnames: [pep.org]\napps:\n  web: { runtime: wsgi, source: ../pep, wsgi: pages, server: { processes: 2, threads: 1 }, port: 9000 }\n',
    );
    await lab.ok('deploy pep');
    const pids = new Set<string>();
    for (let index = 0; index < 60; index += 1) pids.add((await ask(lab, 'pep.org', '/')).body);
    expect(pids.size).toBe(2);

    lab.write('nested/requirements.txt', '-r requirements/base.txt\n');
    lab.write('nested/requirements/base.txt', 'bottle==0.13.*\n');
    lab.write('nested/pages.py', readFileSync(join(lab.dir, 'pep/site.py')));
    lab.define('nested', 'hostnames: [nested.org]\napps:\n  web: { runtime: wsgi, source: ../nested, wsgi: pages }\n');
    await lab.ok('deploy nested');
    expect((await ask(lab, 'nested.org', '/')).body).toContain('bottle');
  });
});

describe('asgi', () => {
  test('a Starlette app with a websocket, which goes on through a redeploy of another project', async () => {
    lab.write('asgi/requirements.txt', 'starlette==0.*\n');
    lab.write(
      'asgi/main.py',
      `from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
async def index(request):
    return PlainTextResponse(f"starlette {request.url} {request.client.host}")
async def echo(socket):
    await socket.accept()
    while True:
        await socket.send_text("you said " + await socket.receive_text())
app = Starlette(routes=[Route("/", index), WebSocketRoute("/ws", echo)])
`,
    );
    lab.define('asgi', 'hostnames: [asgi.org]\napps:\n  web: { runtime: asgi, source: ../asgi }\n');
    await lab.ok('deploy asgi');
    expect((await ask(lab, 'asgi.org', '/')).body).toContain('starlette http://asgi.org/');
    const socket = await websocket('asgi.org', '/ws');
    expect(await socket.say('hello')).toBe('you said hello');
    lab.write('other/index.html', 'other');
    lab.define('other', 'hostnames: [other.org]\napps:\n  web: { runtime: static, source: ../other }\n');
    await lab.ok('deploy other');
    expect(await socket.say('still there')).toBe('you said still there');
    socket.close();
  });
});

describe('node', () => {
  test('is built with its development tools, runs without them, and without npm in memory', async () => {
    lab.write(
      'built/package.json',
      JSON.stringify({
        type: 'module',
        scripts: { build: 'esbuild server.ts --outfile=server.js', start: 'node server.js' },
        devDependencies: { esbuild: '0.25.0' },
        dependencies: { 'is-number': '7.0.0' },
      }),
    );
    lab.write(
      'built/server.ts',
      "import http from 'node:http';\nimport isNumber from 'is-number';\nconst answer: string = `number ${isNumber(7)}`;\nhttp.createServer((q, r) => r.end(answer)).listen(process.env.PORT);\n",
    );
    await new Promise<void>((resolve, reject) => {
      void import('node:child_process').then(({ execFile }) =>
        execFile(
          'npm',
          ['install', '--package-lock-only', '--no-audit', '--no-fund'],
          { cwd: join(lab.dir, 'built') },
          (error) => (error ? reject(error) : resolve()),
        ),
      );
    });
    lab.define('built', 'hostnames: [built.org]\napps:\n  web: { runtime: node, source: ../built }\n');
    await lab.ok('deploy built');
    expect((await ask(lab, 'built.org', '/')).body).toBe('number true');
    const [container] = await lab.running('built');
    const { output } = await lab.engine.exec(container!.Name.slice(1), [
      'sh',
      '-c',
      'ls /app/node_modules /app/node_modules/.bin; cat /proc/[0-9]*/cmdline | tr "\\0" " "',
    ]);
    expect(output).toContain('is-number');
    expect(output).not.toMatch(/^esbuild$|npm/m);
    const { before, kept } = await keptLayers('built', 'built/server.ts', (text) =>
      text.replace('number $', 'changed $'),
    );
    expect(before - kept).toBeLessThanOrEqual(2);
  });

  test('without a lock file it says what to do', async () => {
    lab.write('loose/package.json', '{ "dependencies": { "is-number": "7.0.0" } }');
    lab.define('loose', 'hostnames: [loose.org]\napps:\n  web: { runtime: node, source: ../loose }\n');
    const { code, err } = await lab.hostctl('deploy loose');
    expect(code).toBe(1);
    expect(err).toContain('there is no package-lock.json: run `npm install` and keep the file');
    lab.write('projects/loose.yaml', 'apps:\n  job: { image: "none:1" }\n');
  });

  test.each([
    ['a build script', { scripts: { build: "echo 'no such thing: 42'; exit 1", start: 'true' } }, 'no such thing: 42'],
    ['an installation', { dependencies: { 'is-number': '7.0.0' } }, 'Missing: is-number@7.0.0 from lock file'],
  ])('of %s that fails, what npm says is shown, and no stack', async (_, manifest, said) => {
    lab.write('failing/package.json', JSON.stringify({ name: 'failing', version: '1.0.0', ...manifest }));
    lab.write('failing/package-lock.json', '{ "name": "failing", "lockfileVersion": 3, "packages": {} }');
    lab.define('failing', 'hostnames: [failing.org]\napps:\n  web: { runtime: node, source: ../failing }\n');
    const { code, err } = await lab.hostctl('deploy failing');
    expect(code).toBe(1);
    expect(err).toContain(said);
    expect(err).not.toMatch(/^\s*(at |node:)/m);
    lab.write('projects/failing.yaml', 'apps:\n  job: { image: "none:1" }\n');
  });
});

describe('php', () => {
  test('pages are run, other files are served, composer makes the autoloader, and nothing else gets out', async () => {
    lab.write(
      'php/index.php',
      '<?php require __DIR__ . "/vendor/autoload.php"; header("X-Path: " . $_SERVER["REQUEST_URI"]); echo Acme\\Hello::to($_GET["name"] ?? "you"), " ", $_SERVER["SERVER_NAME"], " ", $_SERVER["HTTPS"] ?? "plain";',
    );
    lab.write('php/style.css', 'body {}');
    lab.write('php/.env', 'SECRET=1');
    lab.write('php/.dockerignore', 'vendor\n');
    lab.write(
      'php/lib/acme/Hello.php',
      '<?php namespace Acme; class Hello { static function to($who) { return "hello " . $who; } }',
    );
    lab.write(
      'php/composer.json',
      '{ "repositories": [{ "packagist.org": false }], "autoload": { "psr-4": { "Acme\\\\": "lib/acme/" } } }',
    );
    lab.define('php', 'hostnames: [php.org]\napps:\n  web: { runtime: php, source: ../php }\n');
    const out = await lab.hostctl('deploy php --verbose');
    expect(out.code, out.err).toBe(0);
    expect((await ask(lab, 'php.org', '/?name=php')).body).toBe('hello php php.org plain');
    expect((await ask(lab, 'php.org', '/pretty/url')).headers['x-path']).toBe('/pretty/url');
    expect((await ask(lab, 'php.org', '/style.css')).headers['content-type']).toContain('text/css');
    for (const path of ['/.env', '/.git/config', '/style.css/x.php', '/vendor/../.env'])
      expect((await ask(lab, 'php.org', path)).body, path).not.toMatch(/SECRET|<\?php/);
  });

  test('requests that come at the same moment are answered beside each other', async () => {
    lab.write('burst/index.php', '<?php sleep((int) ($_GET["s"] ?? 0)); echo "done";');
    lab.define('burst', 'hostnames: [burst.org]\napps:\n  web: { runtime: php, source: ../burst }\n');
    await lab.ok('deploy burst');
    const since = performance.now();
    const replies = await Promise.all([1, 2, 3, 4].map(() => ask(lab, 'burst.org', '/?s=1')));
    expect(replies.map((reply) => reply.body)).toEqual(['done', 'done', 'done', 'done']);
    expect(performance.now() - since).toBeLessThan(1900);
  });
});

describe('static', () => {
  test('pages without their ending, an index per folder, an own 404 page, a document root', async () => {
    lab.write('pages/public/index.html', 'home');
    lab.write('pages/public/about.html', 'about');
    lab.write('pages/public/blog/index.html', 'blog');
    lab.write('pages/public/404.html', 'not here');
    lab.write('pages/public/.secret', 'SECRET');
    lab.write('pages/notes.txt', 'outside');
    lab.define('pages', 'hostnames: [pages.org]\napps:\n  web: { runtime: static, source: ../pages, root: public }\n');
    await lab.ok('deploy pages');
    for (const [path, status, body] of [
      ['/', 200, 'home'],
      ['/about', 200, 'about'],
      ['/blog/', 200, 'blog'],
      ['/none', 404, 'not here'],
      ['/.secret', 404, 'not here'],
      ['/notes.txt', 404, 'not here'],
    ] as const) {
      expect(await ask(lab, 'pages.org', path), path).toMatchObject({ status, body });
    }
  });
});

describe('apps that nobody visits', () => {
  test('a worker beside a web app, of one image, started after what it needs', async () => {
    lab.write('team/requirements.txt', '');
    lab.write(
      'team/web.py',
      'import urllib.request\ndef application(environ, start_response):\n    start_response("200 OK", [])\n    return [urllib.request.urlopen("http://store:7000/").read()]\n',
    );
    lab.write(
      'team/store.py',
      'import http.server\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200); self.end_headers(); self.wfile.write(b"from the store")\nhttp.server.HTTPServer(("", 7000), H).serve_forever()\n',
    );
    lab.write(
      'team/worker.py',
      'import time, urllib.request\nprint("worker saw", urllib.request.urlopen("http://store:7000/").read().decode(), flush=True)\ntime.sleep(1000)\n',
    );
    lab.define(
      'team',
      `hostnames: [team.org]
apps:
  web: { runtime: wsgi, source: ../team, wsgi: web, needs: [store] }
  worker: { runtime: wsgi, source: ../team, wsgi: web, command: python worker.py, needs: [store] }
  store: { runtime: wsgi, source: ../team, wsgi: web, command: [python, store.py], port: 7000, egress: false, health: { path: / } }
`,
    );
    await lab.ok('deploy team');
    expect((await ask(lab, 'team.org', '/')).body).toBe('from the store');
    expect(await lab.ok('logs team/worker')).toContain('worker saw from the store');
    const images = new Set(
      (await Promise.all(['web', 'worker', 'store'].map((app) => lab.running('team', app)))).map(
        ([item]) => item!.Image,
      ),
    );
    expect(images.size).toBe(1);
    const status = JSON.parse(await lab.ok('status team --json')) as {
      apps: { app: string; state: string; hostnames: string[] }[];
    };
    expect(status.apps.map((app) => [app.app, app.state, app.hostnames.length])).toEqual([
      ['web', 'running', 1],
      ['worker', 'running', 0],
      ['store', 'running', 0],
    ]);
  });

  test('replicas share the requests', async () => {
    lab.write(
      'many/app.py',
      'import socket\ndef application(environ, start_response):\n    start_response("200 OK", [])\n    return [socket.gethostname().encode()]\n',
    );
    for (const [name, port] of [
      ['many', ''],
      ['manytcp', ', port: 8000'],
    ] as const) {
      lab.define(
        name,
        `hostnames: [${name}.org]\napps:\n  web: { runtime: wsgi, source: ../many, wsgi: app, replicas: 3${port} }\n`,
      );
      await lab.ok(`deploy ${name}`);
      const seen = new Set<string>();
      for (let index = 0; index < 60; index += 1) seen.add((await ask(lab, `${name}.org`, '/')).body);
      expect(seen.size, name).toBe(3);
    }
  });
});

/** Just enough of a websocket to say and hear one short text at a time. */
function websocket(host: string, path: string): Promise<{ say: (text: string) => Promise<string>; close: () => void }> {
  return new Promise((resolve, reject) => {
    const socket = connect(lab.port, '127.0.0.1', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
    });
    socket.on('error', reject);
    socket.once('data', (head) => {
      if (!head.toString().startsWith('HTTP/1.1 101')) return reject(new Error(head.toString()));
      resolve({
        say: (text) =>
          new Promise((heard, lost) => {
            socket.once('data', (frame) => heard(frame.subarray(2).toString()));
            socket.once('close', () => lost(new Error('the websocket was closed')));
            // A masked text frame; a mask of zeros leaves the text as it is.
            socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
          }),
        close: () => socket.destroy(),
      });
    });
  });
}
