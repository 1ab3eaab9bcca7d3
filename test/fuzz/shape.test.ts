import { beforeAll, describe, expect, test } from 'vitest';
import { indexHosts } from '../../src/core/match.ts';
import type { Site } from '../../src/core/routes.ts';
import type { GeneratedFile } from '../../src/proxy/driver.ts';
import { drivers } from '../../src/proxy/index.ts';
import { probes } from './support/probes.ts';
import { expectNginxMeaning, expectSiteFiles } from './support/shape-nginx.ts';
import { expectTraefikFile, expectTraefikMeaning } from './support/shape-traefik.ts';
import { desiredOf, driverInput, fuzzWorld, read, under } from './support/sites.ts';

/** What is said of generated files can be wrong: files that were changed by hand are found out. */
const TEXT = `hostnames: [www.a.org, "*.b.org", "*c.org"]
apps:
  web: { runtime: node, source: /src/app }
  api: { image: "busybox:1", port: 8080, path: /api }
media: { /files: { from: /src/app/media } }
http: { redirects: { /old: /new }, access: { /api/in: { allow: [10.0.0.0/8] } } }
`;

const made: Record<string, { files: readonly GeneratedFile[]; sites: readonly Site[] }> = {};

beforeAll(async () => {
  const world = await fuzzWorld();
  const templates = await world.templates.proxy('nginx');
  for (const driver of ['nginx', 'traefik'] as const) {
    const workspace = under(driver, world);
    const { project } = await read(world, workspace, 'site', TEXT);
    const sites = desiredOf([project!], world, workspace).flatMap(({ site }) => site ?? []);
    made[driver] = { sites, files: drivers[driver].generation(driverInput(sites, workspace, templates)).files };
  }
});

function look(driver: 'nginx' | 'traefik', change: (text: string) => string): void {
  const { files, sites } = made[driver]!;
  const name = driver === 'nginx' ? 'sites/site.conf' : 'traefik.yml';
  const text = files.find(({ path }) => path === name)!.text;
  const other = change(text);
  if (change !== same) expect(other).not.toBe(text);
  const changed = files.map((file) => (file.path === name ? { path: name, text: other } : file));
  const trees = expectSiteFiles(sites, changed);
  const routers = driver === 'traefik' ? expectTraefikFile(sites, changed) : undefined;
  for (const request of sites.flatMap(probes)) {
    const meaning = expectNginxMeaning(request, indexHosts(sites), trees);
    if (routers) expectTraefikMeaning(request, meaning, routers);
  }
}

const same = (text: string): string => text;

describe('a generated file that is not what the definition means is found out:', () => {
  test('none of them is', () => {
    look('nginx', same);
    look('traefik', same);
  });

  test.each<[what: string, change: (text: string) => string]>([
    ['one more server', (text) => `${text}server { listen 81; }\n`],
    ['one more hostname', (text) => text.replace('server_name www.a.org;', 'server_name www.a.org evil.org;')],
    ['a hostname less', (text) => text.replace('server_name www.a.org;', '')],
    ['a glob less', (text) => text.replace(/server_name "~.*;/, '')],
    ['another file', (text) => text.replace('include proxy.conf;', 'include /etc/passwd;')],
    ['another upstream', (text) => text.replace('proxy_pass http://site.web;', 'proxy_pass http://other.web;')],
    ['another folder', (text) => text.replaceAll('/srv/media/site/', '/srv/media/other/')],
    ['a variable', (text) => text.replace('return 301 "/new', 'return 301 "$http_x')],
    ['a location less', (text) => text.replace('location ^~ /api/ {', 'location ^~ /nope/ {')],
    ['a rule less', (text) => text.replaceAll('deny all;', '')],
    ['a redirect elsewhere', (text) => text.replace('"/new', '"/evil')],
  ])('nginx, %s', (_, change) => {
    expect(() => look('nginx', change)).toThrow();
  });

  test.each<[what: string, change: (text: string) => string]>([
    ['one more hostname', (text) => text.replace('Host(`www.a.org`)', 'Host(`www.a.org`) || Host(`evil.org`)')],
    ['an unknown matcher', (text) => text.replace('Host(`www.a.org`)', 'ClientIP(`0.0.0.0/0`)')],
    ['another service', (text) => text.replace(/url: http:\/\/site-api[^\n]*/, 'url: http://other:80')],
    ['the wrong order', (text) => text.replaceAll(/priority: \d+/g, 'priority: 7')],
    ['a middleware that is not there', (text) => text.replace('- hostctl.retry', '- hostctl.other')],
  ])('traefik, %s', (_, change) => {
    expect(() => look('traefik', change)).toThrow();
  });
});
