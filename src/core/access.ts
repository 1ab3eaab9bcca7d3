import { resolve } from 'node:path';
import { findControl } from './characters.ts';
import type { HttpInput } from './http-schema.ts';
import { parseNetwork } from './networks.ts';
import type { PathKey } from './problems.ts';
import type { Report, Surroundings } from './report.ts';
import { bySpecificity, parseUrlPath } from './routes.ts';
import type { AccessRule } from './settings.ts';
import { quote } from './units.ts';

/** Every request with a password pays for it, and holds its proxy process up: cost 10 is a tenth of a second. */
const MOST_COST = 10;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/;
const SHA1 = /^\{SHA\}[A-Za-z0-9+/]{27}=$/;

/** The `access:` section, longest path first. */
export function readAccess(input: HttpInput['access'], around: Surroundings, report: Report): AccessRule[] {
  const seen = new Set<string>();
  const rules = Object.entries(input ?? {}).flatMap(([text, entry]) => {
    const at = ['http', 'access', text];
    const path = parseUrlPath(text);
    if (!path.ok) report.add(at, path.message, { on: 'key' });
    else if (seen.has(path.value)) report.add(at, `${quote(path.value)} has two rules`, { on: 'key' });
    else seen.add(path.value);
    checkRule(entry, at, report);
    const rule: AccessRule = {
      path: path.ok ? path.value : '/',
      ...(entry.allow === undefined ? {} : { allow: readNetworks(entry.allow, [...at, 'allow'], report) }),
      ...(entry.users === undefined ? {} : { users: readUsers(entry.users, [...at, 'users'], around, report) }),
      realm: entry.realm ?? 'Restricted',
      either: entry.either ?? false,
    };
    return [rule];
  });
  return rules.toSorted(bySpecificity);
}

function checkRule(entry: NonNullable<HttpInput['access']>[string], at: string[], report: Report): void {
  const both = entry.allow !== undefined && entry.users !== undefined;
  if (entry.allow === undefined && entry.users === undefined) {
    const hint = 'add `allow: [10.0.0.0/8]`, `users: ./htpasswd`, or `allow: []` for nobody';
    report.add(at, 'nothing says who may', { hint, on: 'key' });
  } else if (entry.either !== undefined && !both) {
    report.add([...at, 'either'], '`either` needs both `allow` and `users`', { on: 'key' });
  }
  if (entry.realm !== undefined && entry.users === undefined) {
    report.add([...at, 'realm'], '`realm` is what `users` are asked with', { on: 'key' });
  }
}

/** A list of addresses and networks, without what is wrong in it. */
export function readNetworks(texts: readonly string[], at: readonly PathKey[], report: Report): string[] {
  return texts.flatMap((text, index) => {
    const network = parseNetwork(text);
    if (network.ok) return [network.value];
    report.add([...at, index], network.message);
    return [];
  });
}

function readUsers(file: string, at: readonly PathKey[], around: Surroundings, report: Report): string[] {
  const path = resolve(around.dir, file);
  const kind = around.exists(path);
  const text = around.text(path);
  if (kind !== 'file' || text === undefined) {
    const what = { folder: 'is a folder', closed: 'cannot be read', file: 'is no text file', none: 'is not there' };
    report.add(at, `${quote(file)} ${what[kind ?? 'none']}`, { hint: `looked for ${path}` });
    return [];
  }
  const seen = new Set<string>();
  const users = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const wrong = flawOf(line, seen, file);
    if (wrong) report.add(at, `line ${index + 1} of ${quote(file)}: ${wrong.message}`, { hint: wrong.hint });
    return wrong ? [] : [line];
  });
  if (seen.size === 0 && users.length === 0) {
    report.add(at, `${quote(file)} holds no user`, { hint: `write one with htpasswd -B ${file} NAME` });
  }
  return users;
}

function flawOf(line: string, seen: Set<string>, file: string): { message: string; hint: string } | undefined {
  const colon = line.indexOf(':');
  const user = line.slice(0, Math.max(colon, 0));
  const hash = line.slice(colon + 1);
  const again = `write it anew with htpasswd -B ${file} ${user === '' ? 'NAME' : user}`;
  if (colon < 1) {
    seen.add('');
    return { message: 'is not NAME:HASH', hint: again };
  }
  if (findControl(line) !== undefined || line.includes('{{')) {
    seen.add(user);
    return { message: 'holds a character that no user name can', hint: `write it anew with htpasswd -B ${file} NAME` };
  }
  if (seen.has(user)) return { message: `the user ${quote(user)} stands there twice`, hint: 'keep one of the lines' };
  seen.add(user);
  const cost = Number(BCRYPT.exec(hash)?.[1] ?? 0);
  if (cost > MOST_COST) {
    const message = `bcrypt of cost ${cost} for ${quote(user)} would hold the proxy up at every request`;
    return { message, hint: `at most ${MOST_COST}: ${again}` };
  }
  if (cost > 0 || APR1.test(hash) || SHA1.test(hash)) return undefined;
  return {
    message: `the password of ${quote(user)} is not bcrypt, apr1 or SHA1, which every proxy checks`,
    hint: again,
  };
}
