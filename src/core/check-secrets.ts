import type { Concern } from './concern.ts';
import type { Project } from './model.ts';
import { quote } from './units.ts';

/** How tokens of well-known services begin, and keys of every kind. */
const TOKEN =
  /^(?:gh[opsu]_\w{20}|github_pat_\w{20}|glpat-[\w-]{16}|xox[abprs]-[\w-]{10}|[rs]k_live_\w{10}|sk-[\w-]{20}|AKIA[0-9A-Z]{16}$|AIza[\w-]{30}|SG\.[\w-]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----)/;
const TELLING = /PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY/i;
/** `postgres://shop:password@db/shop` */
const WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:[^/@\s]{4,}@/i;
/** Bits per character; words of a language have less than random ones of the same length. */
const RANDOM = 3;

/** Variables that look like passwords: everyone who may use the engine can read them. */
export function checkLiterals({ name: project, apps }: Project): Concern[] {
  return apps.flatMap(({ name: app, env }) =>
    Object.entries(env)
      .filter(([key, value]) => looksSecret(key, value))
      .map(([key]): Concern => ({
        level: 'warning',
        topic: 'definitions',
        project,
        path: ['apps', app, 'env', key],
        on: 'key',
        hidden: true,
        message: `${quote(key)} looks like a password or a key, which everyone who may use the engine can read there`,
        hint: `take another one, \`hostctl secrets set ${project} ${key}\`, and write \`secrets: [${key}]\``,
      })),
  );
}

function looksSecret(key: string, value: string): boolean {
  if (TOKEN.test(value) || WITH_PASSWORD.test(value)) return true;
  return (
    TELLING.test(key) && !key.endsWith('_FILE') && value.length >= 12 && !/\s|^\//.test(value) && bits(value) >= RANDOM
  );
}

/** Shannon entropy of one character. */
function bits(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / value.length) * Math.log2(count / value.length), 0);
}
