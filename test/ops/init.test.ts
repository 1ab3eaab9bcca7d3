import { beforeEach, describe, expect, test } from 'vitest';
import { init, type InitOptions } from '../../src/ops/init.ts';
import type { InitResult } from '../../src/core/starter.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { brief } from '../support/definitions.ts';
import { World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.with({});
});

const start = (options: Partial<InitOptions> = {}): Promise<InitResult> =>
  init({ dir: '/work', source: '/src/site', ...options }, world.files, world.templates);

/** What `hostctl validate` finds afterwards. */
async function problems(): Promise<string[]> {
  const loaded = await loadProjects(world.files, world.workspace, world.templates.runtimes);
  return brief(loaded.problems);
}

const MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")';

describe('what init finds in a source is what a deploy uses', () => {
  test.each<[string, Record<string, string>, string]>([
    ['Django', { 'manage.py': MANAGE }, 'wsgi: shop.wsgi:application'],
    [
      'Django, set by index',
      { 'manage.py': "    os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings.production'" },
      'wsgi: config.wsgi:application',
    ],
    [
      'Django, over several lines',
      { 'manage.py': 'os.environ.setdefault(\n  "DJANGO_SETTINGS_MODULE",\n  "shop.settings",\n)' },
      'wsgi: shop.wsgi:application',
    ],
    [
      'Django without a package',
      { 'manage.py': MANAGE.replace('shop.', ''), 'wsgi.py': 'application = get_wsgi_application()' },
      'wsgi: wsgi:application',
    ],
    ['Flask in app.py', { 'requirements.txt': 'Flask', 'app.py': 'site = Flask(__name__)' }, 'wsgi: app:site'],
    [
      'Flask with a type',
      { 'requirements.txt': 'flask', 'app.py': 'app: Flask = flask.Flask(__name__)' },
      'wsgi: app:app',
    ],
    [
      'Flask in wsgi.py',
      { 'requirements.txt': 'flask', 'wsgi.py': 'from flask import Flask\napp = Flask(__name__)' },
      'wsgi: wsgi:app',
    ],
    [
      'a function in wsgi.py',
      { 'requirements.txt': 'werkzeug', 'wsgi.py': 'def application(environ, start_response):' },
      'wsgi: wsgi:application',
    ],
    [
      'a name imported into wsgi.py',
      { 'requirements.txt': 'flask', 'wsgi.py': 'from shop import app as application' },
      'wsgi: wsgi:application',
    ],
    [
      'a factory that is called',
      { 'requirements.txt': 'flask', 'main.py': 'from shop import create_app\n\napp = create_app()' },
      'wsgi: main:app',
    ],
    [
      'Bottle',
      { 'requirements.txt': 'bottle', 'app.py': 'application = bottle.default_app()' },
      'wsgi: app:application',
    ],
    ['Falcon', { 'requirements.txt': 'falcon', 'app.py': 'api = falcon.App()' }, 'wsgi: app:api'],
    ['FastAPI in main.py', { 'requirements.txt': 'fastapi', 'main.py': 'app = FastAPI()' }, 'asgi: main:app'],
    [
      'FastAPI in app/main.py',
      { 'requirements.txt': 'fastapi', 'app/main.py': 'app: FastAPI = FastAPI(title="x")' },
      'asgi: app.main:app',
    ],
    [
      'FastAPI in a package',
      { 'requirements.txt': 'fastapi', 'app/__init__.py': 'api = fastapi.FastAPI()' },
      'asgi: app:api',
    ],
    ['Sanic', { 'requirements.txt': 'sanic', 'main.py': 'app = Sanic("site")' }, 'asgi: main:app'],
    [
      'Laravel',
      { 'composer.json': '{}', 'package.json': '{}', artisan: '', 'public/index.php': '<?php' },
      'root: public',
    ],
    ['PHP with its front controller below web', { 'composer.json': '{}', 'web/index.php': '<?php' }, 'root: web'],
    ['a Dockerfile that exposes a port', { Dockerfile: 'FROM x\nEXPOSE $PORT\nEXPOSE 3000/tcp 9000\n' }, 'port: 3000'],
    ['a Dockerfile that exposes none', { Dockerfile: 'FROM x\n' }, 'port: 8000'],
    ['a Dockerfile beside package.json', { Dockerfile: 'EXPOSE 3000', 'package.json': '{}' }, 'dockerfile: ../../src'],
  ])('%s', async (_, source, line) => {
    world.source('site', source);
    const result = await start();
    const text = world.files.texts.get('/work/projects/site.yaml')!;
    expect(text).toContain(`\n    ${line}`);
    expect(await problems()).toEqual([]);
    expect(result.missing).toEqual([]);
    const [said] = line.startsWith('dockerfile') ? ['--runtime node does without it'] : [line];
    expect(result.notes.join('\n')).toContain(said);
    if (Object.hasOwn(source, 'Dockerfile')) return;
    // Without the line the same is found anew at each deploy.
    world.define('site', text.replace(new RegExp(`^ +${line}.*\n`, 'm'), ''));
    const { projects } = await loadProjects(world.files, world.workspace, world.templates.runtimes);
    const [key, value] = line.split(': ') as [string, string];
    expect(projects[0]!.apps[0]!.source).toMatchObject({ values: { [key]: value } });
  });

  test('PHP with index.php at the top is served from there', async () => {
    world.source('site', { 'index.php': '<?php', 'public/index.php': '<?php', 'package.json': '{}' });
    expect(await start()).toMatchObject({ runtime: 'php', notes: [] });
    expect(world.files.texts.get('/work/projects/site.yaml')).not.toContain('root:');
  });

  test('--runtime says more than a Dockerfile', async () => {
    world.source('site', { Dockerfile: 'EXPOSE 3000', 'package.json': '{}' });
    expect(await start({ runtime: 'node' })).toMatchObject({ runtime: 'node', notes: [] });
    expect(await problems()).toEqual([]);
  });
});

