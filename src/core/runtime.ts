import { z } from 'zod';
import { fillTemplate } from './template.ts';

/**
 * A runtime turns a source directory into an image and a start command. It is a folder in `templates/runtimes/`:
 * `runtime.yml` (this schema), `Dockerfile`, and files for the build. Adding one needs no TypeScript.
 */
export const runtimeSchema = z.strictObject({
  title: z.string(),
  /** How to recognise a source directory; the highest rank that matches wins. */
  detect: z.strictObject({
    rank: z.int(),
    files: z.array(z.string()).optional(),
    /** One of these is enough. */
    any: z.array(z.string()).optional(),
    /** File → regular expression its text must match. */
    mentions: z.record(z.string(), z.string()).optional(),
  }),
  /** Folders of `templates/parts/` whose files join those of the runtime. */
  parts: z.array(z.string()).optional(),
  /** Files whose change means new dependencies; copied to `hostctl/deps/` of the build context. */
  dependencies: z.array(z.string()),
  /** What stays out of the image when the source has no `.dockerignore`. */
  ignore: z.array(z.string()),
  /** Values for the templates with their defaults; the definition's own keys override them. */
  values: z.record(z.string(), z.string()).optional(),
  /** Values read from the source: for each the rules in their order, and the first that fits. */
  find: z
    .record(
      z.string(),
      z.array(
        z.strictObject({
          /** Files to look into, in this order. */
          in: z.array(z.string()),
          /** Regular expression with one group. Without it, a file that is there is enough. */
          match: z.string().optional(),
          /** `{{found}}` (the default) is the group, `{{module}}` the file as Python imports it. */
          value: z.string().optional(),
        }),
      ),
    )
    .optional(),
  /** The keys of an app this runtime understands, besides those every app has. */
  accepts: z.array(z.enum(['wsgi', 'asgi', 'root', 'server', 'static'])),
  /** Whether what it starts may also be something that answers no requests. */
  worker: z.boolean().optional(),
  /** Application servers, the default first. */
  servers: z.record(
    z.string(),
    z.strictObject({
      base: z.string(),
      values: z.record(z.string(), z.string()).optional(),
      /** Start command when the app listens on the unix socket `{{socket}}`. */
      socket: z.array(z.string()).optional(),
      /** Start command when it listens on TCP `{{port}}`. */
      port: z.array(z.string()).optional(),
      /** Port used when the server knows no sockets and the definition names none. */
      defaultPort: z.int().optional(),
      /** Seconds it keeps an idle connection open; absent when it closes each without saying so. */
      keepAlive: z.int().optional(),
    }),
  ),
  /** Files collected into the image at build time, served under `at`. */
  static: z.strictObject({ at: z.string(), from: z.string() }).optional(),
  /** Page that tells whether an app at `/` works, unless its definition names one. */
  health: z.string(),
  /** Folders that must be writable, empty at each start. */
  writable: z.array(z.string()).optional(),
  /** What `hostctl init` writes into a first definition besides, because most apps of this kind want it. */
  starter: z.strictObject({ release: z.string() }).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

type RuntimeSpec = z.infer<typeof runtimeSchema>;

export interface Runtime extends RuntimeSpec {
  readonly name: string;
  /** Template of the Dockerfile. */
  readonly dockerfile: string;
  /** Other files of the folder, by name; they land in `hostctl/` of the build context. */
  readonly files: Readonly<Record<string, string>>;
}

/** What is known of a source directory without running anything. */
export interface SourceFacts {
  /** Names in the directory itself. */
  readonly names: readonly string[];
  /** The text of the small files runtimes ask about. */
  readonly texts: Readonly<Record<string, string>>;
}

/** The files a set of runtimes wants to look into. */
export function filesToRead(runtimes: readonly Runtime[]): string[] {
  return [
    ...new Set(
      runtimes.flatMap(({ detect, find = {} }) => [
        ...Object.keys(detect.mentions ?? {}),
        // The names of the directory itself are known, those below are not.
        ...[...(detect.files ?? []), ...(detect.any ?? [])].filter((name) => name.includes('/')),
        ...Object.values(find).flatMap((rules) => rules.flatMap((rule) => rule.in)),
      ]),
    ),
  ];
}

/** Which runtime a source directory looks made for. */
export function detectRuntime(runtimes: readonly Runtime[], facts: SourceFacts): Runtime | undefined {
  const has = (name: string): boolean => facts.names.includes(name) || Object.hasOwn(facts.texts, name);
  const fits = runtimes.filter(({ detect }) => {
    const files = (detect.files ?? []).every(has);
    const any = detect.any === undefined || detect.any.some(has);
    const mentions = Object.entries(detect.mentions ?? {});
    // Any of the named files is enough: dependencies stand in requirements.txt or in pyproject.toml.
    const mentioned =
      mentions.length === 0 ||
      mentions.some(([name, pattern]) => new RegExp(pattern, 'im').test(facts.texts[name] ?? ''));
    return files && any && mentioned;
  });
  return fits.toSorted((a, b) => b.detect.rank - a.detect.rank)[0];
}

/** A value the source itself says, and where. */
export interface FoundValue {
  readonly value: string;
  readonly file: string;
}

/** What `find` of a runtime finds in a source. */
export function findValues(runtime: Runtime, facts: SourceFacts): Record<string, FoundValue> {
  const found: Record<string, FoundValue> = {};
  for (const [name, rules] of Object.entries(runtime.find ?? {})) {
    const first = firstFit(rules, facts);
    if (first) found[name] = first;
  }
  return found;
}

type FindRule = NonNullable<RuntimeSpec['find']>[string][number];

function firstFit(rules: readonly FindRule[], facts: SourceFacts): FoundValue | undefined {
  for (const { in: files, match = '', value = '{{found}}' } of rules) {
    for (const file of files) {
      const text = facts.texts[file];
      const fit = text === undefined ? null : new RegExp(match, 'm').exec(text);
      if (fit) return { file, value: fillTemplate(value, { found: fit[1] ?? '', module: moduleOf(file) }) };
    }
  }
  return undefined;
}

/** `app/main.py` → `app.main`, `app/__init__.py` → `app`. */
function moduleOf(file: string): string {
  return file.replace(/(\/__init__)?\.\w+$/, '').replaceAll('/', '.');
}

export interface ServerChoice {
  readonly name: string;
  readonly spec: RuntimeSpec['servers'][string];
}

/** The application server of an app, or undefined for a kind this runtime does not have. */
export function chooseServer(runtime: Runtime, kind?: string): ServerChoice | undefined {
  const name = kind ?? Object.keys(runtime.servers)[0]!;
  const spec = Object.hasOwn(runtime.servers, name) ? runtime.servers[name] : undefined;
  return spec && { name, spec };
}

/** Values for the templates: runtime's defaults, what the source says, then the definition. */
export function templateValues(
  runtime: Runtime,
  server: ServerChoice,
  facts: SourceFacts,
  given: Readonly<Record<string, string>>,
): { values: Record<string, string>; missing: string[] } {
  const found = Object.entries(findValues(runtime, facts)).map(([name, { value }]) => [name, value] as const);
  const values = { ...runtime.values, ...server.spec.values, ...Object.fromEntries(found), ...given };
  const missing = Object.keys(runtime.find ?? {}).filter((name) => !Object.hasOwn(values, name));
  return { values, missing };
}
