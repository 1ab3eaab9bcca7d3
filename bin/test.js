// npm test: everything, from a bare machine on. Installs what it needs, checks the code, runs the unit tests and then
// the end-to-end tests against a real engine, a real nginx and real HTTP.
import { ensurePackages, ensureProgram, requireRoot, run, say } from './bare.js';

const options = new Set(process.argv.slice(2));
const onlyE2e = options.has('--e2e');

ensurePackages();
if (!onlyE2e) {
  say('types, lint, layers, format, dead code, generated files');
  run(process.execPath, ['bin/check.js']);
  say('unit tests');
  run('node_modules/.bin/vitest', ['run', '--project', 'unit']);
}
requireRoot('npm test');
// The Docker client is what `.dockerignore` is compared with.
ensureProgram('docker', 'docker.io');
ensureProgram('docker', 'docker-cli');
// Let's Encrypt's test server with its DNS server, and what makes certificates of a user.
ensureProgram('pebble', 'pebble');
ensureProgram('openssl', 'openssl');
say('end-to-end tests; the first run also installs Docker Engine and makes the base images');
run('node_modules/.bin/vitest', ['run', '--project', 'e2e']);
