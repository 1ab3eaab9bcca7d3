import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { CreateBody } from './options.ts';

/** The part of `GET /containers/<name>/json` that is compared. */
export const inspected = z.object({
  Config: z.looseObject({ Env: z.array(z.string()).nullish() }),
  HostConfig: z.record(z.string(), z.unknown()),
});

export type Inspected = z.infer<typeof inspected>;

const CONFIG_FIELDS = [
  'User',
  'Entrypoint',
  'Cmd',
  'StopSignal',
  'StopTimeout',
  'Tty',
  'OpenStdin',
  'Healthcheck',
] as const;

/**
 * The engine ignores fields it does not know and says nothing, so what was asked is compared with what it wrote down.
 * Returns the names of the fields that differ.
 */
export function differences(asked: CreateBody, got: Inspected): string[] {
  const config = CONFIG_FIELDS.filter((field) => asked[field] !== undefined && !same(asked[field], got.Config[field]));
  const host = Object.keys(asked.HostConfig).filter(
    (field) => !same(normal(field, asked.HostConfig[field]), normal(field, got.HostConfig[field])),
  );
  const env = (asked['Env'] as string[]).every((entry) => got.Config.Env?.includes(entry));
  return [...config, ...host, ...(env ? [] : ['Env'])];
}

/** Absent, null, empty and false mean the same to the engine; lists of settings have no order. */
function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  if (value === null || value === undefined || value === '' || value === false || value === 0) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(plain);
  if (typeof value === 'object') {
    const entries = Object.entries(value)
      .map(([key, item]) => [key, plain(item)] as const)
      .filter(([, item]) => item !== undefined)
      .toSorted(([x], [y]) => (x < y ? -1 : 1));
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return value;
}

function normal(field: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  // Newer engines write capabilities with a prefix; the order of these lists carries no meaning.
  if (field === 'CapDrop' || field === 'CapAdd') return value.map((cap) => String(cap).replace(/^CAP_/, '')).toSorted();
  if (field === 'Ulimits') return value.toSorted((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
  return value;
}
