import { pathFor } from './paths.ts';
import { below, here, named, settle, type Site, type Spot, trimSlash, urlOf } from './site.ts';

/** Sizes, times, compression and error pages → `http`. */
export function mapLimits(site: Site): void {
  for (const spot of named(site, 'limitrequestbody')) mapBody(site, spot);
  for (const spot of named(site, 'timeout')) {
    const [seconds = ''] = spot.directive.args;
    const good = /^[1-9]\d*$/.test(seconds);
    if (good) site.definition.http.timeout ??= `${seconds}s`;
    settle(site, spot, good ? 'mapped' : 'dropped', good ? 'http.timeout' : 'no number of seconds');
  }
  for (const spot of named(site, 'addoutputfilterbytype', 'setoutputfilter', 'addoutputfilter')) {
    const deflate = /\b(?:DEFLATE|BROTLI_COMPRESS)\b/i.test(spot.directive.raw);
    if (deflate) site.definition.http.compress = true;
    settle(
      site,
      spot,
      deflate ? 'mapped' : 'unsupported',
      deflate ? 'http.compress, of text' : 'hostctl has no such filter',
    );
  }
  for (const spot of named(site, 'errordocument')) mapError(site, spot);
}

function mapBody(site: Site, spot: Spot): void {
  const bytes = Number(spot.directive.args[0] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes < 0) return settle(site, spot, 'unsupported', 'no number of bytes');
  const size = bytes === 0 ? '1T' : formatBytes(bytes);
  const before = site.definition.http.body;
  const whole = urlOf(site, spot) === '/';
  if (before === undefined || whole) site.definition.http.body = size;
  settle(
    site,
    spot,
    whole ? 'mapped' : 'decide',
    whole ? `http.body: ${size}` : `http.body is of the whole site: ${size}. Is that meant?`,
  );
}

/** Whole KiB, MiB or GiB, rounded up so that what went through still does. */
function formatBytes(bytes: number): string {
  const units = [
    ['G', 1024 ** 3],
    ['M', 1024 ** 2],
  ] as const;
  const unit = units.find(([, factor]) => bytes % factor === 0);
  return unit ? `${bytes / unit[1]}${unit[0]}` : `${Math.max(1, Math.ceil(bytes / 1024))}K`;
}

/** A page is a file here; Apache names it by its URL. */
function mapError(site: Site, spot: Spot): void {
  const [code = '', page = ''] = spot.directive.args;
  const status = Number(code);
  if (!Number.isInteger(status) || status < 400 || status > 599)
    return settle(site, spot, 'unsupported', `${code} is no status of an error`);
  if (page.toLowerCase() === 'default') return settle(site, spot, 'implied', 'the page there is without one');
  if (urlOf(site, spot) !== '/')
    return settle(site, spot, 'decide', 'http.errors is about the whole site: should it be?');
  if (!page.startsWith('/'))
    return settle(site, spot, 'decide', `http.errors takes an HTML file: write one that says so`);
  const target = site.targets.find(({ url }) => below(page, url));
  const root = named(site, 'documentroot')[0]?.directive.args[0];
  const folder = target?.kind === 'folder' || target?.kind === 'root' ? target : undefined;
  const path = folder
    ? trimSlash(`${folder.path}/${page.slice(folder.url === '/' ? 0 : folder.url.length)}`)
    : undefined;
  const fallback =
    path ??
    (root !== undefined && site.look.kind(here(site, `${root}${page}`)) === 'file' ? `${root}${page}` : undefined);
  if (fallback === undefined || !/\.html?$/.test(fallback)) {
    return settle(site, spot, 'decide', `an app answers ${page}: save what it says as an HTML file, for http.errors`);
  }
  (site.definition.http.errors ??= {})[status] = pathFor(site, fallback);
  const app = Object.values(site.definition.apps).some(({ runtime }) => runtime !== 'static');
  const own = app && status < 500 && named(site, 'wsgierroroverride', 'proxyerroroverride').length === 0;
  settle(
    site,
    spot,
    own ? 'decide' : 'mapped',
    own ? `http.errors; it takes the place of the app's own ${status} pages too. Is that meant?` : 'http.errors',
  );
}
