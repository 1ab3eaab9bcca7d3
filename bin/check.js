// npm run check: everything that can be said of the code without running it.
import { spawnSync } from 'node:child_process';
import { ensurePackages, ROOT } from './bare.js';

const CHECKS = [
  ['types', 'tsc'],
  ['lint and layers', 'oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'bin', 'vitest.config.ts'],
  ['format', 'oxfmt', '--check', 'src', 'test', 'bin', 'vitest.config.ts'],
  ['dead code', 'knip'],
];

/** Each check's output is only worth reading when it fails. */
function check(name, program, args) {
  const since = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds}s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  return status === 0;
}

ensurePackages();
const results = CHECKS.map(([name, program, ...args]) => check(name, `node_modules/.bin/${program}`, args));
results.push(check('generated files', process.execPath, ['bin/generate.js', '--check']));
if (results.includes(false)) process.exitCode = 1;
