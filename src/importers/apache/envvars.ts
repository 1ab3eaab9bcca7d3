/** `export NAME=value` lines of Debian's /etc/apache2/envvars; the shell is not asked. */
export function readEnvvars(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [, name, quoted] of text.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)=(\S*)/gm)) {
    const value = quoted!.replaceAll(/^["']|["']$/g, '');
    values.set(
      name!,
      value.replaceAll(/\$\{?(\w+)\}?/g, (_, other: string) => values.get(other) ?? ''),
    );
  }
  return values;
}
