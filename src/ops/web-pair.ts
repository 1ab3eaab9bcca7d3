import pLimit from 'p-limit';
import { type Ask, get, mainHost, ownHosts } from '../core/asks.ts';
import { type Compared as Common, compare, type Finding, verdictOf } from '../core/comparison.ts';
import { PASS_COOKIE } from '../core/layout.ts';
import { type Link, linksIn, sitemapLinks } from '../core/links.ts';
import { contentType, header, type WebAnswer, type WebServer } from '../core/reply.ts';
import type { Comparison } from '../core/results.ts';
import type { Site } from '../core/routes.ts';
import { compareTwice } from '../core/steady.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { stickyCookie } from '../proxy/nginx-sticky.ts';

/** Between two requests that must show what changes with time: a clock in a page counts seconds. */
const LATER_MS = 1100;
/** How often a request that was one too many is tried again. */
const PATIENCE = 5;

interface Servers {
  readonly there: WebServer;
  readonly here: WebServer;
}

interface Subject {
  readonly site: Site;
  /** Aliases of static files that no line of the definition names. */
  readonly collected: readonly string[];
}

interface PairOptions {
  /** How many requests at once each server gets. */
  readonly parallel: number;
  /** Milliseconds for one request. */
  readonly timeout: number;
}

/** Two answers to one request, and what came of comparing them. */
export interface Compared {
  readonly ask: Ask;
  readonly comparison: Comparison;
  readonly there: WebAnswer;
  readonly here: WebAnswer;
}

/** The two servers, and what counts as the same between them. */
export class Pair {
  readonly #there: WebServer;
  readonly #here: WebServer;
  readonly #site: Common;
  readonly #options: PairOptions;
  readonly #ctx: Context;
  readonly #main: string;
  /** Lets hostctl in while the site is closed. */
  readonly #pass: Readonly<Record<string, string>>;

  constructor({ site, collected }: Subject, servers: Servers, options: PairOptions, ctx: Context) {
    const { there, here } = servers;
    this.#there = there;
    this.#here = here;
    this.#options = options;
    this.#ctx = ctx;
    this.#main = mainHost(site);
    this.#pass = site.closed ? { Cookie: `${PASS_COOKIE}=${site.closed.probe}` } : {};
    const targets = site.routes.map((route) => route.target);
    this.#site = {
      own: ownHosts(site),
      aliases: site.routes.flatMap(({ path, target }) => (target.to === 'media' && !target.file ? [path] : [])),
      collected,
      ruled: [...(site.settings?.redirects ?? []), ...(site.settings?.access ?? [])].map((item) => item.path),
      sticky: targets.flatMap((target) => (target.to === 'app' && target.sticky ? [stickyCookie(target)] : [])),
      ports: [there.port, here.port],
      scheme: there.scheme === here.scheme ? here.scheme : 'mixed',
    };
  }

  /** Fails when one of the servers does not answer at all. */
  async reach(): Promise<void> {
    const { scheme, address, port } = this.#there;
    const [there, here] = await Promise.all(
      [this.#there, this.#here].map((server) => this.#send(server, get(this.#main, '/'), {})),
    );
    if ('failed' in there!) {
      throw new HostctlError('OTHER_SILENT', `${scheme}://${address}:${port} gives no answer: ${there.failed}`, {
        exit: EXIT.unreachable,
        hints: [
          there.failed.startsWith('its certificate')
            ? '--insecure takes any certificate'
            : 'name the old server by its address and port: --against http://192.0.2.10:80',
        ],
      });
    }
    if ('failed' in here!) {
      throw new HostctlError('PROXY_SILENT', `the proxy of this host gives no answer: ${here.failed}`, {
        exit: EXIT.unreachable,
        hints: ['hostctl doctor tells more'],
      });
    }
  }

  compareAll(asks: readonly Ask[]): Promise<Compared[]> {
    const limit = pLimit(this.#options.parallel);
    return Promise.all(asks.map((ask) => limit(() => this.#compare(ask))));
  }

  async #compare(ask: Ask): Promise<Compared> {
    const [there, here] = await this.#both(ask);
    const found = compare({ ...ask, timeout: this.#options.timeout }, there, here, this.#site);
    const doubtful = found.some(isDoubtful);
    const steadiness = doubtful ? await this.#steadiness(ask, there, here) : 'different';
    const findings = steadiness === 'different' ? found : found.map((item) => settled(item, steadiness));
    const verdict = verdictOf(findings);
    const { method, host, path, headers, again } = ask;
    const sent = again === undefined ? headers : { ...headers, [again]: '…' };
    const comparison: Comparison = {
      method,
      host,
      path,
      headers: sent,
      verdict: steadiness === 'unknown' && verdict === 'same' ? 'unknown' : verdict,
      findings,
    };
    return { ask, comparison, there, here };
  }

  /** Bodies that differ are asked for once more: what differs from one request to the next says nothing. */
  async #steadiness(ask: Ask, there: WebAnswer, here: WebAnswer): Promise<ReturnType<typeof compareTwice>> {
    await this.#ctx.clock.sleep(LATER_MS);
    const [second, secondHere] = await this.#both(ask);
    return compareTwice([there, second], [here, secondHere], ask.host);
  }

  /** The same request to both, each with its own validators where it is about those. */
  async #both(ask: Ask): Promise<[WebAnswer, WebAnswer]> {
    const one = async (server: WebServer): Promise<WebAnswer> => {
      const first = await this.#patiently(server, ask, {});
      if (ask.again === undefined || 'failed' in first) return first;
      const validator = header(first, ask.again === 'If-None-Match' ? 'etag' : 'last-modified');
      return validator === '' ? first : this.#patiently(server, ask, { [ask.again]: validator });
    };
    return Promise.all([one(this.#there), one(this.#here)]);
  }

  async #patiently(server: WebServer, ask: Ask, more: Readonly<Record<string, string>>): Promise<WebAnswer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#send(server, ask, more);
      if ('failed' in answer || answer.status !== 429 || tries > PATIENCE) return answer;
      await this.#ctx.clock.sleep(LATER_MS);
    }
  }

  #send(server: WebServer, ask: Ask, more: Readonly<Record<string, string>>): Promise<WebAnswer> {
    const { method, host, path } = ask;
    const headers = { ...ask.headers, ...more, ...(server === this.#here ? this.#pass : {}) };
    return this.#ctx.web.ask(server, { method, host, path, headers, timeout: this.#options.timeout });
  }

  /** Where pages lead on the site itself, those of the other server first. */
  linksOf({ ask: { host, path, method }, there, here }: Compared): Link[] {
    if (method === 'HEAD') return [];
    return [there, here].flatMap((answer) => {
      if ('failed' in answer || answer.status !== 200 || answer.body.text === undefined) return [];
      const { type } = contentType(answer);
      if (type === 'text/html') return linksIn(answer.body.text, { host, path }, this.#site.own);
      return type.endsWith('xml') && path.startsWith('/sitemap')
        ? sitemapLinks(answer.body.text, { host, path }, this.#site.own)
        : [];
    });
  }
}

const isDoubtful = ({ what, reason }: Finding): boolean => what === 'body' && reason === undefined;

function settled(finding: Finding, steadiness: 'steady' | 'unknown'): Finding {
  const remark = {
    steady: 'differs between two requests of the same server; the rest is the same',
    unknown: 'differs between two requests of the same server, so it was not compared',
  }[steadiness];
  return isDoubtful(finding) ? { ...finding, reason: 'note', remark } : finding;
}
