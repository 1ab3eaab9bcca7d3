/** What definitions are called that an import makes. */

/** `www.blog.example.org` → `blog-example`: the name of the definition's file. */
export function siteName(hostname: string): string {
  const labels = hostname
    .replace(/^www\./, '')
    .split('.')
    .filter((label) => label !== '' && !/[*?]/.test(label));
  const short = labels.length > 2 && /^[a-z]{2}$/.test(labels.at(-1)!) && labels.at(-2)!.length <= 3;
  return labels.slice(0, short ? -2 : -1).join('-') || labels.join('-');
}

/** A name a project can have, which no other in `taken` has; it is added there. */
export function freeName(wanted: string, taken: Set<string>): string {
  const plain =
    wanted
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^[^a-z]+|-+$/g, '')
      .slice(0, 24)
      .replace(/-+$/, '') || 'site';
  let name = plain;
  for (let n = 2; taken.has(name); n++) name = `${plain.slice(0, 21)}-${n}`;
  taken.add(name);
  return name;
}
