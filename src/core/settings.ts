/**
 * What the `http:` section says beyond sizes and times. Plain data without a path of this machine in it: release records
 * hold it, and both proxies are written from it. What is absent is off.
 */
export interface RouteSettings {
  /** Exact hostname that requests for every other hostname of the site are redirected to: 301, or 308 with a body. */
  readonly canonical?: string;
  /** Answered before media and apps; longest path first. */
  readonly redirects?: readonly PathRedirect[];
  /** The longest path that fits a request decides alone; longest path first. */
  readonly access?: readonly AccessRule[];
  readonly headers?: HeaderSettings;
  readonly hsts?: Hsts;
  /** gzip of text types from 1024 bytes on. */
  readonly compress?: true;
  /** Per client address, for what apps answer; 429. */
  readonly rate?: RateLimit;
  /** Answers of these statuses keep them, and get the page as their body; lowest status first. */
  readonly errors?: readonly ErrorPage[];
  /** What is used while `hostctl maintenance` is on. */
  readonly maintenance?: MaintenanceSettings;
  readonly raw?: RawSettings;
}

/** A path and what lies below it at a segment edge. */
export interface PathRedirect {
  /** `/` or `/old`, without a closing slash. */
  readonly path: string;
  /** Absolute URL, or path on the same site; ready for a `Location` header. Absent with 410. */
  readonly to?: string;
  readonly status: RedirectStatus;
  /** Only the path itself, with and without a closing slash; otherwise the tail is kept. */
  readonly exact: boolean;
}

type RedirectStatus = 301 | 302 | 307 | 308 | 410;

/** Statuses for GET and HEAD, and for methods that must not turn into GET on the way. */
export function statusPair(status: RedirectStatus): readonly [reading: number, writing: number] {
  return [status, { 301: 308, 302: 307, 307: 307, 308: 308, 410: 410 }[status]];
}

/** Who may ask for a path and what lies below it. At least one of `allow` and `users`. */
export interface AccessRule {
  readonly path: string;
  /** Networks and addresses, such as `10.0.0.0/8`; everybody else gets 403. Empty: nobody. */
  readonly allow?: readonly string[];
  /** Lines of an htpasswd file: bcrypt, apr1 or SHA1; everybody else gets 401. */
  readonly users?: readonly string[];
  readonly realm: string;
  /** One of the two is enough. */
  readonly either: boolean;
}

/** By name as written; an empty value removes the header, any other replaces what was there. */
export interface HeaderSettings {
  /** Told to apps. */
  readonly request: Readonly<Record<string, string>>;
  /** Told to visitors, with answers of every status. */
  readonly response: Readonly<Record<string, string>>;
}

/** Strict-Transport-Security, with answers over https only. */
export interface Hsts {
  /** Seconds. */
  readonly maxAge: number;
  readonly subdomains: boolean;
  readonly preload: boolean;
}

/** The text of a Strict-Transport-Security header. */
export function hstsValue(hsts: Hsts): string {
  return [
    `max-age=${hsts.maxAge}`,
    ...(hsts.subdomains ? ['includeSubDomains'] : []),
    ...(hsts.preload ? ['preload'] : []),
  ].join('; ');
}

export interface RateLimit {
  /** On average, in `period` milliseconds. */
  readonly requests: number;
  readonly period: number;
  /** How many may come at once, at least 1. */
  readonly burst: number;
}

export interface ErrorPage {
  readonly status: number;
  /** URL path of the page, which no visitor can ask for: its file stands among the site's media. */
  readonly page: string;
}

interface MaintenanceSettings {
  readonly page?: string;
  /** Networks and addresses that are served all the same. */
  readonly bypass: readonly string[];
}

/** What only one proxy understands, by its name. */
interface RawSettings {
  /** Directives for the server block, checked. */
  readonly nginx?: string;
  /** Middlewares by their type, attached to the routers of apps. */
  readonly traefik?: Readonly<Record<string, unknown>>;
}

/** That a site is closed for the time being, and who may look at it all the same. */
export interface Maintenance {
  /** ISO 8601. */
  readonly since: string;
  /** user@machine */
  readonly by: string;
  /** Opens the site to the browser that has it in a cookie, and is the end of the link that puts it there. */
  readonly token: string;
  /** The same for hostctl's own visits. */
  readonly probe: string;
  /** Networks and addresses besides those of the definition. */
  readonly bypass: readonly string[];
}
