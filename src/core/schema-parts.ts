/** Pieces the schemas are made of: a pattern, and a sentence of our own for what does not fit it. */
import { z } from 'zod';
import { codePoint, findControl, UNPRINTABLE } from './characters.ts';
import { DURATION_PATTERN, type Parsed, parseDuration, parseSize, quote, SIZE_PATTERN } from './units.ts';

const NAME_PATTERN = /^[a-z]([a-z0-9]|-(?=[a-z0-9]))*$/;
/** An absolute path inside a container; no `..`, so that it cannot climb out of where it is mounted. */
const CONTAINER_PATH_PATTERN = /^(\/(?!\.{1,2}(\/|$))[^/:,\u0000-\u001f]+)+$/;
const IMAGE_PATTERN =
  /^[a-z0-9]+([._:-][a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[a-f0-9]{64})?$/;

/**
 * A string checked by a pattern, with our own sentence instead of "must match pattern".
 * @param wanted what to write, for a value that is no text at all
 */
export function text(pattern: RegExp, explain: (value: string) => string, wanted = 'write text') {
  return z.string({ error: wanted }).regex(pattern, { error: (issue) => explain(String(issue.input)) });
}

export function name(what: string, max: number) {
  return text(
    NAME_PATTERN,
    (value) => `${quote(value)} is no ${what} name: lower-case letters, digits and single hyphens, a letter first`,
  ).max(max, { error: `a ${what} name has at most ${max} characters` });
}

type Context = z.core.$RefinementCtx<string>;

/** A check that refuses the characters `find` finds. */
function without(find: (value: string) => string | undefined) {
  return (value: string, context: Context): void => {
    const found = find(value);
    if (found !== undefined) {
      context.addIssue({ code: 'custom', message: `holds the control character ${codePoint(found)}` });
    }
  };
}

/** A path of this machine. */
export function path(wanted: string) {
  return z.string({ error: wanted }).min(1, { error: wanted }).superRefine(without(findControl));
}

/** Scripts for `sh -c` have lines and tabs; other controls would reach a terminal or a log. */
const inWord = without((value) => /\r/.exec(value)?.[0] ?? UNPRINTABLE.exec(value)?.[0]);
const COMMAND = 'write a command as one line or as a list of words';
/** One line that is split into words, or the words. */
export const command = z.union(
  [
    z.string().min(1, { error: COMMAND }).superRefine(inWord),
    z.array(z.string().superRefine(inWord)).min(1, { error: COMMAND }),
  ],
  { error: COMMAND },
);

/** A program and its words, which no shell reads. @param example such a list */
export function program(example: string) {
  const error = `write the program and its arguments as a list, such as ${example}`;
  return z.array(z.string({ error }).min(1, { error }).superRefine(inWord), { error }).min(1, { error });
}

interface Measure {
  readonly pattern: RegExp;
  readonly parse: (value: string) => Parsed<number>;
  readonly wanted: string;
}

const SIZE: Measure = {
  pattern: SIZE_PATTERN,
  parse: parseSize,
  wanted: 'write a size with its unit, such as 256M or 1.5G',
};
const DURATION: Measure = {
  pattern: DURATION_PATTERN,
  parse: parseDuration,
  wanted: 'write a duration with its unit, such as 30s',
};

/** A size or a time between two others; what its parser refuses, the schema refuses in the same words. */
function between(measure: Measure, least: string, most: string, tooLittle = `write at least ${least}`) {
  const value = (written: string): number => {
    const parsed = measure.parse(written);
    return parsed.ok ? parsed.value : Number.NaN;
  };
  return z
    .string({ error: measure.wanted })
    .regex(measure.pattern, { abort: true, error: (issue) => advice(measure.parse(String(issue.input))) })
    .superRefine((written, context) => {
      const parsed = measure.parse(written);
      if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.message });
      else if (parsed.value < value(least)) context.addIssue({ code: 'custom', message: tooLittle });
      else if (parsed.value > value(most)) context.addIssue({ code: 'custom', message: `write at most ${most}` });
    });
}

function advice(parsed: Parsed<unknown>): string {
  return parsed.ok ? '' : parsed.message;
}

/** `256M`, within bounds. */
export const size = (least: string, most: string, tooLittle?: string) => between(SIZE, least, most, tooLittle);
/** `30s`, within bounds. */
export const duration = (least: string, most: string) => between(DURATION, least, most);

export const containerPath = text(
  CONTAINER_PATH_PATTERN,
  (value) => `${quote(value)} is no path inside a container: write an absolute one without \`..\`, such as /data`,
).refine((value) => !UNPRINTABLE.test(value), { error: 'a path inside a container holds no control characters' });
export const image = text(IMAGE_PATTERN, (value) => `${quote(value)} is no image reference: write it as name:tag`);

/** A whole number between two others. */
export const whole = (wanted: string, least: number, most: number, range: string) =>
  z.int({ error: wanted }).min(least, { error: range }).max(most, { error: range });

export const count = (what: string, max: number) =>
  z
    .int({ error: `write how many ${what} as a whole number` })
    .min(1, { error: `at least 1 of ${what}` })
    .max(max, { error: `at most ${max} ${what}` });

/** The engine refuses to make a container with less. */
export const memorySize = size('6M', '1T', 'an app cannot run in less than 6M');

export const cores = z
  .number({ error: 'write cpus as a number of cores, such as 0.5' })
  .min(0.01, { error: 'at least 0.01 cpus' })
  .max(1024, { error: 'at most 1024 cpus' });

export const limits = z
  .strictObject({
    memory: memorySize.describe('Hard limit; the kernel ends the app when it needs more. No swap on top.').optional(),
    cpus: cores.describe('Cores: `0.5` is half of one.').optional(),
    pids: count('pids', 1_000_000).describe('Processes and threads together.').optional(),
  })
  .describe('Hard limits of each container. A change is made in place, without a new container.');
