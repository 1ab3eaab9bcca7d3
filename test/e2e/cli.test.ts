import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from './support/http.ts';
import { Lab, ROOT } from './support/lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
  lab.write('pages/index.html', 'pages');
  lab.define(
    'pages',
    'hostnames: [pages.org]\napps:\n  web: { runtime: static, source: ../pages, volumes: { data: { at: /data, shared: true } }, relax: [{ allow: exec-tmp, reason: a test of it }] }\n',
  );
  await lab.ok('deploy pages');
});
afterAll(() => lab.close());

describe('output', () => {
  test('results go to stdout, one line per event to stderr, without colours where nobody asked for them', async () => {
    lab.write('pages/new.html', 'new');
    const { out, err } = await lab.hostctl('deploy pages');
    expect(out).toMatch(/^live +pages, release \d+, \d+ requests, 0 failed, max \d+ ms\n$/);
    expect(
      err
        .trim()
        .split('\n')
        .every((line) => /^[✓·!] /.test(line)),
      err,
    ).toBe(true);
    // eslint-disable-next-line no-control-regex -- looking for colour is the point
    expect(out + err).not.toMatch(/\u001b/);
    const forced = await lab.hostctl('status', { FORCE_COLOR: '1', NO_COLOR: '' });
    // eslint-disable-next-line no-control-regex -- looking for colour is the point
    expect(forced.out).toMatch(/\u001b\[/);
  });

  test('live rows on a terminal', async () => {
    lab.write('pages/live.html', 'live');
    const out = await new Promise<string>((resolve) => {
      const words = `stty cols 100 rows 30; ${process.execPath} ${ROOT}/bin/hostctl.js deploy pages`;
      const env = { ...process.env, NO_COLOR: '', TERM: 'xterm' };
      execFile('script', ['--quiet', '--return', '--command', words, '/dev/null'], { cwd: lab.dir, env }, (_, text) =>
        resolve(text),
      );
    });
    // eslint-disable-next-line no-control-regex -- looking for what moves the cursor is the point
    expect(out).toMatch(/\u001b\[\d*[AGK]/);
    expect(out).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] pages/);
    expect(out).toContain('✓');
  });

  test('--json is one document per line for events, with a result at the end', async () => {
    lab.write('pages/more.html', 'more');
    const { out, err } = await lab.hostctl('deploy pages --json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.every((line) => line['version'] === 1)).toBe(true);
    expect(
      lines.filter((line) => line['type'] === 'step' && line['status'] === 'done').map((line) => line['do']),
    ).toEqual([
      'build',
      'run',
      'ready',
      'route',
      'retire',
      ...(lines.some((line) => line['do'] === 'forget') ? ['forget'] : []),
    ]);
    expect(lines.at(-1)).toMatchObject({
      type: 'result',
      ok: true,
      projects: [{ project: 'pages', changed: true, visits: { failed: 0 } }],
    });
    expect(err).toBe('');
  });

  test('--json of everything else is one document', async () => {
    for (const command of [
      'validate',
      'plan pages',
      'status',
      'releases pages',
      'render',
      'doctor',
      'setup --yes',
      'schema',
      'completion bash',
      'stop pages',
      'start pages',
      'restart pages',
    ]) {
      const { out } = await lab.hostctl(`${command} --json`);
      expect(JSON.parse(out), command).toBeTypeOf('object');
    }
    expect(JSON.parse((await lab.hostctl('status nobody --json')).out)).toMatchObject({
      error: { code: 'NOT_DEPLOYED', exit: 2 },
    });
  });

  test('status tells what runs, and what its hardening gives up', async () => {
    const out = await lab.ok('status');
    expect(out).toMatch(/^PROJECT +APP +STATE +RELEASE +UP +MEMORY +CPU +RESTARTS +HOSTNAMES\n/);
    expect(out).toMatch(
      /pages +web +running \(relaxed: exec-tmp\) +\d+ +\S+ +[\d.]+[MK] \/ 256M +[\d.]+ \/ 0.5 +0 +pages.org/,
    );
  });
});

describe('exit codes', () => {
  test.each([
    ['deploy', 2, 'name a project, or say --all'],
    ['deploy nobody', 2, 'there is no project `nobody`'],
    ['deploy pages --al', 2, 'Nonexistent flag: --al'],
    ['deplyo pages', 2, 'did you mean hostctl deploy?'],
    ['plan pages --wait', 2, 'Nonexistent flag'],
    ['doctor pages', 2, 'doctor takes no such argument: pages'],
    ['deploy pages --wait=soon', 2, '`soon` is not a duration'],
    ['deploy pages --wait soon', 2, 'there is no project `soon`'],
    ['status nobody', 2, 'is not deployed on this host'],
    ['rollback pages --to 99', 2, 'has no release 99'],
    ['remove pages', 2, 'There is no terminal to ask on.\n  → add --yes'],
    ['remove pages --purge --yes', 2, 'add --confirm pages'],
    ['exec pages', 2, 'name the program to run after two hyphens'],
    ['logs pages --container nobody', 2, 'has no container'],
  ])('%s → %i', async (command, code, message) => {
    const result = await lab.hostctl(command);
    expect(result.err).toContain(message);
    expect(result.code).toBe(code);
  });

  test('7 when the engine cannot be reached, with what to do', async () => {
    const gone = await lab.hostctl('status', { DOCKER_HOST: 'unix:///run/none.sock' });
    expect(gone).toMatchObject({
      code: 7,
      err: expect.stringContaining('there is no Docker Engine at unix:///run/none.sock\n  → that is where'),
    });
  });

  test('4 when somebody else deploys, who is named, and --wait waits for it', async () => {
    lab.write(
      'slow/server.js',
      "setTimeout(() => require('http').createServer((q, r) => r.end('slow')).listen(process.env.PORT), 3000)",
    );
    lab.write('slow/package.json', '{}');
    lab.define('slow', 'hostnames: [slow.org]\napps:\n  web: { runtime: node, source: ../slow }\n');
    await lab.ok('deploy slow');
    lab.write('slow/server.js', `${readFileSync(join(lab.dir, 'slow/server.js'), 'utf8')} // changed`);
    const first = lab.ok('deploy slow');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const second = await lab.hostctl('deploy slow');
    expect(second).toMatchObject({
      code: 4,
      err: expect.stringMatching(/slow is locked: \S+@\S+ has been at it for .*\(deploy, process \d+\)/),
    });
    expect(await lab.ok('deploy slow --wait 1m')).toMatch(/up to date +slow/);
    await first;
  });

  test('130 and 143 when interrupted, and the next run finishes the work', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      lab.write('slow/server.js', `${readFileSync(join(lab.dir, 'slow/server.js'), 'utf8')} // ${signal}`);
      const child = lab.start('deploy slow');
      await new Promise((resolve) => setTimeout(resolve, 2500));
      child.kill(signal);
      expect(await new Promise((resolve) => child.on('close', resolve)), signal).toBe(code);
      expect((await ask(lab, 'slow.org', '/')).status).toBe(200);
      expect(await lab.ok('deploy slow')).toMatch(/live +slow/);
    }
  });

  test('a closed pipe is no error', async () => {
    const code = await new Promise((resolve) => {
      execFile(
        'sh',
        ['-c', `${process.execPath} ${ROOT}/bin/hostctl.js schema | head -1 >/dev/null; echo $?`],
        { cwd: lab.dir },
        (_, out) => resolve(out.trim()),
      );
    });
    expect(code).toBe('0');
  });
});

