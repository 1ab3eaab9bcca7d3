import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { LABEL } from '../../../src/core/names.ts';
import { NetworkWeb } from '../../../src/host/web.ts';
import { freePort, type Lab } from './lab.ts';

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** As Debian has it, with the modules that the virtual hosts use and Django for the seed. */
const DOCKERFILE = `ARG BASE
FROM \${BASE}
RUN --mount=type=cache,target=/root/.cache/pip python3 -m venv /venv && /venv/bin/pip install --disable-pip-version-check 'Django==5.2.*'
RUN ln -sfn "$(/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" /venv/site-packages \\
 && a2enmod access_compat auth_basic authn_file authz_user deflate expires headers macro proxy proxy_http rewrite ssl \\
 && a2dissite 000-default && useradd --user-group user
COPY server.conf /etc/apache2/conf-enabled/server.conf
COPY start.sh /start.sh
`;
/** What an administrator says once for all sites. */
const SERVER = `ServerName server.example
<Directory /srv/stats>
  Require all granted
</Directory>
<Directory /home>
  Require all granted
</Directory>
<Directory /venv>
  Require all granted
</Directory>
`;
/** The application server that one of the virtual hosts passes requests on to, and Apache. */
const START = `mkdir -p /srv/certificate && openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=secure.example.com \\
  -addext subjectAltName=DNS:secure.example.com,DNS:www.secure.example.com \\
  -keyout /srv/certificate/key.pem -out /srv/certificate/cert.pem || exit 1
cd /srv/proxied/app
python3 -c 'from wsgiref.simple_server import make_server
from wsgi import application
make_server("127.0.0.1", 8000, application).serve_forever()' &
. /etc/apache2/envvars
exec apache2 -D FOREGROUND
`;

/** A real Apache with mod_wsgi, with the sites and files below a directory. */
export class Apache {
  readonly ports: { readonly http: number; readonly https: number };
  readonly #name: string;

  private constructor(ports: Apache['ports'], name: string) {
    this.ports = ports;
    this.#name = name;
  }

  /** @param dir with `sites/*.conf`, and `home` and `srv` as Apache sees them */
  static async start(lab: Lab, dir: string): Promise<Apache> {
    const image = await buildImage(lab);
    const ports = { http: await freePort(), https: await freePort() };
    const name = `${lab.instance}-apache`;
    const mounts = [`${dir}/sites:/etc/apache2/sites-enabled`, `${dir}/srv:/srv`, `${dir}/home:/home`];
    const published = [`127.0.0.1:${ports.http}:80`, `127.0.0.1:${ports.https}:443`];
    const flags = [...published.map((item) => `--publish=${item}`), ...mounts.map((item) => `--volume=${item}`)];
    docker('run', '--detach', '--name', name, ...flags, image, '/bin/sh', '/start.sh');
    const apache = new Apache(ports, name);
    await apache.#ready();
    return apache;
  }

  run(...argv: string[]): string {
    return docker('exec', this.#name, ...argv);
  }

  stop(): void {
    docker('rm', '--force', '--volumes', this.#name);
  }

  async #ready(): Promise<void> {
    const web = new NetworkWeb();
    const server = { scheme: 'http', address: '127.0.0.1', port: this.ports.http, trusted: true } as const;
    for (let tries = 0; tries < 100; tries += 1) {
      const ask = { method: 'GET', host: 'server.example', path: '/', headers: {}, timeout: 2000 } as const;
      if (!('failed' in (await web.ask(server, ask)))) return;
      await setTimeout(200);
    }
    throw new Error(`Apache does not start:\n${docker('logs', this.#name)}`);
  }
}

async function buildImage(lab: Lab): Promise<string> {
  const bases = await lab.engine.images('hostctl.role=base');
  const base = bases.flatMap((image) => image.tags).find((tag) => tag.startsWith('hostctl/base-mod-wsgi:'));
  if (!base) throw new Error('the base images are missing: prepare.ts did not run');
  const context = pack();
  for (const [name, text] of Object.entries({ Dockerfile: DOCKERFILE, 'server.conf': SERVER, 'start.sh': START }))
    context.entry({ name }, text);
  context.finalize();
  const tag = `hostctl/apache-${lab.instance}:1`;
  const options = { tag, dockerfile: 'Dockerfile', labels: { [LABEL.instance]: lab.instance }, args: { BASE: base } };
  await lab.engine.build(Readable.from(context, { objectMode: false }), options, () => undefined);
  return tag;
}

const FIXTURES = new URL('../../fixtures/equivalence', import.meta.url).pathname;
const ASKED = join(FIXTURES, '../asked.py');

/** A virtual host, or several that belong together, and what is asked of it. */
export interface Equivalent {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** One request: what Apache answers, and where hostctl means to answer another way. */
export interface Row {
  readonly text: string;
  readonly status: number;
  readonly method: 'GET' | 'HEAD';
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent once more with what the first answer said. */
  readonly again?: 'If-None-Match' | 'If-Modified-Since';
  readonly reason?: string;
}

export function readEquivalents(): Equivalent[] {
  return readdirSync(FIXTURES).map((name) => ({
    name,
    rows: readRows(readFileSync(join(FIXTURES, name, 'requests.txt'), 'utf8')),
  }));
}

/** Lines such as `206 HEAD //host/path | Range: bytes=0-3 ~ reason`. */
function readRows(text: string): Row[] {
  let host = '';
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('host ')) host = line.slice(5);
    const match = /^(\d+) (?:(HEAD) )?(https:)?(?:\/\/([^/]+))?(\/[^ ]*)(?: \| ([^~]+?))?(?: ~ (\S+))?$/.exec(line);
    if (!match) {
      if (line !== '' && !/^(host |#)/.test(line)) throw new Error(`requests.txt: ${line}`);
      return [];
    }
    const [, status, method, secure, other, path, header, reason] = match;
    const again = header === 'If-None-Match' || header === 'If-Modified-Since' ? header : undefined;
    const [name, value] = again === undefined && header !== undefined ? header.split(/: (.*)/) : [];
    return [
      {
        text: line,
        status: Number(status),
        method: method === 'HEAD' ? 'HEAD' : 'GET',
        scheme: secure === undefined ? 'http' : 'https',
        host: other ?? host,
        path: path!,
        headers: name === undefined ? {} : { [name]: value! },
        ...(again === undefined ? {} : { again }),
        ...(reason === undefined ? {} : { reason }),
      },
    ];
  });
}

/** Lays the virtual hosts and their files out, as they would be on the old machine. */
export function layOut(dir: string): void {
  mkdirSync(join(dir, 'sites'), { recursive: true });
  for (const name of readdirSync(FIXTURES)) {
    const conf = readFileSync(join(FIXTURES, name, 'site.conf'), 'utf8');
    writeFileSync(join(dir, 'sites', `${name}.conf`), conf);
    const tree = join(FIXTURES, name, 'tree');
    if (!existsSync(tree)) continue;
    cpSync(tree, dir, { recursive: true });
    for (const file of readdirSync(tree, { recursive: true, encoding: 'utf8' })) nameApp(join(dir, file));
  }
}

/** Where a script says so stands the one app that tells what it was asked, and under which name. */
function nameApp(path: string): void {
  if (!/\.(py|wsgi)$/.test(path)) return;
  const name = /^# asked\.py, called (\w+)\n$/.exec(readFileSync(path, 'utf8'))?.[1];
  if (name !== undefined) writeFileSync(path, readFileSync(ASKED, 'utf8').replaceAll('@name@', name));
}
