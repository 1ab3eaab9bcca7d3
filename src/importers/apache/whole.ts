import type { Directive } from './ledger.ts';
import { fitsAll } from './pattern.ts';
import { readRedirect } from './redirects.ts';

/** A redirect of everything a virtual host is asked for. */
export interface WholeRedirect {
  /** The redirect and its conditions. */
  readonly directives: readonly Directive[];
  readonly scheme: 'http' | 'https';
  /** Undefined keeps the hostname that was asked for. */
  readonly host?: string;
  readonly status: number;
}

/** Conditions that only say which of the host's own names, or that it is plain HTTP, or not a challenge of ACME. */
const HARMLESS_CONDITION =
  /^%\{(?:HTTPS|SERVER_PORT|SERVER_NAME|HTTP_HOST|HTTP:X-Forwarded-Proto|REQUEST_SCHEME)\}|^%\{REQUEST_URI\} !.*acme-challenge/i;
const TARGET = /^(https?):\/\/(%\{(?:HTTP_HOST|SERVER_NAME)\}|[\w.-]+)(?::\d+)?(\/?)(\$1|%\{REQUEST_URI\})?$/;

/** What a virtual host redirects everything to, if it does. */
export function wholeRedirect(body: readonly Directive[]): WholeRedirect | undefined {
  let conditions: Directive[] = [];
  for (const directive of body) {
    if (directive.name === 'rewritecond') conditions.push(directive);
    const found = directive.name === 'rewriterule' ? ofRule(directive, conditions) : ofRedirect(directive);
    if (found) return found;
    if (directive.name === 'rewriterule') conditions = [];
  }
  return undefined;
}

function ofRedirect(directive: Directive): WholeRedirect | undefined {
  if (!/^redirect(permanent|temp|match)?$/.test(directive.name)) return undefined;
  const redirect = readRedirect(directive);
  const whole = directive.name === 'redirectmatch' ? fitsAll(redirect?.from ?? '') : redirect?.from === '/';
  return redirect && whole ? toTarget(redirect.to ?? '', redirect.status, [directive]) : undefined;
}

function ofRule(directive: Directive, conditions: readonly Directive[]): WholeRedirect | undefined {
  const [pattern = '', to = '', flags = ''] = directive.args;
  if (!fitsAll(pattern)) return undefined;
  if (!conditions.every(({ args }) => HARMLESS_CONDITION.test(args.join(' ')))) return undefined;
  // One that picks some of the names is the canonical redirect of a site that goes on.
  if (conditions.some(({ args }) => /^%\{(HTTP_HOST|SERVER_NAME)\}/.test(args[0] ?? '') && !plainHost(args[1] ?? ''))) {
    return undefined;
  }
  return toTarget(to, statusOf(flags), [...conditions, directive]);
}

function plainHost(pattern: string): boolean {
  return pattern.startsWith('=');
}

/** The status of `[R=301,L]`; 302 for a redirect that names none. */
export function statusOf(flags: string): number {
  const flag = /[[,]R(?:=(\w+))?(?=[,\]])/i.exec(flags)?.[1]?.toLowerCase();
  return { permanent: 301, temp: 302, seeother: 303 }[flag ?? ''] ?? (Number(flag) || 302);
}

function toTarget(to: string, status: number, directives: readonly Directive[]): WholeRedirect | undefined {
  const match = TARGET.exec(to);
  if (!match) return undefined;
  const [, scheme, host] = match as unknown as [string, 'http' | 'https', string];
  return { directives, scheme, status, ...(host.startsWith('%') ? {} : { host: host.toLowerCase() }) };
}
