// What a bare machine lacks, installed: npm packages, the built program, and on Debian the programs tests call.
// Uses nothing but Node itself, since nothing else is there yet. Safe to repeat.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
export const HOSTCTL = `${ROOT}/bin/hostctl.js`;

/** Says what happens, so that nobody wonders what was installed. */
export function say(text) {
  console.log(`\n==> ${text}`);
}

/** Runs a program with its output shown; ends this one when it fails. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (error) fail(`${program} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

export function fail(text) {
  console.error(text);
  process.exit(1);
}

/** node_modules as the lock file says. */
export function ensurePackages() {
  const marker = `${ROOT}/node_modules/.package-lock.json`;
  const fresh = existsSync(marker) && statSync(marker).mtimeMs >= statSync(`${ROOT}/package-lock.json`).mtimeMs;
  if (fresh) return;
  say('installing npm packages (npm ci)');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
}

export async function ensureBuilt() {
  say('building dist/');
  const { buildHostctl } = await import('./build.js');
  process.chdir(ROOT);
  await buildHostctl();
}

/** The engine and everything below it need root. */
export function requireRoot(command) {
  if (process.getuid() !== 0)
    fail(`${command} starts containers with users of their own, which needs root: sudo ${command}`);
}

/** A program that some of the tests call, from the package that brings it. */
export function ensureProgram(program, debianPackage) {
  if (has(program)) return;
  if (!existsSync('/etc/debian_version')) fail(`${program} is missing; install it and try again`);
  say(`installing ${debianPackage}, which brings ${program}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '--yes', '-qq', debianPackage], { env });
}

function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

/** Output of hostctl, run in a workspace. */
export function hostctl(workspace, ...args) {
  return execFileSync(process.execPath, [HOSTCTL, ...args, '--workspace', workspace], { encoding: 'utf8' });
}
