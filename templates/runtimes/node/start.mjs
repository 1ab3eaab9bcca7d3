// Builds the app where package.json has a build script, drops the development tools and writes the start command.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const { scripts = {}, main, devDependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
// npm says itself what went wrong; a stack of this script would push that out of sight.
const npm = (...args) => {
  const { status, error } = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
};

if (scripts.build !== undefined) npm('run', 'build');
if (Object.keys(devDependencies).length > 0) npm('prune', '--omit=dev');

// Run directly rather than through npm, which would stay in memory beside the app.
const file = [main, 'server.js', 'index.js', 'app.js'].find((name) => name !== undefined && existsSync(name));
const command = scripts.start ?? (file === undefined ? undefined : `node ${file}`);
if (command === undefined) {
  console.error('nothing says how to start: add a "start" script to package.json');
  process.exit(1);
}
const simple = !/[;&|<>()`]/.test(command);
writeFileSync('/hostctl/start', `export PATH=/app/node_modules/.bin:$PATH\n${simple ? 'exec ' : ''}${command}\n`, { mode: 0o755 });