describe('commands', () => {
  test('init recognises the source, writes the schema beside the definition, and overwrites nothing', async () => {
    lab.write('shop/manage.py', 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")');
    const { out } = await lab.hostctl('init shop --hostname www.shop.org');
    expect(out).toContain('· wsgi: shop.wsgi:application, found in manage.py\n· release: python manage.py migrate');
    expect(out).toContain('\nshop uses the django runtime; next: hostctl deploy shop\n');
    const text = readFileSync(join(lab.dir, 'projects/shop.yaml'), 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../.hostctl/project.schema.json');
    expect(JSON.parse(readFileSync(join(lab.dir, '.hostctl/project.schema.json'), 'utf8'))).toMatchObject({
      title: 'hostctl project',
    });
    expect(await lab.ok('plan shop')).toContain('www.shop.org');
    expect(await lab.hostctl('init shop')).toMatchObject({ code: 2, err: expect.stringContaining('is there already') });
    writeFileSync(join(lab.dir, 'projects/shop.yaml'), 'apps:\n  job: { image: "none:1" }\n');
  });

  test('init in an empty directory makes a workspace', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'hostctl-fresh-'));
    mkdirSync(join(dir, 'site'));
    writeFileSync(join(dir, 'site/index.html'), 'hello');
    const out = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [join(ROOT, 'bin/hostctl.js'), 'init', 'site'], { cwd: dir }, (error, text, err) =>
        error ? reject(new Error(err)) : resolve(text),
      );
    });
    expect(out).toContain('site uses the static runtime');
    expect(readFileSync(join(dir, 'hostctl.yaml'), 'utf8')).toContain('driver: traefik');
    expect(await lab.ok(`validate --workspace ${dir}`)).toBe('1 project, no problems\n');
    rmSync(dir, { recursive: true });
  });

  test('--all of nothing says that there is nothing', async () => {
    const empty = await Lab.open();
    const { code, err } = await empty.hostctl('plan --all');
    expect(err).toBe(`· there is no project in ${empty.dir}/projects; hostctl init writes one\n`);
    expect(code).toBe(0);
    await empty.close();
  });

  test('validate prints a code frame and what to write instead', async () => {
    lab.write('projects/bad.yaml', 'hostnames: [bad.org]\napps:\n  web:\n    runtim: node\n');
    const { code, err } = await lab.hostctl('validate');
    expect(code).toBe(2);
    expect(err).toContain(
      'projects/bad.yaml:4:5 unknown key `runtim` (apps.web.runtim)\n  3 |   web:\n> 4 |     runtim: node\n    |     ^^^^^^\n',
    );
    expect(err).toContain('→ did you mean `runtime`?');
    lab.write('hostctl.yaml', `${readFileSync(join(lab.dir, 'hostctl.yaml'), 'utf8')}proxi: 1\n`);
    const both = await lab.hostctl('validate');
    expect(both.err).toMatch(/hostctl\.yaml:6:1 unknown key `proxi`/);
    expect(both.err).toContain('2 problems in 2 files');
    lab.write('hostctl.yaml', readFileSync(join(lab.dir, 'hostctl.yaml'), 'utf8').replace('proxi: 1\n', ''));
    const json = JSON.parse((await lab.hostctl('validate --json')).out) as {
      error: { problems: { line: number; hint: string }[] };
    };
    expect(json.error.problems[0]).toMatchObject({
      file: 'projects/bad.yaml',
      line: 4,
      column: 5,
      hint: 'did you mean `runtime`?',
    });
    lab.write('projects/bad.yaml', 'apps:\n  job: { image: "none:1" }\n');
  });

  test('exec runs a program as the app’s user, with its input, output and exit code', async () => {
    const uid = (await lab.running('pages'))[0]!.Config.Labels['hostctl.uid'];
    expect((await lab.ok('exec pages -- id -u')).trim()).toBe(uid);
    expect(await lab.hostctl('exec pages/web -- sh -c exit\t9'.replace('\t', ' '))).toMatchObject({ code: 0 });
    const piped = await new Promise<string>((resolve) => {
      const child = execFile(
        process.execPath,
        [join(ROOT, 'bin/hostctl.js'), 'exec', 'pages', '--', 'sh', '-c', 'cat; echo bye >&2; exit 9'],
        { cwd: lab.dir },
        (error, out, err) => resolve(`${out}${err}${String(error?.code)}`),
      );
      child.stdin!.end('hello ');
    });
    expect(piped).toBe('hello bye\n9');
  });

  test('exec --json prints what the program wrote and its exit code, and exits with it', async () => {
    const { code, out, err } = await lab.hostctl('exec pages --json -- cat /etc/hostname /none');
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      container: expect.stringMatching(/^pages-web-/) as string,
      code: 1,
      stdout: expect.stringMatching(/^\S+\n$/) as string,
      stderr: expect.stringContaining('/none') as string,
    });
    expect({ code, err }).toEqual({ code: 1, err: '' });
  });

  test('logs of a project, of one app, followed', async () => {
    lab.write('talk/package.json', '{}');
    lab.write(
      'talk/server.js',
      "let n = 0; setInterval(() => console.log('tick', n += 1), 300); console.error('started');",
    );
    lab.define('talk', 'apps:\n  one: { runtime: node, source: ../talk }\n  two: { runtime: node, source: ../talk }\n');
    await lab.ok('deploy talk');
    const out = await lab.ok('logs talk --tail 3');
    expect(out).toMatch(/talk-one-\w+ tick \d+/);
    expect(out).toMatch(/talk-two-\w+ tick \d+/);
    expect(await lab.ok('logs talk/one --tail 2')).toMatch(/^tick \d+\ntick \d+\n$/);
    const child = lab.start('logs talk/one --follow --tail 1 --timestamps');
    let followed = '';
    child.stdout!.on('data', (chunk) => (followed += String(chunk)));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    child.kill('SIGINT');
    expect(followed.match(/^\d{4}-\d\d-\d\dT\S+ tick \d+$/gm)!.length).toBeGreaterThan(2);
  });

  test('stop stays stopped whatever the engine does, start brings it back, restart makes it anew', async () => {
    await lab.ok('stop pages');
    const stopped = [...(await lab.inspectAll()).values()].find(
      (item) => item.Name.startsWith('/pages-web-') && item.Config.Labels['hostctl.role'] === 'app',
    )!;
    expect(stopped.HostConfig.RestartPolicy.Name).toBe('no');
    expect(await lab.ok('status pages')).toMatch(/pages +web +stopped/);
    await lab.ok('start pages');
    const [started] = await lab.running('pages');
    expect(started!.HostConfig.RestartPolicy.Name).toBe('always');
    await lab.ok('restart pages/web');
    expect((await lab.running('pages'))[0]!.State.StartedAt).not.toBe(started!.State.StartedAt);
    expect((await ask(lab, 'pages.org', '/')).status).toBe(200);
  });

  test('remove takes everything but the data; with --purge that too', async () => {
    await lab.engine.exec((await lab.running('pages'))[0]!.Name.slice(1), ['sh', '-c', 'echo kept > /data/file']);
    const data = join(lab.data, 'projects/pages/volumes/web/data/file');
    const refused = await lab.hostctl('remove pages --confirm page');
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('page is not pages: nothing was removed') });
    await lab.ok('remove pages --yes');
    expect((await ask(lab, 'pages.org', '/')).status).toBe(404);
    expect([...(await lab.inspectAll()).keys()].filter((name) => name.startsWith('pages-'))).toEqual([]);
    expect(readFileSync(data, 'utf8')).toBe('kept\n');
    await lab.ok('deploy pages');
    expect((await lab.engine.exec((await lab.running('pages'))[0]!.Name.slice(1), ['cat', '/data/file'])).output).toBe(
      'kept',
    );
    await lab.ok('remove pages --purge --confirm pages');
    expect(() => readFileSync(data)).toThrow('ENOENT');
  });

  test('completion scripts name the commands and the projects, and their shell accepts them', async () => {
    const script = await lab.ok('completion bash');
    const answer = await new Promise<string>((resolve) => {
      const words = `${script}\nCOMP_WORDS=(hostctl deploy ta); COMP_CWORD=2; _hostctl; echo "\${COMPREPLY[@]}"; COMP_WORDS=(hostctl ro); COMP_CWORD=1; _hostctl; echo "\${COMPREPLY[@]}"`;
      execFile('bash', ['-c', words], { cwd: join(lab.dir, 'projects') }, (_, out) => resolve(out));
    });
    expect(answer).toBe('talk\nrollback\n');
    for (const shell of ['zsh', 'fish']) expect(await lab.ok(`completion ${shell}`)).toContain('rollback');
  });

  test('help names every command, and the version is that of the package', async () => {
    const { commandNames } = await import('../../src/command-names.ts');
    const help = await lab.ok('--help');
    for (const name of commandNames) expect(help).toMatch(new RegExp(`^ {2}${name.split(' ')[0]} `, 'm'));
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await lab.ok('--version')).toContain(`hostctl/${version} `);
  });
});