describe('what init cannot find', () => {
  test.each<[string, Record<string, string>, string]>([
    ['a factory that nobody calls', { 'requirements.txt': 'flask', 'app.py': 'def create_app():\n  pass' }, 'wsgi'],
    ['an app in a function', { 'requirements.txt': 'fastapi', 'main.py': 'def f():\n    app = FastAPI()' }, 'asgi'],
    ['settings from elsewhere', { 'manage.py': 'main()' }, 'wsgi'],
  ])('%s is left as a line to fill in', async (_, source, key) => {
    world.source('site', source);
    expect((await start()).missing).toEqual([key]);
    const text = world.files.texts.get('/work/projects/site.yaml')!;
    expect(text).toContain(`\n    # ${key}: module:object\n`);
    expect(await problems()).toEqual([
      expect.stringContaining(`nothing in the source says which \`${key}\` to start`) as string,
    ]);
    world.define('site', text.replace(`# ${key}: module:object`, `${key}: shop.start:app`));
    expect(await problems()).toEqual([]);
  });
});

describe('init writes nothing that validate would refuse', () => {
  beforeEach(() => world.source('site', { 'package.json': '{}' }));

  test.each([
    ['ABC', 'lower-case letters', 'write --name abc'],
    ['a--b', 'single hyphens', 'write --name a-b'],
    ['a'.repeat(40), 'at most 24 characters', `write --name ${'a'.repeat(24)}`],
    ['../../x', 'is no project name', 'write --name x'],
    ['123', 'a letter first', 'write --name mysite'],
  ])('the name %s', async (name, message, hint) => {
    const before = [...world.files.texts.keys()];
    await expect(start({ name, hostname: 'a.org' })).rejects.toMatchObject({
      code: 'INIT',
      exit: 2,
      message: expect.stringContaining(message) as string,
      hints: [hint],
    });
    expect([...world.files.texts.keys()]).toEqual(before);
  });

  test('a name that another file has, whichever its ending', async () => {
    world.files.texts.set('/work/projects/site.yml', 'apps: { job: { image: "a:1" } }\n');
    await expect(start()).rejects.toThrow('/work/projects/site.yml is there already');
    expect(world.files.texts.has('/work/projects/site.yaml')).toBe(false);
  });

  test('a hostname that another definition has', async () => {
    world.define('shop', 'hostnames: [www.shop.org]\napps: { web: { runtime: node, source: /src/site } }\n');
    await expect(start({ hostname: 'WWW.shop.org' })).rejects.toThrow('already leads to shop, in projects/shop.yaml');
  });

  test.each(['3m.com', 'bücher.example', '*example.org'])('the hostname %s', async (hostname) => {
    await start({ hostname });
    expect(await problems()).toEqual([]);
  });

  test('a source whose name means something in YAML', async () => {
    world.source('My Site: # 1', { 'package.json': '{}' });
    expect(await start({ source: '/src/My Site: # 1' })).toMatchObject({ project: 'my-site-1' });
    expect(await problems()).toEqual([]);
  });
});

describe('a workspace inside its source', () => {
  const note = async (source: Record<string, string>, dir: string): Promise<string> => {
    world.source('site', source);
    return (await start({ dir })).notes.at(-1) ?? '';
  };

  test('stays out of the image of a runtime', async () => {
    expect(await note({ 'index.html': '' }, '/src/site')).toBe(
      'the workspace lies inside the source; hostctl.yaml, .hostctl, projects/*.yaml and projects/*.yml stay out of the image',
    );
  });

  test.each<[string, Record<string, string>, string, string]>([
    ['where a Dockerfile copies', { Dockerfile: 'COPY . .' }, '/src/site', 'hostctl.yaml'],
    ['in a folder of the source', { Dockerfile: 'COPY . .' }, '/src/site/deploy', 'deploy/hostctl.yaml'],
  ])('gets into the image %s, and init says so', async (_, source, dir, path) => {
    expect(await note(source, dir)).toContain(`and so in the image: keep it elsewhere, or name ${path}, `);
  });

  test('stays out where .dockerignore names it', async () => {
    const ignore = '.git\n/hostctl.yaml\n.hostctl/\nprojects\n';
    expect(await note({ Dockerfile: 'COPY . .', '.dockerignore': ignore }, '/src/site')).toContain(
      'stay out of the image',
    );
  });

  test('is nothing to speak of beside it', async () => {
    expect(await note({ 'index.html': '' }, '/src/site-definitions')).toBe('');
  });
});
