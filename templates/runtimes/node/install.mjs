// Installs what the lock file says, development tools too: the build script may need them.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
const wanted = Object.keys({ ...dependencies, ...devDependencies }).length > 0;
const locked = existsSync('package-lock.json') || existsSync('npm-shrinkwrap.json');

if (wanted && !locked) {
  console.error('package.json names dependencies, but there is no package-lock.json: run `npm install` and keep the file');
  process.exit(1);
}
if (wanted) {
  const words = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr, error } = spawnSync('npm', words, { stdio: ['inherit', 'inherit', 'pipe'], encoding: 'utf8' });
  if (error) throw error;
  // npm says itself what went wrong; its manual, or a stack of this script, would push that out of sight.
  process.stderr.write(stderr.replace(/^npm error Clean install a project\n[^]*Run "npm help ci".*\n/m, ''));
  process.exit(status ?? 1);
}
