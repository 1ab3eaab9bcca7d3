import type { Entry, ImportReport } from './report.ts';

/** A definition as an import writes it: the keys of `projects/*.yaml`, filled in bit by bit. */

export interface AppDefinition {
  runtime?: string;
  source?: string;
  dockerfile?: string;
  image?: string;
  port?: number;
  path?: string;
  wsgi?: string;
  root?: string;
  command?: string | readonly string[];
  server?: { processes?: number; threads?: number };
  env?: Record<string, string>;
  secrets?: string[];
  limits?: { memory?: string; cpus?: number; pids?: number };
  health?: { path?: string; command?: string | readonly string[]; within?: string };
  release?: string | readonly string[];
  replicas?: number;
  sticky?: boolean;
  volumes?: Record<string, string>;
  writable?: string[];
  needs?: string[];
  egress?: boolean;
  stop?: string;
  relax?: { readonly allow: string; readonly reason: string }[];
}

export interface MediaDefinition {
  from: string;
  'writable-by'?: string;
  mount?: string;
  cache?: string;
}

export interface AccessDefinition {
  /** Nobody when empty. */
  allow?: readonly string[];
  /** An htpasswd file. */
  users?: string;
  realm?: string;
  either?: boolean;
}

export type RedirectDefinition = string | { readonly to?: string; readonly status?: number; readonly exact?: boolean };

interface HttpDefinition {
  body?: string;
  timeout?: string;
  canonical?: string;
  redirects?: Record<string, RedirectDefinition>;
  access?: Record<string, AccessDefinition>;
  headers?: { request?: Record<string, string>; response?: Record<string, string> };
  hsts?: string | { 'max-age': string; subdomains?: boolean; preload?: boolean };
  compress?: boolean;
  rate?: { requests: number; per?: string; burst?: number };
  errors?: Record<number, string>;
}

export interface Definition {
  hostnames: string[];
  apps: Record<string, AppDefinition>;
  media: Record<string, MediaDefinition>;
  http: HttpDefinition;
  tls?: { certificate?: string; key?: string; acme?: 'http' | 'tls-alpn' | 'dns'; redirect?: boolean };
}

/** A definition that was made, and the name its file gets. */
export interface ImportedSite {
  readonly name: string;
  readonly definition: Definition;
  /** The file it stood in. */
  readonly from: string;
  /** What became of its own lines. */
  readonly entries: readonly Entry[];
  /** Whether what belongs to no site is told in this one. */
  readonly first: boolean;
}

/** What an importer makes of a configuration. */
export interface Imported {
  readonly sites: readonly ImportedSite[];
  readonly report: ImportReport;
  /** Files the definitions name and that lie beside them. */
  readonly beside?: readonly { readonly name: string; readonly text: string }[];
}
