import type { Definition } from '../definition.ts';
import type { Look } from '../look.ts';
import type { Status } from '../report.ts';
import type { Directive, Ledger } from './ledger.ts';

/** A section a directive stands in. */
export interface Scope {
  readonly kind: 'location' | 'directory' | 'files' | 'limit' | 'proxy' | 'other';
  /** A path, a file name with stars, or a regular expression. */
  readonly pattern: string;
  readonly regex: boolean;
  readonly section: Directive;
}

/** A directive and the sections around it, the outermost first. */
export interface Spot {
  readonly directive: Directive;
  readonly scopes: readonly Scope[];
}

/** What a URL path leads to. */
export interface Target {
  /** Without a closing slash, except `/` itself. */
  readonly url: string;
  /** Path on the Apache machine. */
  readonly path: string;
  readonly kind: 'script' | 'python' | 'proxy' | 'folder' | 'root';
  readonly directive: Directive;
}

/** A `--source FROM=TO`: what is at FROM in the configuration is at TO here. FROM may be the URL of a `ProxyPass`. */
export interface SourceMap {
  readonly from: string;
  readonly to: string;
}

/** One site while it is imported. Each part of the import reads the spots and fills in the definition. */
export interface Site {
  readonly ledger: Ledger;
  readonly look: Look;
  readonly sources: readonly SourceMap[];
  /** Directory of the definition. */
  readonly dir: string;
  readonly spots: readonly Spot[];
  /** `WSGIDaemonProcess` of all files, by name: one virtual host may use what another defines. */
  readonly daemons: ReadonlyMap<string, Directive>;
  readonly definition: Definition;
  readonly notes: string[];
  /** Longest URL first. */
  targets: readonly Target[];
}

const SECTIONS: Readonly<Record<string, { kind: Scope['kind']; regex: boolean }>> = {
  location: { kind: 'location', regex: false },
  locationmatch: { kind: 'location', regex: true },
  directory: { kind: 'directory', regex: false },
  directorymatch: { kind: 'directory', regex: true },
  files: { kind: 'files', regex: false },
  filesmatch: { kind: 'files', regex: true },
  limit: { kind: 'limit', regex: false },
  limitexcept: { kind: 'limit', regex: false },
  proxy: { kind: 'proxy', regex: false },
  proxymatch: { kind: 'proxy', regex: true },
};

/** Directives and those inside their sections, in order, each with what is around it. */
export function flatten(directives: readonly Directive[], scopes: readonly Scope[] = []): Spot[] {
  return directives.flatMap((directive) => {
    const spot = { directive, scopes };
    if (!directive.body) return [spot];
    return [spot, ...flatten(directive.body, [...scopes, scopeOf(directive)])];
  });
}

function scopeOf(section: Directive): Scope {
  const known = Object.hasOwn(SECTIONS, section.name) ? SECTIONS[section.name]! : { kind: 'other', regex: false };
  const tilde = section.args[0] === '~';
  const pattern = (tilde ? section.args[1] : section.args[0]) ?? '';
  const kind = known.kind as Scope['kind'];
  return { kind, regex: known.regex || tilde, pattern: known.regex || tilde ? pattern : trimSlash(pattern), section };
}

/** Whether a target is an app rather than files. */
export function runs({ kind }: Target): boolean {
  return kind === 'script' || kind === 'python' || kind === 'proxy';
}

export function named(site: Site, ...names: string[]): Spot[] {
  return site.spots.filter(({ directive }) => names.includes(directive.name));
}

export function settle(site: Site, spot: Spot, status: Status, note: string): void {
  site.ledger.settle(spot.directive, status, note);
}

/** `/media/` → `/media`; `/` stays. Several slashes count as one. */
export function trimSlash(path: string): string {
  const single = path.replaceAll(/\/{2,}/g, '/');
  return single.length > 1 ? single.replace(/\/$/, '') : single;
}

/** Whether `path` is `prefix` or below it, at the edge of a segment. */
export function below(path: string, prefix: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}

/** Where a path of the Apache machine is on this one. */
export function here(site: Pick<Site, 'sources'>, path: string): string {
  const map = mapFor(site, path);
  return map ? map.to + path.slice(map.from.length) : path;
}

function mapFor(site: Pick<Site, 'sources'>, path: string): SourceMap | undefined {
  return site.sources.filter(({ from }) => below(path, from)).toSorted((a, b) => b.from.length - a.from.length)[0];
}

/** The innermost section of a kind around a spot. */
export function around(spot: Spot, kind: Scope['kind']): Scope | undefined {
  return spot.scopes.findLast((scope) => scope.kind === kind);
}

/**
 * The URL path a directive is about: `/` outside of all sections, that of its `<Location>`, or the one that leads to its
 * `<Directory>`. Undefined where that is no single path.
 */
export function urlOf(site: Site, spot: Spot): string | undefined {
  if (spot.scopes.some(({ kind }) => kind === 'files' || kind === 'limit' || kind === 'other')) return undefined;
  const scope = spot.scopes.at(-1);
  if (!scope) return '/';
  if (scope.regex || scope.kind === 'proxy') return undefined;
  if (scope.kind === 'location') return scope.pattern;
  return urlOfFolder(site, scope.pattern);
}

/** The URL path of a folder: that of the alias it is, or lies in, or that lies in it alone. */
function urlOfFolder(site: Site, folder: string): string | undefined {
  const outer = site.targets
    .filter((target) => !runs(target) && below(folder, target.path))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  if (outer) return trimSlash(`${outer.url}/${folder.slice(outer.path.length)}`);
  const inner = site.targets.filter((target) => below(target.path, folder));
  return inner.length === 1 || inner.every(({ url }) => url === inner[0]?.url) ? inner[0]?.url : shared(inner);
}

/** All that is in a folder belongs to the site when its root does. */
function shared(targets: readonly Target[]): string | undefined {
  return targets.some(({ url }) => url === '/') ? '/' : undefined;
}
