import { buildHostctl } from '../../../bin/build.js';
import { Lab } from './lab.ts';

/** Before the first file: the program is built, and the bases that tests use are on the engine. */
export default async function prepare(): Promise<void> {
  process.chdir(new URL('../../..', import.meta.url).pathname);
  await buildHostctl();
  // Its proxy needs both bases of proxies.
  const lab = await Lab.open({ driver: 'traefik' });
  try {
    const apps = ['django', 'node', 'static', 'php'].map(
      (runtime) =>
        `  ${runtime}: { runtime: ${runtime}, source: ../source, ${runtime === 'django' ? 'wsgi: a.b, ' : ''}health: { path: / } }`,
    );
    lab.write('source/index.html', '');
    lab.define(
      'bases',
      `apps:\n${apps.join('\n')}\n  apache: { runtime: wsgi, source: ../source, wsgi: a.b, server: { kind: mod_wsgi }, health: { path: / } }\n`,
    );
    await lab.ok('setup --yes');
  } finally {
    await lab.close();
  }
}
