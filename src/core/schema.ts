/**
 * The one source for the definition's types, its checks, the published JSON Schema and `docs/definition.md`.
 * Transform-free on purpose: what zod accepts is what stands in the file, `definition.ts` turns it into a Project.
 */
import { z } from 'zod';
import { DURATION_PATTERN, type Parsed, parseDuration, parseSize, quote, SIZE_PATTERN } from './units.ts';

const NAME_PATTERN = /^[a-z]([a-z0-9]|-(?=[a-z0-9]))*$/;
const ENV_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** An absolute path inside a container; no `..`, so that it cannot climb out of where it is mounted. */
const CONTAINER_PATH_PATTERN = /^(\/(?!\.{1,2}(\/|$))[^/:,\u0000-\u001f]+)+$/;
const IMAGE_PATTERN =
  /^[a-z0-9]+([._:-][a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[a-f0-9]{64})?$/;
export const MODULE_PATTERN = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?$/;

/** A string checked by a pattern, with our own sentence instead of "must match pattern". */
function text(pattern: RegExp, explain: (value: string) => string) {
  return z.string().regex(pattern, { error: (issue) => explain(String(issue.input)) });
}

function name(what: string, max: number) {
  return text(
    NAME_PATTERN,
    (value) => `${quote(value)} is no ${what} name: lower-case letters, digits and single hyphens, a letter first`,
  ).max(max, { error: `a ${what} name has at most ${max} characters` });
}

function advice(parse: (value: string) => Parsed<unknown>) {
  return (value: string): string => {
    const parsed = parse(value);
    return parsed.ok ? '' : parsed.message;
  };
}

const size = text(SIZE_PATTERN, advice(parseSize));
const duration = text(DURATION_PATTERN, advice(parseDuration));
const containerPath = text(
  CONTAINER_PATH_PATTERN,
  (value) => `${quote(value)} is no path inside a container: write an absolute one without \`..\`, such as /data`,
);
const module_ = text(
  MODULE_PATTERN,
  (value) => `${quote(value)} is no Python module: write it as projectname.wsgi or module:object`,
);
const command = z.union([z.string().min(1), z.array(z.string()).min(1)], {
  error: 'write a command as one line or as a list of words',
});
const flag = z.boolean({ error: (issue) => `${quote(String(issue.input))} is not true or false` });
const count = (what: string, max: number) =>
  z
    .int({ error: `write how many ${what} as a whole number` })
    .min(1, { error: `at least 1 of ${what}` })
    .max(max, { error: `at most ${max} ${what}` });

const limits = z
  .strictObject({
    memory: size.describe('Hard limit; the kernel ends the app when it needs more. No swap on top.').optional(),
    cpus: z
      .number({ error: 'write cpus as a number of cores, such as 0.5' })
      .min(0.01, { error: 'at least 0.01 cpus' })
      .max(1024, { error: 'at most 1024 cpus' })
      .describe('Cores: `0.5` is half of one.')
      .optional(),
    pids: count('pids', 1_000_000).describe('Processes and threads together.').optional(),
  })
  .describe('Hard limits of each container. Changed in place, without a new release.');

const health = z
  .strictObject({
    path: z
      .string()
      .regex(/^\/[\x21-\x7e]*$/, { error: 'a health path starts with a slash and holds no spaces' })
      .describe("Asked with the site's first hostname until it answers 2xx or 3xx. Default `/`.")
      .optional(),
    within: duration.describe('How long the app may take to become ready. Default `60s`.').optional(),
    expect: z
      .array(z.int().min(100).max(599))
      .min(1)
      .describe('Statuses that also count as ready, such as `[401]`.')
      .optional(),
    command: command.describe('For apps that speak no HTTP: run inside the container, ready when it exits 0.').optional(),
  })
  .describe('When a new container counts as ready.');

const volume = z.union(
  [
    containerPath,
    z.strictObject({
      at: containerPath.describe('Where the app sees it.'),
      shared: flag
        .describe('Two copies of the app may write to it at once, so deploys need not stop the old one first.')
        .optional(),
    }),
  ],
  { error: 'write a volume as the path in the container, such as /data, or as { at: /data, shared: true }' },
);

const RELAXABLE = ['writable-rootfs', 'exec-tmp', 'new-privileges', 'image-user'] as const;
export const RELAXABLE_CAPS = ['NET_BIND_SERVICE', 'CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE', 'FOWNER', 'KILL'] as const;

const relax = z
  .strictObject({
    allow: z
      .enum([...RELAXABLE, ...RELAXABLE_CAPS.map((cap) => `cap:${cap}` as const)], {
        error: (issue) =>
          `${quote(String(issue.input))} cannot be relaxed: one of ${RELAXABLE.join(', ')}, cap:${RELAXABLE_CAPS.join(', cap:')}`,
      })
      .describe('Which part of the hardening to give up.'),
    reason: z.string().min(3, { error: 'say why, so that the next reader need not ask' }).describe('Shown in `plan`.'),
  })
  .describe('One exception from the hardening, with its reason.');

const app = z
  .strictObject({
    runtime: z
      .string()
      .describe('How to turn `source` into an image: django, wsgi, asgi, node, php or static.')
      .optional(),
    source: z.string().min(1).describe('Directory of the source, relative to this file.').optional(),
    dockerfile: z.string().min(1).describe('A Dockerfile of your own; its directory is the build context.').optional(),
    image: text(IMAGE_PATTERN, (value) => `${quote(value)} is no image reference: write it as name:tag`)
      .describe('A ready image. Needs `port`, unless the app serves nothing.')
      .optional(),
    port: z
      .int({ error: 'write the port as a number' })
      .min(1, { error: 'a port is 1 to 65535' })
      .max(65535, { error: 'a port is 1 to 65535' })
      .describe('TCP port the app listens on. Without it, an app built from a runtime listens on a unix socket.')
      .optional(),
    path: z
      .string()
      .describe("URL path this app answers. Default `/` for the app called `web`, or for a project's only app.")
      .optional(),
    wsgi: module_.describe('WSGI callable as `module` or `module:object` (default object: `application`).').optional(),
    asgi: module_.describe('ASGI callable as `module` or `module:object` (default object: `app`).').optional(),
    root: z
      .string()
      .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[A-Za-z0-9._/@+-]+$/, { error: 'a root is a folder inside `source`, of plain characters' })
      .describe('Document root inside `source`, for php and static.')
      .optional(),
    command: command.describe("Replaces the runtime's or the image's command. Words, not a shell line.").optional(),
    server: z
      .strictObject({
        kind: z
          .string()
          .describe('For Python: `uwsgi` (default), or `mod_wsgi`, which is what the Apache set-up ran.')
          .optional(),
        processes: count('processes', 256).optional(),
        threads: count('threads', 1024).optional(),
      })
      .describe("The application server's size. Default 1 process, 4 threads.")
      .optional(),
    env: z
      .record(
        text(ENV_NAME_PATTERN, (value) => `${quote(value)} is no environment variable: letters, digits and _`),
        z
          .string({ error: 'write the value in quotes: a variable is text' })
          // eslint-disable-next-line no-control-regex -- NUL ends a variable in the kernel
          .regex(/^[^\u0000]*$/, { error: 'a variable cannot hold a NUL character' })
          .max(65_536, { error: 'a variable has at most 64 KiB' }),
      )
      .describe('Environment variables. Not for secrets: everyone who can use the engine can read them.')
      .optional(),
    limits: limits.optional(),
    health: health.optional(),
    release: command
      .describe('Runs once, from the new image, before the switch: migrations and the like.')
      .optional(),
    replicas: count('replicas', 64).describe('Containers that share the requests. Default 1.').optional(),
    volumes: z
      .record(name('volume', 32), volume)
      .describe('Data that outlives releases: name → path in the container.')
      .optional(),
    writable: z.array(containerPath).describe('Folders the app may write to and that are empty at each start.').optional(),
    needs: z.array(z.string()).describe('Apps of this project it talks to, by their names. They start first.').optional(),
    egress: flag.describe('Whether the app may open connections to the outside. Default true.').optional(),
    static: flag
      .describe('Whether to collect and serve static files, where the runtime can. Default true.')
      .optional(),
    drain: duration.describe('How long the old copy may finish its requests after the switch. Default `10s`.').optional(),
    stop: duration.describe('How long the app has between SIGTERM and SIGKILL. Default `20s`.').optional(),
    relax: z.array(relax).describe('Exceptions from the hardening.').optional(),
  })
  .describe('One container, or several replicas of it. Exactly one of `runtime`, `dockerfile` or `image`.');

