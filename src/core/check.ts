import { z } from 'zod';
import type { Finding, PathKey } from './problems.ts';
import { didYouMean } from './suggest.ts';
import { quote } from './units.ts';
import type { YamlFile } from './yaml.ts';

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** A file with more unknown keys than this is no definition; listing them all would help nobody. */
const MOST_UNKNOWN = 20;
/** The same for everything else that is wrong in one file. */
export const MOST_ISSUES = 50;

/** Checks a parsed file against its schema; every issue becomes a finding with a place and an advice. */
export function checkSchema<T>(schema: z.ZodType<T>, file: YamlFile): Checked<T> {
  if (file.value === null || file.value === undefined) {
    return { ok: false, findings: [{ path: [], message: 'the file is empty' }] };
  }
  const result = schema.safeParse(file.value);
  const issues = result.error?.issues.slice(0, MOST_ISSUES) ?? [];
  const found = withoutEchoes(issues.flatMap((issue) => toFindings(issue, schema, file)));
  const findings = oneEach([...found, ...file.oddNumbers]);
  return result.success && findings.length === 0 ? { ok: true, value: result.data } : { ok: false, findings };
}

/** What is the wrong kind of value is not too short as well. */
function oneEach(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ path }) => {
    const place = JSON.stringify(path);
    return !seen.has(place) && seen.add(place);
  });
}

/** A key that is only mistyped is not missing as well. */
function withoutEchoes(findings: readonly (Finding & { readonly meant?: string })[]): Finding[] {
  const meant = new Set(
    findings.flatMap((item) =>
      item.meant === undefined ? [] : [JSON.stringify([...item.path.slice(0, -1), item.meant])],
    ),
  );
  return findings.filter((item) => item.meant !== undefined || !meant.has(JSON.stringify(item.path)));
}

function toFindings(issue: z.core.$ZodIssue, schema: z.ZodType, file: YamlFile): (Finding & { meant?: string })[] {
  const path = issue.path as PathKey[];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.slice(0, MOST_UNKNOWN).map((key) => unknownKey(key, path, known));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, on: 'key', message: issue.issues[0]?.message ?? 'is no valid name' }];
  }
  const { there, value } = valueAt(file.value, path);
  const key = quote(String(path.at(-1) ?? ''));
  if (!there) return [{ path, on: 'key', message: `${key} is missing` }];
  const library = issue.code === 'invalid_type' && issue.message.startsWith('Invalid input');
  if (value === null && file.sourceOf(path) === '' && path.length > 0) {
    const wanted = library ? `write ${article(issue.expected)}, or leave the key out` : issue.message;
    return [{ path, on: 'key', message: `${key} is empty: ${wanted}` }];
  }
  if (issue.code === 'invalid_type') {
    const wanted = library ? `expected ${article(issue.expected)}` : issue.message;
    return [{ path, message: `${wanted}, not ${shown(value, file.sourceOf(path))}` }];
  }
  if (issue.code === 'invalid_value') {
    const guess = typeof value === 'string' ? didYouMean(value, issue.values.map(String)) : undefined;
    const hint = guess ? { hint: `did you mean ${quote(guess)}?` } : {};
    return [{ path, message: `${issue.message}, not ${shown(value, file.sourceOf(path))}`, ...hint }];
  }
  return [{ path, message: issue.message }];
}

function valueAt(root: unknown, path: readonly PathKey[]): { there: boolean; value: unknown } {
  let value = root;
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) {
      return { there: false, value: undefined };
    }
    value = (value as Record<PathKey, unknown>)[key];
  }
  return { there: true, value };
}

/** A value the way a message names it: as written, but not a whole block of it. */
function shown(value: unknown, written: string | undefined): string {
  if (Array.isArray(value)) return 'a list';
  if (value !== null && typeof value === 'object') return 'a mapping';
  const text = written === undefined || written.includes('\n') ? String(value) : written;
  return quote(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function unknownKey(key: string, path: readonly PathKey[], known: readonly string[]): Finding & { meant?: string } {
  const guess = didYouMean(key, known);
  const hint = key === '<<' ? 'merge keys are not part of YAML 1.2: repeat the values' : undefined;
  return {
    path: [...path, key],
    on: 'key',
    message: `unknown key ${quote(key)}`,
    hint: hint ?? (guess ? `did you mean ${quote(guess)}?` : `known here: ${known.join(', ')}`),
    ...(guess === undefined ? {} : { meant: guess }),
  };
}

function article(type: string): string {
  const plain: Record<string, string> = {
    record: 'a mapping',
    object: 'a mapping',
    array: 'a list',
    string: 'text',
    int: 'a whole number',
  };
  return plain[type] ?? `a ${type}`;
}

/** The keys a mapping may have, read from the JSON Schema so that no second list exists. */
function keysAt(schema: z.ZodType, path: readonly PathKey[]): string[] {
  let node: JsonSchema | undefined = jsonSchemaOf(schema);
  for (const key of path) {
    const variants: readonly (JsonSchema | undefined)[] = node?.anyOf ?? [node];
    node = variants
      .map((variant) =>
        typeof key === 'number' ? variant?.items : (variant?.properties?.[key] ?? variant?.additionalProperties),
      )
      .find((next) => next !== undefined);
  }
  const shape = node?.anyOf?.find((variant) => variant.properties) ?? node;
  return Object.keys(shape?.properties ?? {});
}

const known = new WeakMap<z.ZodType, JsonSchema>();

/** Made once: it takes longer than all the rest, and a file full of mistakes asks for it at each of them. */
function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const made = known.get(schema) ?? (z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as JsonSchema);
  known.set(schema, made);
  return made;
}

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}
