import { type PathRedirect, statusPair } from '../core/settings.ts';
import { block, READING } from './nginx-text.ts';
import { escapePattern, plainPath, quoteExpanded, quoteNginx } from './quote.ts';

/** Characters that mean the same in a URL and once it is decoded, so that what nginx decoded may be sent back. */
const PLAIN = "[A-Za-z0-9._~@:,;=!*()'/-]*";

/** Locations of a redirect, by their heads. */
export function redirectLocations(redirect: PathRedirect): Map<string, string[]> {
  const { path } = redirect;
  if (redirect.exact || redirect.status === 410) {
    const body = sendTo(redirect, redirect.to === undefined ? undefined : quoteNginx(redirect.to));
    const below = path === '/' ? 'location /' : `location ^~ ${plainPath(path)}/`;
    const slash = path === '/' ? 'location = /' : `location = ${plainPath(path)}/`;
    return new Map([
      [`location = ${plainPath(path)}`, body],
      [redirect.exact ? slash : below, body],
    ]);
  }
  if (path === '/') return new Map([['location /', withTail(redirect)]]);
  return new Map([
    [`location = ${plainPath(path)}`, sendTo(redirect, quoteNginx(redirect.to!))],
    [`location ^~ ${plainPath(path)}/`, withTail(redirect)],
  ]);
}

/**
 * The tail is taken as the visitor wrote it, since what nginx decoded could end a header line. Where it was written in
 * a way that does not begin with the path (`//old/x`), the decoded one will do when it is plain. No slash or backslash
 * begins it: behind a target of `/` a browser would read it as the start of another host.
 */
function withTail(redirect: PathRedirect): string[] {
  const from = redirect.path === '/' ? '^/' : `^${escapePattern(plainPath(redirect.path))}/`;
  const to = `${redirect.to!.replace(/\/$/, '')}/`;
  return [
    `set $hostctl_to ${quoteNginx(to)};`,
    ...block(`if ($uri ~ ${quoteExpanded(`${from}/*(?<hostctl_tail>${PLAIN})$`)})`, [
      `set $hostctl_to ${withCapture(to)};`,
    ]),
    ...block(`if ($request_uri ~ ${quoteExpanded(`${from}[/\\\\]*(?<hostctl_tail>[^?#]*)`)})`, [
      `set $hostctl_to ${withCapture(to)};`,
    ]),
    ...sendTo(redirect, '$hostctl_to'),
  ];
}

/** The variable is ours, so it is put behind the quoting that refuses all others. By its name it is not encoded anew. */
function withCapture(text: string): string {
  return quoteNginx(text).replace(/"$/, () => '$hostctl_tail"');
}

/** @param target as it stands in the configuration; undefined for what is gone */
function sendTo(redirect: PathRedirect, target: string | undefined): string[] {
  if (target === undefined) return [`return ${redirect.status};`];
  const [reading, writing] = statusPair(redirect.status);
  const query = redirect.to!.includes('?') || redirect.to!.includes('#') ? '' : '$is_args$args';
  const where = query === '' ? target : target.replace(/"?$/, (end) => `${query}${end}`);
  return [
    ...(reading === writing ? [] : block(`if (${READING})`, [`return ${reading} ${where};`])),
    `return ${writing} ${where};`,
  ];
}
