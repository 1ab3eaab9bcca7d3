import { dirname, join, resolve } from 'node:path';
import { convertApache } from '../importers/apache/convert.ts';
import { readEnvvars } from '../importers/apache/envvars.ts';
import type { Files } from '../ports.ts';
import { type ImportOptions, type ImportResult, importWith, readPairs, readWhole, wrong } from './imported.ts';

export interface ImportApacheOptions extends ImportOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** Directory nothing is read outside of; default: the one of the first file. */
  readonly root?: string;
  readonly define: ReadonlyMap<string, string>;
  /** What is at `from` in the configuration is at `to` here. */
  readonly sources: readonly { readonly from: string; readonly to: string }[];
  readonly hostname?: string;
}

/** Virtual hosts → definitions below `out`. Nothing is written while anything is left open, unless that is forced. */
export async function importApache(options: ImportApacheOptions, files: Files): Promise<ImportResult> {
  for (const path of options.files) await readWhole(path, files);
  const root = options.root ?? dirname(options.files[0]!);
  return importWith(
    (look) =>
      convertApache(
        {
          files: options.files,
          root,
          defined: new Map([...readEnvvars(look.text(join(root, 'envvars')) ?? ''), ...options.define]),
          sources: options.sources,
          dir: options.out,
          ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
        },
        look,
      ),
    () => wrong(`nothing in ${options.files.join(', ')} serves a site`, ['give a file with a <VirtualHost>']),
    options,
    files,
  );
}

/** The absolute paths `--source` means: what a directory is called here. */
export function readSources(texts: readonly string[], cwd: string): { from: string; to: string }[] {
  return readPairs('source', texts).map(([from, to]) => ({
    from: from.length > 1 ? from.replace(/\/$/, '') : from,
    to: resolve(cwd, to),
  }));
}
