import { parseUrlPath } from '../../core/routes.ts';
import type { MediaDefinition } from '../definition.ts';
import { missingNote, pathFor } from './paths.ts';
import { below, here, named, settle, type Site, type Target } from './site.ts';

const PACKAGES = /\/(?:site|dist)-packages\/(.+)$|\/(?:pyshared|pymodules\/python[\d.]+)\/(.+)$/;
const ADMIN = /\/contrib\/admin\/(?:media|static\/admin|static)$/;
/** Names under which apps keep what visitors send. */
const UPLOADS = /^(?:media|uploads?|user_?media|user_?files)$/i;
const PYTHON = new Set(['django', 'wsgi']);

/** Aliases of folders and files → `media`. */
export function mapMedia(site: Site): void {
  const order = new Map(site.spots.map(({ directive }, index) => [directive, index]));
  const folders = site.targets
    .filter(({ kind }) => kind === 'folder')
    .toSorted((a, b) => order.get(a.directive)! - order.get(b.directive)!);
  for (const target of folders) {
    const parsed = parseUrlPath(target.url);
    if (target.url.startsWith('/.well-known/acme-challenge')) {
      site.ledger.settle(target.directive, 'implied', 'challenges are answered by hostctl');
    } else if (target.path === '/') {
      site.ledger.settle(target.directive, 'unsupported', 'the whole machine cannot be served');
    } else if (!parsed.ok) site.ledger.settle(target.directive, 'unsupported', parsed.message);
    else if (target.url === '/' && site.definition.apps['web'] === undefined) aliasOfAll(site, target);
    else {
      const { media, note } = mediaOf(site, target);
      site.definition.media[parsed.value] = media;
      const index = site.look.kind(here(site, `${target.path}/index.html`)) === 'file';
      const lost = `; it has an index.html, which is not served for ${target.url}/: redirect ${target.url} to it with \`exact: true\`?`;
      site.ledger.settle(target.directive, index ? 'decide' : 'mapped', `${note}${index ? lost : ''}`);
    }
  }
  for (const spot of named(site, 'scriptalias', 'scriptaliasmatch')) {
    settle(site, spot, 'unsupported', 'CGI starts a program for every request: hostctl has apps that stay');
  }
}

/** `Alias / /srv/site` is a site of files. */
function aliasOfAll(site: Site, target: Target): void {
  site.definition.apps['web'] = { runtime: 'static', source: pathFor(site, target.path) };
  site.ledger.settle(target.directive, 'mapped', `an app with runtime: static${missingNote(site, target.path)}`);
}

function mediaOf(site: Site, target: Target): { media: MediaDefinition; note: string } {
  const app = appFor(site, target.url);
  const python = app !== undefined && PYTHON.has(site.definition.apps[app]!.runtime ?? '');
  const packaged = PACKAGES.exec(target.path);
  if (python && ADMIN.test(target.path)) {
    const from = `image:${app}:/venv/site-packages/django/contrib/admin/static/admin`;
    return { media: { from }, note: "media: Django's own files, from the image of the app" };
  }
  if (python && packaged) {
    const from = `image:${app}:/venv/site-packages/${packaged[1] ?? packaged[2]!}`;
    return { media: { from }, note: 'media: files of a package, from the image of the app' };
  }
  const from = pathFor(site, target.path);
  const name = target.path.split('/').at(-1)!;
  const uploads = python && (UPLOADS.test(name) || UPLOADS.test(target.url.slice(1)));
  const missing = missingNote(site, target.path);
  if (!uploads) return { media: { from }, note: `media: a copy at each deploy${missing}` };
  const mount = mountOf(site, app, target.path);
  return {
    media: { from, 'writable-by': app, ...(mount === target.url ? {} : { mount }) },
    note: `media: uploads, which the app finds at ${mount}${missing}`,
  };
}

/** Where the app looks for its uploads: below its source, or at the path they had. */
function mountOf(site: Site, app: string, path: string): string {
  const { source = '' } = site.definition.apps[app]!;
  const local = pathFor(site, path);
  return below(local, source) ? `/app${local.slice(source.length)}` : path;
}

/** The app that answers what an alias does not: the one of the longest path. */
function appFor(site: Site, url: string): string | undefined {
  const fits = Object.entries(site.definition.apps)
    .map(([name, app]) => ({ name, path: app.path ?? '/' }))
    .toSorted((a, b) => b.path.length - a.path.length);
  return (fits.find(({ path }) => below(url, path)) ?? fits[0])?.name;
}
