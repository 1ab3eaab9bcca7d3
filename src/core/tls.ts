import { resolve } from 'node:path';
import { covers, namesToOrder, readPair, someNames } from './certificate.ts';
import type { Hostname } from './hostnames.ts';
import type { Tls, WorkspaceTls } from './model.ts';
import type { Finding } from './problems.ts';
import { duration, readCommand, type Report, type Surroundings } from './report.ts';
import type { ProjectTlsInput, WorkspaceTlsInput } from './tls-schema.ts';
import { quote } from './units.ts';

const DIRECTORIES: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
};
/** What Let's Encrypt puts into one certificate. */
const MOST_NAMES = 100;

/** `tls` of a project, or undefined with what is wrong reported. */
export function readTls(
  input: ProjectTlsInput,
  hostnames: readonly Hostname[],
  around: Surroundings,
  report: Report,
): Tls | undefined {
  if (hostnames.length === 0) {
    report.add(['tls'], 'there is no hostname to secure', { hint: 'add `hostnames`', on: 'key' });
    return undefined;
  }
  const redirect = input.redirect ?? true;
  if (input.acme !== undefined) {
    if (input.certificate !== undefined || input.key !== undefined) {
      const given = input.certificate === undefined ? 'key' : 'certificate';
      report.add(['tls', given], 'stands beside `acme`', { hint: 'keep one of the two', on: 'key' });
      return undefined;
    }
    if (!around.host.existing) {
      checkChallenge(input.acme, around, report);
      checkOrder(input.acme, hostnames, report);
    }
    return { source: { kind: 'acme', challenge: input.acme }, redirect };
  }
  if (input.certificate === undefined || input.key === undefined) {
    const missing = [
      ...(input.certificate === undefined ? ['certificate'] : []),
      ...(input.key === undefined ? ['key'] : []),
    ];
    const hint =
      missing.length === 2 ? 'write `acme: http`, or the paths of `certificate` and `key`' : `add \`${missing[0]}\``;
    report.add(['tls'], `${missing.map(quote).join(' and ')} ${missing.length === 2 ? 'are' : 'is'} missing`, {
      hint,
      on: 'key',
    });
    return undefined;
  }
  if (around.host.existing) {
    const hint = 'give them to that one and write `tls: { acme: http }`: which challenge it is does not matter then';
    report.add(['tls', 'certificate'], 'the Traefik that runs already cannot read files of yours', { hint, on: 'key' });
    return undefined;
  }
  const files = { certificate: resolve(around.dir, input.certificate), key: resolve(around.dir, input.key) };
  checkFiles(files, hostnames, around, report);
  return { source: { kind: 'files', ...files }, redirect };
}

function checkFiles(
  files: { readonly certificate: string; readonly key: string },
  hostnames: readonly Hostname[],
  around: Surroundings,
  report: Report,
): void {
  const texts = (['certificate', 'key'] as const).map((name) => {
    const kind = around.exists(files[name]);
    const wrong = {
      folder: 'is a folder: write the path of the file',
      closed: 'cannot be read: check its owner and mode',
    };
    if (kind !== 'file') {
      report.add(['tls', name], `${quote(files[name])} ${kind === undefined ? 'is not there' : wrong[kind]}`);
      return undefined;
    }
    const text = around.text(files[name]);
    if (text === undefined) report.add(['tls', name], `${quote(files[name])} is no PEM file`);
    return text;
  });
  const [certificate, key] = texts;
  if (certificate === undefined || key === undefined) return;
  const read = readPair(certificate, key);
  if (!read.ok) {
    report.add(
      ['tls', read.at],
      `${quote(files[read.at])} ${read.message}`,
      read.hint === undefined ? {} : { hint: read.hint },
    );
    return;
  }
  if (hostnames.some((hostname) => covers(read.pair.names, hostname))) return;
  const hint = `the site's hostnames are ${someNames(hostnames.map(({ name }) => name))}`;
  report.add(
    ['tls', 'certificate'],
    `is for ${someNames(read.pair.names)}, and no hostname of the site is among them`,
    { hint },
  );
}

/** Whether this host's proxy can answer the challenge at all. */
function checkChallenge(challenge: string, { host }: Surroundings, report: Report): void {
  const at = ['tls', 'acme'];
  const nginx = host.orders;
  if (challenge === 'tls-alpn' && nginx) {
    const hint = 'write `acme: http` or `acme: dns`, or choose the driver traefik in hostctl.yaml';
    report.add(at, 'nginx cannot answer this challenge: it does not choose a certificate by protocol', { hint });
  }
  if (challenge !== 'dns') return;
  if (nginx && !host.tls.dns.hook) {
    report.add(at, 'nothing says how to make a DNS record', { hint: 'add `tls.dns.hook` to hostctl.yaml' });
  } else if (!nginx && host.tls.dns.provider === undefined) {
    report.add(at, 'nothing says how to make a DNS record', { hint: 'add `tls.dns.provider` to hostctl.yaml' });
  }
}

