import { z } from 'zod';
import { NOTIFIED } from './journal.ts';
import { cores, duration, image, limits, memorySize, name, program, text, whole } from './schema-parts.ts';
import { workspaceTls } from './tls-schema.ts';
import { quote } from './units.ts';
import { parseUrl } from './url.ts';

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const POOL_PATTERN = new RegExp(`^${OCTET}(\\.${OCTET}){3}/(8|9|1[0-8])$`);

const CONTAINER_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const entryPoint = text(/^[a-zA-Z][a-zA-Z0-9_-]*$/, (value) => `${quote(value)} is no name of an entry point`);

/** hostctl.yaml: this host's settings, all of them optional. */
export const workspaceSchema = z
  .strictObject({
    instance: name('instance', 16)
      .describe('Names what hostctl makes on the engine. Two workspaces on one engine need two. Default `hostctl`.')
      .optional(),
    data: z
      .string()
      .regex(/^\/[A-Za-z0-9._/@+-]*[A-Za-z0-9._@+-]$/, { error: 'an absolute path of plain characters' })
      .describe(
        'Where uploads, volumes, release records and the proxy configuration live. Default `/var/lib/` and the name of the instance.',
      )
      .optional(),
    engine: z
      .string()
      .regex(/^unix:\/\/\/[^\u0000-\u001f\u007f]+$/, { error: 'write the engine as unix:///path/of/docker.sock' })
      .describe('The Docker Engine. Default: `DOCKER_HOST`, then `unix:///var/run/docker.sock`.')
      .optional(),
    proxy: z
      .strictObject({
        driver: z
          .enum(['traefik', 'nginx'], { error: 'write traefik or nginx' })
          .describe('What answers visitors: Traefik, or nginx alone. Default `traefik`.')
          .optional(),
        address: z
          .union([z.ipv4(), z.ipv6()], { error: 'write an IP address' })
          .describe('Default `0.0.0.0`.')
          .optional(),
        http: whole('write the port as a whole number', 1, 65_535, 'a port is 1 to 65535')
          .describe('Port the sites answer on. Default 80.')
          .optional(),
        existing: z
          .strictObject({
            container: text(CONTAINER_PATTERN, (value) => `${quote(value)} is no name of a container`).describe(
              'Its container; it joins the networks of the projects.',
            ),
            directory: z
              .string()
              .regex(/^\/[A-Za-z0-9._/@+-]*$/, { error: 'an absolute path of plain characters' })
              .describe('The directory its file provider watches, as this machine sees it.'),
            'entry-points': z
              .strictObject({
                http: entryPoint.describe('Default `web`.').optional(),
                https: entryPoint.describe('Default `websecure`.').optional(),
              })
              .optional(),
          })
          .describe(
            'A Traefik you run yourself: hostctl only writes a file for it, and its ports are `http` and `https`.',
          )
          .optional(),
        https: whole('write the port as a whole number', 1, 65_535, 'a port is 1 to 65535')
          .describe('Port for https. Default 443; published once a site has `tls`, or always when it is written here.')
          .optional(),
      })
      .refine((proxy) => proxy.existing === undefined || proxy.driver !== 'nginx', {
        path: ['existing'],
        error: 'only a Traefik can be given a file: leave out `driver: nginx`',
      })
      .describe('What answers visitors.')
      .optional(),
    tls: workspaceTls.optional(),
    bases: z
      .strictObject({
        from: z
          .enum(['auto', 'registry', 'debian'], { error: 'write one of auto, registry, debian' })
          .describe('Where base images come from. `auto` asks the registry and falls back to Debian packages.')
          .optional(),
        registry: z
          .string()
          .regex(/^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$/, {
            error: 'write it as host/path, such as registry.example.org/library',
          })
          .describe("Prefix of the official images. Default: the engine's own.")
          .optional(),
        mirror: z
          .string()
          .regex(/^https?:\/\/[!-~]+$/, { abort: true, error: 'write the mirror as http://…' })
          .refine((value) => parseUrl(value) !== undefined, { error: 'write the mirror as http://…' })
          .describe('Debian mirror. Default: what mmdebstrap uses.')
          .optional(),
        images: z
          .record(z.string(), image)
          .describe('Another image for a base, such as `{ python: python:3.12-slim }`.')
          .optional(),
      })
      .describe('What runtimes are built on.')
      .optional(),
    builds: z
      .strictObject({
        memory: memorySize
          .describe('Most a step of a build may use; no swap on top. Default: half of the memory of the host.')
          .optional(),
        cpus: cores.describe('Cores a step of a build may use. Default: half of those of the host.').optional(),
      })
      .describe('What building an image may take, so that the sites go on answering.')
      .optional(),
    memory: z
      .strictObject({
        'when-short': z
          .enum(['refuse', 'stop-first', 'ignore'], { error: 'write one of refuse, stop-first, ignore' })
          .describe(
            'What a deploy does when the limits of its new containers do not fit into the memory that is free: `refuse` leaves everything as it is, `stop-first` stops the old copy before the new one starts, `ignore` warns and goes on. Default `refuse`.',
          )
          .optional(),
      })
      .describe("The host's memory while two copies run.")
      .optional(),
    network: z
      .strictObject({
        pool: z
          .string()
          .regex(POOL_PATTERN, {
            error: 'an IPv4 range of /8 to /18, such as 10.213.0.0/16',
          })
          .describe('Private range hostctl takes its networks from. Default `10.213.0.0/16`.')
          .optional(),
      })
      .optional(),
    defaults: z
      .strictObject({
        limits: limits.optional(),
        keep: whole('write how many as a whole number', 0, 50, 'write 0 to 50')
          .describe('Earlier releases kept for `rollback`. Default 3.')
          .optional(),
        watch: duration('0s', '1h')
          .describe('How long new copies are watched after the switch. Default `3s`.')
          .optional(),
      })
      .describe('For every app that does not say otherwise.')
      .optional(),
    notify: z
      .strictObject({
        on: z
          .array(z.enum(NOTIFIED, { error: `write one of ${NOTIFIED.join(', ')}` }))
          .min(1, { error: 'at least one of failure, revert, success' })
          .describe('What is told. `revert`: a new release was taken back by itself. Default `[failure, revert]`.')
          .optional(),
        webhook: z
          .string()
          .regex(/^https?:\/\/[!-~]+$/, { abort: true, error: 'write the webhook as https://…' })
          .refine((value) => parseUrl(value) !== undefined, { error: 'write the webhook as https://…' })
          .describe('URL a JSON document is posted to.')
          .optional(),
        command: program('[/usr/local/bin/tell, ops]')
          .describe(
            'A program that gets the same document as its input, as a list: no shell reads it. A path is relative to hostctl.yaml.',
          )
          .optional(),
      })
      .refine(({ webhook, command }) => webhook !== undefined || command !== undefined, {
        error: 'say who is told: webhook or command',
      })
      .describe('Who is told how commands end.')
      .optional(),
  })
  .meta({ title: 'hostctl workspace', description: "This host's settings." });

export type WorkspaceInput = z.infer<typeof workspaceSchema>;
