import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallCounter } from './support/counter.ts';
import { ask, Traffic } from './support/http.ts';
import { DRIVERS, Lab } from './support/lab.ts';

describe.each(DRIVERS)('under %s', (driver) => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    for (const name of ['projectname', 'node-site', 'tcp-site', 'static-site']) {
      lab.example(name);
      lab.write(
        `projects/${name}.yaml`,
        readFileSync(new URL(`../../docs/examples/projects/${name}.yaml`, import.meta.url)),
      );
    }
  });
  afterAll(() => lab.close());

  const page = (host: string, path = '/') => ask(lab, host, path);
  const touch = (text: string): void => {
    const views = join(lab.dir, 'projectname/notes/templates/notes/list.html');
    writeFileSync(views, readFileSync(views, 'utf8').replace(/<h1>.*<\/h1>/, `<h1>${text}</h1>`));
  };

  describe('the four sites of the demo', () => {
    test('answer after one deploy, each with a page and a file', async () => {
      const out = await lab.ok('deploy --all');
      expect(out).toMatch(/live\s+projectname, release 1, \d+ requests, 0 failed, max \d+ ms/);
      for (const [host, path, body] of [
        ['www.projectname.org', '/', 'Notes'],
        ['www.projectname.org', '/media/welcome.txt', 'before the first deploy'],
        ['www.projectname.org', '/admin_media/css/base.css', 'DJANGO'],
        ['www.projectname.org', '/static/admin/css/base.css', 'DJANGO'],
        ['www.node-site.org', '/', 'A Node site'],
        ['www.node-site.org', '/robots.txt', 'Allow: /'],
        ['www.static-site.org', '/', 'A static site'],
        ['www.static-site.org', '/downloads/hello.txt', 'by itself'],
        ['www.tcp-site.org', '/', 'plain Dockerfile'],
        ['www.tcp-site.org', '/files/hello.txt', 'TCP site'],
      ] as const) {
        const reply = await page(host, path);
        expect(`${host}${path} ${reply.status}`).toBe(`${host}${path} 200`);
        expect(reply.body).toContain(body);
      }
    });

    test('hostnames: exact, glob and port are served, unknown ones are nobody’s', async () => {
      expect((await page('projectname.org')).status).toBe(200);
      expect((await page('WWW.ProjectName.ORG:80')).status).toBe(200);
      // The glob reaches Django, which knows its own hosts.
      expect((await page('fooprojectname.org')).status).toBe(400);
      for (const host of ['nobody.org', 'projectname.org.evil.org', '127.0.0.1', 'localhost'])
        expect((await page(host)).status, host).toBe(404);
    });

    test('an upload the app writes is served by the proxy', async () => {
      const form = await page('www.projectname.org');
      const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(form.body)![1]!;
      const cookie = form.headers['set-cookie']![0]!.split(';')[0]!;
      const body = [
        ['csrfmiddlewaretoken', token],
        ['text', 'from a test'],
      ]
        .map(([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
        .join('')
        .concat(
          '--x\r\nContent-Disposition: form-data; name="attachment"; filename="up.txt"\r\n\r\nuploaded\r\n--x--\r\n',
        );
      const headers = {
        'Content-Type': 'multipart/form-data; boundary=x',
        Cookie: cookie,
        'Content-Length': String(body.length),
      };
      expect((await ask(lab, 'www.projectname.org', '/', { method: 'POST', headers, body })).status).toBe(302);
      const upload = await page('www.projectname.org', '/media/attachments/up.txt');
      expect(upload).toMatchObject({ status: 200, body: 'uploaded' });
      expect(upload.headers['content-security-policy']).toContain('sandbox');
    });
  });

  describe('what is planned and what is done', () => {
    test('a plan makes no write call, and a second deploy changes nothing', async () => {
      const before = await lab.inspectAll();
      const counter = await CallCounter.open();
      try {
        expect(await lab.ok('plan --all', { DOCKER_HOST: counter.endpoint })).toBe('Up to date.\n');
        lab.define('fresh', 'hostnames: [fresh.org]\napps:\n  web: { runtime: static, source: ../static-site }\n');
        expect(await lab.ok('plan --all', { DOCKER_HOST: counter.endpoint })).toContain('fresh.org');
        expect(counter.calls.length).toBeGreaterThan(4);
        expect(counter.writes).toEqual([]);
        const { code } = await lab.hostctl('plan fresh --detailed-exitcode', { DOCKER_HOST: counter.endpoint });
        expect(code).toBe(3);
        await lab.ok('deploy projectname node-site static-site tcp-site', { DOCKER_HOST: counter.endpoint });
        expect(counter.writes).toEqual([]);
      } finally {
        await counter.close();
      }
      const after = await lab.inspectAll();
      const identity = (all: typeof before): string[] =>
        [...all.values()].map((item) => `${item.Name} ${item.Id} ${item.State.StartedAt}`).toSorted();
      expect(identity(after)).toEqual(identity(before));
    });

    test('a change of limits reaches the kernel without a new container', async () => {
      const [before] = await lab.running('static-site');
      const file = join(lab.dir, 'projects/static-site.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace('memory: 32M', 'memory: 40M'));
      await lab.ok('deploy static-site');
      const [after] = await lab.running('static-site');
      expect(after?.Id).toBe(before?.Id);
      expect(after?.State.StartedAt).toBe(before?.State.StartedAt);
      expect(after?.HostConfig.Memory).toBe(40 * 1024 ** 2);
    });
  });

  describe('the switch', () => {
    test('200 requests a second during ten redeploys of the Django site: none fails', async () => {
      const traffic = new Traffic(lab, 'www.projectname.org', '/', 200);
      const seen = new Set<string>();
      for (let round = 1; round <= 10; round += 1) {
        touch(`Round ${round}`);
        const out = await lab.ok('deploy projectname');
        expect(out).toMatch(/\d+ requests, 0 failed/);
        seen.add(/<h1>(.*)<\/h1>/.exec((await page('www.projectname.org')).body)![1]!);
      }
      const load = await traffic.stop();
      expect(seen.size).toBe(10);
      expect(load.errors).toEqual([]);
      expect(load.failed).toBe(0);
      expect(load.requests).toBeGreaterThan(2000);
      process.stdout.write(`ten redeploys: ${load.requests} requests, ${load.failed} failed\n`);
    });

    test('200 requests a second during five redeploys of the TCP site, which reload the proxy: none fails', async () => {
      const file = join(lab.dir, 'tcp-site/server.py');
      const traffic = new Traffic(lab, 'www.tcp-site.org', '/', 200);
      for (let round = 1; round <= 5; round += 1) {
        writeFileSync(file, readFileSync(file, 'utf8').replace(/<h1>.*<\/h1>/, `<h1>Round ${round}</h1>`));
        await lab.ok('deploy tcp-site');
        expect((await page('www.tcp-site.org')).body).toContain(`Round ${round}`);
      }
      const load = await traffic.stop();
      expect(load.errors).toEqual([]);
      expect(load.failed).toBe(0);
    });

    test('a visitor whose connection idles through the reload gets an answer on it', async () => {
      const file = join(lab.dir, 'tcp-site/server.py');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/<h1>.*<\/h1>/, '<h1>Idle</h1>'));
      const switched = new AbortController();
      const statuses: number[] = [];
      const visitor = async (pause: number): Promise<void> => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const visit = async (): Promise<void> => {
          statuses.push((await ask(lab, 'www.tcp-site.org', '/', { agent })).status);
        };
        while (!switched.signal.aborted) {
          await visit();
          await setTimeout(300);
        }
        await setTimeout(pause);
        await visit();
        agent.destroy();
      };
      const visitors = [0, 300, 700, 1200, 2000, 3000, 4000].map(visitor);
      const deployed = lab.ok('deploy tcp-site');
      while (!(await page('www.tcp-site.org')).body.includes('Idle')) await setTimeout(20);
      switched.abort();
      await Promise.all([...visitors, deployed]);
      expect(new Set(statuses)).toEqual(new Set([200]));
    });

    test('a request under way finishes on the old copy', async () => {
      lab.write(
        'slow/app.py',
        'import time\ndef application(environ, start_response):\n    time.sleep(4 if environ["PATH_INFO"] == "/slow" else 0)\n    start_response("200 OK", [])\n    return [b"version one"]\n',
      );
      lab.define('slow', 'hostnames: [slow.org]\napps:\n  web: { runtime: wsgi, source: ../slow, wsgi: app }\n');
      await lab.ok('deploy slow');
      const slow = ask(lab, 'slow.org', '/slow');
      await setTimeout(500);
      const file = join(lab.dir, 'slow/app.py');
      writeFileSync(file, readFileSync(file, 'utf8').replace('version one', 'version two'));
      await lab.ok('deploy slow');
      expect(await slow).toMatchObject({ status: 200, body: 'version one' });
      expect((await ask(lab, 'slow.org', '/')).body).toBe('version two');
    });
  });

  describe('nobody is cut off', () => {
    const server = (text: string): string =>
      `require("http").createServer((q, r) => setTimeout(() => r.end(${JSON.stringify(text)}), q.url === "/slow" ? 3000 : 0)).listen(process.env.PORT)`;

    beforeAll(() => {
      lab.write('abrupt/package.json', '{"main":"server.js","scripts":{"start":"node server.js"}}');
      lab.write('abrupt/package-lock.json', '{"lockfileVersion":3,"packages":{"":{}}}');
      lab.write('abrupt/server.js', server('one'));
    });
    const define = (more: string): void =>
      lab.define('abrupt', `hostnames: [abrupt.org]\napps:\n  web: { runtime: node, source: ../abrupt${more} }\n`);

    test.each([
      ['a socket', ''],
      ['TCP', ', port: 3000'],
    ])('whose request an app is working on that ends at once when told to, over %s', async (_, more) => {
      define(more);
      lab.write('abrupt/server.js', server('one'));
      await lab.ok('deploy abrupt');
      const slow = [1, 2, 3].map(() => ask(lab, 'abrupt.org', '/slow'));
      await setTimeout(300);
      lab.write('abrupt/server.js', server('two'));
      await lab.ok('deploy abrupt');
      expect((await Promise.all(slow)).map((reply) => `${reply.status} ${reply.body}`)).toEqual(
        Array(3).fill('200 one'),
      );
      expect((await page('abrupt.org')).body).toBe('two');
    });

    test.each([
      ['sockets', ''],
      ['TCP', ', port: 3000'],
    ])('by replicas that come, go and are restarted, over %s', async (_, more) => {
      define(`${more}, replicas: 3`);
      await lab.ok('deploy abrupt');
      const traffic = new Traffic(lab, 'abrupt.org', '/', 50);
      await lab.ok('restart abrupt');
      define(`${more}, replicas: 1`);
      expect(await lab.ok('deploy abrupt')).toMatch(/ 0 failed, max \d{1,3} ms/);
      define(`${more}, replicas: 2`);
      expect(await lab.ok('deploy abrupt')).toMatch(/ 0 failed, max \d{1,3} ms/);
      const load = await traffic.stop();
      expect(load.errors).toEqual([]);
      expect(load.failed).toBe(0);
      expect(await lab.running('abrupt')).toHaveLength(2);
    });

    test('by a project that is deployed beside theirs and never becomes ready', async () => {
      lab.write('never/server.js', 'setInterval(() => {}, 1000)');
      for (const name of ['package.json', 'package-lock.json'])
        lab.write(`never/${name}`, readFileSync(join(lab.dir, `abrupt/${name}`)));
      lab.define(
        'never',
        'hostnames: [never.org]\napps:\n  web: { runtime: node, source: ../never, health: { within: 15s } }\n',
      );
      lab.write('abrupt/server.js', server('three'));
      const both = lab.hostctl('deploy abrupt never');
      const since = Date.now();
      while ((await page('abrupt.org')).body !== 'three' && Date.now() - since < 14_000) await setTimeout(100);
      expect(Date.now() - since).toBeLessThan(14_000);
      expect(await Promise.race([both.then(() => 'done'), setTimeout(0, 'still deploying')])).toBe('still deploying');
      expect((await both).code).toBe(1);
      expect((await page('abrupt.org')).body).toBe('three');
    });
  });

  describe('an app with a volume that only one copy may write to', () => {
    const definition = (colour: string): string =>
      `hostnames: [single.org]\napps:\n  web: { runtime: static, source: ../single, volumes: { data: /data }, env: { COLOUR: ${colour} } }\n`;

    test('is stopped first: the plan says so, and what visitors saw of it is counted', async () => {
      lab.write('single/index.html', 'single');
      lab.define('single', definition('red'));
      await lab.ok('deploy single');
      lab.define('single', definition('blue'));
      expect(await lab.ok('plan single')).toMatch(
        /stop +single-web-\w+ +\(one copy at a time may write to its volume: short interruption\)/,
      );
      const out = await lab.ok('deploy single');
      const [, requests, failed] = /(\d+) requests, (\d+) failed/.exec(out)!.map(Number);
      expect(failed).toBeGreaterThan(0);
      expect(failed).toBeLessThan(requests!);
      expect((await page('single.org')).body).toBe('single');
    });
  });

  describe('a release that is no good', () => {
    const break_ = (text: string): void => lab.write('node-site/server.js', text) as unknown as void;
    const good = readFileSync(new URL('../../docs/examples/node-site/server.js', import.meta.url), 'utf8');

    test.each([
      ['ends at once', 'console.log("no database"); process.exit(3)', /exit code 3/, /no database/],
      ['answers errors', good.replace('200', '500'), /last probe of \/: answered 500/, /(?:)/],
      [
        'listens nowhere',
        'console.log("waiting"); setInterval(() => {}, 1000)',
        /did not become ready within 5s.*nothing listens yet/,
        /waiting/,
      ],
    ])('%s: the old one goes on serving, and the reason is told', async (_, source, reason, log) => {
      const file = join(lab.dir, 'projects/node-site.yaml');
      if (!readFileSync(file, 'utf8').includes('within'))
        writeFileSync(
          file,
          readFileSync(file, 'utf8').replace('    limits:', '    health: { within: 5s }\n    limits:'),
        );
      const before = await lab.running('node-site');
      const traffic = new Traffic(lab, 'www.node-site.org', '/', 50);
      break_(source);
      const { code, err } = await lab.hostctl('deploy node-site');
      const load = await traffic.stop();
      expect(code).toBe(5);
      expect(err).toMatch(reason);
      expect(err).toMatch(log);
      expect(err).toMatch(/release \d+ of node-site is still serving/);
      expect(err).toMatch(/hostctl logs node-site --container node-site-web-/);
      expect(load.failed).toBe(0);
      expect((await lab.running('node-site')).map((item) => item.Id)).toEqual(before.map((item) => item.Id));
    });

    test('its log can still be read, and the next good deploy clears it away', async () => {
      break_('console.log("famous last words"); process.exit(1)');
      const { err } = await lab.hostctl('deploy node-site');
      const container = / run (node-site-web-[0-9a-f]{7})/.exec(err)![1]!;
      expect(await lab.ok(`logs node-site --container ${container}`)).toContain('famous last words');
      break_(good.replace('A Node site', 'Another Node site'));
      await lab.ok('deploy node-site');
      expect((await page('www.node-site.org')).body).toContain('Another Node site');
      expect([...(await lab.inspectAll()).keys()]).not.toContain(container);
    });

    test('a check that hangs is given up with its time', async () => {
      lab.define(
        'stuck',
        'apps:\n  job: { runtime: static, source: ../stuck, command: [sleep, infinity], health: { command: [sleep, "1000"], within: 3s } }\n',
      );
      lab.write('stuck/index.html', 'stuck');
      const { code, err } = await lab.hostctl('deploy stuck');
      expect(code).toBe(1);
      expect(err).toMatch(/did not become ready within 3s \(last probe of it: sleep 1000 .* did not end within/);
    });

    test('a build that fails says what it printed, and touches nothing', async () => {
      const before = await lab.inspectAll();
      lab.write('node-site/package.json', '{ "dependencies": { "left-pad": "1" } }');
      const { code, err } = await lab.hostctl('deploy node-site');
      expect(code).toBe(1);
      expect(err).toMatch(/npm (error|ci)/i);
      expect([...(await lab.inspectAll()).keys()].toSorted()).toEqual([...before.keys()].toSorted());
      expect((await page('www.node-site.org')).status).toBe(200);
      lab.example('node-site');
    });
  });

  describe('rollback', () => {
    test('restores the previous image and its settings', async () => {
      lab.write('colour/package.json', '{ "type": "module" }');
      lab.write(
        'colour/server.js',
        `import http from 'node:http';\nhttp.createServer((q, r) => r.end('one ' + process.env.COLOUR)).listen(process.env.PORT);\n`,
      );
      const definition = (colour: string, memory: string): string =>
        `hostnames: [colour.org]\napps:\n  web: { runtime: node, source: ../colour, env: { COLOUR: ${colour} }, limits: { memory: ${memory} } }\n`;
      lab.define('colour', definition('red', '100M'));
      await lab.ok('deploy colour');
      const [first] = await lab.running('colour');
      lab.define('colour', definition('blue', '120M'));
      lab.write('colour/server.js', readFileSync(join(lab.dir, 'colour/server.js'), 'utf8').replace('one', 'two'));
      await lab.ok('deploy colour');
      expect((await page('colour.org')).body).toBe('two blue');

      const traffic = new Traffic(lab, 'colour.org', '/', 100);
      await lab.ok('rollback colour');
      expect((await traffic.stop()).failed).toBe(0);
      expect((await page('colour.org')).body).toBe('one red');
      const [now] = await lab.running('colour');
      expect(now).toMatchObject({
        Id: first!.Id,
        Image: first!.Image,
        HostConfig: { Memory: 100 * 1024 ** 2, RestartPolicy: { Name: 'always' } },
      });
      const list = JSON.parse(await lab.ok('releases colour --json')) as {
        releases: { id: number; live: boolean; rollbackOf?: number }[];
      };
      expect(list.releases[0]).toMatchObject({ id: 3, live: true, rollbackOf: 1 });
    });
  });
});
