/** What `hostctl init` writes for an app, and what it has to say about that. */
import { findValues, type Runtime, type SourceFacts } from './runtime.ts';
import { workspaceFiles } from './workspace.ts';

/** Port of a Dockerfile that names none. */
const USUAL_PORT = 8000;

/** A first definition of one app. */
export interface Starter {
  /** Its lines in the definition. */
  readonly lines: readonly string[];
  /** What was assumed, and why. */
  readonly notes: readonly string[];
  /** Keys the person has to fill in. */
  readonly missing: readonly string[];
}

/** What `hostctl init` wrote. */
export interface InitResult {
  readonly written: readonly string[];
  readonly project: string;
  /** The definition. */
  readonly path: string;
  /** The runtime that was recognised or asked for. */
  readonly runtime?: string;
  /** What was assumed, and why. */
  readonly notes: readonly string[];
  /** Keys of the app the person has to fill in before a deploy. */
  readonly missing: readonly string[];
}

/** An app made by a runtime. What the source says stands in the definition, where it can be seen and changed. */
export function runtimeStarter(runtime: Runtime, facts: SourceFacts, from: string): Starter {
  const lines = [`runtime: ${runtime.name}`, `source: ${quoteYaml(from)}`];
  const notes: string[] = [];
  const missing: string[] = [];
  const found = findValues(runtime, facts);
  for (const key of runtime.accepts) {
    const usual = runtime.values?.[key];
    const hit = found[key];
    if (hit && hit.value !== usual) {
      lines.push(`${key}: ${hit.value} # found in ${hit.file}`);
      notes.push(`${key}: ${hit.value}, found in ${hit.file}`);
    }
    if (hit || usual !== undefined || !Object.hasOwn(runtime.find ?? {}, key)) continue;
    missing.push(key);
    lines.push(
      '# Nothing in the source says what to start. A factory needs a line that calls it: app = create_app()',
      `# ${key}: module:object`,
    );
  }
  if (runtime.starter) {
    const { release } = runtime.starter;
    lines.push(`release: ${release} # assumed; delete it where there is nothing to migrate`);
    notes.push(`release: ${release}, assumed; it runs before each new release goes live`);
  }
  return { lines, notes, missing };
}

/**
 * An app made by its own Dockerfile.
 * @param other the runtime that would do without it
 */
export function dockerfileStarter(dockerfile: string, from: string, other: Runtime | undefined): Starter {
  const exposed = /^\s*EXPOSE\s+(\d+)(?:\/tcp)?(?=\s|$)/im.exec(dockerfile)?.[1];
  const port = exposed ?? USUAL_PORT;
  const why =
    exposed === undefined ? 'assumed: the Dockerfile has no EXPOSE with a number' : 'EXPOSE of the Dockerfile';
  return {
    lines: [`dockerfile: ${quoteYaml(from)}`, `port: ${port} # ${why}`],
    notes: [
      `port: ${port}, ${why}`,
      ...(other ? [`the source has a Dockerfile, so that is used; --runtime ${other.name} does without it`] : []),
    ],
    missing: [],
  };
}

/**
 * Says what becomes of a workspace that lies inside the source it describes.
 * @param inside path of the workspace in the source, empty where they are the same directory
 * @param dockerignore text of the source's own file
 * @param spared whether the runtime leaves a workspace at the top of the source out by itself
 */
export function workspaceNote(inside: string, dockerignore: string | undefined, spared: boolean): string {
  const paths = workspaceFiles(inside);
  const list = `${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}`;
  const ignored = new Set((dockerignore ?? '').split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, '')));
  const named = paths.every((path) => ignored.has(path) || ignored.has(path.replace(/\/\*\.ya?ml$/, '')));
  return spared || named
    ? `the workspace lies inside the source; ${list} stay out of the image`
    : `the workspace lies inside the source, and so in the image: keep it elsewhere, or name ${list} in .dockerignore`;
}

/** A directory's name as a project's: `My Site_2` → `my-site-2`; empty where nothing of it can stand in one. */
export function projectName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/, '');
}

/** Text that YAML reads as just that; quotes stand only where they may be needed. */
export function quoteYaml(text: string): string {
  const path = /^\.{0,2}\/[A-Za-z0-9._/-]*$/;
  const dotted = /^[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+$/;
  return text === '..' || path.test(text) || dotted.test(text) ? text : JSON.stringify(text);
}