const media = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .describe('A folder or file relative to this file, or `image:APP:/path` for a folder inside the image of an app.'),
    'writable-by': z.string().describe('The app that writes here: uploads. The folder then lives in the data root.').optional(),
    mount: containerPath.describe('Where that app sees the folder. Default: the alias itself.').optional(),
    cache: duration.describe('How long browsers may keep the files. Default `1h`.').optional(),
  })
  .describe('Files the proxy serves without asking an app.');

export const projectSchema = z
  .strictObject({
    name: name('project', 24).describe("The file's name without `.yaml`; may be left out.").optional(),
    hostnames: z
      .array(z.string())
      .min(1, { error: 'at least one hostname' })
      .describe('`www.example.org`, `*.example.org` (any depth) or a glob such as `*example.org`. The first one is asked in probes.')
      .optional(),
    apps: z.record(name('app', 16), app).describe('By name. `web` is the one the hostnames lead to.'),
    media: z
      .record(z.string(), media)
      .describe('URL path → files. Answers also while the app is stopped.')
      .optional(),
    http: z
      .strictObject({
        body: size.describe('Largest request body. Default `16M`.').optional(),
        timeout: duration.describe('How long the proxy waits for an app. Default `60s`.').optional(),
      })
      .describe('Settings of every route of this project.')
      .optional(),
  })
  .meta({ id: 'project', title: 'hostctl project', description: 'One site: hostnames, apps and media.' });

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
        address: z.union([z.ipv4(), z.ipv6()], { error: 'write an IP address' }).describe('Default `0.0.0.0`.').optional(),
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
          .regex(/^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$/, { error: 'write it as host/path, such as registry.example.org/library' })
          .describe("Prefix of the official images. Default: the engine's own.")
          .optional(),
        mirror: z.url({ protocol: /^https?$/, error: 'write the mirror as http://…' }).describe('Debian mirror. Default: what mmdebstrap uses.').optional(),
        images: z
          .record(z.string(), text(IMAGE_PATTERN, (value) => `${quote(value)} is no image reference`))
          .describe('Another image for a base, such as `{ python: python:3.12-slim }`.')
          .optional(),
      })
      .describe('What runtimes are built on.')
      .optional(),
    network: z
      .strictObject({
        pool: z
          .string()
          .regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\/(8|9|1[0-8])$/, { error: 'an IPv4 range of /8 to /18, such as 10.213.0.0/16' })
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
  .meta({ id: 'workspace', title: 'hostctl workspace', description: "This host's settings." });

export type ProjectInput = z.infer<typeof projectSchema>;
export type AppInput = z.infer<typeof app>;
export type MediaInput = z.infer<typeof media>;
export type WorkspaceInput = z.infer<typeof workspaceSchema>;

/** JSON Schema (draft 2020-12) for editors and for `docs/schema/`. */
export function jsonSchema(which: 'project' | 'workspace', runtimes: readonly string[] = []): Record<string, unknown> {
  const schema = z.toJSONSchema(which === 'project' ? projectSchema : workspaceSchema, { io: 'input' });
  const apps = schema.properties?.['apps'] as { additionalProperties?: { properties?: Record<string, object> } } | undefined;
  const runtime = apps?.additionalProperties?.properties?.['runtime'];
  if (runtime && runtimes.length > 0) Object.assign(runtime, { enum: [...runtimes] });
  return schema;
}
