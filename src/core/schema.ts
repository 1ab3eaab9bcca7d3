/**
 * The one source for the definition's types, its checks, the published JSON Schema and `docs/definition.md`.
 * Transform-free on purpose: what zod accepts is what stands in the file, `definition.ts` turns it into a Project.
 */
import { z } from 'zod';
import { command, containerPath, count, duration, image, limits, name, path, text, whole } from './schema-parts.ts';
import { http } from './http-schema.ts';
import { projectTls } from './tls-schema.ts';
import { MOST_REPLICAS } from './names.ts';
import { SECRET_NAME } from './secrets.ts';
import { quote } from './units.ts';

const ENV_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MODULE_PATTERN = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?$/;

const module_ = text(
  MODULE_PATTERN,
  (value) => `${quote(value)} is no Python module: write it as projectname.wsgi or module:object`,
);
const flag = z.boolean({ error: 'write true or false' });
const health = z
  .strictObject({
    path: z
      .string()
      .regex(/^\/[\x21-\x7e]*$/, { error: 'a health path starts with a slash and holds no spaces' })
      .describe("Asked with the site's first hostname until it answers 2xx or 3xx. Default `/`.")
      .optional(),
    within: duration('1s', '1d').describe('How long the app may take to become ready. Default `60s`.').optional(),
    watch: duration('0s', '1h')
      .describe(
        'How long it is watched after the switch: if it ends or stops answering, the earlier release comes back. Default `3s`.',
      )
      .optional(),
    expect: z
      .array(whole('write each status as a number, such as 401', 100, 599, 'a status is 100 to 599'))
      .min(1, { error: 'at least one status, such as [401]' })
      .describe('Statuses that also count as ready, such as `[401]`.')
      .optional(),
    command: command
      .describe('For apps that speak no HTTP: run inside the container, ready when it exits 0.')
      .optional(),
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

const secretName = text(
  SECRET_NAME,
  (value) => `${quote(value)} is no name of a secret: letters, digits and _, at most 64, such as DB_PASSWORD`,
  'write the name of a secret, such as DB_PASSWORD',
);
const secret = z.union(
  [
    secretName,
    z.strictObject({
      name: secretName.describe('As in `hostctl secrets set`.'),
      env: flag
        .describe(
          'Also the variable `NAME`, for programs that read no files; then there is no `NAME_FILE`. Default false.',
        )
        .optional(),
    }),
  ],
  { error: 'write a secret as its name, such as DB_PASSWORD, or as { name: DB_PASSWORD, env: true }' },
);

const RELAXABLE = ['writable-rootfs', 'exec-tmp', 'new-privileges', 'image-user'] as const;
const RELAXABLE_CAPS = ['NET_BIND_SERVICE', 'CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE', 'FOWNER', 'KILL'] as const;

const relax = z
  .strictObject({
    allow: z
      .enum([...RELAXABLE, ...RELAXABLE_CAPS.map((cap) => `cap:${cap}` as const)], {
        error: `write one of ${RELAXABLE.join(', ')}, cap:${RELAXABLE_CAPS.join(', cap:')}`,
      })
      .describe('Which part of the hardening to give up.'),
    reason: z
      .string()
      .min(3, { error: 'say why, so that the next reader need not ask' })
      .describe('Why, for whoever reads this file next. `status` shows what is relaxed.'),
  })
  .describe('One exception from the hardening, with its reason.');

const app = z
  .strictObject({
    runtime: z
      .string()
      .describe('How to turn `source` into an image: django, wsgi, asgi, node, php or static.')
      .optional(),
    source: path('write the directory of the source, such as ../projectname')
      .describe('Directory of the source, relative to this file.')
      .optional(),
    dockerfile: path('write the path of a Dockerfile')
      .describe('A Dockerfile of your own; its directory is the build context.')
      .optional(),
    image: image.describe('A ready image. Needs `port`, unless the app serves nothing.').optional(),
    port: whole('write the port as a whole number', 1, 65_535, 'a port is 1 to 65535')
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
      .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[A-Za-z0-9._/@+-]+$/, {
        error: 'a root is a folder inside `source`, of plain characters',
      })
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
    secrets: z
      .array(secret)
      .describe(
        'Secrets the app gets, set by `hostctl secrets set`: each is the file `/run/secrets/NAME`, which the variable `NAME_FILE` names.',
      )
      .optional(),
    limits: limits.optional(),
    health: health.optional(),
    release: command.describe('Runs once, from the new image, before the switch: migrations and the like.').optional(),
    replicas: count('replicas', MOST_REPLICAS).describe('Containers that share the requests. Default 1.').optional(),
    sticky: flag.describe('A visitor stays with one replica, by a cookie. Default false.').optional(),
    volumes: z
      .record(name('volume', 32), volume)
      .describe('Data that outlives releases: name → path in the container.')
      .optional(),
    writable: z
      .array(containerPath)
      .describe('Folders the app may write to and that are empty at each start.')
      .optional(),
    needs: z
      .array(z.string())
      .describe('Apps of this project it talks to, by their names. They start first.')
      .optional(),
    egress: flag.describe('Whether the app may open connections to the outside. Default true.').optional(),
    static: flag.describe('Whether to collect and serve static files, where the runtime can. Default true.').optional(),
    drain: duration('0s', '1d')
      .describe('How long the old copy may finish its requests after the switch. Default `10s`.')
      .optional(),
    stop: duration('0s', '1d').describe('How long the app has between SIGTERM and SIGKILL. Default `20s`.').optional(),
    relax: z.array(relax).describe('Exceptions from the hardening.').optional(),
  })
  .describe('One container, or several replicas of it. Exactly one of `runtime`, `dockerfile` or `image`.');

const media = z
  .strictObject({
    from: path('write a folder or file, or image:APP:/path').describe(
      'A folder or file relative to this file, or `image:APP:/path` for a folder inside the image of an app.',
    ),
    'writable-by': z
      .string()
      .describe('The app that writes here: uploads. The folder then lives in the data root.')
      .optional(),
    mount: containerPath.describe('Where that app sees the folder. Default: the alias itself.').optional(),
    cache: duration('0s', '365d').describe('How long browsers may keep the files. Default `1h`.').optional(),
  })
  .describe('Files the proxy serves without asking an app.');

export const projectSchema = z
  .strictObject({
    name: name('project', 24).describe("The file's name without `.yaml`; may be left out.").optional(),
    hostnames: z
      .array(z.string())
      .min(1, { error: 'at least one hostname' })
      .describe(
        '`www.example.org`, `*.example.org` (any depth) or a glob such as `*example.org`. The first one is asked in probes.',
      )
      .optional(),
    apps: z.record(name('app', 16), app).describe('By name. `web` is the one the hostnames lead to.'),
    media: z.record(z.string(), media).describe('URL path → files. Answers also while the app is stopped.').optional(),
    http: http.optional(),
    tls: projectTls.optional(),
  })
  .meta({ title: 'hostctl project', description: 'One site: hostnames, apps and media.' });

export type ProjectInput = z.infer<typeof projectSchema>;
export type AppInput = z.infer<typeof app>;
export type MediaInput = z.infer<typeof media>;
