import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatPlan } from '../src/core/steps.ts';
import { deploy, plan } from '../src/ops/deploy.ts';
import { render } from '../src/ops/render.ts';
import { World } from './support/world.ts';

const FIXTURES = new URL('fixtures/', import.meta.url).pathname;

/** Whole plans and whole files, reviewed as files: `npx vitest -u` writes them anew. */
describe.each(readdirSync(FIXTURES).filter((name) => existsSync(`${FIXTURES}${name}/project.yaml`)))('%s', (name) => {
  const world = async (): Promise<World> => {
    const made = await World.with({ [name]: readFileSync(`${FIXTURES}${name}/project.yaml`, 'utf8') });
    made.source('projectname', { 'manage.py': '', 'robots.txt': 'R', 'media/a.txt': 'A', 'public/index.html': 'I' });
    made.source('pages', {
      htpasswd: 'ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n',
      '404.html': 'not found',
      '502.html': 'asleep',
      'closed.html': 'closed',
    });
    made.engine.behaviours.set('hostctl/*', {
      answers: 200,
      files: {
        '/srv/static/a.css': 'a',
        '/usr/lib/python3/dist-packages/django/contrib/admin/static/admin/b.css': 'b',
      },
    });
    return made;
  };

  test('the plan of a first deploy', async () => {
    await expect(formatPlan(await plan([name], await world()))).toMatchFileSnapshot(`${FIXTURES}${name}/plan.txt`);
  });

  test('the plan of a change of the source, and of none', async () => {
    const made = await world();
    const [outcome] = await deploy([name], made, { wait: 0 });
    expect(outcome?.error).toBeUndefined();
    expect(formatPlan(await plan([name], made))).toBe('Up to date.\n');
    made.source('projectname', { 'app.py': 'changed' });
    made.define(
      name,
      readFileSync(`${FIXTURES}${name}/project.yaml`, 'utf8').replace('health:', 'stop: 7s\n    health:'),
    );
    await expect(formatPlan(await plan([name], made))).toMatchFileSnapshot(`${FIXTURES}${name}/plan-change.txt`);
  });

  test('the proxy configuration', async () => {
    const made = await world();
    await made.host.write('key', 'k'.repeat(64));
    const [file] = await render('nginx', [name], made);
    // A generation's name changes with every part of it, those of other files too.
    const text = (of: string): string => of.replaceAll(/(generations\/|Path\(`\/)[0-9a-f]{12}/g, '$1GENERATION');
    await expect(text(file!.text)).toMatchFileSnapshot(`${FIXTURES}${name}/nginx.conf`);
    const files = await render('traefik', [name], made);
    await expect(text(files.at(-1)!.text)).toMatchFileSnapshot(`${FIXTURES}${name}/traefik.yml`);
  });
});
