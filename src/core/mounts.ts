import type { App } from './model.ts';
import type { PathKey } from './problems.ts';
import type { Report } from './report.ts';
import { parseUrlPath } from './routes.ts';
import type { ProjectInput } from './schema.ts';
import { quote } from './units.ts';

/** The kernel's own file systems, and where hostctl puts things: with everything below. */
const RESERVED: Readonly<Record<string, string>> = {
  '/proc': "is the kernel's",
  '/sys': "is the kernel's",
  '/dev': "is the kernel's",
  '/run/hostctl': 'is where hostctl puts the socket',
  '/run/secrets': 'is where secrets arrive: name them under `secrets`',
};
/** What a runtime's image keeps there would be hidden; below, folders of their own are usual. */
const RUNTIME = new Set(['/app', '/hostctl', '/venv']);

const WRITABLE = 'a writable folder';

interface Place {
  readonly target: string;
  readonly what: string;
  readonly at: readonly PathKey[];
}

/** Everything an app sees that is not of its image stands somewhere of its own, and hides nothing it needs. */
export function checkMounts(input: ProjectInput, apps: readonly App[], report: Report): void {
  for (const app of apps) {
    const taken = new Map<string, string>();
    for (const { target, what, at } of placesOf(app.name, input)) {
      const reason = taken.get(target) ?? reserved(target, what, app);
      if (reason !== undefined) report.add(at, `${quote(target)} ${reason}`);
      else taken.set(target, `is already taken by ${what}`);
    }
  }
}

function reserved(target: string, what: string, app: App): string | undefined {
  const ours = Object.keys(RESERVED).find((path) => target === path || target.startsWith(`${path}/`));
  if (ours !== undefined) return RESERVED[ours];
  // A writable /tmp is what every app has anyway.
  if (target === '/tmp' && what !== WRITABLE) return 'is emptied at each start';
  return app.source.kind === 'runtime' && RUNTIME.has(target) ? 'holds the app itself' : undefined;
}

function placesOf(name: string, input: ProjectInput): Place[] {
  const app = input.apps[name]!;
  const volumes = Object.entries(app.volumes ?? {}).map(([key, volume]) => ({
    target: typeof volume === 'string' ? volume : volume.at,
    what: `the volume ${quote(key)}`,
    at: ['apps', name, 'volumes', key, ...(typeof volume === 'string' ? [] : ['at'])],
  }));
  const writable = (app.writable ?? []).map((target, index) => ({
    target,
    what: WRITABLE,
    at: ['apps', name, 'writable', index],
  }));
  const uploads = Object.entries(input.media ?? {}).flatMap(([key, media]) => {
    const alias = parseUrlPath(key);
    if (media['writable-by'] !== name || !alias.ok) return [];
    const at = ['media', key, ...(media.mount === undefined ? [] : ['mount'])];
    return [{ target: media.mount ?? alias.value, what: `the uploads of ${quote(key)}`, at }];
  });
  return [...volumes, ...writable, ...uploads];
}