/** What no certificate authority would issue is found here, and not at its rate limit. */
function checkOrder(challenge: string, hostnames: readonly Hostname[], report: Report): void {
  for (const [index, { kind, name }] of hostnames.entries()) {
    const at = ['hostnames', index];
    if (kind === 'glob' || kind === 'trailing') {
      const base = /^\*([a-z0-9-]+\.[a-z0-9.-]+)$/.exec(name)?.[1];
      const hint = base === undefined ? 'write every name in full' : `write ${quote(base)} and ${quote(`*.${base}`)}`;
      report.add(at, `no certificate can be ordered for ${quote(name)}`, { hint });
    } else if (kind === 'leading' && challenge !== 'dns') {
      const hint = 'write `acme: dns`, or every name in full';
      report.add(at, `a certificate for ${quote(name)} can only be ordered with the dns challenge`, { hint });
    } else if (!name.includes('.')) {
      report.add(at, `no certificate can be ordered for ${quote(name)}`, {
        hint: 'only names of the public DNS have one',
      });
    }
  }
  const names = namesToOrder(hostnames);
  if (names.length > MOST_NAMES) {
    report.add(
      ['hostnames', MOST_NAMES],
      `a certificate holds at most ${MOST_NAMES} names, and this site has ${names.length}`,
      {
        hint: 'divide it into several projects',
      },
    );
  }
}

/** Files `tls` of hostctl.yaml names, by what they are for; absolute. */
export function workspaceTlsFiles(input: WorkspaceTlsInput | undefined, dir: string): { trust?: string; env?: string } {
  const trust = input?.['ca-certificates'];
  const env = input?.dns?.env;
  return {
    ...(trust === undefined ? {} : { trust: resolve(dir, trust) }),
    ...(env === undefined ? {} : { env: resolve(dir, env) }),
  };
}

/** What the schema cannot see of `tls` of hostctl.yaml. @param text content of a file; undefined when there is none */
export function checkWorkspaceTls(input: WorkspaceTlsInput | undefined, dir: string, text: Texts): Finding[] {
  const findings: Finding[] = [];
  const report: Report = { add: (path, message, more = {}) => findings.push({ path, message, ...more }) };
  readCommand(input?.dns?.hook, ['tls', 'dns', 'hook'], report);
  const { trust, env } = workspaceTlsFiles(input, dir);
  if (trust !== undefined) {
    const at = ['tls', 'ca-certificates'];
    const found = text(trust);
    if (found === undefined) report.add(at, `${quote(trust)} cannot be read`);
    else if (!found.includes('-----BEGIN CERTIFICATE-----')) report.add(at, `${quote(trust)} holds no certificate`);
  }
  if (env !== undefined) {
    const found = text(env);
    if (found === undefined) report.add(['tls', 'dns', 'env'], `${quote(env)} cannot be read`);
    else {
      const wrong = variableLines(found).find(({ name }) => name === undefined);
      const hint = 'write NAME=value on every line; a # begins a comment';
      if (wrong) report.add(['tls', 'dns', 'env'], `line ${wrong.line} of ${quote(env)} is no variable`, { hint });
    }
  }
  return findings;
}

/** Content of a file that hostctl.yaml names. */
export type Texts = (path: string) => string | undefined;

/** `tls` of hostctl.yaml with the defaults filled in. */
export function normaliseWorkspaceTls(input: WorkspaceTlsInput = {}, dir: string, text: Texts): WorkspaceTls {
  const ca = input.ca ?? 'letsencrypt';
  const { hook, provider, wait } = input.dns ?? {};
  const words = readCommand(hook, [], { add: () => undefined });
  const files = workspaceTlsFiles(input, dir);
  const trust = files.trust === undefined ? undefined : text(files.trust);
  const env = files.env === undefined ? undefined : text(files.env);
  return {
    directory: DIRECTORIES[ca] ?? ca,
    ...(input.email === undefined ? {} : { email: input.email }),
    ...(trust === undefined ? {} : { trust }),
    resolvers: input.resolvers ?? [],
    dns: {
      ...(words === undefined
        ? {}
        : { hook: [words[0]!.includes('/') ? resolve(dir, words[0]!) : words[0]!, ...words.slice(1)] }),
      ...(provider === undefined ? {} : { provider }),
      ...(env === undefined
        ? {}
        : { env: Object.fromEntries(variableLines(env).map(({ name, value }) => [name, value])) }),
      wait: duration(wait ?? '2m'),
    },
  };
}

/** Lines of an environment file, as Docker reads them: no quotes, no expansion. `name` is absent where there is none. */
function variableLines(text: string): { line: number; name?: string; value: string }[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) return [];
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(raw);
    return [match ? { line: index + 1, name: match[1]!, value: match[2]! } : { line: index + 1, value: '' }];
  });
}
