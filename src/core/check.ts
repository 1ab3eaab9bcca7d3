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

/** Checks a parsed file against its schema; every issue becomes a finding with a place and an advice. */
export function checkSchema<T>(schema: z.ZodType<T>, file: YamlFile): Checked<T> {
  if (file.value === null || file.value === undefined) {
    return { ok: false, findings: [{ path: [], message: 'the file is empty' }] };
  }
  const result = schema.safeParse(file.value);
  if (result.success) return { ok: true, value: result.data };
  const findings = result.error.issues.flatMap((issue) => toFindings(issue, schema, file));
  return { ok: false, findings };
}

function toFindings(issue: z.core.$ZodIssue, schema: z.ZodType, file: YamlFile): Finding[] {
  const path = issue.path as PathKey[];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, path);
      return issue.keys.slice(0, MOST_UNKNOWN).map((key) => unknownKey(key, path, known));
    }
    case 'invalid_key': {
      const inner = issue.issues[0]?.message ?? 'is no valid name';
      return [{ path, on: 'key', message: inner }];
    }
    case 'invalid_type':
      return [wrongType(issue, path, file)];
    default:
      return [{ path, message: issue.message }];
  }
}

function unknownKey(key: string, path: readonly PathKey[], known: readonly string[]): Finding {
  const guess = didYouMean(key, known);
  const hint = key === '<<' ? 'merge keys are not part of YAML 1.2: repeat the values' : undefined;
  return {
    path: [...path, key],
    on: 'key',
    message: `unknown key ${quote(key)}`,
    hint: hint ?? (guess ? `did you mean ${quote(guess)}?` : `known here: ${known.join(', ')}`),
  };
}

function wrongType(issue: z.core.$ZodIssueInvalidType, path: readonly PathKey[], file: YamlFile): Finding {
  const value = path.reduce<unknown>((at, key) => (at as Record<PathKey, unknown> | undefined)?.[key], file.value);
  const parentHasIt = value !== undefined;
  if (!parentHasIt) return { path, on: 'key', message: `${quote(String(path.at(-1)))} is missing` };
  const written = file.sourceOf(path);
  const own = !issue.message.startsWith('Invalid input');
  const wanted = own ? issue.message : `expected ${article(issue.expected)}`;
  return {
    path,
    message: written === undefined || wanted.includes(quote(written)) ? wanted : `${wanted}, not ${quote(written)}`,
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
  let node = z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as JsonSchema | undefined;
  for (const key of path) {
    const variants = node?.anyOf ?? [node];
    node = variants
      .map((variant) =>
        typeof key === 'number' ? variant?.items : (variant?.properties?.[key] ?? variant?.additionalProperties),
      )
      .find((next) => next !== undefined);
  }
  const shape = node?.anyOf?.find((variant) => variant.properties) ?? node;
  return Object.keys(shape?.properties ?? {});
}

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}
