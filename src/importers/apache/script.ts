import { below, here, type Site } from './site.ts';

/** Where the source of an app begins, and what in it is started. */
export interface Script {
  /** Folder on the Apache machine. */
  readonly source: string;
  /** `package.wsgi` when Python can import it by that name. */
  readonly module?: string;
  /** Path of the script below the source. */
  readonly file: string;
  readonly django: boolean;
}

/** Folders that hold many things; none of them is the source of one app. */
const SHARED =
  /^(?:\/|\/(?:home|srv|opt|var|usr|etc|tmp|root|data|www)|\/home\/[^/]+|\/var\/(?:www|lib|local)|\/usr\/(?:local|lib|share|bin)(?:\/bin|\/lib)?|\/srv\/www|\/var\/www\/(?:html|vhosts))$/;
/** Whether a folder holds more than one app would. */
export function isShared(path: string): boolean {
  return SHARED.test(path);
}

/** Folders of a source that hold what the server needs. */
const INNER =
  /^(?:apache2?|wsgi|deploy|deployment|conf|config|bin|etc|scripts?|cgi-bin|wsgi-scripts|wsgi_app|public|server)$/;
const VENV = /\/(?:site|dist)-packages(?:\/|$)/;

export interface Hints {
  /** Folders of `python-path`. */
  readonly paths: readonly string[];
  readonly home?: string;
  readonly django: boolean;
  /** Name of its WSGIDaemonProcess. */
  readonly group?: string;
}

export function findScript(site: Site, path: string, hints: Hints): Script {
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const managed = ancestors(folder).find((dir) => site.look.kind(here(site, `${dir}/manage.py`)) === 'file');
  const text = site.look.text(here(site, path));
  // What the script itself says counts more than how its folders are called.
  const said = text === undefined ? hints.django || looksDjango(path, hints) : /django/i.test(text);
  const django = managed !== undefined || said;
  const source = managed ?? hinted(folder, hints) ?? guessed(path, folder, django);
  const file = path.slice(source === '/' ? 1 : source.length + 1);
  const module = /^((?:[A-Za-z_]\w*\/)*[A-Za-z_]\w*)\.py$/.exec(file)?.[1]?.replaceAll('/', '.');
  return { source, file, django, ...(module === undefined ? {} : { module }) };
}

/** The folder itself and the two above, as far as they may be a source. */
function ancestors(folder: string): string[] {
  const parent = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
  return [folder, parent(folder), parent(parent(folder))].filter((path) => !SHARED.test(path));
}

function hinted(folder: string, { paths, home }: Hints): string | undefined {
  const candidates = [...paths, ...(home === undefined ? [] : [home])];
  return candidates.find((path) => below(folder, path) && !SHARED.test(path) && !VENV.test(path));
}

/** Nothing says it: by the way people lay out their folders. */
function guessed(path: string, folder: string, django: boolean): string {
  const [outer, inner] = [folder.slice(0, folder.lastIndexOf('/')) || '/', folder.slice(folder.lastIndexOf('/') + 1)];
  if (SHARED.test(outer)) return folder;
  if (INNER.test(inner)) return outer;
  return path.endsWith('/wsgi.py') && django ? outer : folder;
}

/** `django-admin startproject mysite` makes mysite/mysite/wsgi.py. */
function looksDjango(path: string, { group }: Hints): boolean {
  const [, above = '', outer, inner] = /^(.*\/([^/]+))\/([^/]+)\/wsgi\.py$/.exec(path) ?? [];
  const named = inner !== undefined && /^[A-Za-z_]\w*$/.test(inner);
  return named && (outer === inner || (group === inner && !SHARED.test(above)));
}
