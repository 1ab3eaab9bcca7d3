/** Pieces the schemas are made of: a pattern, and a sentence of our own for what does not fit it. */
import { z } from 'zod';
import { DURATION_PATTERN, type Parsed, parseDuration, parseSize, quote, SIZE_PATTERN } from './units.ts';

const NAME_PATTERN = /^[a-z]([a-z0-9]|-(?=[a-z0-9]))*$/;
/** An absolute path inside a container; no `..`, so that it cannot climb out of where it is mounted. */
const CONTAINER_PATH_PATTERN = /^(\/(?!\.{1,2}(\/|$))[^/:,\u0000-\u001f]+)+$/;
const IMAGE_PATTERN =
  /^[a-z0-9]+([._:-][a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[a-f0-9]{64})?$/;

/** A string checked by a pattern, with our own sentence instead of "must match pattern". */
/** @param wanted what to write, for a value that is no text at all */
export function text(pattern: RegExp, explain: (value: string) => string, wanted = 'write text') {
  return z.string({ error: wanted }).regex(pattern, { error: (issue) => explain(String(issue.input)) });
}

export function name(what: string, max: number) {
  return text(
    NAME_PATTERN,
    (value) => `${quote(value)} is no ${what} name: lower-case letters, digits and single hyphens, a letter first`,
  ).max(max, { error: `a ${what} name has at most ${max} characters` });
}

function advice(parse: (value: string) => Parsed<unknown>) {
  return (value: string): string => {
    const parsed = parse(value);
    return parsed.ok ? '' : parsed.message;
  };
}

export const size = text(SIZE_PATTERN, advice(parseSize), 'write a size with its unit, such as 256M or 1.5G');
export const duration = text(DURATION_PATTERN, advice(parseDuration), 'write a duration with its unit, such as 30s');
export const containerPath = text(
  CONTAINER_PATH_PATTERN,
  (value) => `${quote(value)} is no path inside a container: write an absolute one without \`..\`, such as /data`,
);
export const image = text(IMAGE_PATTERN, (value) => `${quote(value)} is no image reference: write it as name:tag`);

export const count = (what: string, max: number) =>
  z
    .int({ error: `write how many ${what} as a whole number` })
    .min(1, { error: `at least 1 of ${what}` })
    .max(max, { error: `at most ${max} ${what}` });

export const limits = z
  .strictObject({
    memory: size.describe('Hard limit; the kernel ends the app when it needs more. No swap on top.').optional(),
    cpus: z
      .number({ error: 'write cpus as a number of cores, such as 0.5' })
      .min(0.01, { error: 'at least 0.01 cpus' })
      .max(1024, { error: 'at most 1024 cpus' })
      .describe('Cores: `0.5` is half of one.')
      .optional(),
    pids: count('pids', 1_000_000).describe('Processes and threads together.').optional(),
  })
  .describe('Hard limits of each container. A change is made in place, without a new container.');
