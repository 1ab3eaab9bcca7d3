import type { z } from 'zod';
import { checkSchema, MOST_ISSUES } from './check.ts';
import type { Finding, PathKey } from './problems.ts';
import type { YamlFile } from './yaml.ts';

const ROUNDS = 8;
/** Keys that nothing said about the mapping they stand in leans on. */
const ALONE = new Set<PathKey | undefined>(
  'cache command cpus drain egress env expect limits needs relax release replicas stop volumes within writable'.split(
    ' ',
  ),
);

/**
 * What is left of a file once everything that does not fit the schema is cut out, so that the rest can still be looked
 * at: all problems at once, not one kind after the other. Undefined when too little is left.
 * @param standIns values for keys of the file that must be there
 */
export function salvage<T>(
  schema: z.ZodType<T>,
  file: YamlFile,
  standIns: Readonly<Record<string, unknown>> = {},
): { value: T; cut: readonly (readonly PathKey[])[] } | undefined {
  const value = structuredClone(file.value);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const cut: (readonly PathKey[])[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const checked = checkSchema(schema, { ...file, value, oddNumbers: [] });
    if (checked.ok) return { value: checked.value, cut };
    if (checked.findings.length >= MOST_ISSUES) return undefined;
    // From behind, so that items of a list keep their numbers until it is their turn.
    for (const { path } of checked.findings.toReversed()) cut.push(cutAt(value, path) ?? path);
    for (const [key, standIn] of Object.entries(standIns)) {
      if (Object.hasOwn(value, key)) continue;
      Object.assign(value, { [key]: standIn });
      cut.push([key]);
    }
  }
  return undefined;
}

/** Removes what stands at a path, or the nearest thing above when there is nothing; returns what was removed. */
function cutAt(value: unknown, path: readonly PathKey[]): readonly PathKey[] | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = path
      .slice(0, length - 1)
      .reduce<unknown>((at, key) => (at as Record<PathKey, unknown> | undefined)?.[key], value);
    const key = path[length - 1]!;
    if (parent === null || typeof parent !== 'object' || !Object.hasOwn(parent, key)) continue;
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete (parent as Record<PathKey, unknown>)[key];
    return path.slice(0, length);
  }
  return undefined;
}

/** Findings about what is left that do not only follow from what was cut out, at their places in the whole file. */
export function independent(findings: readonly Finding[], cut: readonly (readonly PathKey[])[]): Finding[] {
  const follows = (path: readonly PathKey[], gone: readonly PathKey[]): boolean =>
    startsWith(path, gone) || (startsWith(gone, path) && !ALONE.has(gone[path.length]));
  return findings
    .map((finding) => ({ ...finding, path: cut.toReversed().reduce(shiftBack, finding.path) }))
    .filter(({ path }) => !cut.some((gone) => follows(path, gone)));
}

/** List items behind one that was cut out have moved up by one. */
function shiftBack(path: readonly PathKey[], gone: readonly PathKey[]): readonly PathKey[] {
  const at = gone.length - 1;
  const [index, removed] = [path[at], gone[at]];
  if (typeof index !== 'number' || typeof removed !== 'number' || index < removed) return path;
  return startsWith(path, gone.slice(0, at)) ? path.with(at, index + 1) : path;
}

function startsWith(path: readonly PathKey[], start: readonly PathKey[]): boolean {
  return start.every((key, index) => path[index] === key);
}
