/** What only BuildKit can read of a Dockerfile, and how it is called. */
const BUILDKIT_ONLY: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\s*#\s*syntax\s*=\s*\S+/i, 'a `# syntax` line'],
  [/^\s*RUN\s+(--\S+\s+)*--(mount|network|security|device)\b/i, 'flags of RUN'],
  [
    /^\s*(COPY|ADD)\s+(--\S+\s+)*--(link|chmod|parents|exclude|checksum|keep-git-dir|unpack)\b/i,
    'flags of COPY and ADD',
  ],
  [/^\s*(RUN|COPY|ADD)\s(.*\s)?<<-?["']?[A-Za-z_]/i, 'here-documents'],
  [/^\s*ARG\s+(.*\s)?(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)\b/i, "BuildKit's own arguments"],
  [/^\s*FROM\s+.*\$\{?(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)\b/i, "BuildKit's own arguments"],
];

/** The first thing in a Dockerfile that needs BuildKit, such as `flags of RUN (line 4)`; undefined for what any builder reads. */
export function buildKitNeed(dockerfile: string): string | undefined {
  for (const [index, line] of dockerfile.split('\n').entries()) {
    const found = BUILDKIT_ONLY.find(([pattern]) => pattern.test(line));
    if (found) return `${found[1]} (line ${index + 1})`;
  }
  return undefined;
}
