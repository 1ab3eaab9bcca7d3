import type { Site } from '../core/routes.ts';

/** Stands in a generation for its name, which is a hash of the whole. */
export const GENERATION = '@generation@';

/** `head { … }`, with what is inside set in. */
export function block(head: string, body: readonly string[]): string[] {
  return [`${head} {`, ...body.map((line) => `    ${line}`), '}'];
}

/** Name of a variable or zone of one site: all sites know all of them. No name holds an underscore or two hyphens. */
export function siteVariable(site: Site, ...what: readonly string[]): string {
  return ['hostctl', site.project, ...what].join('__').replaceAll('-', '_');
}

export const READING = '$request_method ~ ^(GET|HEAD)$';
