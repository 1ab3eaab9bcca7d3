/** The `http:` section of a definition: what holds for every route of a project. */
import { z } from 'zod';
import { duration, path, size, text, whole } from './schema-parts.ts';
import { quote } from './units.ts';

const flag = z.boolean({ error: 'write true or false' });
const STATUSES = 'a status for a redirect is 301, 302, 307, 308, or 410 without `to`';

const redirect = z.union(
  [
    z.string(),
    z.strictObject({
      to: z.string({ error: 'write a path or a URL' }).describe('A path of this site, or a URL.').optional(),
      status: z
        .int({ error: STATUSES })
        .refine((value) => [301, 302, 307, 308, 410].includes(value), { error: STATUSES })
        .describe('301 and 302 become 308 and 307 for methods other than GET and HEAD. Default 301.')
        .optional(),
      exact: flag.describe('Only this very path, nothing below it. Default false.').optional(),
    }),
  ],
  { error: 'write where to, such as /new, or { to: /new, status: 302, exact: true }' },
);

const networks = z.array(z.string({ error: 'write an address or a network, such as 10.0.0.0/8' }), {
  error: 'write a list of addresses, such as [10.0.0.0/8]',
});

const access = z
  .strictObject({
    allow: networks.describe('Client addresses and networks; others get 403. An empty list lets nobody in.').optional(),
    users: path('write the path of an htpasswd file')
      .describe('An htpasswd file (bcrypt, apr1 or SHA1), relative to this file; others get 401.')
      .optional(),
    realm: z
      .string()
      .regex(/^[\u0020-\u007e]{1,64}$/, { error: 'a realm is 1 to 64 plain characters' })
      .regex(/^[^"\\${]*$/, { error: 'a realm holds no quotes, backslashes, dollar signs or braces' })
      .describe('What the browser shows when it asks for the password. Default `Restricted`.')
      .optional(),
    either: flag
      .describe("One of `allow` and `users` is enough, as with Apache's `Satisfy Any`. Default false.")
      .optional(),
  })
  .describe('Who may ask for a path and what lies below it.');

const headers = z.record(
  text(
    /^[A-Za-z][A-Za-z0-9-]{0,63}$/,
    (value) => `${quote(value)} is no header name: letters, digits and hyphens, a letter first`,
  ),
  z
    .string({ error: 'write the value of a header as text' })
    .max(4000, { error: 'a header has at most 4000 characters' })
    .regex(/^([!-~]([ -~]*[!-~])?)?$/, { error: 'a header value is one line of plain ASCII, without blanks around it' })
    .regex(/^[^$]*$/, { error: 'holds a `$`, which a proxy would expand' })
    .refine((value) => !value.includes('{{'), { error: 'holds `{{`, which a proxy would expand' }),
);

const DAYS = 'write how long, such as 365d';
const hsts = z.union(
  [
    duration('0s', '3650d'),
    z.strictObject({
      'max-age': duration('0s', '3650d').describe('How long browsers insist on https.'),
      subdomains: flag.describe('For every name below, too. Default false.').optional(),
      preload: flag.describe('Consent to be built into browsers. Default false.').optional(),
    }),
  ],
  { error: `${DAYS}, or { max-age: 365d, subdomains: true }` },
);

const page = path('write the path of an HTML file');

const maintenance = z
  .strictObject({
    page: page.describe('An HTML file, relative to this file.').optional(),
    bypass: networks.describe('Client addresses and networks that see the site all the same.').optional(),
  })
  .describe('Used while `hostctl maintenance on NAME`: everything else is 503.');

const rate = z
  .strictObject({
    requests: whole('write how many as a whole number', 1, 100_000, 'write 1 to 100000'),
    per: duration('1s', '1h').describe('Default `1s`.').optional(),
    burst: whole('write how many as a whole number', 1, 100_000, 'write 1 to 100000')
      .describe('How many may come at once. Default: as many as `requests`.')
      .optional(),
  })
  .describe('What each client address may ask of the apps; more is 429.');

const raw = z
  .strictObject({
    nginx: z.string({ error: 'write directives as a text block: `nginx: |`' }).max(16_384).optional(),
    traefik: z
      .record(z.string(), z.unknown(), { error: 'write middlewares by their type, such as { compress: {} }' })
      .optional(),
  })
  .describe('For what hostctl has no word for, by the name of the proxy.');

export const http = z
  .strictObject({
    body: size('1K', '1T').describe('Largest request body. Default `16M`.').optional(),
    timeout: duration('1s', '30d').describe('How long the proxy waits for an app. Default `60s`.').optional(),
    canonical: z
      .string()
      .describe('One of the exact hostnames; requests for the others are redirected to it.')
      .optional(),
    redirects: z
      .record(z.string(), redirect)
      .describe('URL path → where to. Answered before media and apps; what lies below keeps its tail and query.')
      .optional(),
    access: z.record(z.string(), access).describe('URL path → who may. The longest path that fits decides.').optional(),
    headers: z
      .strictObject({
        request: headers.describe('Told to the apps; an empty value removes what the visitor sent.').optional(),
        response: headers
          .describe('Told to visitors, in place of what the app says; an empty value removes.')
          .optional(),
      })
      .describe('Header → value.')
      .optional(),
    hsts: hsts.describe('Strict-Transport-Security, on https only: how long.').optional(),
    compress: flag.describe('gzip of text from 1024 bytes on. Default false.').optional(),
    rate: rate.optional(),
    errors: z
      .record(
        text(/^[45]\d\d$/, (value) => `${quote(value)} is no status of an error: write 400 to 599`),
        page,
      )
      .describe('Status → HTML file that is shown in place of such answers, those of the app too.')
      .optional(),
    maintenance: maintenance.optional(),
    raw: raw.optional(),
  })
  .describe('Settings of every route of this project.');

export type HttpInput = z.infer<typeof http>;
