#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

// Asked most often and needing nothing: not worth loading the rest for.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  console.log(`hostctl/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else if (!existsSync(`${root}/dist/main.js`)) {
  console.error(`hostctl is not built; in ${root}: npm ci && npm run build`);
  process.exitCode = 1;
} else {
  module.enableCompileCache?.();
  const { main } = await import('../dist/main.js');
  await main(root, process.argv.slice(2));
}
