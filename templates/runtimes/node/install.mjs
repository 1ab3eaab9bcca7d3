// Installs what the lock file says, development tools too: the build script may need them.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
const wanted = Object.keys({ ...dependencies, ...devDependencies }).length > 0;
const locked = existsSync('package-lock.json') || existsSync('npm-shrinkwrap.json');

if (wanted && !locked) {
  console.error('package.json names dependencies, but there is no package-lock.json: run `npm install` and keep the file');
  process.exit(1);
}
if (wanted) {
  execFileSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit' });
}
