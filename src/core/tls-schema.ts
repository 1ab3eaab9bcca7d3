/** The `tls` of a project and of hostctl.yaml. */
import { z } from 'zod';
import { command, duration, path, text } from './schema-parts.ts';
import { quote } from './units.ts';

export const projectTls = z
  .strictObject({
    certificate: path('write the path of the certificate and its chain, such as ./fullchain.pem')
      .describe('A certificate of your own with its chain, as PEM. Copied at each deploy.')
      .optional(),
    key: path('write the path of the private key, such as ./privkey.pem')
      .describe('Its private key, as PEM without a passphrase.')
      .optional(),
    acme: z
      .enum(['http', 'tls-alpn', 'dns'], { error: 'write one of http, tls-alpn, dns' })
      .describe(
        "Instead of files: a certificate from Let's Encrypt, and how it is shown that the hostnames are yours. `dns` also gets `*.` names; `tls-alpn` needs Traefik.",
      )
      .optional(),
    redirect: z
      .boolean({ error: 'write true or false' })
      .describe('Whether http leads to https. Default true.')
      .optional(),
  })
  .describe('https. Without it the site speaks plain http.');

export type ProjectTlsInput = z.infer<typeof projectTls>;

/** `9.9.9.9`, `9.9.9.9:53`, `2620:fe::fe` or `[2620:fe::fe]:53`. */
const resolver = z.string({ error: 'write the address of a DNS server' }).refine(
  (value) => {
    const [, bracketed, plain] = /^(?:\[(.*)\](?::\d{1,5})?|([^:]*)(?::\d{1,5})?)$/.exec(value) ?? [];
    return z.ipv4().safeParse(plain).success || z.ipv6().safeParse(bracketed ?? value).success;
  },
  {
    error: (issue) =>
      `${quote(String(issue.input))} is no DNS server: write an address such as 9.9.9.9 or 127.0.0.1:5353`,
  },
);

export const workspaceTls = z
  .strictObject({
    email: z
      .email({ error: 'write an e-mail address' })
      .describe('Where the certificate authority writes to. May be left out.')
      .optional(),
    ca: text(
      /^(letsencrypt|staging|https:\/\/[!-~]+)$/,
      (value) =>
        `${quote(value)} is no certificate authority: write letsencrypt, staging or the https:// URL of its directory`,
    )
      .describe(
        "`letsencrypt` (default), `staging` (Let's Encrypt's for trying out: no browser trusts it, and its limits are wide) or the URL of another ACME directory.",
      )
      .optional(),
    'ca-certificates': path('write the path of a PEM file')
      .describe('PEM file with the certificates of a private certificate authority whose directory is asked.')
      .optional(),
    resolvers: z
      .array(resolver)
      .min(1, { error: 'at least one DNS server, such as [9.9.9.9]' })
      .describe("DNS servers that are asked whether a name is ready before it is ordered. Default: this machine's.")
      .optional(),
    dns: z
      .strictObject({
        hook: command
          .describe(
            'nginx: a program that is called with `set NAME VALUE` and `unset NAME VALUE` for a TXT record. A path is relative to hostctl.yaml.',
          )
          .optional(),
        wait: duration('1s', '1h')
          .describe('How long the record may take until the DNS servers tell it. Default `2m`.')
          .optional(),
        provider: text(
          /^[a-z0-9]+$/,
          (value) => `${quote(value)} is no provider: write its code in Traefik's list, such as cloudflare`,
        )
          .describe("Traefik: the provider's code in its list, such as `cloudflare`.")
          .optional(),
        env: path('write the path of a file with NAME=value lines')
          .describe('Traefik: a file of `NAME=value` lines with what the provider needs.')
          .optional(),
      })
      .describe('How TXT records are made, for `acme: dns`.')
      .optional(),
  })
  .describe('Where certificates are ordered.');

export type WorkspaceTlsInput = z.infer<typeof workspaceTls>;
