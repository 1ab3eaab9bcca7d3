import { afterEach, describe, expect, test } from 'vitest';
import { examine, type Result } from '../../src/core/audit-container.ts';
import { LABEL } from '../../src/core/names.ts';
import { DRIVERS, Lab } from '../e2e/support/lab.ts';
import { defineServant } from './support/evil.ts';
import { printTable } from './support/report.ts';

let lab: Lab;
afterEach(() => lab.close());

/** Every container that ever runs while `work` goes on, with its role and what the checks find. */
async function watch(work: () => Promise<unknown>): Promise<Map<string, { role: string; results: Result[] }>> {
  const found = new Map<string, { role: string; results: Result[] }>();
  const apparmor = (await lab.engine.info()).security.includes('apparmor');
  const look = async (): Promise<void> => {
    for (const { name, labels, state } of await lab.engine.containers(lab.instance)) {
      if (state !== 'running' || found.has(name)) continue;
      const read = await lab.engine.readBack(name);
      const circumstances = { apparmor, edge: name === lab.edge, relax: [] };
      if (read) found.set(name, { role: labels[LABEL.role]!, results: examine(read.settings, circumstances) });
    }
  };
  const working = new AbortController();
  const watching = (async () => {
    while (!working.signal.aborted) await look();
  })();
  try {
    await work();
    await look();
  } finally {
    working.abort();
    await watching;
  }
  return found;
}

describe.each(DRIVERS)('section 5 of the CIS benchmark, behind %s', (driver) => {
  test('every container hostctl makes passes: apps, one with a volume, release commands, proxy, helpers', async () => {
    lab = await Lab.open({ driver });
    defineServant(lab, 'stored', 'port');
    lab.write('site/index.html', 'hello');
    lab.define(
      'plain',
      'hostnames: [plain.org]\napps:\n  web: { runtime: static, source: ../site }\nmedia:\n  /m: { from: ../site }\n',
    );
    lab.write('job/package.json', '{ "type": "module" }');
    lab.write(
      'job/server.js',
      "import http from 'node:http';\nhttp.createServer((q, r) => r.end('job')).listen(process.env.PORT);\n",
    );
    lab.define('job', 'hostnames: [job.org]\napps:\n  web: { runtime: node, source: ../job, release: [sleep, "4"] }\n');
    const found = await watch(async () => {
      await lab.ok('deploy --all');
      await lab.ok('doctor');
    });
    const all = [...found].map(([name, { role, results }]) => {
      const noted = results.filter(({ state }) => state !== 'passed');
      return { name, role, passed: results.length - noted.length, noted };
    });
    printTable(
      `section 5, behind ${driver}`,
      ['container', 'role', 'passed', 'not passed'],
      all.map(({ name, role, passed, noted }) => [
        name,
        role,
        String(passed),
        noted.map(({ id, detail }) => `${id} ${detail}`).join('; '),
      ]),
    );
    expect(new Set(all.map(({ role }) => role))).toEqual(new Set(['app', 'proxy', 'task', 'helper']));
    for (const { name, noted } of all) {
      expect(
        noted.filter(({ state }) => state === 'failed'),
        name,
      ).toEqual([]);
      const allowed = name === lab.edge ? ['5.2', '5.8', '5.9', '5.14'] : ['5.2'];
      expect(allowed, name).toEqual(expect.arrayContaining(noted.map(({ id }) => id)));
    }
  });
});
