import { type Intended, isServerPage, sameType } from './intended.ts';
import { covers } from './routes.ts';
import { normalised } from './steady.ts';
import { contentType, header, type Reply, type WebAnswer, type WebAsk } from './reply.ts';
import { parseUrl } from './url.ts';

/** One thing in which two servers differ. */
export interface Finding {
  readonly what: 'answer' | 'status' | 'redirect' | 'type' | 'body' | 'cookies' | 'cache';
  /** What the other server says. */
  readonly there: string;
  /** What hostctl says. */
  readonly here: string;
  /** Absent: nobody meant it. */
  readonly reason?: Intended | 'note';
  /** In words, what to think of it. */
  readonly remark?: string;
}

export type Verdict = 'same' | 'intended' | 'different' | 'unknown';

/** What the comparison needs to know of the site. */
export interface Compared {
  /** Whether a hostname is one of the site's. */
  readonly own: (host: string) => boolean;
  /** URL paths of its media, without closing slashes. */
  readonly aliases: readonly string[];
  /** Paths of its redirects and access rules. */
  readonly ruled: readonly string[];
  /** Those of static files that a runtime collects without being asked. */
  readonly collected: readonly string[];
  /** Cookies hostctl sets by itself. */
  readonly sticky: readonly string[];
  /** Ports of the two servers, which are no part of a site's address. */
  readonly ports: readonly number[];
  /** How both are asked; `mixed` when each another way. */
  readonly scheme: 'http' | 'https' | 'mixed';
}

/** What a request's findings come to. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some((finding) => finding.reason === undefined)) return 'different';
  return findings.some((finding) => finding.reason !== 'note') ? 'intended' : 'same';
}

/** Where two answers to one request differ. Bodies that differ may still be one text with other tokens in it. */
export function compare(ask: WebAsk, there: WebAnswer, here: WebAnswer, site: Compared): Finding[] {
  if ('failed' in there || 'failed' in here) return compareFailures(there, here);
  if (there.status !== here.status) return [statusFinding(ask, there, here, site)];
  const cookies = compareCookies(there, here, site);
  if (there.status >= 300 && there.status < 400) return [...compareRedirects(ask, there, here, site), ...cookies];
  if (isError(there) && there.body.text !== undefined && isServerPage(there.body.text) && differs(ask, there, here))
    return [{ what: 'body', there: pageWords(there), here: pageWords(here), reason: 'error-page' }, ...cookies];
  const path = ask.path.replace(/\?.*$/, '');
  // What was the app's own page of 404 there is a file that is missing here.
  if (there.status === 404 && site.collected.some((alias) => covers(alias, path)) && differs(ask, there, here))
    return [{ what: 'body', there: bodyWords(there), here: pageWords(here), reason: 'collected' }, ...cookies];
  return [
    ...compareTypes(ask, there, here),
    ...compareBodies(ask, there, here),
    ...cookies,
    ...compareCache(there, here),
  ];
}

function compareFailures(there: WebAnswer, here: WebAnswer): Finding[] {
  const words = (answer: WebAnswer): string => ('failed' in answer ? answer.failed : String(answer.status));
  const both = 'failed' in there && 'failed' in here;
  return [
    { what: 'answer', there: words(there), here: words(here), ...(both ? { remark: 'neither server answered' } : {}) },
  ];
}

function statusFinding(ask: WebAsk, there: Reply, here: Reply, site: Compared): Finding {
  const words = (reply: Reply): string => {
    const to = header(reply, 'location');
    return to === '' ? String(reply.status) : `${reply.status} ${to}`;
  };
  const reason = statusReason(ask, there, here, site);
  const remark = statusRemark(ask, there, here);
  return {
    what: 'status',
    there: words(there),
    here: words(here),
    ...(reason === undefined ? (remark === undefined ? {} : { remark }) : { reason }),
  };
}

function statusReason(ask: WebAsk, there: Reply, here: Reply, site: Compared): Intended | undefined {
  const path = ask.path.replace(/\?.*$/, '');
  const missing = here.status === 404 || here.status === 403;
  const listed = there.status === 200 && /<title>Index of /.test(there.body.text ?? '');
  // A folder without an index: Apache says that it may not be listed, hostctl that there is nothing.
  const unlisted = there.status === 403 && here.status === 404;
  if (missing && path.endsWith('/') && (listed || unlisted)) return 'listing';
  if (here.status === 404 && there.status === 301 && target(ask, there, site).endsWith(`${path}/`)) return 'listing';
  if (here.status === 404 && /\/\.(?!well-known\/)/.test(path)) return 'hidden';
  if (site.aliases.includes(path) && here.status === 301 && header(here, 'location').endsWith('/')) {
    return there.status === 301 ? undefined : 'alias-slash';
  }
  if (there.status === 303 && here.status === 302) {
    return target(ask, there, site) === target(ask, here, site) ? 'see-other' : undefined;
  }
  if (there.status === 404 && site.ruled.includes(path.replace(/(?<=.)\/$/, ''))) return 'edge';
  if (there.status === 404 && site.collected.some((alias) => covers(alias, path))) return 'collected';
  return /%2f/i.test(path) && there.status === 404 ? 'encoded-slash' : undefined;
}

