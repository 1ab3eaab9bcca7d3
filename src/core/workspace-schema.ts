import { z } from 'zod';
import { image, limits, name } from './schema-parts.ts';

/** hostctl.yaml: this host's settings, all of them optional. */
export const workspaceSchema = z
  .strictObject({
    instance: name('instance', 16)
      .describe('Names what hostctl makes on the engine. Two workspaces on one engine need two. Default `hostctl`.')
      .optional(),
    data: z
      .string()
      .regex(/^\/[A-Za-z0-9._/@+-]*[A-Za-z0-9._@+-]$/, { error: 'an absolute path of plain characters' })
      .describe('Where uploads, volumes, release records and the proxy configuration live. Default `/var/lib/hostctl`.')
      .optional(),
    engine: z
      .string()
      .regex(/^unix:\/\/\/.+$/, { error: 'write the engine as unix:///path/of/docker.sock' })
      .describe('The Docker Engine. Default: `DOCKER_HOST`, then `unix:///var/run/docker.sock`.')
      .optional(),
    proxy: z
      .strictObject({
        driver: z.enum(['nginx'], { error: 'the proxy driver is nginx' }).describe('Default `nginx`.').optional(),
        address: z
          .union([z.ipv4(), z.ipv6()], { error: 'write an IP address' })
          .describe('Default `0.0.0.0`.')
          .optional(),
        http: z.int().min(1).max(65535).describe('Port the sites answer on. Default 80.').optional(),
      })
      .describe('The one container that publishes a port.')
      .optional(),
    bases: z
      .strictObject({
        from: z
          .enum(['auto', 'registry', 'debian'], { error: 'one of auto, registry, debian' })
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
          .url({ protocol: /^https?$/, error: 'write the mirror as http://…' })
          .describe('Debian mirror. Default: what mmdebstrap uses.')
          .optional(),
        images: z
          .record(z.string(), image)
          .describe('Another image for a base, such as `{ python: python:3.12-slim }`.')
          .optional(),
      })
      .describe('What runtimes are built on.')
      .optional(),
    network: z
      .strictObject({
        pool: z
          .string()
          .regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\/(8|9|1[0-8])$/, {
            error: 'an IPv4 range of /8 to /18, such as 10.213.0.0/16',
          })
          .describe('Private range hostctl takes its networks from. Default `10.213.0.0/16`.')
          .optional(),
      })
      .optional(),
    defaults: z
      .strictObject({
        limits: limits.optional(),
        keep: z.int().min(0).max(50).describe('Earlier releases kept for `rollback`. Default 3.').optional(),
      })
      .describe('For every app that does not say otherwise.')
      .optional(),
  })
  .meta({ title: 'hostctl workspace', description: "This host's settings." });

export type WorkspaceInput = z.infer<typeof workspaceSchema>;
