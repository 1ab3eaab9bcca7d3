import { beforeAll, describe, expect, test } from 'vitest';
import { type HostIndex, hostName, indexHosts } from '../../src/core/match.ts';
import { type Meaning, meaningOf, type WebRequest } from '../../src/core/meaning.ts';
import type { Site } from '../../src/core/routes.ts';
import { outlineOf } from '../../src/core/site.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { LocalFiles } from '../../src/local/files.ts';
import { loadTemplates } from '../../src/local/templates.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { drivers } from '../../src/proxy/index.ts';
import { type Expected, readRequests, REQUESTS, type Row } from '../support/requests.ts';

const rows = readRequests();
let index: HostIndex<Site>;
let sites: readonly Site[];
let templates: Readonly<Record<string, string>>;

beforeAll(async () => {
  const found = await loadTemplates(new URL('../../templates', import.meta.url).pathname);
  templates = await found.proxy('nginx');
  const loaded = await loadProjects(new LocalFiles(), normaliseWorkspace({}, REQUESTS), found.runtimes);
  expect(loaded.problems).toEqual([]);
  sites = loaded.projects.map(outlineOf);
  index = indexHosts(sites);
});

/** What reaches the matcher of a request on the wire. */
function requestOf({ target, hosts, method }: Row): WebRequest {
  const absolute = /^http:\/\/([^/?]*)(.*)$/i.exec(target.replace(/^https/i, 'http'));
  if (!absolute) return { method, scheme: 'http', host: hosts[0], target };
  return { method, scheme: 'http', host: absolute[1]!, target: absolute[2]!.replace(/^(?!\/)/, '/') };
}

function shown(meaning: Meaning<Site>): string {
  switch (meaning.to) {
    case 'refused':
    case 'nothing':
      return String(meaning.status);
    case 'nobody':
      return 'nobody';
    case 'redirect':
      return `${meaning.status} ${meaning.location}`;
    case 'app':
      return `${meaning.site.project}/${meaning.route.target.to === 'app' ? meaning.route.target.app : ''}`;
    case 'media':
      return `file ${meaning.site.project}:${Buffer.from(meaning.path, 'latin1').toString()}`;
  }
}

/** Which files there are is for the proxy to know: to the matcher one that is not there is a file like any other. */
function wanted(expected: Expected, meaning: Meaning<Site>): string {
  switch (expected.kind) {
    case 'app':
    case 'upgrade':
      return expected.app;
    case 'file':
      return `file ${expected.project}:${expected.path}`;
    case 'redirect':
      return `${expected.status} ${expected.location}`;
    case 'status':
      return expected.status === 404 && meaning.to === 'media' ? shown(meaning) : String(expected.status);
    case 'nobody':
      return 'nobody';
  }
}

describe('the table of requests', () => {
  test('is as large as it should be, and says nothing twice', () => {
    expect(rows.length).toBeGreaterThanOrEqual(250);
    const texts = rows.map((row) => row.text.replaceAll(/ +/g, ' '));
    expect(texts.filter((text, place) => texts.indexOf(text) !== place)).toEqual([]);
  });

  test.each(rows.filter((row) => !row.wire).map((row) => [row.text.replaceAll(/ +/g, ' '), row] as const))(
    '%s',
    (_, row) => {
      const meaning = meaningOf(requestOf(row), index);
      expect(shown(meaning)).toBe(wanted(row.expected('nginx'), meaning));
    },
  );
});

describe.each(['nginx', 'traefik'] as const)('the rules of %s', (name) => {
  test('lead every request to what it means', () => {
    const { proxy } = normaliseWorkspace({}, REQUESTS);
    const input = {
      sites,
      settings: { ...proxy, driver: name },
      instance: 'here',
      certificates: {},
      ordering: [],
      cpus: 2,
      token: 't',
      templates,
    };
    const { files } = drivers[name].generation(input);
    let direct = 0;
    for (const row of rows.filter((item) => !item.wire && item.headers.length === 0)) {
      const request = requestOf(row);
      const meaning = meaningOf(request, index);
      if (meaning.to === 'refused' || meaning.to === 'nobody') continue;
      const host = hostName(request.host!)!;
      const [first, second] = drivers[name].explain(files, {
        ...request,
        host,
        path: meaning.path,
        project: meaning.site.project,
      });
      const nginx = first!.proxy === 'nginx' ? first! : second;
      if (nginx) expect(nginx.rule, row.text).toMatch(locationOf(meaning));
      else {
        direct += 1;
        const { app } = (meaning as { route: { target: { app: string } } }).route.target;
        expect(first!.router, row.text).toMatch(new RegExp(`^${meaning.site.project}(\\..*)?\\.${app}$`));
      }
    }
    if (name === 'traefik') expect(direct).toBeGreaterThan(150);
  });
});

/** The location that should be chosen. */
function locationOf(meaning: Exclude<Meaning<Site>, { to: 'refused' | 'nobody' }>): RegExp {
  const { path } = meaning;
  const route = 'route' in meaning ? meaning.route : undefined;
  const at = (route?.path ?? '/').replaceAll('.', '\\.');
  if (at === '/') return /; location (\^~ )?\/$/;
  return new RegExp(path === route!.path ? `; location = ${at}$` : `; location \\^~ ${at}/$`);
}
