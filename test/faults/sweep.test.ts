import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LABEL } from '../../src/core/names.ts';
import { ask } from '../e2e/support/http.ts';
import { Lab } from '../e2e/support/lab.ts';
import { type FaultKind, FaultProxy } from './support/fault-proxy.ts';
import { type Scenario, sweep, table, type Tally } from './support/sweep.ts';

const LONG = process.env['HOSTCTL_TESTS'] === 'long';
const KINDS: readonly FaultKind[] = ['kill-before', 'kill-after', 'drop-before', 'drop-after'];
const tallies: Tally[] = [];
afterAll(() => process.stdout.write(`\n${table(tallies)}\n`));

/** Every call with every fault, or a spread of them. */
function cases(every: boolean): (calls: number) => { kind: FaultKind; at: number }[] {
  return (calls) => {
    const all = Array.from({ length: calls }, (_, index) => index + 1);
    if (every) return all.flatMap((at) => KINDS.map((kind) => ({ kind, at })));
    const some = all.filter((at) => at % Math.ceil(calls / 5) === 0);
    return some.flatMap((at, index) => ({
      kind: index % 2 === 0 ? ('kill-after' as const) : ('drop-after' as const),
      at,
    }));
  };
}

describe.each(['nginx', 'traefik'] as const)('under %s', (driver) => {
  let lab: Lab;
  let proxy: FaultProxy;
  let names: string[];
  let neighbours: string;

  const content = async (name: string): Promise<string> => (await ask(lab, `${name}.org`, '/')).body;
  const write = (name: string, text: string): unknown => lab.write(`${name}/index.html`, text);

  /** Names and ids of what runs of a project nobody touches. */
  async function untouched(): Promise<string> {
    const all = await lab.engine.containers(lab.instance);
    const theirs = all.filter((item) => [names[0], undefined].includes(item.labels[LABEL.project]));
    return theirs
      .map((item) => `${item.name} ${item.id}`)
      .toSorted()
      .join('\n');
  }

  /** One running copy, serving this; nobody else touched; nothing left to do. */
  async function whole(project: string, text: string): Promise<string[]> {
    const wrong: string[] = [];
    const running = await lab.running(project);
    if (running.length !== 1) wrong.push(`${running.length} containers of ${project} run`);
    const served = await content(project);
    if (served !== text) wrong.push(`${project} serves ${served.slice(0, 60)} instead of ${text}`);
    return wrong;
  }

  async function planned(project: string): Promise<string[]> {
    const { code, out, err } = await lab.hostctl(`plan ${project} --detailed-exitcode`, {
      DOCKER_HOST: proxy.endpoint,
    });
    return code === 0 ? [] : [`there is still something planned: ${out}${err}`];
  }

  async function neighbourly(): Promise<string[]> {
    return (await untouched()) === neighbours ? [] : ['a neighbour or the proxy was touched'];
  }

  beforeAll(async () => {
    lab = await Lab.open({ driver });
    proxy = await FaultProxy.open();
    names = ['near', 'one', 'two', 'three', 'four', 'five'].map((name) => `${name}${lab.instance}`);
    for (const name of names) {
      write(name, 'version 0');
      lab.write(`${name}-files/a.txt`, 'A');
      lab.define(
        name,
        `hostnames: [${name}.org]\napps:\n  web: { runtime: static, source: ../${name} }\nmedia:\n  /files: { from: ../${name}-files }\n`,
      );
    }
    await lab.ok(`deploy ${names[0]}`, { DOCKER_HOST: proxy.endpoint });
    neighbours = await untouched();
  });
  afterAll(async () => {
    await proxy.close();
    await lab.close();
  });

  async function put(scenario: Scenario, every: boolean): Promise<void> {
    const tally = await sweep(lab, scenario, proxy, cases(every));
    tallies.push({ ...tally, scenario: `${scenario.name}, ${driver}` });
    expect(tally.broken.join('\n\n')).toBe('');
    expect(tally.converged).toBe(tally.cases);
  }

  test('a first deploy', async () => {
    const name = names[1]!;
    await put(
      {
        name: 'first deploy',
        command: `deploy ${name}`,
        prepare: async (n) => {
          if (n > 0) await lab.ok(`remove ${name} --purge --confirm ${name}`, { DOCKER_HOST: proxy.endpoint });
        },
        serving: [`${names[0]}.org`],
        whole: async () => [...(await whole(name, 'version 0')), ...(await planned(name)), ...(await neighbourly())],
      },
      LONG,
    );
  });

  test('an update', async () => {
    const name = names[1]!;
    await lab.ok(`deploy ${name}`, { DOCKER_HOST: proxy.endpoint });
    let text = '';
    await put(
      {
        name: 'update',
        command: `deploy ${name}`,
        prepare: async (n) => {
          text = `update ${n}`;
          write(name, text);
        },
        serving: [names[0]!, name].map((item) => `${item}.org`),
        whole: async () => [...(await whole(name, text)), ...(await planned(name)), ...(await neighbourly())],
      },
      LONG,
    );
  });

  test('a rollback', async () => {
    const name = names[1]!;
    const texts = ['forth', 'back'];
    for (const text of texts) {
      write(name, text);
      await lab.ok(`deploy ${name}`, { DOCKER_HOST: proxy.endpoint });
    }
    let text = '';
    const scenario = {
      name: 'rollback',
      command: '',
      prepare: async (n: number) => {
        text = texts[n % 2]!;
        const { releases } = JSON.parse(await lab.ok(`releases ${name} --json`)) as { releases: { id: number }[] };
        scenario.command = `rollback ${name} --to ${releases[1]!.id}`;
      },
      serving: [names[0]!, name].map((item) => `${item}.org`),
      whole: async () => {
        const { out } = await lab.hostctl(scenario.command, { DOCKER_HOST: proxy.endpoint });
        const more = out.startsWith('unchanged') ? [] : [`there was still something to do: ${out}`];
        return [...(await whole(name, text)), ...more, ...(await neighbourly())];
      },
    };
    await put(scenario, LONG || driver === 'nginx');
  });

  test('a removal', async () => {
    const name = names[1]!;
    await put(
      {
        name: 'remove',
        command: `remove ${name} --yes`,
        prepare: () => lab.ok(`deploy ${name}`, { DOCKER_HOST: proxy.endpoint }),
        serving: [`${names[0]}.org`],
        whole: async () => {
          const running = await lab.running(name);
          const { status } = await ask(lab, `${name}.org`, '/');
          const wrong = running.length > 0 || ![0, 404].includes(status) ? [`${name} answers ${status}`] : [];
          return [...wrong, ...(await neighbourly())];
        },
      },
      LONG,
    );
  });

  test('a deploy of five', async () => {
    const five = names.slice(1);
    let text = 'all 1';
    for (const name of five) write(name, text);
    await lab.ok('deploy --all', { DOCKER_HOST: proxy.endpoint });
    await put(
      {
        name: 'deploy --all of 5',
        command: 'deploy --all',
        prepare: async (n) => {
          text = `all ${n % 2}`;
          for (const name of five) write(name, text);
        },
        serving: names.map((item) => `${item}.org`),
        whole: async () => {
          const each = await Promise.all(five.map((name) => whole(name, text)));
          return [...each.flat(), ...(await planned('--all')), ...(await neighbourly())];
        },
      },
      LONG,
    );
  });
});
