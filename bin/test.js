// npm test: everything, from a bare machine on. Installs what it needs, checks the code, runs the unit tests and then
// those against a real engine, a real nginx, a real Traefik and real HTTP. With the name of a suite, that one alone; with
// --long, all that it can try instead of the part that fits into `npm test`.
import { ensurePackages, ensureProgram, requireRoot, run, say } from './bare.js';

const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith('--'));
const only = (name) => wanted.length === 0 || wanted.includes(name);
if (words.includes('--long')) process.env.HOSTCTL_TESTS = 'long';

const REAL = {
  e2e: 'end-to-end tests; the first run also installs Docker Engine and makes the base images',
  faults: 'faults: deploys that are killed, cut off and starved at every call',
  attacks: 'attacks: from inside an app, and on the proxy',
};

ensurePackages();
if (wanted.length === 0) {
  say('types, lint, layers, format, dead code, generated files');
  run(process.execPath, ['bin/check.js']);
}
if (only('unit')) {
  say('unit tests');
  run('node_modules/.bin/vitest', ['run', '--project', 'unit']);
}
if (only('fuzz')) {
  say('fuzz: input nobody would write');
  run('node_modules/.bin/vitest', ['run', '--project', 'fuzz', '--passWithNoTests']);
}
const real = Object.entries(REAL).filter(([name]) => only(name));
if (real.length > 0) {
  requireRoot('npm test');
  // The Docker client is what `.dockerignore` is compared with.
  ensureProgram('docker', 'docker.io');
  ensureProgram('docker', 'docker-cli');
  // What the fence between apps and their host is made with.
  ensureProgram('nft', 'nftables');
  // Let's Encrypt's test server with its DNS server, and what makes certificates of a user.
  ensureProgram('pebble', 'pebble');
  ensureProgram('openssl', 'openssl');
  // An engine of its own, in a network of its own, and a small disk.
  ensureProgram('ip', 'iproute2');
  ensureProgram('mkfs.ext4', 'e2fsprogs');
}
for (const [name, text] of real) {
  say(text);
  run('node_modules/.bin/vitest', ['run', '--project', name, '--passWithNoTests']);
}
