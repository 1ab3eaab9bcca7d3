import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as requestPlainly, type Server } from 'node:http';
import { request } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type Lab } from './lab.ts';

/** An address of this machine that containers reach too. */
const ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find((item) => item?.family === 'IPv4' && !item.internal)!.address;

/** A program for `tls.dns.hook`. */
const HOOK = `#!/usr/bin/env node
const [command, name, value] = process.argv.slice(2);
const path = { set: '/present', unset: '/cleanup' }[command];
fetch('RECORDS' + path, { method: 'POST', body: JSON.stringify({ fqdn: name + '.', value }) })
  .then((reply) => process.exit(reply.ok ? 0 : 1));
`;

/** Let's Encrypt's test server with a DNS server of its own, in which names exist only when a test says so. */
export class Pebble {
  /** URL of the ACME directory, reachable from this machine and from containers. */
  readonly directory: string;
  /** PEM file with the certificate that vouches for the directory itself. */
  readonly trust: string;
  /** Where DNS is asked. */
  readonly dns: string;
  readonly #dir: string;
  readonly #manage: { readonly pebble: number; readonly dns: number };
  readonly #children: readonly ChildProcess[];
  readonly #requests: Server;
  readonly #records: string;
  /** What was asked of DNS records: `set NAME`, `unset NAME`. */
  readonly calls: string[] = [];

  private constructor(
    dir: string,
    ports: { acme: number; pebble: number; dns: number; names: number; requests: number },
    children: readonly ChildProcess[],
  ) {
    this.#dir = dir;
    this.directory = `https://${ADDRESS}:${ports.acme}/dir`;
    this.trust = join(dir, 'ca.pem');
    this.dns = `${ADDRESS}:${ports.names}`;
    this.#manage = { pebble: ports.pebble, dns: ports.dns };
    this.#children = children;
    // What Traefik's provider `httpreq` calls, and the hook of hostctl.
    this.#requests = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const { fqdn, value } = JSON.parse(text) as { fqdn: string; value: string };
        const set = request.url === '/present';
        this.calls.push(`${set ? 'set' : 'unset'} ${fqdn.replace(/\.$/, '')}`);
        this.#dns(set ? 'set-txt' : 'clear-txt', { host: fqdn, ...(set ? { value } : {}) }).then(
          () => response.end(),
          () => response.writeHead(500).end(),
        );
      });
    }).listen(ports.requests, '0.0.0.0');
    this.#records = `http://${ADDRESS}:${ports.requests}`;
  }

  /** @param lab whose ports stand for 80 and 443 of every name @param days certificates are good for */
  static async start(lab: Lab, days = 90): Promise<Pebble> {
    const dir = mkdtempSync(join(tmpdir(), 'hostctl-pebble-'));
    const ports = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()];
    const [acme, pebble, dns, names, requests] = ports as [number, number, number, number, number];
    certify(dir);
    const config = {
      pebble: {
        listenAddress: `0.0.0.0:${acme}`,
        managementListenAddress: `127.0.0.1:${pebble}`,
        certificate: join(dir, 'cert.pem'),
        privateKey: join(dir, 'key.pem'),
        httpPort: lab.port,
        tlsPort: lab.https,
        certificateValidityPeriod: days * 24 * 3600,
      },
    };
    writeFileSync(join(dir, 'pebble.json'), JSON.stringify(config));
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' };
    const children = [
      spawn(
        'pebble-challtestsrv',
        // prettier-ignore
        ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv4', '', '-defaultIPv6', '', '-dns01', `0.0.0.0:${names}`, '-management', `127.0.0.1:${dns}`],
        { stdio: 'ignore' },
      ),
      spawn('pebble', ['-config', join(dir, 'pebble.json'), '-dnsserver', `127.0.0.1:${names}`], {
        stdio: 'ignore',
        env,
      }),
    ];
    const made = new Pebble(dir, { acme, pebble, dns, names, requests }, children);
    await made.#answers();
    return made;
  }

  /** Adds to hostctl.yaml what says all this. */
  configure(lab: Lab): void {
    chmodSync(lab.write('dns-hook.cjs', HOOK.replace('RECORDS', this.#records)), 0o755);
    lab.write('dns.env', `# For httpreq.\nHTTPREQ_ENDPOINT=${this.#records}\n`);
    appendFileSync(
      join(lab.dir, 'hostctl.yaml'),
      `tls:
  email: me@example.org
  ca: ${this.directory}
  ca-certificates: ${this.trust}
  resolvers: ["${this.dns}"]
  dns: { hook: ./dns-hook.cjs, wait: 20s, provider: httpreq, env: ./dns.env }
`,
    );
  }

  /** The certificate that issued certificates lead to. */
  root(): Promise<string> {
    return fetchText(`https://127.0.0.1:${this.#manage.pebble}/roots/0`, this.trust);
  }

  /** Makes a name exist. */
  async point(host: string, address = '127.0.0.1'): Promise<void> {
    await this.#dns('clear-a', { host: `${host}.` });
    await this.#dns('add-a', { host: `${host}.`, addresses: [address] });
  }

  /** Makes it vanish. */
  async forget(host: string): Promise<void> {
    await this.#dns('clear-a', { host: `${host}.` });
  }

  stop(): void {
    this.#requests.close();
    for (const child of this.#children) child.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #dns(path: string, body: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#manage.dns, path: `/${path}`, method: 'POST' };
      const outgoing = requestPlainly(options, (response) => {
        response.resume();
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${path} answered ${response.statusCode}`));
      });
      outgoing.on('error', reject);
      outgoing.end(JSON.stringify(body));
    });
  }

  async #answers(): Promise<void> {
    const until = Date.now() + 20_000;
    for (;;) {
      try {
        await fetchText(this.directory, this.trust);
        await this.#dns('clear-a', { host: 'nobody.' });
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

function fetchText(url: string, trust: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ca: readFileSync(trust), agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(text));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** A certificate for the directory itself, and who vouches for it. */
function certify(dir: string): void {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  openssl('req', '-x509', ...key, '-subj', '/CN=lab', '-keyout', 'ca.key', '-out', 'ca.pem');
  const names = `subjectAltName=IP:127.0.0.1,IP:${ADDRESS}`;
  const from = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', '/CN=pebble', '-addext', names];
  openssl('req', '-x509', ...key, ...from, '-keyout', 'key.pem', '-out', 'cert.pem');
}

/** A certificate of the user's own: files in a directory of the lab's workspace. */
export function ownCertificate(lab: Lab, dir: string, names: readonly string[], days = 60): void {
  const at = join(lab.dir, dir);
  execFileSync('mkdir', ['-p', at]);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(days)];
  const list = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  const out = ['-subj', `/CN=${names[0]}`, '-addext', list, '-keyout', 'key.pem', '-out', 'cert.pem'];
  execFileSync('openssl', ['req', '-x509', ...key, ...out], { cwd: at, stdio: 'pipe' });
}
