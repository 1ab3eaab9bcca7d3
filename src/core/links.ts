import { parseUrl } from './url.ts';

/** Paths and hostnames a page leads to. */
export interface Link {
  readonly host: string;
  /** Path and query. */
  readonly path: string;
}

/** A link that does something when it is followed has no place in a comparison. */
const ACTS = /log-?out|sign-?out|delete|remove|unsubscribe|cancel/i;
const LONGEST = 1000;

/** Links and embedded files of a page, to the site itself only. @param at the page's own place */
export function linksIn(html: string, at: Link, own: (host: string) => boolean): Link[] {
  const found = [...html.matchAll(/\s(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi)];
  return resolveAll(
    found.map(([, double, single, bare]) => double ?? single ?? bare ?? ''),
    at,
    own,
  );
}

/** What a sitemap lists, of the site itself only. */
export function sitemapLinks(xml: string, at: Link, own: (host: string) => boolean): Link[] {
  return resolveAll(
    [...xml.matchAll(/<loc>\s*([^<]*?)\s*<\/loc>/gi)].map((match) => match[1]!),
    at,
    own,
  );
}

/** A URL, or a path of the page's own host, as a link; undefined for what is no http URL. */
export function resolveLink(text: string, at: Link): Link | undefined {
  const url = parseUrl(text, `http://${at.host}${at.path}`);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  const path = `${url.pathname}${url.search}`;
  return path.length > LONGEST ? undefined : { host: url.hostname, path };
}

function resolveAll(texts: readonly string[], at: Link, own: (host: string) => boolean): Link[] {
  const links = texts.flatMap((text) => resolveLink(text.replaceAll('&amp;', '&').trim(), at) ?? []);
  const wanted = links.filter((link) => own(link.host) && !ACTS.test(link.path));
  return [...new Map(wanted.map((link) => [`${link.host}${link.path}`, link])).values()];
}