function statusRemark(ask: WebAsk, there: Reply, here: Reply): string | undefined {
  if (here.status === 429 || there.status === 429) return 'requests are limited: verify with --parallel 1';
  if (here.status === 502 || here.status === 504) return 'the app does not answer: hostctl logs NAME';
  const denied = [there.status, here.status].some((status) => status === 401 || status === 403);
  if (denied) return 'who may see this: the two servers may know this machine under different addresses';
  const secure = (reply: Reply): boolean => header(reply, 'location').startsWith(`https://${ask.host}/`);
  if (secure(there)) return 'the other server leads to https: compare with --against https://…';
  return secure(here) ? 'hostctl leads to https here' : undefined;
}

function compareRedirects(ask: WebAsk, there: Reply, here: Reply, site: Compared): Finding[] {
  const [old, now] = [target(ask, there, site), target(ask, here, site)];
  return old === now ? [] : [{ what: 'redirect', there: old, here: now }];
}

/** Where a redirect leads, without what differs between the two servers by their being two. */
function target(ask: WebAsk, reply: Reply, site: Compared): string {
  const text = header(reply, 'location');
  const base = `${site.scheme === 'https' ? 'https' : 'http'}://${ask.host}${ask.path}`;
  const url = text === '' ? undefined : parseUrl(text, base);
  if (!url) return text;
  if (!site.own(url.hostname)) return url.href;
  if (site.ports.includes(Number(url.port))) url.port = '';
  return `${site.scheme === 'mixed' ? '' : url.protocol}//${url.host}${url.pathname}${url.search}${url.hash}`;
}

const isError = (reply: Reply): boolean => reply.status >= 400;

function compareTypes(ask: WebAsk, there: Reply, here: Reply): Finding[] {
  // An error page has no body to see here, and its type is that of the page.
  if (ask.method === 'HEAD' && isError(there)) return [];
  const [old, now] = [contentType(there), contentType(here)];
  const words = { there: header(there, 'content-type') || 'none', here: header(here, 'content-type') || 'none' };
  if (!sameType(old.type, now.type)) return [{ what: 'type', ...words }];
  if (old.charset !== now.charset) {
    return [
      { what: 'type', ...words, ...(old.charset === '' && now.charset === 'utf-8' ? { reason: 'charset' } : {}) },
    ];
  }
  return old.type === now.type ? [] : [{ what: 'type', ...words, reason: 'type' }];
}

function compareBodies(ask: WebAsk, there: Reply, here: Reply): Finding[] {
  if (!differs(ask, there, here)) {
    const cut = ask.method === 'GET' && !(there.body.whole && here.body.whole);
    const words = `the first ${there.body.bytes} bytes`;
    return cut ? [{ what: 'body', there: words, here: words, reason: 'note', remark: 'the rest was not read' }] : [];
  }
  return [{ what: 'body', there: bodyWords(there), here: bodyWords(here) }];
}

function differs(ask: WebAsk, there: Reply, here: Reply): boolean {
  if (ask.method === 'HEAD' || there.body.hash === here.body.hash) return false;
  const [old, now] = [there.body.text, here.body.text];
  return old === undefined || now === undefined || normalised(old, ask.host) !== normalised(now, ask.host);
}

const bodyWords = (reply: Reply): string => `${reply.body.bytes} bytes, ${reply.body.hash.slice(0, 12)}`;

const pageWords = (reply: Reply): string =>
  isServerPage(reply.body.text ?? '') ? "the server's own page" : bodyWords(reply);

function compareCookies(there: Reply, here: Reply, site: Compared): Finding[] {
  const names = (reply: Reply): string[] =>
    (reply.headers['set-cookie'] ?? []).map((line) => line.slice(0, Math.max(line.indexOf('='), 0))).toSorted();
  const [old, now] = [names(there), names(here)];
  const rest = now.filter((name) => old.includes(name) || !site.sticky.includes(name));
  const words = { there: old.join(' ') || 'none', here: now.join(' ') || 'none' };
  if (old.join(' ') !== rest.join(' ')) return [{ what: 'cookies', ...words }];
  return rest.length === now.length ? [] : [{ what: 'cookies', ...words, reason: 'sticky' }];
}

/** How long browsers keep it: worth knowing, and seldom a reason not to switch. */
function compareCache(there: Reply, here: Reply): Finding[] {
  const words = (reply: Reply): string => {
    const parts = [header(reply, 'cache-control'), header(reply, 'expires') === '' ? '' : 'Expires'];
    return parts.filter((part) => part !== '').join(', ') || 'none';
  };
  const [old, now] = [words(there), words(here)];
  return old === now ? [] : [{ what: 'cache', there: old, here: now, reason: 'note' }];
}
