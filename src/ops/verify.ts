import { type Ask, askKey, firstAsks, get, mainHost, ownHosts } from '../core/asks.ts';
import type { Verdict } from '../core/comparison.ts';
import { uploadsPath } from '../core/layout.ts';
import { type Link, resolveLink } from '../core/links.ts';
import { header, parseServer, type WebServer } from '../core/reply.ts';
import type { Verification } from '../core/results.ts';
import { covers, type Site } from '../core/routes.ts';
import type { MediaSet } from '../core/state.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { requireDeployed } from './containers.ts';
import { liveSites, observe } from './observe.ts';
import { type Compared, Pair } from './web-pair.ts';

export interface VerifyOptions {
  /** URL of the other server. */
  readonly against: string;
  /** Take any certificate of it. */
  readonly insecure: boolean;
  /** Absolute paths of files with URL paths to ask for. */
  readonly lists: readonly string[];
  /** How many links are followed. */
  readonly crawl: number;
  /** How many requests at once each server gets. */
  readonly parallel: number;
  /** Milliseconds for one request. */
  readonly timeout: number;
}

/** Files of one alias to choose from. */
const MOST_FILES = 500;

/** The live site compared with another server: both get the same requests, none of which changes anything. */
export async function verify(project: string, options: VerifyOptions, ctx: Context): Promise<Verification> {
  const there = readServer(options);
  const { site, media } = await liveSite(project, ctx);
  const own = await readLists(options.lists, site, ctx);
  const servers = { there, here: await hereOf(site, there.scheme, options.timeout, ctx) };
  const pair = new Pair({ site, collected: collectedOf(media, ctx) }, servers, options, ctx);
  await pair.reach();
  const results = await pair.compareAll(firstAsks(site, await filesOf(site, ctx), own));
  results.push(...(await follow(results, options.crawl, pair)));
  const comparisons = results.map((item) => item.comparison);
  const counted = (verdict: Verdict): number => comparisons.filter((item) => item.verdict === verdict).length;
  return {
    project,
    requests: comparisons.length,
    same: counted('same'),
    intended: counted('intended'),
    different: counted('different'),
    unknown: counted('unknown'),
    comparisons,
  };
}

/** Asks for what the pages lead to, and for what those lead to, until so many links were followed. */
async function follow(start: readonly Compared[], most: number, pair: Pair): Promise<Compared[]> {
  const seen = new Set(start.map((item) => askKey(item.ask)));
  const all: Compared[] = [];
  for (let fresh = start; fresh.length > 0 && all.length < most;) {
    const chosen: Ask[] = [];
    for (const { host, path } of fresh.flatMap((item) => pair.linksOf(item))) {
      const ask = get(host, path);
      if (seen.has(askKey(ask)) || all.length + chosen.length >= most) continue;
      seen.add(askKey(ask));
      chosen.push(ask);
    }
    fresh = await pair.compareAll(chosen);
    all.push(...fresh);
  }
  return all;
}

async function liveSite(project: string, ctx: Context): Promise<{ site: Site; media: readonly MediaSet[] }> {
  const observed = await observe(ctx);
  requireDeployed(project, observed);
  const site = liveSites(observed.histories).find((item) => item.project === project);
  if (site) return { site, media: observed.histories[project]!.current!.desired.media };
  throw new HostctlError('NO_SITE', `no visitor reaches ${quote(project)}, so there is nothing to compare`, {
    exit: EXIT.definition,
    hints: ['only projects with hostnames have visitors'],
  });
}

/** Aliases of static files that a runtime collects, which the definition does not name. */
function collectedOf(media: readonly MediaSet[], { templates }: Context): string[] {
  const paths = new Set(templates.runtimes.flatMap((runtime) => (runtime.static ? [runtime.static.from] : [])));
  return media.flatMap(({ alias, source }) => (source.kind === 'image' && paths.has(source.path) ? [alias] : []));
}

/** The public port a visitor would use: https where the site leads there, or where the other server is asked so. */
async function hereOf(site: Site, scheme: WebServer['scheme'], timeout: number, ctx: Context): Promise<WebServer> {
  const { address, http, https } = ctx.workspace.proxy;
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  const plain: WebServer = { scheme: 'http', address: host, port: http, trusted: true };
  if (!site.tls) return plain;
  // Before DNS leads here no authority may have given a certificate yet.
  const secure: WebServer = { scheme: 'https', address: host, port: https, trusted: false };
  const ask = { ...get(mainHost(site), '/'), timeout };
  const answer = await ctx.web.ask(plain, ask);
  if (!('failed' in answer) && header(answer, 'location').startsWith('https:')) return secure;
  if (scheme === 'http' || site.tls.redirect) return plain;
  return 'failed' in (await ctx.web.ask(secure, ask)) ? plain : secure;
}

async function filesOf(site: Site, ctx: Context): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { path, target } of site.routes) {
    if (target.to !== 'media' || target.file) continue;
    const names = await ctx.host.files(uploadsPath(target.root, path), MOST_FILES);
    const urls = names.map(
      (name) => `${path === '/' ? '' : path}/${name.split('/').map(encodeURIComponent).join('/')}`,
    );
    // What lies below another alias is that one's.
    const inner = site.routes.filter((other) => other.path !== path && covers(path, other.path));
    const plain = urls.filter((url) => !inner.some((other) => covers(other.path, url)));
    found.set(path, plain);
  }
  return found;
}

function readServer({ against, insecure }: VerifyOptions): WebServer {
  const server = parseServer(against);
  if (!server.ok) throw wrong(`--against ${server.message}`);
  return { ...server.value, trusted: !insecure };
}

const MOST_LIST = 1024 * 1024;

/** One path per line, or a URL of the site; `#` begins a comment. */
async function readLists(lists: readonly string[], site: Site, ctx: Context): Promise<Link[]> {
  const host = mainHost(site);
  const own = ownHosts(site);
  const links: Link[] = [];
  for (const list of lists) {
    const text = await ctx.files.read(list, MOST_LIST);
    if (text === undefined) throw wrong(`--path ${quote(list)} is not there`);
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const word = line.trim();
      if (word === '' || word.startsWith('#')) continue;
      const link = /^(\/(?!\/)|https?:\/\/)/.test(word) ? resolveLink(word, { host, path: '/' }) : undefined;
      if (!link || !own(link.host)) {
        throw wrong(`${list}:${index + 1}: ${quote(word)} is neither a path such as /news/ nor a URL of this site`);
      }
      links.push(link);
    }
  }
  return links;
}

function wrong(message: string): HostctlError {
  return new HostctlError('USAGE', message, { exit: EXIT.definition, hints: ['hostctl verify --help'] });
}
