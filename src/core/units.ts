/** Either a value or the sentence that tells what to write instead. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

const KIB = 1024;
const SIZE_FACTORS: Readonly<Record<string, number>> = { k: KIB, m: KIB ** 2, g: KIB ** 3, t: KIB ** 4 };
const DURATION_FACTORS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** As Docker reads sizes: `512m`, `512M` and `512Mi` are all 512 MiB. A bare number or `512MB` is refused. */
export const SIZE_PATTERN = /^\d+(\.\d+)?([kmgt]|[KMGT]i?)$/;
export const DURATION_PATTERN = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

/** `256M` → 268435456 bytes; `1.1G` → 1181116006, whole bytes only. */
export function parseSize(text: string): Parsed<number> {
  if (!SIZE_PATTERN.test(text)) return { ok: false, message: sizeAdvice(text) };
  const [, amount, unit] = /^([\d.]+)(.)/.exec(text)!;
  // A product with a power of two is exact; what is left of a byte is cut off, so that a limit is never exceeded.
  const bytes = Math.floor(Number(amount) * SIZE_FACTORS[unit!.toLowerCase()]!);
  if (!Number.isSafeInteger(bytes)) return { ok: false, message: `${quote(text)} is too large for a size` };
  return { ok: true, value: bytes };
}

function sizeAdvice(text: string): string {
  const wanted = 'write a number and one of K, M, G (powers of 1024), such as 256M or 1.5G';
  const decimal = /^(\d+(?:\.\d+)?)([kmgt])i?b$/i.exec(text);
  if (decimal) {
    return `${quote(text)} is ambiguous: write ${decimal[1]}${decimal[2]!.toUpperCase()} for powers of 1024`;
  }
  if (/^\d+(\.\d+)?$/.test(text)) return `${quote(text)} has no unit: ${wanted}`;
  return `${quote(text)} is not a size: ${wanted}`;
}

/** 268435456 → `256M`; falls back to bytes when no unit divides it to three digits. */
export function formatSize(bytes: number): string {
  const units = ['T', 'G', 'M', 'K'] as const;
  for (const unit of units) {
    const factor = SIZE_FACTORS[unit.toLowerCase()]!;
    if (bytes >= factor) return `${trim(bytes / factor)}${unit}`;
  }
  return `${bytes}B`;
}

/** `1.5m` → 90000 milliseconds. */
export function parseDuration(text: string): Parsed<number> {
  const match = /^([\d.]+)(ms|s|m|h|d)$/.exec(text);
  if (!match || !DURATION_PATTERN.test(text)) {
    return { ok: false, message: `${quote(text)} is not a duration: write a number and ms, s, m, h or d, such as 30s` };
  }
  const ms = Math.round(Number(match[1]) * DURATION_FACTORS[match[2]!]!);
  if (!Number.isSafeInteger(ms)) return { ok: false, message: `${quote(text)} is too long for a duration` };
  return { ok: true, value: ms };
}

/** 90000 → `1.5m`; 7200000 → `2h`. */
export function formatDuration(ms: number): string {
  const units = ['d', 'h', 'm', 's'] as const;
  for (const unit of units) {
    const factor = DURATION_FACTORS[unit]!;
    if (ms >= factor) return `${trim(ms / factor)}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

function trim(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** The text as written, in backticks, so that the reader sees which one is meant. */
export function quote(text: string): string {
  return `\`${text}\``;
}
