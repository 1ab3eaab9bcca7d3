import { type Base, type Origin, originsOf, type Root } from '../core/base.ts';
import { LABEL } from '../core/names.ts';
import { fillTemplate } from '../core/template.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { build } from './builds.ts';
import { presentOrigin } from './images.ts';

const TRUST = '/etc/ssl/certs/ca-certificates.crt';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Makes sure a base is on the engine: from the registry, or where none answers from Debian packages. */
export async function ensureBase(base: Base, ctx: Context, onLine: (line: string) => void): Promise<void> {
  if (await presentOrigin(base, ctx)) return;
  const origins = originsOf(base, ctx.workspace.bases);
  for (const [index, origin] of origins.entries()) {
    try {
      await makeOrigin(base, origin, ctx, onLine);
      return;
    } catch (error) {
      if (index === origins.length - 1 || !(error instanceof HostctlError)) throw error;
      ctx.ui.event({
        type: 'note',
        text: `no registry gave ${origin.ref}, so ${base.title} is made from Debian packages (${error.message.split('\n')[0]})`,
      });
    }
  }
}

async function makeOrigin(base: Base, origin: Origin, ctx: Context, onLine: (line: string) => void): Promise<void> {
  if (origin.from === 'image') return ctx.engine.pull(origin.ref, onLine);
  if (!(await ctx.engine.image(origin.root.ref))) await makeRoot(origin.root, ctx, onLine);
  const dir = await ctx.machine.temporary();
  try {
    const extra = new Map([
      ['Dockerfile', fillTemplate(base.dockerfile, { root: origin.root.ref })],
      ['trust/.keep', ''],
    ]);
    // Builds inside containers must trust what this machine trusts, a company's own authority for instance.
    const trust = await ctx.machine.read(TRUST);
    if (trust !== undefined) extra.set('trust/ca-certificates.crt', trust);
    if (base.npm !== undefined) await packNpm(base.npm, dir, ctx);
    const context = await ctx.files.context(dir, extra, { prefix: '', dependencies: [], ignore: [] });
    const labels = { [LABEL.role]: 'base' };
    const options = { tag: origin.ref, dockerfile: 'Dockerfile', labels, args: {} };
    await build(context, options, undefined, ctx, onLine);
  } finally {
    await ctx.machine.discard(dir);
  }
}

async function packNpm(spec: string, dir: string, ctx: Context): Promise<void> {
  const { code, output } = await ctx.machine.run([
    'sh',
    '-c',
    `npm pack --silent ${spec} --pack-destination "$1" && mv "$1"/npm-*.tgz "$1/npm.tgz"`,
    'sh',
    dir,
  ]);
  if (code !== 0) throw new HostctlError('BASE_FAILED', `npm could not fetch ${spec}: ${output.trim()}`);
}

async function makeRoot(root: Root, ctx: Context, onLine: (line: string) => void): Promise<void> {
  if (root.pulled) return ctx.engine.pull(root.ref, onLine);
  if (!(await ctx.machine.has('mmdebstrap'))) {
    throw new HostctlError('NO_MMDEBSTRAP', 'mmdebstrap is missing, which makes base images from Debian packages', {
      hints: ['hostctl setup installs it', 'or name images of your own under `bases.images` in hostctl.yaml'],
    });
  }
  try {
    await debootstrap(root, [], ctx, onLine);
  } catch (error) {
    if (!(error instanceof HostctlError && /is expired/.test(error.message))) throw error;
    // A mirror that lags behind still serves signed packages; only their age is not vouched for.
    ctx.ui.event({ type: 'warning', text: `the Debian mirror's ${root.suite} is out of date; using it all the same` });
    await debootstrap(root, ['--aptopt=Acquire::Check-Valid-Until "false"'], ctx, onLine);
  }
}

async function debootstrap(
  root: Root,
  more: readonly string[],
  ctx: Context,
  onLine: (line: string) => void,
): Promise<void> {
  const mirror = ctx.workspace.bases.mirror;
  const keyring = (await ctx.machine.read(KEYRING)) === undefined ? [] : [`--keyring=${KEYRING}`];
  const argv = [
    // It runs beside the sites, on the host itself.
    'nice',
    '-n19',
    'mmdebstrap',
    '--variant=minbase',
    '--include=ca-certificates',
    ...keyring,
    ...more,
    root.suite,
    '-',
    ...(mirror ? [mirror] : []),
  ];
  const tar = ctx.machine.stream(argv, onLine);
  await ctx.engine.importImage(tar, root.ref, { [LABEL.role]: 'base' });
}
