// npm run test:mutation: which changes of src/core no test notices. The whole core takes hours: `--sample 10` takes every
// tenth block of ten lines, all files laid end to end; anything else is Stryker's, such as `--mutate src/core/units.ts`.
import { readdirSync, readFileSync } from 'node:fs';
import { ensurePackages, fail, ROOT, run, say } from './bare.js';

const BLOCK = 10;

/** Blocks of lines as Stryker names them: `src/core/units.ts:11-20`. */
function sample(every) {
  const blocks = readdirSync(`${ROOT}/src/core`)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const lines = readFileSync(`${ROOT}/src/core/${name}`, 'utf8').split('\n').length;
      return Array.from({ length: Math.ceil(lines / BLOCK) }, (_, index) => {
        const first = index * BLOCK + 1;
        return `src/core/${name}:${first}-${Math.min(first + BLOCK - 1, lines)}`;
      });
    });
  return blocks.filter((_, index) => index % every === Math.floor(every / 2));
}

const words = process.argv.slice(2);
const at = words.indexOf('--sample');
const every = at === -1 ? undefined : Number(words.splice(at, 2)[1]);
if (every !== undefined && !(Number.isInteger(every) && every > 0)) fail('--sample wants a whole number, such as 10');
ensurePackages();
if (every !== undefined) {
  const blocks = sample(every);
  say(`${blocks.length} blocks of ${BLOCK} lines, one in ${every}`);
  // An incremental report holds what earlier runs found of other lines as well.
  words.push('--mutate', blocks.join(','), '--incrementalFile', '.cache/mutation/sample.json', '--force');
}
run('node_modules/.bin/stryker', ['run', ...words]);
