import { beforeAll, describe, expect, test } from 'vitest';
import { type HostIndex, indexHosts } from '../../src/core/match.ts';
import { type Meaning, meaningOf, type WebRequest } from '../../src/core/meaning.ts';
import type { Site } from '../../src/core/routes.ts';
import { outlineOf } from '../../src/core/site.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { LocalFiles } from '../../src/local/files.ts';
import { loadTemplates } from '../../src/local/templates.ts';
import { loadProjects } from '../../src/ops/load.ts';
import { type Expected, readRequests, REQUESTS, type Row } from '../support/requests.ts';

const rows = readRequests();
let index: HostIndex<Site>;

beforeAll(async () => {
  const { runtimes } = await loadTemplates(new URL('../../templates', import.meta.url).pathname);
  const loaded = await loadProjects(new LocalFiles(), normaliseWorkspace({}, REQUESTS), runtimes);
  expect(loaded.problems).toEqual([]);
  index = indexHosts(loaded.projects.map(outlineOf));
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
