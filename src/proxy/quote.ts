/**
 * A string for an nginx configuration. Everything that reaches this point was checked with the definition; this is the
 * last door, and it stays shut for what nginx would expand or end a line with.
 */
export function quoteNginx(text: string): string {
  if (text.includes('$')) throw new Error(`${JSON.stringify(text)} cannot stand in an nginx configuration`);
  return quoteExpanded(text);
}

/** The same, where a `$` is meant: in a regular expression, in which nginx expands nothing, and in raw directives. */
export function quoteExpanded(text: string): string {
  // eslint-disable-next-line no-control-regex -- refusing control characters is the point
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new Error(`${JSON.stringify(text)} cannot stand in an nginx configuration`);
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A path that needs no quotes, because it has nothing to quote. */
export function plainPath(path: string): string {
  if (!/^\/[A-Za-z0-9._~/@+,-]*$/.test(path) || path.split('/').includes('..')) {
    throw new Error(`${JSON.stringify(path)} cannot stand in an nginx configuration`);
  }
  return path;
}

/** A network or an address, as `allow` and `geo` take it. */
export function plainNetwork(network: string): string {
  if (!/^[0-9a-f.:]+(\/\d{1,3})?$/.test(network)) {
    throw new Error(`${JSON.stringify(network)} cannot stand in an nginx configuration`);
  }
  return network;
}

/** A regular expression that matches a text as it is. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