describe('setup and doctor', () => {
  test('setup run again changes nothing', async () => {
    expect(await lab.ok('setup --yes')).toBe('Everything is in place already.\n');
  });

  test('doctor looks at the engine, its defects, the limits of the kernel, disk, ports, clock, bases and the proxy', async () => {
    const { findings } = JSON.parse(await lab.ok('doctor --json')) as { findings: { check: string; state: string }[] };
    for (const check of ['engine', 'limits', 'disk', 'port', 'clock', 'bases', 'proxy']) {
      expect(
        findings.filter((item) => item.check === check).map((item) => item.state),
        check,
      ).toContain('ok');
    }
    expect(findings.some((item) => item.state === 'problem')).toBe(false);
  });

  test('doctor finds a proxy that is gone and a port that is taken, and setup mends it', async () => {
    await lab.engine.stop(`${lab.instance}-proxy`, 5);
    const { createServer } = await import('node:net');
    const server = createServer().listen(lab.port, '127.0.0.1');
    const sick = await lab.hostctl('doctor');
    expect(sick.code).toBe(1);
    expect(sick.out).toContain(`something else listens on port ${lab.port}`);
    expect(sick.out).toContain('the proxy does not answer');
    await new Promise((resolve) => server.close(resolve));
    await lab.ok('setup --yes');
    expect((await lab.hostctl('doctor')).code).toBe(0);
  });
});

test('a link that leads out of the source is sent as a link, not as what it leads to', async () => {
  lab.write('linked/index.html', 'linked');
  symlinkSync('/etc/passwd', join(lab.dir, 'linked/passwd'));
  lab.define('linked', 'hostnames: [linked.org]\napps:\n  web: { runtime: static, source: ../linked }\n');
  await lab.ok('deploy linked');
  expect((await ask(lab, 'linked.org', '/passwd')).body).not.toContain('root:');
});
