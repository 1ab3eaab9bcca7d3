import type { z } from 'zod';
import { checkSchema } from './check.ts';
import type { Finding, PathKey } from './problems.ts';
import type { YamlFile } from './yaml.ts';

const ROUNDS = 8;

/**
 * What is left of a file once everything that does not fit the schema is cut out, so that the rest can still be looked
 * at: all problems at once, not one kind after the other. Undefined when too little is left.
 */
export function salvage<T>(
  schema: z.ZodType<T>,
  file: YamlFile,
): { value: T; cut: readonly (readonly PathKey[])[] } | undefined {
  const value = structuredClone(file.value);
  const cut: (readonly PathKey[])[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const checked = checkSchema(schema, { ...file, value });
    if (checked.ok) return { value: checked.value, cut };
    for (const { path } of checked.findings) {
      const found = cutAt(value, path);
      if (found === undefined) return undefined;
      cut.push(found);
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
  return findings
    .map((finding) => ({ ...finding, path: cut.toReversed().reduce(shiftBack, finding.path) }))
    .filter(({ path }) => !cut.some((gone) => startsWith(gone, path) || startsWith(path, gone)));
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
