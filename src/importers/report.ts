/** What became of every line of a configuration that was imported: the same for Apache's and any other. */

import { visible } from '../core/characters.ts';

/**
 * `mapped` a key of the definition says it now · `implied` hostctl does so by itself · `dropped` harmless without ·
 * `decide` somebody has to say what is wanted · `unsupported` hostctl cannot do it.
 */
const STATUSES = ['mapped', 'implied', 'dropped', 'decide', 'unsupported'] as const;
export type Status = (typeof STATUSES)[number];

export interface Place {
  /** As the reader of the report knows it: relative to the directory the import looks into. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** One line of the configuration that was read. */
export interface Entry {
  readonly status: Status;
  readonly place: Place;
  /** The line in its own words, on one line. */
  readonly text: string;
  /** What became of it: the key that says it now, why it is not needed, or what has to be done. */
  readonly note: string;
}

export interface ImportReport {
  /** In the order they were read; every line of the configuration is in exactly one of them. */
  readonly entries: readonly Entry[];
  /** What a reader should know although no single line says it. */
  readonly notes: readonly string[];
}

export type Counts = Readonly<Record<Status, number>>;

export function countEntries(entries: readonly Entry[]): Counts {
  const counts = { mapped: 0, implied: 0, dropped: 0, decide: 0, unsupported: 0 };
  for (const { status } of entries) counts[status]++;
  return counts;
}

/** What is left to a person; nothing is written while there is any, unless that is asked for. */
export function openEntries(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(({ status }) => status === 'decide' || status === 'unsupported');
}

/** `site.conf:12`. */
function formatPlace({ file, line }: Place): string {
  return `${file}:${line}`;
}

/** `12 lines: 8 mapped, 2 implied, 1 dropped, 1 to decide, 0 unsupported`. @param noun such as "directive" */
function formatCounts(counts: Counts, noun: string): string {
  const total = STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const parts = STATUSES.map((status) => `${counts[status]} ${status === 'decide' ? 'to decide' : status}`);
  return `${total} ${noun}${total === 1 ? '' : 's'}: ${parts.join(', ')}`;
}

/** The report as text: a line for every line that was read, what is open once more, and the sum. */
export function formatReport({ entries, notes }: ImportReport, noun: string): string {
  const lines = entries.map(
    ({ status, place, text, note }) =>
      `${status.padEnd(11)} ${formatPlace(place)}: ${visible(text)}\n            ${visible(note)}`,
  );
  const open = openEntries(entries);
  const left = open.length === 0 ? [] : ['', 'Left to you:', ...formatOpen(open)];
  const remarks = notes.length === 0 ? [] : ['', ...notes.map((note) => `· ${visible(note)}`)];
  return [...lines, ...remarks, ...left, '', formatCounts(countEntries(entries), noun), ''].join('\n');
}

/** What is open, one line each. */
export function formatOpen(open: readonly Entry[]): string[] {
  return open.map(
    ({ status, place, text, note }) => `${status}: ${formatPlace(place)}: ${visible(text)} - ${visible(note)}`,
  );
}
