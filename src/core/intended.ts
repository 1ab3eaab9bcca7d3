/** What hostctl does another way than Apache on purpose; docs/from-apache.md has every one of these sentences. */
export const INTENDED = {
  listing: 'folders are never listed',
  hidden: 'hidden files are never served',
  'error-page': "an error page of the server's own",
  charset: 'text files are said to be UTF-8',
  type: 'another name for the same type',
  'alias-slash': 'an alias is answered without its closing slash too',
  edge: 'a redirect or a rule is for its path with and without the closing slash',
  collected: 'static files of the app are served without an alias',
  'see-other': 'a redirect of 303 is one of 302',
  'encoded-slash': 'an encoded slash is passed on to the app',
  sticky: 'the cookie that keeps a visitor with one replica',
} as const;

export type Intended = keyof typeof INTENDED;

/** Pages that Apache, nginx and Traefik write themselves. */
const SERVER_PAGES = [
  /^<!DOCTYPE HTML PUBLIC "-\/\/IETF\/\/DTD HTML 2\.0\/\/EN">/,
  /<address>Apache/,
  /<center>nginx/,
  /^404 page not found\s*$/,
];

/** Whether a page is one that the server itself wrote. */
export function isServerPage(text: string): boolean {
  return SERVER_PAGES.some((pattern) => pattern.test(text));
}

/** Names that mean one type; which of them a server says depends on the year of its table. */
const SAME_TYPES: readonly (readonly string[])[] = [
  ['text/javascript', 'application/javascript', 'application/x-javascript'],
  ['text/xml', 'application/xml'],
  ['image/x-icon', 'image/vnd.microsoft.icon'],
  ['image/bmp', 'image/x-ms-bmp'],
  ['font/woff', 'application/font-woff', 'application/x-font-woff'],
  ['font/woff2', 'application/font-woff2'],
  ['font/ttf', 'application/x-font-ttf', 'application/x-font-truetype'],
  ['application/vnd.ms-fontobject', 'application/x-font-eot'],
  ['audio/wav', 'audio/x-wav'],
  ['application/rtf', 'text/rtf'],
  // Where the table has no name, hostctl says so in so many words.
  ['', 'application/octet-stream'],
];

/** Whether two types are one under two names. */
export function sameType(a: string, b: string): boolean {
  return a === b || SAME_TYPES.some((names) => names.includes(a) && names.includes(b));
}
