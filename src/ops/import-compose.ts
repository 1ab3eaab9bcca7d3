import { DefinitionError } from '../errors.ts';
import { convertCompose } from '../importers/compose/convert.ts';
import type { Imported } from '../importers/definition.ts';
import type { Files } from '../ports.ts';
import { type ImportOptions, type ImportResult, importWith, readWhole, wrong } from './imported.ts';

export interface ImportComposeOptions extends ImportOptions {
  /** Absolute path. */
  readonly file: string;
  /** Values for variables; they come before those of `.env`. */
  readonly define: ReadonlyMap<string, string>;
  readonly profiles: readonly string[];
  /** For a file in which no label names one. */
  readonly hostname?: string;
}

/** A Compose file → definitions below `out`. Nothing is written while anything is left open, unless that is forced. */
export async function importCompose(options: ImportComposeOptions, files: Files): Promise<ImportResult> {
  await readWhole(options.file, files);
  const given = {
    file: options.file,
    dir: options.out,
    defined: options.define,
    profiles: options.profiles,
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
  };
  return importWith(
    (look): Imported => {
      const made = convertCompose(given, look);
      if (!made.ok) throw new DefinitionError(made.problems);
      return made;
    },
    () => wrong(`nothing in ${options.file} is a service that runs here`, ['give a Compose file with `services:`']),
    options,
    files,
  );
}
