// Bundles src/ into dist/: one file per command and what they share, with every library inside.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** dockerode loads an SSH client and a gRPC stack at start, for features hostctl does not use. */
const leaveOut = {
  name: 'leave-out',
  setup(bundle) {
    const unused = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|cpu-features)$/;
    bundle.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'left-out' }));
    bundle.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: () => { throw new Error('${path} is not part of hostctl'); } });`,
    }));
    // url.parse is deprecated, and only needed for engines that are not on a socket.
    bundle.onLoad({ filter: /docker-modem\/lib\/ssh\.js$/ }, () => ({ contents: 'module.exports = () => undefined;' }));
    bundle.onLoad({ filter: /dockerode\/lib\/session\.js$/ }, () => ({
      contents: 'module.exports = () => undefined;',
    }));
  },
};

/** The licences of what is bundled travel with it. */
function writeLicences(inputs) {
  const packages = new Map();
  for (const file of Object.keys(inputs)) {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (!name || packages.has(name)) continue;
    const folder = file.slice(0, file.indexOf(name) + name.length);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const text = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    packages.set(
      name,
      `${name} ${version} (${license})\n\n${text ? readFileSync(join(folder, text), 'utf8').trim() : ''}`,
    );
  }
  const sorted = [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  writeFileSync('dist/THIRD-PARTY-LICENSES.txt', `${sorted.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
}

export async function buildHostctl() {
  rmSync('dist', { recursive: true, force: true });
  mkdirSync('dist');
  const commands = readdirSync('src/commands', { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/commands/${name}`);
  const { metafile } = await build({
    entryPoints: ['src/main.ts', ...commands],
    outdir: 'dist',
    outbase: 'src',
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    chunkNames: 'chunks/[name]-[hash]',
    legalComments: 'none',
    plugins: [leaveOut],
    banner: {
      js: [
        "import { createRequire as hostctlRequire } from 'node:module';",
        "import { fileURLToPath as hostctlPath } from 'node:url';",
        'const require = hostctlRequire(import.meta.url);',
        'const __filename = hostctlPath(import.meta.url);',
        "const __dirname = hostctlPath(new URL('.', import.meta.url));",
      ].join('\n'),
    },
  });
  writeLicences(metafile.inputs);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await buildHostctl();
